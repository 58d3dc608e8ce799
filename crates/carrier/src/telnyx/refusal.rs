//! Refusals, in the shape that Telnyx gives them.

use http::StatusCode;
use serde_json::json;

use crate::exchange::ApiResponse;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    /// The field of the body that is to blame.
    field: Option<String>,
}

impl Refusal {
    fn unprocessable(code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, code, title, detail: detail.into(), field: None }
    }

    fn about(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }

    pub(crate) fn unauthenticated() -> Self {
        let status = StatusCode::UNAUTHORIZED;
        let detail = "The required authentication headers were either invalid or not included in \
                      the request.";
        let refusal = Self::unprocessable("10009", "Authentication failed", detail);
        Self { status, ..refusal }
    }

    pub(crate) fn not_found() -> Self {
        let detail = "The requested resource or URL could not be found.";
        let refusal = Self::unprocessable("10005", "Resource not found", detail);
        Self { status: StatusCode::NOT_FOUND, ..refusal }
    }

    pub(crate) fn not_json(problem: &str) -> Self {
        let detail = format!("The supplied body is not a JSON object: {problem}");
        let refusal = Self::unprocessable("10023", "Invalid JSON", detail);
        Self { status: StatusCode::BAD_REQUEST, ..refusal }
    }

    /// What is wrong has no code of its own.
    pub(crate) fn bad(field: &str, detail: impl Into<String>) -> Self {
        Self::unprocessable("10015", "Bad Request", detail).about(field)
    }

    pub(crate) fn missing(field: &str) -> Self {
        let detail = format!("The '{field}' parameter is required and cannot be blank.");
        Self::unprocessable("10004", "Missing required parameter", detail).about(field)
    }

    pub(crate) fn invalid_url(field: &str) -> Self {
        let detail = "The URL provided was invalid, malformed, or too long. URLs can be a maximum \
                      of 2000 characters.";
        Self::unprocessable("10003", "Invalid URL", detail).about(field)
    }

    pub(crate) fn invalid_number(field: &str) -> Self {
        Self::unprocessable("10002", "Invalid phone number", "The phone number is invalid.")
            .about(field)
    }

    pub(crate) fn not_e164(field: &str) -> Self {
        let detail = format!("The '{field}' parameter must be in E164 format.");
        Self::unprocessable("10016", "Phone number must be in +E164 format", detail).about(field)
    }

    pub(crate) fn no_such_connection() -> Self {
        let title = "Invalid value for connection_id (Call Control App ID)";
        let detail = "The requested connection_id (Call Control App ID) is either invalid or does \
                      not exist. Only Call Control Apps with valid webhook URL are accepted.";
        Self::unprocessable("10015", title, detail).about("connection_id")
    }

    pub(crate) fn none_of(field: &str, allowed: &[&str]) -> Self {
        let detail = format!("The value must be one of: {}.", allowed.join(", "));
        Self::unprocessable("10032", "Invalid enumerated value", detail).about(field)
    }

    pub(crate) fn out_of_range(field: &str, least: u64, most: u64) -> Self {
        let detail = format!("The value is outside of allowed range {least} to {most}");
        Self::unprocessable("10033", "Value outside of range", detail).about(field)
    }

    pub(crate) fn invalid_language(field: &str) -> Self {
        let detail = "The language provided is not supported.";
        Self::unprocessable("90013", "Invalid language", detail).about(field)
    }

    pub(crate) fn invalid_digits(field: &str) -> Self {
        let detail = "Digits are 0-9, A-D, *, #, and w and W for pauses.";
        Self::unprocessable("90014", "Invalid digits", detail).about(field)
    }

    pub(crate) fn invalid_stop() -> Self {
        let detail = "The value must be one of: current, all.";
        Self::unprocessable("90016", "Invalid value for stop", detail).about("stop")
    }

    pub(crate) fn invalid_call_control_id() -> Self {
        let detail = "The call_control_id provided was not valid.";
        Self::unprocessable("90015", "Invalid Call Control ID", detail).about("call_control_id")
    }

    pub(crate) fn client_state_not_base64() -> Self {
        let detail = "The client_state provided is not a valid Base64-encoded string.";
        Self::unprocessable("90017", "Invalid client state", detail).about("client_state")
    }

    pub(crate) fn ended() -> Self {
        let detail = "This call is no longer active and can't receive commands.";
        Self::unprocessable("90018", "Call has already ended", detail)
    }

    pub(crate) fn not_answered() -> Self {
        let detail = "This call can't receive this command because it has not been answered yet.";
        Self::unprocessable("90034", "Call not answered yet", detail)
    }

    pub(crate) fn already_transcribing() -> Self {
        let title = "Call transcription is already in progress";
        let detail = "Call transcription can not be started more than once.";
        Self::unprocessable("90054", title, detail)
    }

    pub(crate) fn unknown_event(field: &str, name: &str) -> Self {
        let detail = format!("There is no event {name:?}.");
        Self::unprocessable("90057", "Invalid event name", detail).about(field)
    }

    pub(crate) fn answers_outbound() -> Self {
        let detail = "This command can't be issued on an outbound call.";
        Self::unprocessable("90102", "Command not allowed on outbound calls", detail)
    }

    pub(crate) fn response(&self) -> ApiResponse {
        let mut error = json!({
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "meta": { "url": format!("https://developers.telnyx.com/docs/overview/errors/{}", self.code) },
        });
        if let Some(field) = &self.field {
            error["source"] = json!({ "pointer": format!("/{field}") });
        }
        ApiResponse::json(self.status, &json!({ "errors": [error] }))
    }
}
