//! What a verb answers.

use std::fmt;

/// Done, perhaps with parts left out; or the first thing that failed.
pub(crate) type Outcome = Result<Vec<Skipped>, Failure>;

/// A part that did not run. It counts as neither passed nor failed, and is always said.
pub(crate) struct Skipped {
    /// The part. The verb's own name, if nothing ran.
    pub(crate) what: &'static str,
    /// Why it did not run.
    pub(crate) reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: SKIPPED, {}", self.what, self.reason)
    }
}

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure that reads as this text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Nothing, if there is no fault; otherwise all of them, one a line.
    pub(crate) fn of(faults: &[String]) -> Result<(), Self> {
        match faults {
            [] => Ok(()),
            [fault] => Err(Self(fault.clone())),
            _ => Err(Self(format!("{} faults\n  {}", faults.len(), faults.join("\n  ")))),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
