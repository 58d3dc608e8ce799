//! Does a package that uses one of our crates get that one, and no more?
//!
//! Each package in `tests/consumers/` is a workspace of its own, so that it resolves just the
//! features that one user would get. Its manifest says what must not come along.

mod tree;

use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::outcome::{Failure, Outcome};
use crate::workspace::Workspace;
use tree::{Tree, Wanted};

const FOLDER: &str = "tests/consumers";

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let names: Vec<&str> = workspace.packages.iter().map(|it| it.name.as_str()).collect();
    let consumers = consumers(&workspace.root.join(FOLDER))?;
    if consumers.is_empty() {
        return Err(Failure::new(format!("there is no consumer in {FOLDER}")));
    }
    for folder in consumers {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("-- {name}");
        examine(&workspace, &names, &folder)
            .map_err(|failure| Failure::new(format!("{name}: {failure}")))?;
    }
    Ok(Vec::new())
}

fn examine(workspace: &Workspace, names: &[&str], folder: &Path) -> Result<(), Failure> {
    let manifest = folder.join("Cargo.toml");
    // From our lock file, so that a consumer has the versions that we test with, and needs no
    // look at the registry for newer ones.
    copy(&workspace.root.join("Cargo.lock"), &folder.join("Cargo.lock"))?;
    let wanted = Workspace::of(&manifest)?;
    let wanted = wanted
        .packages
        .first()
        .and_then(|package| Wanted::read(&package.metadata))
        .ok_or_else(|| Failure::new("its manifest lacks [package.metadata.consumer]"))?;

    let shown = shown(workspace, &manifest);
    let how = ["--edges", "normal", "--target", "all", "--prefix", "none", "--format", "{p}|{f}"];
    let words = ["tree", "--manifest-path", &shown].into_iter().chain(how);
    let tree = Tree::read(&Cargo::new(words).output()?);
    Failure::of(&wanted.faults(&tree, names))?;
    println!("{} crates, none of those that must be absent", tree.len());

    let target = shown_target(workspace);
    Cargo::new(["check", "--manifest-path", &shown, "--target-dir", &target]).run()
}

/// The packages in this folder.
fn consumers(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = |error| Failure::new(format!("{} cannot be read: {error}", folder.display()));
    let mut consumers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.join("Cargo.toml").is_file() {
            consumers.push(path);
        }
    }
    consumers.sort();
    Ok(consumers)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::copy(from, to).map(drop).map_err(|error| {
        Failure::new(format!("{} cannot be copied to {}: {error}", from.display(), to.display()))
    })
}

/// The consumers share one target folder beside ours: what they resolve differs little.
fn shown_target(workspace: &Workspace) -> String {
    shown(workspace, &workspace.target.join("consumers"))
}

/// A path as a person in the workspace's root would write it, if that is where we are.
fn shown(workspace: &Workspace, path: &Path) -> String {
    let at_root = std::env::current_dir().is_ok_and(|here| here == workspace.root);
    let short = if at_root { path.strip_prefix(&workspace.root).unwrap_or(path) } else { path };
    short.to_string_lossy().into_owned()
}
