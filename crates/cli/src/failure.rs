//! How a command fails, and with which exit code.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

/// What a command failed with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operation failed: exit 1.
    Operation(String),
    /// The daemon did not do it, and says why: exit 1.
    Refused(Box<Refusal>),
    /// The command line: exit 2.
    Usage(String),
    /// The configuration, or what a command was given to read: exit 2.
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

    /// Whether the same may succeed when the daemon has come back.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(refusal) => refusal.status == StatusCode::SERVICE_UNAVAILABLE,
            _ => false,
        }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::NobodyReads => 0,
            Self::Operation(_) | Self::Refused(_) | Self::Told => 1,
            Self::Usage(_) | Self::Configuration(_) | Self::FaultsTold => 2,
            Self::Unreachable(_) => 3,
        }
    }

    /// What is still to be said.
    pub(crate) fn sentence(&self) -> Option<String> {
        match self {
            Self::Operation(text)
            | Self::Usage(text)
            | Self::Configuration(text)
            | Self::Unreachable(text) => Some(text.clone()),
            Self::Refused(refusal) => Some(refusal.sentence()),
            Self::Told | Self::FaultsTold | Self::NobodyReads => None,
        }
    }

    /// The daemon's problem document, or one of the same shape (RFC 9457) with a stable code, and
    /// the exit code.
    pub(crate) fn document(&self) -> Value {
        let code = match self {
            Self::Refused(refusal) => return refusal.document(self.exit_code()),
            Self::Usage(_) => "usage",
            Self::Configuration(_) => "configuration",
            Self::Unreachable(_) => "daemon_unreachable",
            _ => "failed",
        };
        let mut document = Map::new();
        document.insert("type".to_owned(), json!("about:blank"));
        document.insert("code".to_owned(), json!(code));
        document.insert("detail".to_owned(), json!(self.sentence()));
        document.insert("exit_code".to_owned(), json!(self.exit_code()));
        Value::Object(document)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
