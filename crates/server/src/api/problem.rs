//! Errors as problem documents. Source: RFC 9457.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use offhook_manager::{CommandError, InitiateError, StoreError};
use serde_json::{Map, Value, json};

/// An error with a stable code.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: Map::new(), retry_after: None }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail)
    }

    pub(crate) fn no_such_call() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_such_call", "there is no call with this id")
    }

    /// With another member.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut document = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut document {
            members.extend(self.more);
        }
        let mut response = (self.status, document.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<InitiateError> for Problem {
    fn from(error: InitiateError) -> Self {
        let detail = error.to_string();
        let (status, code) = match &error {
            InitiateError::ConcurrencyLimit { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "concurrency_limit")
            }
            InitiateError::RateLimit { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limit"),
            InitiateError::DestinationFenced { .. } => (StatusCode::CONFLICT, "destination_fenced"),
            InitiateError::DestinationNotAllowed => {
                (StatusCode::FORBIDDEN, "destination_not_allowed")
            }
            InitiateError::KeyReused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
            }
            InitiateError::StoreUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
            }
            InitiateError::NotRunning => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
        };
        let mut problem = Self::new(status, code, detail);
        match error {
            InitiateError::RateLimit { retry_after } => {
                problem.retry_after = Some(retry_after.as_secs() + 1);
            }
            InitiateError::DestinationFenced { call } => {
                problem = problem.with("call", call.to_string());
            }
            _ => {}
        }
        problem
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        use offhook_manager::machine::CommandRefusal;
        let (status, code) = match error {
            CommandError::NoSuchCall => return Self::no_such_call(),
            CommandError::Refused(CommandRefusal::NotAnswered) => {
                (StatusCode::CONFLICT, "not_answered")
            }
            CommandError::Refused(CommandRefusal::Ended) => (StatusCode::CONFLICT, "call_ended"),
            CommandError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported"),
            CommandError::NotRunning => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store cannot be read");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            "the store cannot be read; the log says why",
        )
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
            assert_eq!((problem.status.as_u16(), problem.code), (status, code));
        }
    }
}
