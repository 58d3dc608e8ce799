//! Documents on their way: why one is asked for, and what an answer amounts to.

use http::{Method, header};

use super::document::DocumentError;
use crate::outbox::Outcome;

/// Why a document is asked for. It decides how a failure is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The call was answered, or arrived.
    Answer,
    /// An element took input.
    Action,
    /// The client transferred the call.
    Transfer,
    /// A document said so.
    Redirect,
}

/// Where something is asked for, or told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// With its fragment.
    pub(crate) url: String,
    pub(crate) method: Method,
}

/// The text of the document that was answered.
pub(crate) fn received(outcome: Outcome) -> Result<String, DocumentError> {
    let answer = outcome.map_err(|fault| DocumentError::unreachable(fault.to_string()))?;
    if !answer.status.is_success() {
        let detail = format!("HTTP status {}", answer.status.as_u16());
        return Err(DocumentError::unreachable(detail));
    }
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(essence.as_str(), "text/xml" | "application/xml") {
        return Err(DocumentError::xml(format!("content type {essence:?}")));
    }
    let text = std::str::from_utf8(&answer.body);
    text.map(str::to_owned).map_err(|_| DocumentError::xml("not UTF-8"))
}
