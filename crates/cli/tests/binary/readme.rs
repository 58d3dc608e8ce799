//! Each example of the README, as it stands there. Its Rust is a doctest of the facade.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::support::{Config, Daemon, Process, Request, offhook, run};

const README: &str = include_str!("../../../../README.md");
const FACADE: &str = include_str!("../../../offhook/Cargo.toml");

/// How the README calls the binary.
const BINARY: &str = "cargo run --release --";

/// The fenced blocks in a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if found == language {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

/// What stands between backticks outside of blocks.
fn words_of_code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The first cells of a table that begins with this head.
fn table(head: &str) -> Vec<&'static str> {
    let rows = README.split_once(&format!("\n{head}\n|---|---|\n")).expect(head).1;
    let rows = rows.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_start_matches('|').split('|').next().unwrap_or_default()).collect()
}

/// A command, and what the README says that it prints.
#[derive(Debug)]
struct Example {
    command: String,
    prints: String,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in blocks("console").iter().flat_map(|block| block.lines()) {
        match (line.strip_prefix("$ "), examples.last_mut()) {
            (Some(command), _) => {
                examples.push(Example { command: command.to_owned(), prints: String::new() });
            }
            (None, Some(example)) => {
                example.prints.push_str(line);
                example.prints.push('\n');
            }
            (None, None) => panic!("printed by no command: {line}"),
        }
    }
    examples
}

fn is_id(word: &str) -> bool {
    word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// A text without what differs from run to run: ids, numbers, and the room that they take.
fn shape(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split_whitespace().map(|word| {
            if is_id(word) {
                return "ID".to_owned();
            }
            let parts = word.split(|character: char| character.is_ascii_digit());
            parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("0")
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A reader with two terminals in a fresh folder.
struct Terminals {
    folder: tempfile::TempDir,
    daemon: Option<Process>,
    api: String,
    /// The ids that the README prints, and those that we got instead.
    ids: BTreeMap<String, String>,
}

impl Terminals {
    fn open() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            daemon: None,
            api: String::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Types a command. Only ports are others than they would be.
    fn follow(&mut self, example: &Example) {
        let Some(arguments) = example.command.strip_prefix(BINARY).map(str::trim) else {
            // This is one of its tests.
            assert_eq!(example.command, "cargo test --workspace", "nobody knows how to run it");
            return;
        };
        let arguments = self.ids.iter().fold(arguments.to_owned(), |arguments, (printed, got)| {
            arguments.replace(printed, got)
        });
        let printed = match arguments.as_str() {
            "serve" => self.serve(example.prints.lines().count()),
            other => self.run(other),
        };
        if !example.prints.is_empty() {
            assert_eq!(shape(&printed), shape(&example.prints), "{}", example.command);
            let ids = |text: &str| {
                let words = text.split_whitespace().filter(|word| is_id(word));
                words.map(str::to_owned).collect::<Vec<_>>()
            };
            self.ids.extend(ids(&example.prints).into_iter().zip(ids(&printed)));
        }
    }

    fn serve(&mut self, lines: usize) -> String {
        let mut serve = offhook(self.folder.path(), &["serve"]);
        serve.env("OFFHOOK_WEBHOOKS__LISTEN", "127.0.0.1:0");
        serve.env("OFFHOOK_API__LISTEN", "127.0.0.1:0");
        let daemon = Process::start(&mut serve, &self.folder.path().join("log"));
        let printed: Vec<String> = (0..lines).map_while(|_| daemon.line()).collect();
        let api = printed.iter().find_map(|line| line.trim().strip_prefix("API "));
        let api = api.and_then(|line| line.trim().split(',').next()).expect("the API's address");
        api.clone_into(&mut self.api);
        self.daemon = Some(daemon);
        printed.join("\n")
    }

    /// Runs a command by a shell, which knows what quotes mean.
    fn run(&self, arguments: &str) -> String {
        let script = format!("\"$0\" {arguments}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_offhook")]);
        shell.current_dir(self.folder.path()).env_clear().env("OFFHOOK_API_URL", &self.api);
        let ended = run(&mut shell);
        ended.succeeded();
        assert!(!ended.stdout.is_empty(), "{arguments} says nothing");
        ended.stdout
    }
}

#[test]
fn a_fresh_folder_and_the_first_two_commands_place_a_call() {
    let first_screen = README.lines().take(30).collect::<Vec<_>>().join("\n");
    let examples = examples();
    let mut terminals = Terminals::open();
    for (example, verb) in examples.iter().zip(["serve", "call"]) {
        assert!(first_screen.contains(&example.command), "{example:?}");
        assert!(example.command.starts_with(&format!("{BINARY} {verb}")), "{example:?}");
        terminals.follow(example);
    }
    let calls: serde_json::Value =
        serde_json::from_str(&terminals.run("calls --state all --json")).unwrap();
    let call = &calls["calls"][0];
    assert_eq!((&call["dial"], &call["to"]), (&json!("accepted"), &json!("+15550100001")));
    assert!(call["answered_at"].is_string(), "it was answered: {call}");
}

#[test]
fn every_command_prints_what_the_readme_says() {
    let examples = examples();
    assert!(examples.len() >= 6, "{examples:#?}");
    let mut terminals = Terminals::open();
    for example in &examples {
        terminals.follow(example);
    }
}

/// The loader has nothing against this configuration.
fn is_accepted(toml: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("offhook.toml"), toml).unwrap();
    let mut check = offhook(folder.path(), &["check", "--json"]);
    check.env("OFFHOOK_WEBHOOKS__LISTEN", "127.0.0.1:0");
    let checked = run(check.env("OFFHOOK_API__LISTEN", "127.0.0.1:0"));
    checked.succeeded();
    assert_eq!(checked.json()["ok"], true, "{toml}: {checked:?}");
}

#[test]
fn every_configuration_is_accepted() {
    let (mut files, mut manifests) = (0, 0);
    for block in blocks("toml") {
        if block.starts_with("[dependencies]") {
            is_a_dependency_that_can_be_had(&block);
            manifests += 1;
        } else {
            is_accepted(&block);
            files += 1;
        }
    }
    assert_eq!((files, manifests), (2, 1));
    // `[inbound] policy = "open"` in a sentence.
    let keys: Vec<&str> = words_of_code(README)
        .filter(|code| code.starts_with('[') && code.contains(" = "))
        .collect();
    assert!(keys.len() >= 2, "{keys:?}");
    for key in keys {
        is_accepted(&key.replacen("] ", "]\n", 1));
    }
}

/// The features that the facade has.
fn features() -> BTreeSet<String> {
    let manifest: toml::Table = FACADE.parse().unwrap();
    let features = manifest["features"].as_table().unwrap().keys();
    features.filter(|name| *name != "default").cloned().collect()
}

fn is_a_dependency_that_can_be_had(block: &str) {
    let manifest: toml::Table = block.parse().unwrap();
    let dependency = &manifest["dependencies"]["offhook"];
    let version = dependency["version"].as_str().unwrap();
    assert!(env!("CARGO_PKG_VERSION").starts_with(&format!("{version}.")), "{version}");
    for feature in dependency["features"].as_array().unwrap() {
        assert!(features().contains(feature.as_str().unwrap()), "{feature}");
    }
}

#[test]
fn every_feature_is_told_and_there() {
    let told = table("| feature | gives |").into_iter().flat_map(words_of_code);
    assert_eq!(told.map(str::to_owned).collect::<BTreeSet<_>>(), features());
}

#[test]
fn every_command_of_the_table_is_one() {
    let commands: Vec<&str> =
        table("| command | does |").into_iter().flat_map(words_of_code).collect();
    assert!(commands.len() >= 13, "{commands:?}");
    for command in commands {
        let is_word = |word: &&str| word.chars().all(|character| character.is_ascii_lowercase());
        let words: Vec<&str> = command.split(' ').take_while(is_word).collect();
        let help = run(&mut offhook(Path::new("."), &[&words[..], &["--help"]].concat()));
        help.succeeded();
        let usage = format!("Usage: offhook {}", words.join(" "));
        assert!(help.stdout.contains(&usage), "{command}: {}", help.stdout);
    }
}

/// The requests of the API's table: a word alone stands in the place of the last one's.
fn requests() -> Vec<(String, String)> {
    let mut requests: Vec<(String, String)> = Vec::new();
    for code in table("| request | does |").into_iter().flat_map(words_of_code) {
        let last = requests.last().cloned().unwrap_or_default();
        if code.starts_with('{') {
            continue;
        } else if let Some((method, path)) = code.split_once(' ') {
            requests.push((method.to_owned(), path.to_owned()));
        } else if code.starts_with('/') {
            requests.push((last.0, code.to_owned()));
        } else if let Some((before, _)) = last.1.rsplit_once('/') {
            requests.push((last.0, format!("{before}/{code}")));
        }
    }
    requests
}

#[test]
fn every_request_of_the_table_is_answered() {
    let daemon = Daemon::start(Config::new());
    let id = daemon.place("+15550100011")["id"].as_str().unwrap().to_owned();
    let requests = requests();
    assert!(requests.len() >= 15, "{requests:?}");
    for (method, path) in requests {
        let path = path.replace("{id}", &id).replace("{turn}", "1");
        let answer = daemon.send(&Request::new(&method, &path));
        // What it is told may be wrong; that there is something to tell is what counts.
        assert!(!matches!(answer.status, 404 | 405), "{method} {path}: {answer:?}");
    }
}
