//! Keys and values from the file and the environment, and everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use toml::Value;

use super::problem::{Problem, Problems};

/// Read if no file is named.
pub(super) const DEFAULT_FILE: &str = "offhook.toml";

/// Environment variables that are no configuration keys.
const NOT_KEYS: [&str; 2] = ["OFFHOOK_API_URL", "OFFHOOK_CONFIG"];

/// Variables of ours that are not named after their key.
const OTHER_NAMES: [(&str, &str); 1] = [("OFFHOOK_API_TOKEN", "api.token")];

/// Where a text is no TOML, and why. The error's own words show the line, and a token may stand
/// there.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let at = before.map_or_else(String::new, |before| {
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[start..].chars().count() + 1;
        format!(" at line {}, column {column}", before.matches('\n').count() + 1)
    });
    format!("is not TOML{at}: {}", error.message().replace('\n', "; "))
}

struct Given {
    values: Vec<String>,
    origin: String,
    is_list: bool,
}

impl fmt::Debug for Given {
    /// A value may be a secret: only where it comes from is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.origin)
    }
}

/// The key that a variable of a carrier's own stands for.
pub(super) type KeyOfVariable = fn(&str) -> Option<&'static str>;

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
    pub(super) fn open(named: Option<&Path>, carriers: KeyOfVariable) -> Result<Self, Problems> {
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
            carriers,
        );
        Ok(reader)
    }

    pub(super) fn parse(text: &str, origin: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error| not_toml(text, &error))?;
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
    pub(super) fn overlay(
        &mut self,
        environment: impl Iterator<Item = (String, String)>,
        carriers: KeyOfVariable,
    ) {
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
                None => match carriers(&name) {
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
                Err(what) => {
                    let item = offhook_core::mask_numbers(&format!("{item:?}"));
                    self.problem(key, format!("{what}; {item} is not"));
                }
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
        self.problems.push(self.about(key, what));
    }

    /// Something to be said of a key.
    pub(crate) fn about(&self, key: &str, what: String) -> Problem {
        let origin = self.given.get(key).map_or_else(String::new, |given| given.origin.clone());
        Problem { key: key.to_owned(), origin, what }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The file and the environment, as they were given.
    fn reader(text: &str, environment: &[(&str, &str)]) -> Reader {
        let mut reader = Reader::parse(text, "offhook.toml").unwrap();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        reader.overlay(environment.iter().map(owned), crate::config::providers::key_of_variable);
        reader
    }

    fn problems(reader: Reader) -> Vec<String> {
        let problems = reader.finish().map_or_else(|problems| problems.to_string(), |()| "".into());
        problems.lines().skip(1).map(|line| line.trim().to_owned()).collect()
    }

    fn word(text: &str) -> Result<String, String> {
        match text.chars().all(char::is_alphabetic) {
            true => Ok(text.to_owned()),
            false => Err("is a list of words".to_owned()),
        }
    }

    #[test]
    fn keys_are_found_in_sections_and_with_dots() {
        for text in ["[limits]\nqueue = true\nring = 3", "limits.queue = true\nlimits.ring = 3"] {
            let mut reader = reader(text, &[]);
            assert_eq!(reader.text("limits.queue").as_deref(), Some("true"));
            assert_eq!(reader.text("limits.ring").as_deref(), Some("3"));
            assert_eq!(problems(reader), [""; 0]);
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let text = "public_url = 'a'\n[limits]\nmax_duration = '1m'\nring_timeout = '2s'";
        let environment = [("OFFHOOK_PUBLIC_URL", "b"), ("OFFHOOK_LIMITS__MAX_DURATION", "3m")];
        let mut reader = reader(text, &environment);
        assert_eq!(reader.text("public_url").as_deref(), Some("b"));
        assert_eq!(reader.text("limits.max_duration").as_deref(), Some("3m"));
        assert_eq!(reader.text("limits.ring_timeout").as_deref(), Some("2s"));
        assert_eq!(problems(reader), [""; 0]);
    }

    #[test]
    fn empty_is_not_set_wherever_it_stands() {
        let environment = [("OFFHOOK_FROM_NUMBER", ""), ("OFFHOOK_COLOUR", "")];
        let mut reader =
            reader("from_number = '1'\npublic_url = ''\nlist = ['', '']", &environment);
        assert_eq!(reader.text("from_number").as_deref(), Some("1"));
        assert_eq!(reader.text("public_url"), None);
        assert_eq!(reader.list("list", word), [""; 0]);
        assert_eq!(reader.text("nowhere"), None);
        assert_eq!(problems(reader), [""; 0]);
    }

    #[test]
    fn a_list_is_an_array_or_a_text_with_commas() {
        for (text, environment) in [
            ("names = ['anna', 'ben']", &[][..]),
            ("names = 'anna,ben'", &[]),
            ("names = 'anna , ,ben,'", &[]),
            ("names = ['carl']", &[("OFFHOOK_NAMES", "anna, ben")]),
        ] {
            let mut reader = reader(text, environment);
            assert_eq!(reader.list("names", word), ["anna", "ben"], "{text}");
            assert_eq!(problems(reader), [""; 0]);
        }
        // A comma inside an array's item separates nothing.
        let mut reader = reader("names = ['anna,ben', 'carl']", &[]);
        assert_eq!(reader.list("names", word), ["carl"]);
        assert_eq!(
            problems(reader),
            ["names is a list of words; \"anna,ben\" is not  (offhook.toml)"]
        );
    }

    #[test]
    fn a_list_in_the_place_of_a_value_is_a_problem() {
        let mut reader = reader("public_url = ['a', 'b']", &[]);
        assert_eq!(reader.text("public_url"), None);
        assert_eq!(problems(reader), ["public_url is one value and not a list  (offhook.toml)"]);
    }

    #[test]
    fn the_carriers_own_variables_are_keys_of_their_section_and_ours_win() {
        let environment = [
            ("OFFHOOK_TWILIO__AUTH_TOKEN", "ours"),
            ("TWILIO_AUTH_TOKEN", "theirs"),
            ("TWILIO_ACCOUNT_SID", "AC1"),
            ("TWILIO_PHONE_NUMBER", "+15550001234"),
            ("PATH", "/bin"),
        ];
        let mut reader = reader("[twilio]\naccount_sid = 'AC2'\nauth_token = 'file'", &environment);
        assert!(reader.has_section("twilio"));
        assert_eq!(reader.text("twilio.auth_token").as_deref(), Some("ours"));
        assert_eq!(reader.text("twilio.account_sid").as_deref(), Some("AC1"));
        assert_eq!(problems(reader), [""; 0]);
    }

    #[test]
    fn the_api_token_has_two_names_and_the_one_of_its_key_wins() {
        let both = [("OFFHOOK_API__TOKEN", "key"), ("OFFHOOK_API_TOKEN", "other")];
        for (environment, expected) in
            [(&both[..], "key"), (&both[1..], "other"), (&[both[1], both[0]], "key")]
        {
            let mut reader = reader("api.token = 'file'", environment);
            assert_eq!(reader.text("api.token").as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_section_with_nothing_but_empty_values_is_not_set() {
        let text = "[twilio]\naccount_sid = ''\n[twilios]\nx = 1";
        assert!(!reader(text, &[("TWILIO_AUTH_TOKEN", "")]).has_section("twilio"));
        assert!(reader(text, &[("TWILIO_AUTH_TOKEN", "x")]).has_section("twilio"));
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one_where_it_was_written() {
        let environment = [("OFFHOOK_LIMITS_QUEUE", "true"), ("OFFHOOK_API_URL", "known")];
        let mut reader = reader("limits.queu = true\nzzz = 1", &environment);
        assert_eq!(reader.text("limits.queue"), None);
        assert_eq!(reader.text("public_url"), None);
        assert_eq!(
            problems(reader),
            [
                "limits.queu is no key; did you mean limits.queue?  (offhook.toml)",
                "OFFHOOK_LIMITS_QUEUE is no variable of ours; did you mean \
                 OFFHOOK_LIMITS__QUEUE?  (the environment)",
                "zzz is no key  (offhook.toml)",
            ]
        );
    }

    #[test]
    fn every_problem_is_kept_and_the_wrong_value_is_taken_for_none() {
        let mut reader = reader("a = '1'\nb = '2'\nc = 'x'", &[]);
        for key in ["a", "b"] {
            assert_eq!(reader.with(key, |_| Err::<(), _>("is wrong".to_owned())), None);
        }
        assert!(reader.has_problem("a") && !reader.has_problem("c"));
        assert_eq!(
            problems(reader),
            [
                "a is wrong  (offhook.toml)",
                "b is wrong  (offhook.toml)",
                "c is no key  (offhook.toml)"
            ]
        );
    }

    #[test]
    fn who_reads_a_part_is_not_told_of_the_rest() {
        let mut reader = reader("api.listen = 'x'\ncolour = 'red'", &[]);
        assert_eq!(reader.text("api.listen").as_deref(), Some("x"));
        assert_eq!(reader.finish_partly(), Ok(()));
    }

    #[test]
    fn a_text_that_is_not_toml_names_its_line() {
        let error = Reader::parse("a = 1\nb = \n", "offhook.toml").unwrap_err();
        assert!(error.contains("is not TOML") && error.contains("line 2, column 5"), "{error}");
    }

    #[test]
    fn a_text_that_is_not_toml_is_not_shown() {
        for text in [
            "[twilio]\nauth_token = \"hush-hush",
            "auth_token = hush-hush",
            "auth_token \"hush-hush\"",
            "auth_token = \"hush-hush\" # \nauth_token = \"hush-hush\"",
            "auth_token = \"\\hush-hush\"",
            "hush-hush",
        ] {
            let error = Reader::parse(text, "offhook.toml").unwrap_err();
            assert!(error.contains("is not TOML at line") && !error.contains("hush"), "{error}");
        }
    }
}
