//! Does clippy have anything to say?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    let scope = ["clippy", "--workspace", "--all-targets", "--all-features"];
    Cargo::new(scope.into_iter().chain(["--", "-D", "warnings"])).run()?;
    Ok(Vec::new())
}
