//! What is wrong with a configuration: each thing by its key, and all of them at once.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(super) key: String,
    pub(super) origin: String,
    pub(super) what: String,
}

impl Problem {
    /// The key, as it was written.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong with it, and where it was written.
    pub(crate) fn sentence(&self) -> String {
        match self.origin.as_str() {
            "" => self.what.clone(),
            origin => format!("{}  ({origin})", self.what),
        }
    }
}

/// Everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// Whether something is wrong with this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|problem| problem.key == key)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration has a problem")?,
            count => write!(f, "the configuration has {count} problems")?,
        }
        for problem in &self.0 {
            write!(f, "\n  {} {}", problem.key, problem.sentence())?;
        }
        Ok(())
    }
}
