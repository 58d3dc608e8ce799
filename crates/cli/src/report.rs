//! Tells people and machines of a failure.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output;

impl Failure {
    /// Prints the failure and gives its exit code. Standard error is for people in any case; who
    /// asked for JSON finds the failure on standard output, where the result would have been.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if let Some(sentence) = self.sentence() {
            if json {
                self.tell_machines();
            }
            output::complain(sentence);
        }
        ExitCode::from(self.exit_code())
    }

    /// Prints the failure as a document.
    pub(crate) fn tell_machines(&self) {
        output::announce(self.document());
    }
}

/// Tells once that a daemon that was there before is waited for.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    is_told: bool,
}

impl Waiting {
    /// It failed, and is tried again.
    pub(crate) fn tell(&mut self, failure: &Failure) {
        if let Some(why) = failure.sentence().filter(|_| !self.is_told) {
            output::complain(why);
            output::complain("waiting for the daemon");
        }
        self.is_told = true;
    }
}
