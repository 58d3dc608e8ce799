//! Is everything formatted?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    Cargo::new(["fmt", "--all", "--check"]).run()?;
    Ok(Vec::new())
}
