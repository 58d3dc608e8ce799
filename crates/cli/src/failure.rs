//! How a command fails, and with which exit code.

use std::process::ExitCode;

use crate::output;

/// What a command failed with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operation failed: exit 1.
    Operation(String),
    /// Usage or configuration: exit 2.
    Configuration(String),
    /// The daemon is not reachable: exit 3.
    Unreachable(String),
    /// Like `Operation`, and everything is said already.
    Told,
    /// Like `Configuration`, and everything is said already.
    FaultsTold,
    /// Whoever read our output has had enough. That is no failure.
    NobodyReads,
}

impl Failure {
    pub(crate) fn operation(error: impl std::fmt::Display) -> Self {
        Self::Operation(error.to_string())
    }

    /// Prints the failure and gives its exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (code, text) = match self {
            Self::Operation(text) => (1, text),
            Self::Configuration(text) => (2, text),
            Self::Unreachable(text) => (3, text),
            Self::Told => (1, String::new()),
            Self::FaultsTold => (2, String::new()),
            Self::NobodyReads => (0, String::new()),
        };
        if !text.is_empty() {
            output::complain(text);
        }
        ExitCode::from(code)
    }
}
