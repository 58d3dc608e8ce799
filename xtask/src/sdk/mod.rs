//! Do the carriers' official SDKs, unmodified, agree with the emulator?
//!
//! The scripts in `tests/sdk/` use an SDK as its users do. What the emulator answers and signs is
//! thereby judged by code that is not ours. SDKs are installed below `target/`, and again only
//! when the list of them changes.

mod emulator;
mod install;
mod program;

use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::outcome::{Failure, Outcome, Skipped};
use crate::workspace::Workspace;
use emulator::Emulator;
use install::Installed;
use program::Program;

/// An SDK, ready to be used.
struct Sdk {
    /// What runs a script that uses it.
    interpreter: PathBuf,
    script: &'static str,
    /// Where the interpreter finds it.
    folder: PathBuf,
}

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let (sources, target) = (workspace.root.join("tests/sdk"), workspace.target.join("sdk"));
    let mut sdks = Vec::new();
    let mut skips = Vec::new();
    for (what, installed) in [
        ("Python SDK", install::python(&sources, &target.join("python"))?),
        ("Node SDK", install::node(&sources, &target.join("node"))?),
    ] {
        match installed {
            Installed::Ready(sdk) => sdks.push(sdk),
            Installed::Not(reason) => skips.push(Skipped { what, reason }),
        }
    }
    if sdks.is_empty() {
        let reasons: Vec<String> = skips.into_iter().map(|skip| skip.reason).collect();
        return Ok(vec![Skipped { what: "sdk", reason: reasons.join("; ") }]);
    }
    // The same build as the demo's.
    Cargo::new(["build", "--release", "--package", "offhook-cli"]).run()?;
    let binary = workspace.target.join("release").join("offhook");
    for sdk in sdks {
        examine(&sdk, &sources, &binary)?;
    }
    Ok(skips)
}

/// Runs one script against an emulator of its own, so that it knows each call there is.
fn examine(sdk: &Sdk, sources: &Path, binary: &Path) -> Result<(), Failure> {
    let emulator = Emulator::start(binary)?;
    let script = sources.join(sdk.script);
    let ran = Program::new(&sdk.interpreter)
        .arg(&script)
        .arg(emulator.address())
        .within(&sdk.folder)
        .without_proxies()
        .run()?;
    print!("{}", ran.text);
    if !ran.success {
        return Err(Failure::new(format!("{} failed", sdk.script)));
    }
    verdict(&ran.text).map_err(|failure| Failure::new(format!("{}: {failure}", sdk.script)))
}

/// An exit code of 0 and nothing tested is no success.
fn verdict(report: &str) -> Result<(), Failure> {
    let last = report.lines().last().unwrap_or_default();
    let passed = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse().ok());
    match passed {
        Some(1_u32..) => Ok(()),
        _ => Err(Failure::new(format!("it ended with {last:?} and not with what passed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_ends_with_what_passed() {
        assert!(verdict("ok     a call is placed\n8 passed, 0 failed\n").is_ok());
        for report in ["", "0 passed, 0 failed\n", "8 passed, 1 failed\n", "8 passed, 0 failed\nx"]
        {
            assert!(verdict(report).is_err(), "{report}");
        }
    }
}
