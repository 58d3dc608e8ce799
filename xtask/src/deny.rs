//! What may enter the dependency tree: `deny.toml`, through cargo-deny.

use crate::cargo::Cargo;
use crate::outcome::{Failure, Outcome, Skipped};

const VERSION: &str = "0.20.2";

pub(crate) fn run() -> Outcome {
    ensure_installed()?;
    Cargo::new(["deny", "check", "bans", "licenses", "sources"]).run()?;
    if std::env::var_os("OFFHOOK_ADVISORIES").is_some_and(|value| value == "1") {
        Cargo::new(["deny", "check", "advisories"]).run()?;
        return Ok(Vec::new());
    }
    let reason = "the advisory database cannot be reached from here \
        (OFFHOOK_ADVISORIES=1 where it can)";
    Ok(vec![Skipped { what: "advisories", reason: reason.to_owned() }])
}

fn ensure_installed() -> Result<(), Failure> {
    if let Some(version) = Cargo::new(["deny", "--version"]).probe() {
        if version != format!("cargo-deny {VERSION}") {
            println!("{version} is here and used; deny.toml is written for {VERSION}");
        }
        return Ok(());
    }
    println!("cargo-deny is not installed: building it takes a minute or two, once");
    // It runs for a second and would be optimised for many: a debug build is there far sooner.
    Cargo::new(["install", "cargo-deny", "--version", VERSION, "--locked", "--debug"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .run()
}
