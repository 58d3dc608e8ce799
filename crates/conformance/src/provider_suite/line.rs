//! A transport that is played by a script, and what can come over it from anybody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use offhook_core::{FaultKind, Transport, TransportFault, TransportRequest, TransportResponse};

/// What a transport brings.
pub type Answered = Result<TransportResponse, TransportFault>;

/// Gives the answers that it was given, in order, the last one again and again, and keeps what it
/// was sent.
#[derive(Debug)]
pub struct Line {
    answers: Mutex<VecDeque<Answered>>,
    sent: Mutex<Vec<TransportRequest>>,
}

impl Line {
    /// A line that gives these answers.
    #[must_use]
    pub fn of(answers: impl IntoIterator<Item = Answered>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { answers, sent: Mutex::default() })
    }

    /// A line that gives this answer, however often it is asked.
    #[must_use]
    pub fn with(answer: Answered) -> Arc<Self> {
        Self::of([answer])
    }

    /// A line over which nothing can be sent. What is tried is kept.
    #[must_use]
    pub fn dead() -> Arc<Self> {
        Self::of([])
    }

    /// All that was sent.
    #[must_use]
    pub fn requests(&self) -> Vec<TransportRequest> {
        locked(&self.sent).clone()
    }

    /// The one request that was sent.
    ///
    /// # Panics
    /// It is not one.
    #[must_use]
    pub fn only_request(&self) -> TransportRequest {
        let sent = locked(&self.sent);
        assert_eq!(sent.len(), 1, "exactly one request is sent: {sent:?}");
        sent[0].clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: TransportRequest) -> Answered {
        locked(&self.sent).push(request);
        let mut answers = locked(&self.answers);
        match answers.len() {
            0 => Err(TransportFault::not_sent(FaultKind::Connect, "a dead line")),
            1 => answers[0].clone(),
            _ => answers.pop_front().expect("there are two"),
        }
    }
}

/// An answer with this status, type and body.
///
/// # Panics
/// It is no HTTP status.
#[must_use]
pub fn response(
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> TransportResponse {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let status = StatusCode::from_u16(status).expect("an HTTP status");
    TransportResponse { status, headers, body: body.into() }
}

/// A page of somebody who stands between us and the carrier.
pub(super) fn page(status: u16) -> TransportResponse {
    response(status, "text/html; charset=utf-8", "<html><body>Please sign in</body></html>")
}

const JSON: &str = "application/json";

/// Successes that are no answers of any carrier's.
pub(super) fn successes_of_nobody() -> Vec<(&'static str, TransportResponse)> {
    vec![
        ("200 HTML", page(200)),
        ("200 cut off", response(200, JSON, r#"{"sid":"CA5d2f0e7b9c1a4e"#)),
        ("200 null", response(200, JSON, "null")),
        ("200 of other JSON", response(200, JSON, r#"[{"hello":"world"}]"#)),
        ("200 not UTF-8", response(200, JSON, &b"{\"\xff\":1}"[..])),
        ("200 deep", response(200, JSON, "[".repeat(100_000))),
        ("201 HTML", page(201)),
    ]
}

/// Successes with nothing in them.
pub(super) fn empty_successes() -> Vec<(&'static str, TransportResponse)> {
    vec![
        ("200 empty", response(200, JSON, "")),
        ("202 empty", response(202, "", "")),
        ("204", response(204, "", "")),
    ]
}

/// Refusals that are no answers of any carrier's: nothing is known by them.
pub(super) fn refusals_of_nobody() -> Vec<(&'static str, TransportResponse)> {
    vec![
        ("301 HTML", page(301)),
        ("302 empty", response(302, "", "")),
        ("307 HTML", page(307)),
        ("400 HTML", page(400)),
        ("403 HTML", page(403)),
        ("404 HTML", page(404)),
        ("404 empty", response(404, "", "")),
        ("404 of a gateway", response(404, JSON, r#"{"message":"no Route matched"}"#)),
    ]
}

/// Server errors of the carrier's or of anybody before it.
pub(super) fn server_errors() -> Vec<(&'static str, TransportResponse)> {
    vec![
        ("500 empty", response(500, JSON, "")),
        ("502 HTML", page(502)),
        ("503 HTML", page(503)),
        ("504 HTML", page(504)),
    ]
}

/// Faults before anything was sent.
pub(super) fn faults_before() -> Vec<TransportFault> {
    [FaultKind::Forbidden, FaultKind::Connect, FaultKind::Timeout]
        .map(|kind| TransportFault::not_sent(kind, "carrier.test"))
        .into()
}

/// Faults after something may have been.
pub(super) fn faults_after() -> Vec<TransportFault> {
    [FaultKind::Timeout, FaultKind::Broken, FaultKind::TooLarge]
        .map(|kind| TransportFault::perhaps_sent(kind, "carrier.test"))
        .into()
}

/// The answer with a time to wait.
pub(super) fn waiting(mut response: TransportResponse, seconds: &'static str) -> TransportResponse {
    response.headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static(seconds));
    response
}
