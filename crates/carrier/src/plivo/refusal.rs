//! Refusals, in the shape that Plivo gives them.

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::exchange::ApiResponse;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    pub(crate) fn bad(error: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: error.into() }
    }

    pub(crate) fn invalid(name: &str) -> Self {
        Self::bad(format!("{name} parameter is invalid"))
    }

    pub(crate) fn missing(name: &str) -> Self {
        Self::bad(format!("{name} parameter is mandatory"))
    }

    pub(crate) fn unauthenticated() -> Self {
        let error = "Could not verify your access level for that URL. You have to login with \
                     proper credentials";
        Self { status: StatusCode::UNAUTHORIZED, error: error.to_owned() }
    }

    pub(crate) fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, error: "not found".to_owned() }
    }

    pub(crate) fn no_such_call(id: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, error: format!("call {id} not found") }
    }

    pub(crate) fn not_answered() -> Self {
        Self::bad("call is not in progress")
    }

    pub(crate) fn method_not_allowed() -> Self {
        let error = "method not allowed".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, error }
    }

    pub(crate) fn response(&self, api_id: &str) -> ApiResponse {
        let body = json!({ "api_id": api_id, "error": self.error });
        let mut response = ApiResponse::json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"Login Required\"");
            response.headers.insert(header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}
