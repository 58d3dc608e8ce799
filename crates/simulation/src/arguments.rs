//! The command line.

use std::time::Duration;

use offhook_simulation::{CARRIERS, Carrier, carrier};

/// How to call this program.
pub(crate) const USAGE: &str = "\
Usage: cargo xtask simulate [--seeds N] [--from K] [--provider P] [--seconds S] [--replay SEED]

  --seeds N       so many stories of each provider (20000)
  --from K        the seed of the first (1)
  --provider P    of this provider only
  --seconds S     for so long at most, all providers together
  --replay SEED   tell this one story, all of it";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) seeds: u64,
    pub(crate) from: u64,
    pub(crate) provider: Option<&'static Carrier>,
    pub(crate) seconds: Option<Duration>,
    pub(crate) replay: Option<u64>,
}

impl Arguments {
    /// Reads the words behind the program's name.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments =
            Self { seeds: 20_000, from: 1, provider: None, seconds: None, replay: None };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number"));
            match word.as_str() {
                "--seeds" => arguments.seeds = number()?,
                "--from" => arguments.from = number()?,
                "--seconds" => arguments.seconds = Some(Duration::from_secs(number()?)),
                "--replay" => arguments.replay = Some(number()?),
                "--provider" => {
                    let known = carrier(&value).ok_or_else(|| {
                        let names: Vec<&str> =
                            CARRIERS.iter().map(|carrier| carrier.name).collect();
                        format!("`{value}` is not simulated; there is {}", names.join(", "))
                    })?;
                    arguments.provider = Some(known);
                }
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        Ok(arguments)
    }
}
