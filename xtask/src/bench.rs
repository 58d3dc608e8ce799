//! How fast is the product, beside what it could be?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    Cargo::new(["run", "--release", "--package", "offhook-bench"]).run()?;
    Ok(Vec::new())
}
