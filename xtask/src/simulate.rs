//! Whole stories in virtual time: does anything that must hold ever not?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

/// Some of them, for a bounded time.
pub(crate) fn run() -> Outcome {
    with(&["--seconds", "20", "--seeds", "1000000"])
}

/// Those that these words ask for (`--seeds N --from K --provider P`).
pub(crate) fn with(words: &[&str]) -> Outcome {
    let program = ["run", "--release", "--package", "offhook-simulation", "--"];
    Cargo::new(program.into_iter().chain(words.iter().copied())).run()?;
    Ok(Vec::new())
}
