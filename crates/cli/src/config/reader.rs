//! Keys and values from the file and the environment, and everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use toml::Value;

/// Read if no file is named.
const DEFAULT_FILE: &str = "offhook.toml";

/// Environment variables that are no configuration keys.
const NOT_KEYS: [&str; 2] = ["OFFHOOK_API_URL", "OFFHOOK_CONFIG"];

/// Variables of ours that are not named after their key.
const OTHER_NAMES: [(&str, &str); 1] = [("OFFHOOK_API_TOKEN", "api.token")];

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    key: String,
    origin: String,
    what: String,
}

/// Everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration has a problem")?,
            count => write!(f, "the configuration has {count} problems")?,
        }
        for Problem { key, origin, what } in &self.0 {
            write!(f, "\n  {key} {what}")?;
            if !origin.is_empty() {
                write!(f, "  ({origin})")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Given {
    values: Vec<String>,
    origin: String,
    is_list: bool,
}

/// Reads values by key, remembers which keys there are, and collects what is wrong.
#[derive(Debug)]
pub(crate) struct Reader {
    given: BTreeMap<String, Given>,
    known: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Reader {
    /// Reads the file and the environment over it. A file that is named must be there; the
    /// default one need not.
    pub(crate) fn open(named: Option<&Path>) -> Result<Self, Problems> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let name = path.display().to_string();
        let broken = |what: String| {
            Problems(vec![Problem { key: name.clone(), origin: String::new(), what }])
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match named {
                None => String::new(),
                Some(_) => {
                    let what = "does not exist; give the configuration's path with --config";
                    return Err(broken(what.to_owned()));
                }
            },
            Err(error) => return Err(broken(format!("cannot be read: {error}"))),
        };
        let mut reader = Self::parse(&text, &name).map_err(broken)?;
        reader.overlay(
            std::env::vars_os().filter_map(|(key, value)| {
                Some((key.into_string().ok()?, value.into_string().ok()?))
            }),
        );
        Ok(reader)
    }

    pub(super) fn parse(text: &str, origin: &str) -> Result<Self, String> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| format!("is not TOML: {error}"))?;
        let mut reader =
            Self { given: BTreeMap::new(), known: BTreeSet::new(), problems: Vec::new() };
        reader.flatten("", table, origin);
        Ok(reader)
    }

    fn flatten(&mut self, prefix: &str, table: toml::Table, origin: &str) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            let scalar = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let (values, is_list) = match value {
                Value::Table(inner) => {
                    self.flatten(&key, inner, origin);
                    continue;
                }
                Value::Array(items) => (items.iter().map(scalar).collect(), true),
                other => (vec![scalar(&other)], false),
            };
            let origin = origin.to_owned();
            self.given.insert(key, Given { values, origin, is_list });
        }
    }

    /// `OFFHOOK_LIMITS__MAX_DURATION` is `limits.max_duration`; the carriers' own variables are
    /// keys of their sections. Empty is not set.
    pub(super) fn overlay(&mut self, environment: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<_> = environment.collect();
        // Ours come last, and win over the carriers' own; those named after their key win over
        // other names.
        variables.sort_by_key(|(name, _)| {
            let other = OTHER_NAMES.iter().any(|(known, _)| known == name);
            (name.starts_with("OFFHOOK_"), !other)
        });
        for (name, value) in variables {
            let key = match name.strip_prefix("OFFHOOK_") {
                Some(_) if NOT_KEYS.contains(&name.as_str()) => continue,
                Some(key) => match OTHER_NAMES.iter().find(|(known, _)| *known == name) {
                    Some((_, key)) => (*key).to_owned(),
                    None => key.to_ascii_lowercase().replace("__", "."),
                },
                None => match super::providers::key_of_variable(&name) {
                    Some(key) => key.to_owned(),
                    None => continue,
                },
            };
            if !value.is_empty() {
                let given = Given { values: vec![value], origin: name, is_list: false };
                self.given.insert(key, given);
            }
        }
    }

    /// The value of a key, if it is set and not empty.
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.with(key, |text| Ok(text.to_owned()))
    }

    /// The value of a key, read by a function. What is wrong is collected.
    pub(crate) fn with<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.known.insert(key.to_owned());
        let given = self.given.get(key)?;
        if given.is_list {
            self.problem(key, "is one value and not a list".to_owned());
            return None;
        }
        let text = given.values.first().map(String::as_str).filter(|text| !text.is_empty())?;
        match read(text) {
            Ok(value) => Some(value),
            Err(what) => {
                self.problem(key, what);
                None
            }
        }
    }

    /// The values of a key: a list, or one text with commas.
    pub(crate) fn list<T>(
        &mut self,
        key: &str,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Vec<T> {
        self.known.insert(key.to_owned());
        let Some(given) = self.given.get(key) else { return Vec::new() };
        let items: Vec<String> = if given.is_list {
            given.values.clone()
        } else {
            given.values.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
        };
        let mut values = Vec::new();
        for item in items.iter().map(|item| item.trim()).filter(|item| !item.is_empty()) {
            match read(item) {
                Ok(value) => values.push(value),
                Err(what) => self.problem(key, format!("{what}; {item:?} is not")),
            }
        }
        values
    }

    /// The value of a key as it was written, for a decision and not to be used.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.given.get(key).and_then(|given| given.values.first()).map(String::as_str)
    }

    /// Whether anything is set in this section.
    pub(crate) fn has_section(&self, section: &str) -> bool {
        let is_set = |given: &Given| given.values.iter().any(|value| !value.is_empty());
        self.given.iter().any(|(key, given)| {
            key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')) && is_set(given)
        })
    }

    /// Writes down what is wrong with a key.
    pub(crate) fn problem(&mut self, key: &str, what: String) {
        let origin = self.given.get(key).map_or_else(String::new, |given| given.origin.clone());
        self.problems.push(Problem { key: key.to_owned(), origin, what });
    }

    pub(crate) const fn problem_count(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn has_problem(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.key == key)
    }

    pub(crate) fn has_problems_in(&self, sections: &[&str]) -> bool {
        sections.iter().any(|section| self.has_section(section))
    }

    /// Everything is read: keys that nobody asked for are mistakes.
    pub(crate) fn finish(mut self) -> Result<(), Problems> {
        let unknown: Vec<String> =
            self.given.keys().filter(|key| !self.known.contains(*key)).cloned().collect();
        for key in unknown {
            let nearest = self
                .known
                .iter()
                .map(|known| (strsim::normalized_damerau_levenshtein(known, &key), known))
                .max_by(|(one, _), (other, _)| one.total_cmp(other))
                .filter(|(likeness, _)| *likeness > 0.4);
            let origin = self.given.get(&key).map_or("", |given| given.origin.as_str());
            // Who misspelt a variable is told of variables.
            let problem = if origin.starts_with("OFFHOOK_") {
                let what = match nearest {
                    Some((_, nearest)) => {
                        let variable = nearest.to_ascii_uppercase().replace('.', "__");
                        format!("is no variable of ours; did you mean OFFHOOK_{variable}?")
                    }
                    None => "is no variable of ours".to_owned(),
                };
                Problem { key: origin.to_owned(), origin: "the environment".to_owned(), what }
            } else {
                let what = match nearest {
                    Some((_, nearest)) => format!("is no key; did you mean {nearest}?"),
                    None => "is no key".to_owned(),
                };
                Problem { key: key.clone(), origin: origin.to_owned(), what }
            };
            self.problems.push(problem);
        }
        self.finish_partly()
    }

    /// Part of the keys was read: only their own problems count.
    pub(crate) fn finish_partly(self) -> Result<(), Problems> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }
}
