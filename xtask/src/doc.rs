//! Does the documentation build without a warning?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    // The binary and the facade are both called `offhook`, and so would their pages be. The
    // binary's come first, so that the library's are what remains to be read.
    document(&["--package", "offhook-cli"])?;
    document(&["--workspace", "--exclude", "offhook-cli"])?;
    Ok(Vec::new())
}

fn document(packages: &[&str]) -> Result<(), crate::outcome::Failure> {
    let how = ["--no-deps", "--all-features"];
    Cargo::new(["doc"].into_iter().chain(packages.iter().copied()).chain(how))
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}
