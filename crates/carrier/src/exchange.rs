//! What goes in and out of the emulator: requests, answers, webhooks.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

/// A request to the carrier's API, or to the emulator's own control API.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// The path with its query, as it stands in the request line.
    pub path_and_query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl ApiRequest {
    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// The query without its question mark, empty if there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.path_and_query.split_once('?').map_or("", |(_, query)| query)
    }
}

/// The answer to an [`ApiRequest`].
#[derive(Debug, Clone)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl ApiResponse {
    pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(crate) fn text(status: StatusCode, content_type: &str, body: String) -> Self {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(content_type) {
            headers.insert(header::CONTENT_TYPE, value);
        }
        Self { status, headers, body: Bytes::from(body) }
    }

    /// The answer about a path that is nobody's.
    pub(crate) fn no_such_path(path: &str) -> Self {
        let problem = serde_json::json!({ "error": format!("there is no {path}") });
        Self::json(StatusCode::NOT_FOUND, &problem)
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

/// Whether webhooks can be sent to this.
pub(crate) fn is_web_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The connection was closed without an answer, because a fault said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection closed without an answer")]
pub struct ConnectionDropped {
    /// Whether the request had been carried out.
    pub taken: bool,
}

/// What became of a request, and how long its answer is held back.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The answer.
    pub result: Result<ApiResponse, ConnectionDropped>,
    /// Time between the carrying out and the answer.
    pub held_for: Duration,
}

/// Names one attempt to deliver a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub(crate) u64);

/// One attempt at a webhook, to be sent now.
#[derive(Debug, Clone)]
pub struct OutgoingWebhook {
    /// Names this attempt towards [`Emulator::delivered`](crate::Emulator::delivered).
    pub id: DeliveryId,
    /// The HTTP method.
    pub method: Method,
    /// The address, without a fragment, exactly as it was signed.
    pub url: String,
    /// All headers, the signature among them.
    pub headers: HeaderMap,
    /// The body; empty for GET.
    pub body: Bytes,
    /// Time for the connection to come about.
    pub connect_timeout: Duration,
    /// Time for the whole answer once connected.
    pub read_timeout: Duration,
}

/// How the receiver answered a webhook.
#[derive(Debug, Clone)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why an attempt at a webhook got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryFault {
    /// No connection came about.
    #[error("connection failed")]
    Connect,
    /// The connection stood, and the answer did not come in time.
    #[error("answer timed out")]
    ReadTimeout,
    /// The connection broke before the answer was complete.
    #[error("connection broke")]
    Broken,
}
