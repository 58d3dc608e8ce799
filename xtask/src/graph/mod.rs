//! Do the arrows between our crates hold, and do they know only what they may?
//!
//! The rules are data: `rules.rs` for manifests, `words.rs` for source text.

mod arrows;
mod rules;
mod source;
mod words;

use crate::outcome::{Failure, Outcome};
use crate::workspace::{Package, Workspace};

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let mut faults = arrows::faults(&workspace);
    println!("arrows: {} packages looked at", workspace.packages.len());

    for rule in &words::rules(&workspace) {
        let files = source::files(&workspace.root, rule.folders)?;
        faults.extend(words::faults(rule, &files));
        println!("words:  {} files looked at in {}", files.len(), rule.folders.join(", "));
    }
    Failure::of(&faults)?;
    Ok(Vec::new())
}

/// The provider crates there are.
pub(crate) fn providers(workspace: &Workspace) -> Vec<&Package> {
    let is_provider = |package: &&Package| rules::role(package) == Some(rules::Role::Provider);
    workspace.packages.iter().filter(is_provider).collect()
}
