//! What a consumer's tree has, and what its manifest wants.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::texts;

/// The crates of a tree, each with its features.
#[derive(Debug)]
pub(super) struct Tree(BTreeMap<String, BTreeSet<String>>);

/// `[package.metadata.consumer]`.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The only crates of ours that may be there.
    ours: Vec<String>,
    /// Crates that must not be there.
    absent: Vec<String>,
    /// Features of tokio that must not be on.
    tokio_features_absent: Vec<String>,
}

impl Tree {
    /// Reads `cargo tree --prefix none --format '{p}|{f}'`.
    pub(super) fn read(text: &str) -> Self {
        let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in text.lines() {
            // `(*)` marks what was shown before.
            let line = line.trim_end().trim_end_matches("(*)").trim_end();
            let (package, features) = line.rsplit_once('|').unwrap_or((line, ""));
            let Some(name) = package.split_whitespace().next() else { continue };
            let features = features.split(',').filter(|it| !it.is_empty()).map(str::to_owned);
            crates.entry(name.to_owned()).or_default().extend(features);
        }
        Self(crates)
    }

    /// How many crates there are, the consumer included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Wanted {
    /// Reads a package's metadata.
    pub(super) fn read(metadata: &Value) -> Option<Self> {
        let consumer = &metadata["consumer"];
        Some(Self {
            ours: texts(&consumer["ours"])?,
            absent: texts(&consumer["absent"])?,
            tokio_features_absent: texts(&consumer["tokio-features-absent"])?,
        })
    }

    /// Each way in which the tree is not as wanted. `workspace` are the names of all our crates.
    pub(super) fn faults(&self, tree: &Tree, workspace: &[&str]) -> Vec<String> {
        let Tree(crates) = tree;
        let mut faults = Vec::new();
        for name in self.absent.iter().filter(|name| crates.contains_key(*name)) {
            faults.push(format!("{name} is in the tree and must be absent"));
        }
        let is_ours = |name: &&String| workspace.contains(&name.as_str());
        for name in crates.keys().filter(is_ours).filter(|name| !self.ours.contains(name)) {
            faults.push(format!("{name} is in the tree: of ours, only {}", self.ours.join(", ")));
        }
        // A list that matches nothing would prove nothing.
        for name in self.ours.iter().filter(|name| !crates.contains_key(*name)) {
            faults.push(format!("{name} is not in the tree: is this the right list?"));
        }
        if let Some(features) = crates.get("tokio") {
            for name in self.tokio_features_absent.iter().filter(|name| features.contains(*name)) {
                faults.push(format!("tokio has its feature `{name}`, which must be off"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &[&str] = &["offhook", "offhook-core", "offhook-twilio", "offhook-manager"];

    fn faults(tree: &str) -> Vec<String> {
        let wanted = Wanted::read(&serde_json::json!({ "consumer": {
            "ours": ["offhook-core", "offhook-twilio"],
            "absent": ["axum", "rusqlite"],
            "tokio-features-absent": ["full", "fs"],
        }}));
        wanted.unwrap().faults(&Tree::read(tree), OURS)
    }

    const RIGHT: &str = "\
one-provider v0.0.0 (/house/tests/consumers/one-provider)|
offhook-twilio v0.1.0 (/house/crates/twilio)|default,http
offhook-core v0.1.0 (/house/crates/core)|http
async-trait v0.1.0 (proc-macro)|
tokio v1.54.1|net,rt (*)
tokio v1.54.1|net,rt,time
";

    #[test]
    fn a_tree_with_no_more_than_is_wanted_passes() {
        assert_eq!(faults(RIGHT), [""; 0]);
    }

    #[test]
    fn each_thing_too_much_is_a_fault() {
        for (line, wanted) in [
            ("axum v0.8.0|http1", "axum is in the tree and must be absent"),
            ("rusqlite v0.41.1| (*)", "rusqlite is in the tree and must be absent"),
            ("offhook-manager v0.1.0 (/m)|", "offhook-manager is in the tree: of ours, only"),
            ("offhook v0.1.0 (/m)|", "offhook is in the tree: of ours, only"),
            ("tokio v1.54.1|fs,net (*)", "tokio has its feature `fs`"),
            ("tokio v1.54.1|full", "tokio has its feature `full`"),
        ] {
            let faults = faults(&format!("{RIGHT}{line}\n"));
            assert_eq!(faults.len(), 1, "{line}: {faults:?}");
            assert!(faults[0].starts_with(wanted), "{line}: {faults:?}");
        }
    }

    #[test]
    fn a_list_that_matches_nothing_is_a_fault() {
        assert_eq!(faults("one-provider v0.0.0|\n").len(), 2);
        assert!(Wanted::read(&serde_json::json!({})).is_none());
        assert!(Wanted::read(&Value::Null).is_none());
    }
}
