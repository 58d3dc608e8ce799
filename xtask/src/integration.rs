//! Does the assembled product do its main job, on each provider there is?

use crate::cargo::Cargo;
use crate::graph::providers;
use crate::outcome::{Failure, Outcome};
use crate::workspace::Workspace;

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let providers = providers(&workspace);
    if providers.is_empty() {
        return Err(Failure::new("there is no provider crate to run the demo on"));
    }
    for provider in providers {
        let name = provider.name.trim_start_matches("offhook-");
        let build = ["run", "--release", "--package", "offhook-cli", "--"];
        Cargo::new(build.into_iter().chain(["demo", "--json", "--provider", name])).run()?;
    }
    Ok(Vec::new())
}
