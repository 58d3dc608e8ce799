//! Errors as problem documents. Source: RFC 9457.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use offhook_core::{CallId, Turn};
use offhook_manager::{CommandError, InitiateError, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::code::Code;
use super::openapi::texts;

/// The content type of a problem document.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// What is wrong: a problem document (RFC 9457) with a stable code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the code says more.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status of the response.
    status: u16,
    code: Code,
    /// What is wrong this time, for people.
    detail: String,
    /// The call that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = texts::Id, required = false)]
    call: Option<CallId>,
    /// The turn that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    turn: Option<Turn>,
    /// The carrier's own code for it; empty if it gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    carrier_code: Option<Box<str>>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let status = code.status();
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            call: None,
            turn: None,
            carrier_code: None,
            retry_after: None,
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    pub(crate) fn no_such_call() -> Self {
        Self::new(Code::NoSuchCall, "there is no call with this id")
    }

    pub(crate) fn no_such_turn() -> Self {
        Self::new(Code::NoSuchTurn, "the call has no such turn")
    }

    pub(crate) fn of_call(self, call: CallId) -> Self {
        Self { call: Some(call), ..self }
    }

    pub(crate) fn of_turn(self, turn: Turn) -> Self {
        Self { turn: Some(turn), ..self }
    }

    /// With the carrier's code, if its error has one.
    pub(crate) fn by_carrier(self, code: &str) -> Self {
        Self { carrier_code: (!code.is_empty()).then(|| code.into()), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let document = serde_json::to_string(&self).expect("texts and numbers");
        let mut response = (status, document).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<InitiateError> for Problem {
    fn from(error: InitiateError) -> Self {
        let code = match &error {
            InitiateError::ConcurrencyLimit { .. }
            | InitiateError::QueueFull { retry_after: None, .. } => Code::ConcurrencyLimit,
            InitiateError::RateLimit { .. }
            | InitiateError::QueueFull { retry_after: Some(_), .. } => Code::RateLimit,
            InitiateError::DestinationFenced { .. } => Code::DestinationFenced,
            InitiateError::DestinationNotAllowed => Code::DestinationNotAllowed,
            InitiateError::KeyReused => Code::IdempotencyKeyReused,
            InitiateError::StoreUnavailable => Code::StoreUnavailable,
            InitiateError::NotRunning => Code::NotReady,
            _ => Code::InvalidRequest,
        };
        let problem = Self::new(code, error.to_string());
        match error {
            InitiateError::RateLimit { retry_after }
            | InitiateError::QueueFull { retry_after: Some(retry_after), .. } => {
                Self { retry_after: Some(retry_after.as_secs() + 1), ..problem }
            }
            InitiateError::DestinationFenced { call } => problem.of_call(call),
            _ => problem,
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        use offhook_manager::machine::CommandRefusal;
        let code = match error {
            CommandError::NoSuchCall => return Self::no_such_call(),
            CommandError::Refused(CommandRefusal::NotAnswered) => Code::NotAnswered,
            CommandError::Refused(CommandRefusal::Ended) => Code::CallEnded,
            CommandError::Refused(_) => Code::Unsupported,
            CommandError::NotRunning => Code::NotReady,
            _ => Code::StoreUnavailable,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store cannot be read");
        Self::new(Code::StoreUnavailable, "the store cannot be read; the log says why")
    }
}

#[cfg(test)]
mod tests {
    use offhook_manager::machine::CommandRefusal;

    use super::*;

    #[test]
    fn each_refusal_of_a_command_has_its_status_and_its_code() {
        for (error, status, code) in [
            (CommandError::NoSuchCall, 404, "no_such_call"),
            (CommandError::Refused(CommandRefusal::NotAnswered), 409, "not_answered"),
            (CommandError::Refused(CommandRefusal::Ended), 409, "call_ended"),
            (CommandError::Refused(CommandRefusal::Unsupported), 422, "unsupported"),
            (CommandError::NotRunning, 503, "not_ready"),
            (CommandError::StoreUnavailable, 503, "store_unavailable"),
        ] {
            let problem = Problem::from(error);
            assert_eq!(
                (problem.status, serde_json::to_value(problem.code).unwrap()),
                (status, code.into())
            );
        }
    }
}
