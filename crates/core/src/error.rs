//! What can go wrong with a request to a carrier.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Cause, TransportFault, TransportResponse};

/// Whose fault it is, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorClass {
    /// The carrier refused the request for what it says. Repeating it will not help.
    Rejected,
    /// Too many requests; the carrier did not take this one. Repeat it later.
    Throttled,
    /// The carrier may or may not have carried it out. Never repeat a dial after this.
    Ambiguous,
    /// The call is not in a state for it, and nothing was carried out: not connected yet, or over
    /// already. Which of them it is the carrier does not say: ask, or repeat it soon.
    WrongState,
    /// The carrier knows no such call.
    NotFound,
    /// The credentials were refused. Mend them; nothing is known of the call.
    Unauthenticated,
    /// A passing fault, and nothing was carried out. Repeat it.
    Transient,
    /// The answer is not what this carrier answers: a proxy, a captive portal, a wrong address.
    Undecodable,
    /// The provider cannot do this at all; see its `Capabilities`.
    Unsupported,
}

impl ErrorClass {
    /// What somebody who reads the error should do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Rejected => "mend the request; repeating it will not help",
            Self::Throttled => "repeat it later; it was not carried out",
            Self::Ambiguous => "do not repeat it; it may have been carried out",
            Self::WrongState => "ask how the call stands, or repeat it in a moment",
            Self::NotFound => "the carrier does not know the call",
            Self::Unauthenticated => "check the credentials of the provider",
            Self::Transient => "repeat it; it was not carried out",
            Self::Undecodable => "check api_base and what stands between us and the carrier",
            Self::Unsupported => "this provider cannot do it",
        }
    }
}

/// A request to a carrier that did not succeed.
///
/// It holds no secret and no whole phone number, and may be logged.
#[derive(Debug)]
pub struct ProviderError {
    class: ErrorClass,
    message: String,
    code: Option<String>,
    retry_after: Option<Duration>,
    source: Option<TransportFault>,
}

impl ProviderError {
    /// An error of a class, with words; numbers in them are masked and they are cut at 300
    /// characters, since a carrier's text may be anything.
    pub fn new(class: ErrorClass, message: impl AsRef<str>) -> Self {
        // Masked first: a number that is cut is none any more, and would stay.
        let message = crate::mask_numbers(message.as_ref()).chars().take(300).collect();
        Self { class, message, code: None, retry_after: None, source: None }
    }

    /// What a method answers that the provider's capabilities exclude.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::new(ErrorClass::Unsupported, format!("{what} is not supported by this provider"))
    }

    /// A request that may be repeated without harm (a read), and did not come through.
    #[must_use]
    pub fn from_read(fault: TransportFault) -> Self {
        let mut error = Self::new(ErrorClass::Transient, "the carrier could not be asked");
        error.source = Some(fault);
        error
    }

    /// A request that changes something, and did not come through: transient if nothing was sent,
    /// else ambiguous.
    #[must_use]
    pub fn from_write(fault: TransportFault) -> Self {
        let (class, message) = if fault.may_have_been_sent() {
            (ErrorClass::Ambiguous, "the carrier did not answer")
        } else {
            (ErrorClass::Transient, "the carrier could not be reached; nothing was sent")
        };
        let mut error = Self::new(class, message);
        error.source = Some(fault);
        error
    }

    /// An answer that is none of this carrier's: a proxy's page, say.
    #[must_use]
    pub fn undecodable(carrier: &str, response: &TransportResponse) -> Self {
        let media_type = response
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("no content type");
        let status = response.status.as_u16();
        let message = format!("the answer (HTTP {status}, {media_type}) is not one of {carrier}'s");
        Self::new(ErrorClass::Undecodable, message)
    }

    /// With the carrier's own code; a number in its place is masked.
    #[must_use]
    pub fn with_code(mut self, code: impl AsRef<str>) -> Self {
        self.code = Some(crate::mask_numbers(code.as_ref()));
        self
    }

    /// With the time that the carrier asks us to wait.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        self.class
    }

    /// The carrier's own code, `21211`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// How long the carrier asks us to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The error as a cause, for a record or a timeline.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let text = match &self.source {
            Some(source) => format!("{}: {source}", self.message),
            None => self.message.clone(),
        };
        Cause::new(self.code.clone().unwrap_or_default(), text)
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.code {
            write!(f, " (code {code})")?;
        }
        write!(f, "; {}", self.class.advice())
    }
}

impl std::error::Error for ProviderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|fault| fault as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_before_a_long_text_is_cut() {
        let text = format!("{}+15550001234", "x".repeat(290));
        let error = ProviderError::new(ErrorClass::Rejected, text).with_code("+15550001234");
        assert!(error.to_string().contains("x+15•••••••"), "{error}");
        assert!(!error.to_string().contains("155"), "{error}");
    }
}
