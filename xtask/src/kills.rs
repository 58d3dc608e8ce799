//! Does a daemon that is killed at any moment lose, double or forget a call?
//!
//! The test that asks this (`crates/cli/tests/binary/killing`) kills three times by itself. Here it
//! does so as often as is wanted, and each time with another seed.

use std::hash::{BuildHasher, RandomState};

use crate::cargo::Cargo;
use crate::outcome::Failure;

const TEST: &str =
    "killing::a_daemon_that_is_killed_at_any_moment_loses_doubles_and_forgets_no_call";

/// What the words of the command line want.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kills {
    count: u32,
    /// Without one, chance takes one, and it is told.
    seed: Option<u64>,
}

impl Kills {
    /// Some, for a check among others.
    pub(crate) const FEW: Self = Self { count: 10, seed: None };

    /// Reads `--kill N [--seed S]`.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, Failure> {
        let number = |name: &str, word: &str| {
            let number = word.parse::<u64>();
            number.map_err(|_| Failure::new(format!("{name} {word:?} is no number")))
        };
        let (mut count, mut seed) = (None, None);
        for pair in words.chunks(2) {
            match *pair {
                [name @ "--kill", word] => {
                    count = u32::try_from(number(name, word)?).ok().filter(|count| *count > 0);
                }
                [name @ "--seed", word] => seed = Some(number(name, word)?),
                _ => {
                    let words = words.join(" ");
                    let text = format!("`{words}` is not understood; there is --kill N [--seed S]");
                    return Err(Failure::new(text));
                }
            }
        }
        let count = count.ok_or_else(|| Failure::new("--kill N is missing: how many kills?"))?;
        Ok(Self { count, seed })
    }

    /// Kills, and gives the summary.
    pub(crate) fn carry_out(&self) -> Result<String, Failure> {
        let seed = self.seed.unwrap_or_else(|| RandomState::new().hash_one(self.count) % 1_000_000);
        let words = ["test", "--package", "offhook-cli", "--test", "binary", "--"];
        let report = Cargo::new(words.into_iter().chain(["--exact", TEST, "--nocapture"]))
            .env("OFFHOOK_TESTS_KILLS", &self.count.to_string())
            .env("OFFHOOK_TESTS_SEED", &seed.to_string())
            .told()?;
        summary(&report, self.count)
    }
}

/// The summary that the test ends with. A run that has none tested nothing.
fn summary(report: &str, count: u32) -> Result<String, Failure> {
    let begin = format!("{count} kills, seed ");
    let summary = report.lines().find(|line| line.starts_with(&begin) && line.contains("0 stuck"));
    summary.map(str::to_owned).ok_or_else(|| Failure::new(format!("no report of {count} kills")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_how_many_and_from_which_seed() {
        let parsed = |words: &[&str]| Kills::parse(words).map_err(|failure| failure.to_string());
        assert_eq!(parsed(&["--kill", "50"]), Ok(Kills { count: 50, seed: None }));
        let both = Ok(Kills { count: 5, seed: Some(7) });
        assert_eq!(parsed(&["--kill", "5", "--seed", "7"]), both);
        assert_eq!(parsed(&["--seed", "7", "--kill", "5"]), both);
        for words in [&["--kill"][..], &["--kill", "0"], &["--seed", "7"], &["--kil", "5"]] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
        assert!(parsed(&["--kill", "many"]).unwrap_err().contains("is no number"));
    }

    #[test]
    fn a_run_without_a_summary_has_killed_nothing() {
        let line = "50 kills, seed 7: 12 calls by telnyx; 0 lost, 0 doubled, 0 stuck, in 80 s";
        let report = format!("50 kills, seed 7\nkill  1 at 0.9 s\n{line}\ntest result: ok.\n");
        assert_eq!(summary(&report, 50).unwrap(), line);
        assert!(summary(&report, 51).is_err());
        assert!(summary("running 0 tests\ntest result: ok. 0 passed\n", 50).is_err());
        assert!(summary("50 kills, seed 7\n", 50).is_err());
    }
}
