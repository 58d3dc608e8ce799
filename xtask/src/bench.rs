//! How fast is the product, beside what it could be?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    run_with(&[])
}

/// The same; the words are the benchmarks' own (`benches/src/wanted.rs`).
pub(crate) fn run_with(words: &[&str]) -> Outcome {
    let run = ["run", "--release", "--package", "offhook-bench", "--"];
    Cargo::new(run.into_iter().chain(words.iter().copied())).run()?;
    Ok(Vec::new())
}
