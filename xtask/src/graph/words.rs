//! Words that must not stand in the code of a folder. Comments and tests may have them.

use crate::graph::providers;
use crate::graph::source::File;
use crate::workspace::Workspace;
use Find::{Anywhere, Word};

/// What a folder's code must not contain.
pub(super) struct Rule {
    pub(super) folders: &'static [&'static str],
    pub(super) find: Vec<Find>,
    pub(super) why: &'static str,
}

/// How to look.
#[derive(Debug)]
pub(super) enum Find {
    /// As a word or path of its own.
    Word(&'static str),
    /// Also within a longer word, in any case.
    Anywhere(String),
}

/// Carriers that are named here before their crates exist.
const CARRIERS: &[&str] = &["twilio", "plivo", "telnyx"];

/// The rules. `workspace` says which providers there are.
pub(super) fn rules(workspace: &Workspace) -> Vec<Rule> {
    let here = providers(workspace).into_iter().map(|package| package.name.as_str());
    let here = here.filter_map(|name| name.strip_prefix("offhook-"));
    let mut names: Vec<&str> = here.chain(CARRIERS.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();

    vec![
        Rule {
            folders: &["crates/manager/src/machine"],
            find: vec![
                Word("async"),
                Word("await"),
                Word("tokio"),
                Word("futures"),
                Word("std::env"),
                Word("std::fs"),
                Word("std::io"),
                Word("std::net"),
                Word("std::process"),
                Word("std::sync"),
                Word("std::thread"),
                // `std::{fs, net}` would hide from the lines above.
                Anywhere("std::{".to_owned()),
                Word("Instant"),
                Word("SystemTime"),
                // Timestamp::now, Zoned::now, Uuid::now_v7
                Anywhere("::now".to_owned()),
                Word("rand"),
                Word("fastrand"),
                Word("getrandom"),
                Anywhere("Uuid::new".to_owned()),
            ],
            why: "the machine is a function of its arguments",
        },
        Rule {
            folders: &["crates/core/src", "crates/manager/src", "crates/server/src"],
            find: names.into_iter().map(|name| Anywhere(name.to_owned())).collect(),
            why: "what a carrier can do is a capability; who it is stays in its own crate",
        },
    ]
}

/// Each line of these files that breaks the rule.
pub(super) fn faults(rule: &Rule, files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for folder in rule.folders {
        if !files.iter().any(|file| file.name.starts_with(folder)) {
            faults.push(format!("{folder} has no code to look at: has it moved?"));
        }
    }
    for file in files {
        for (index, line) in file.code.lines().enumerate() {
            for find in rule.find.iter().filter(|find| find.is_in(line)) {
                let (name, number) = (&file.name, index + 1);
                faults.push(format!("{name}:{number} has `{}`: {}", find.text(), rule.why));
            }
        }
    }
    faults
}

impl Find {
    fn text(&self) -> &str {
        match self {
            Word(text) => text,
            Anywhere(text) => text,
        }
    }

    fn is_in(&self, line: &str) -> bool {
        match self {
            Word(word) => line.match_indices(word).any(|(start, _)| {
                let before = line[..start].chars().next_back();
                let after = line[start + word.len()..].chars().next();
                let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                !in_word(before) && !in_word(after)
            }),
            Anywhere(text) => line.to_lowercase().contains(&text.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: usize, folder: &str, text: &str) -> Vec<String> {
        let none = Workspace { root: "/".into(), target: "/".into(), packages: Vec::new() };
        let rule = &rules(&none)[rule];
        let file = |folder: &&str| File::new(format!("{folder}/planted.rs"), "");
        let mut files: Vec<File> = rule.folders.iter().map(file).collect();
        files.push(File::new(format!("{folder}/call.rs"), text));
        faults(rule, &files)
    }

    const MACHINE: (usize, &str) = (0, "crates/manager/src/machine");

    #[test]
    fn a_machine_that_is_pure_passes() {
        let text = "//! Not async, reads no Timestamp::now and no rand.\n\
            use std::time::Duration;\n\
            /* std::fs */ fn apply(random: u8, operand: u8, instant_of: u8) {}\n\
            #[cfg(test)]\nmod tests {\n    fn at() { let _ = Timestamp::now(); }\n}\n";
        assert_eq!(found(MACHINE.0, MACHINE.1, text), [""; 0]);
    }

    #[test]
    fn each_impurity_of_the_machine_is_a_fault() {
        for (line, word) in [
            ("async fn apply() {}", "async"),
            ("ask().await;", "await"),
            ("use tokio::sync::mpsc;", "tokio"),
            ("std::fs::write(path, text);", "std::fs"),
            ("use std::net::IpAddr;", "std::net"),
            ("use std::{fs, time::Duration};", "std::{"),
            ("use std::time::{Duration, Instant};", "Instant"),
            ("use std::time::SystemTime;", "SystemTime"),
            ("let now = Timestamp::now();", "::now"),
            ("let now = jiff::Zoned::now();", "::now"),
            ("let id = Uuid::now_v7();", "::now"),
            ("let id = uuid::Uuid::new_v4();", "Uuid::new"),
            ("let jitter = rand::random();", "rand"),
        ] {
            let text = format!("//! A module.\n{line}\n");
            let faults = found(MACHINE.0, MACHINE.1, &text);
            let wanted = format!("{}/call.rs:2 has `{word}`", MACHINE.1);
            assert!(faults.iter().any(|it| it.starts_with(&wanted)), "{line}: {faults:?}");
        }
    }

    #[test]
    fn a_carriers_name_may_stand_in_comments_and_tests_only() {
        let text = "/// `twilio`, say.\npub struct Name; // or Plivo\n\
            #[cfg(test)]\nmod tests { const NAME: &str = \"telnyx\"; }\n";
        for folder in ["crates/core/src", "crates/manager/src/driver", "crates/server/src"] {
            assert_eq!(found(1, folder, text), [""; 0]);
            for line in [
                "if name == \"twilio\" {}",
                "struct PlivoQuirk;",
                "const TELNYX: u8 = 1;",
                "let twilio_sid = 1;",
            ] {
                let faults = found(1, folder, &format!("{text}{line}\n"));
                assert_eq!(faults.len(), 1, "{line}: {faults:?}");
                assert!(faults[0].starts_with(&format!("{folder}/call.rs:5 has")), "{faults:?}");
            }
        }
    }

    #[test]
    fn a_folder_that_is_gone_is_a_fault() {
        let none = Workspace { root: "/".into(), target: "/".into(), packages: Vec::new() };
        let faults = faults(&rules(&none)[0], &[]);
        assert!(faults[0].contains("machine has no code to look at"), "{faults:?}");
    }
}
