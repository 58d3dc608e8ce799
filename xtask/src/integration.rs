//! Does the assembled product do its main job, on each provider and each store there is?
//!
//! The stories of the assembled product (`tests/`) are told for every provider by one run, and once
//! for each store. In memory `cargo test` tells them already; that run is left out here, aloud.
//! Then the daemon is killed, again and again, in the midst of calls.

use serde_json::{Deserializer, Value};

use crate::cargo::Cargo;
use crate::graph::providers;
use crate::kills::Kills;
use crate::outcome::{Failure, Outcome, Skipped};
use crate::workspace::Workspace;

/// Where `tests/` reads the store of its stories.
const STORE: &str = "OFFHOOK_TESTS_STORE";

/// The stores on which stories are told, and the reason to leave one out.
const STORES: [(&str, Option<&str>); 2] =
    [("memory", Some("`cargo test` tells the stories in memory")), ("sqlite", None)];

const USAGE: &str = "\
Usage: cargo xtask integration [--kill N [--seed S]]

Without a word: the demo on each provider, the stories on each store, and some kills.

  --kill N   only this: kill the daemon with SIGKILL N times under load, then compare the
             emulator, the database and the API call by call
  --seed S   what is done, and how long the daemon may live; without it chance takes one, and
             it is told
";

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let providers = providers(&workspace);
    if providers.is_empty() {
        return Err(Failure::new("there is no provider crate to run the demo on"));
    }
    let names: Vec<&str> =
        providers.iter().map(|provider| provider.name.trim_start_matches("offhook-")).collect();
    let mut done = Vec::new();
    for name in &names {
        let values = demo(name)?;
        done.push(format!("the demo on {name} ended well and reported {values} JSON values"));
    }
    let mut skipped = Vec::new();
    for (store, reason) in STORES {
        match reason {
            Some(reason) => skipped.push(Skipped { what: store, reason: reason.to_owned() }),
            None => done.extend(stories(store, &names)?),
        }
    }
    done.push(Kills::FEW.carry_out()?);
    println!();
    for line in done {
        println!("{line}");
    }
    Ok(skipped)
}

/// What these words ask for: the kills alone, or how to ask.
pub(crate) fn with(words: &[&str]) -> Outcome {
    if let ["--help" | "-h" | "help"] = words {
        print!("{USAGE}");
        return Ok(Vec::new());
    }
    println!("\n{}", Kills::parse(words)?.carry_out()?);
    Ok(Vec::new())
}

fn demo(provider: &str) -> Result<usize, Failure> {
    let build = ["run", "--release", "--package", "offhook-cli", "--"];
    let demo = ["demo", "--json", "--provider", provider];
    let report = Cargo::new(build.into_iter().chain(demo)).output()?;
    values(&report).map_err(|failure| Failure::new(format!("the demo on {provider}: {failure}")))
}

/// Tells all stories on this store. Says how many there were for each provider.
fn stories(store: &str, providers: &[&str]) -> Result<Vec<String>, Failure> {
    let words = ["test", "--package", "offhook-tests", "--no-fail-fast"];
    let report = Cargo::new(words).env(STORE, store).output()?;
    let mut lines = Vec::new();
    for provider in providers {
        let count = told(&report, |module| module == *provider);
        if count == 0 {
            return Err(Failure::new(format!("no story was told on {provider} and {store}")));
        }
        lines.push(format!("{count} stories of every provider on {provider}, {store}"));
    }
    let others = told(&report, |module| !providers.contains(&module));
    lines.push(format!("{others} stories of one provider, or of several at once, on {store}"));
    Ok(lines)
}

/// How many tests passed whose innermost module is such a one: that of a story for every provider
/// is named for the provider on which it was played.
fn told(report: &str, is_meant: impl Fn(&str) -> bool) -> usize {
    let passed = report.lines().filter_map(|line| {
        let path = line.strip_prefix("test ")?.strip_suffix(" ... ok")?;
        let modules = path.rsplit_once("::").map_or("", |(modules, _)| modules);
        modules.rsplit("::").next()
    });
    passed.filter(|module| is_meant(module)).count()
}

/// How many JSON values a report has. An exit code of 0 and nothing said is no demo.
fn values(report: &str) -> Result<usize, Failure> {
    let values = Deserializer::from_str(report).into_iter::<Value>();
    let values = values
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::new(format!("its report is not JSON: {error}")))?;
    if values.is_empty() { Err(Failure::new("it reported nothing")) } else { Ok(values.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_are_counted_by_the_provider_on_which_they_were_played() {
        let report = "running 4 tests\n\
                      test calls::one::a_story ... ok\n\
                      test calls::two::a_story ... ok\n\
                      test calls::two::another ... FAILED\n\
                      test deliveries::a_story ... ok\n\
                      test alone ... ok\n";
        assert_eq!(told(report, |module| module == "one"), 1);
        assert_eq!(told(report, |module| module == "two"), 1);
        assert_eq!(told(report, |module| !["one", "two"].contains(&module)), 2);
    }

    #[test]
    fn a_report_is_json_and_says_something() {
        assert_eq!(values("{\"at\": 1}\n{\"at\": 2}\n").unwrap(), 2);
        assert_eq!(values("[\n  1\n]\n").unwrap(), 1);
        assert!(values("").is_err());
        assert!(values("done\n").is_err());
    }
}
