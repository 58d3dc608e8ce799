//! Is the admin API as it describes itself?
//!
//! Schemathesis reads the description of a running daemon and tries what it says: requests that fit
//! it, and requests that do not. `tests/api/` says how.

use crate::cargo::Cargo;
use crate::install::{self, Installed};
use crate::outcome::{Failure, Outcome, Skipped};
use crate::program::Program;
use crate::service::Service;
use crate::workspace::Workspace;

/// The daemon's configuration has none of its own.
const TOKEN: (&str, &str) = ("OFFHOOK_API__TOKEN", "the token of the examination");

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let (sources, target) = (workspace.root.join("tests/api"), workspace.target.join("api"));
    let python = target.join("python");
    let interpreter = match install::python(&sources.join("requirements.txt"), &python)? {
        Installed::Ready(interpreter) => interpreter,
        Installed::Not(reason) => return Ok(vec![Skipped { what: "api", reason }]),
    };
    // The same build as the demo's.
    Cargo::new(["build", "--release", "--package", "offhook-cli"]).run()?;
    let binary = workspace.target.join("release").join("offhook");

    // So fast that a call is answered before the next request for it.
    let emulator = Service::emulator(&binary, 100)?;
    let base = emulator.address("carrier")?;
    let variables = [TOKEN, ("OFFHOOK_TWILIO__API_BASE", &base)];
    let config = sources.join("offhook.toml");
    let daemon = Service::daemon(&binary, &target, &config, &variables)?;
    let ran = Program::new(&interpreter)
        .arg(sources.join("examine.py"))
        .arg(daemon.address("api")?)
        .env(TOKEN.0, TOKEN.1)
        .within(&target)
        .without_proxies()
        .run()?;
    print!("{}", ran.text);
    ran.verdict().map_err(|failure| Failure::new(format!("examine.py: {failure}")))?;
    Ok(Vec::new())
}
