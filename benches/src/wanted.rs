//! What is asked for on the command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "usage: offhook-bench [verify | webhooks | attack | flat | restart | \
     memory | retention] [--save PATH] [--compare PATH]\n       offhook-bench webhooks ours [CARRIER]";

/// One benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Verify,
    Webhooks,
    Attack,
    Flat,
    Restart,
    Memory,
    Retention,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Verify,
        Self::Webhooks,
        Self::Attack,
        Self::Flat,
        Self::Restart,
        Self::Memory,
        Self::Retention,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Webhooks => "webhooks",
            Self::Attack => "attack",
            Self::Flat => "flat",
            Self::Restart => "restart",
            Self::Memory => "memory",
            Self::Retention => "retention",
        }
    }
}

/// Which benchmarks, where the run is saved, and what it is compared with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) parts: Vec<Part>,
    pub(crate) save: Option<PathBuf>,
    pub(crate) compare: Option<PathBuf>,
}

impl Wanted {
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let named = |word: &str| Part::ALL.into_iter().find(|part| part.word() == word);
        let first = words.first().and_then(|word| named(word));
        let parts = first.map_or_else(|| Part::ALL.to_vec(), |part| vec![part]);
        let mut words = &words[usize::from(first.is_some())..];
        let mut wanted = Self { parts, save: None, compare: None };
        while let [name, path, rest @ ..] = words {
            let place = match *name {
                "--save" => &mut wanted.save,
                "--compare" => &mut wanted.compare,
                _ => return None,
            };
            if place.replace(PathBuf::from(path)).is_some() {
                return None;
            }
            words = rest;
        }
        words.is_empty().then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_or_all_can_be_saved_and_compared() {
        let all = Part::ALL.to_vec();
        let parse = |words: &str| Wanted::parse(&words.split_whitespace().collect::<Vec<_>>());
        let path = |path: &str| Some(PathBuf::from(path));
        assert_eq!(parse(""), Some(Wanted { parts: all.clone(), save: None, compare: None }));
        assert_eq!(
            parse("--compare old.json --save new.json"),
            Some(Wanted { parts: all, save: path("new.json"), compare: path("old.json") })
        );
        let attack = Wanted { parts: vec![Part::Attack], save: None, compare: path("old.json") };
        assert_eq!(parse("attack --compare old.json"), Some(attack));
        for part in Part::ALL {
            let alone = Wanted { parts: vec![part], save: None, compare: None };
            assert_eq!(parse(part.word()), Some(alone));
        }
        for wrong in ["fast", "--save", "--save a --save b", "verify attack", "verify --quick a"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
