//! Refusals, in the shape that Twilio gives them.

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::exchange::ApiResponse;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refusal {
    /// A 400 with Twilio's code.
    pub(crate) fn bad(code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    /// A parameter that has no code of its own.
    pub(crate) fn invalid(name: &str) -> Self {
        Self::bad(20001, format!("Invalid parameter: {name}"))
    }

    pub(crate) fn not_found(path: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: 20404,
            message: format!("The requested resource {path} was not found"),
        }
    }

    pub(crate) fn unauthenticated() -> Self {
        let message = "Authenticate".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, code: 20003, message }
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "Method not allowed".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, code: 20004, message }
    }

    pub(crate) fn not_in_progress() -> Self {
        Self::bad(21220, "Call is not in-progress. Cannot redirect.")
    }

    pub(crate) fn response(&self) -> ApiResponse {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        let mut response = ApiResponse::json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"Twilio API\"");
            response.headers.insert(header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}
