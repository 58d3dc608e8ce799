//! Do the carriers' official SDKs, unmodified, agree with the emulator?
//!
//! The scripts in `tests/sdk/` use an SDK as its users do. What the emulator answers and signs is
//! thereby judged by code that is not ours. SDKs are installed below `target/`, and again only
//! when the list of them changes.

use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::install::{self, Installed};
use crate::outcome::{Failure, Outcome, Skipped};
use crate::program::Program;
use crate::service::Service;
use crate::workspace::Workspace;

/// The SDKs of one language, ready to be used.
struct Sdks {
    /// What runs a script that uses one.
    interpreter: PathBuf,
    /// One for each carrier.
    scripts: &'static [&'static str],
    /// Where the interpreter finds them.
    folder: PathBuf,
}

const PYTHON: &[&str] = &["twilio_python.py", "plivo_python.py", "telnyx_python.py"];
const NODE: &[&str] = &["twilio_node.mjs", "plivo_node.mjs", "telnyx_node.mjs"];

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let (sources, target) = (workspace.root.join("tests/sdk"), workspace.target.join("sdk"));
    let mut sdks = Vec::new();
    let mut skips = Vec::new();
    let (python, node) = (target.join("python"), target.join("node"));
    let list = sources.join("requirements.txt");
    for (what, installed, scripts, folder) in [
        ("Python SDKs", install::python(&list, &python)?, PYTHON, python),
        ("Node SDKs", install::node(&sources, &node)?, NODE, node),
    ] {
        match installed {
            Installed::Ready(interpreter) => sdks.push(Sdks { interpreter, scripts, folder }),
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
    for sdks in sdks {
        for script in sdks.scripts {
            examine(&sdks, script, &sources, &binary)?;
        }
    }
    Ok(skips)
}

/// Runs one script against an emulator of its own, so that it knows each call there is.
fn examine(sdks: &Sdks, script: &str, sources: &Path, binary: &Path) -> Result<(), Failure> {
    let emulator = Service::emulator(binary, 20)?;
    let ran = Program::new(&sdks.interpreter)
        .arg(sources.join(script))
        .arg(emulator.address("carrier")?)
        .within(&sdks.folder)
        .without_proxies()
        .run()?;
    print!("{}", ran.text);
    ran.verdict().map_err(|failure| Failure::new(format!("{script}: {failure}")))
}
