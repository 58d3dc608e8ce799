//! The way to a carrier: one request, one answer.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// The longest wait that is taken from an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Sends a request and brings the answer. The guarded client is one; so is an emulator in a test.
///
/// An answer of any status is a success here. A `Transport` repeats nothing: whether to repeat is
/// the manager's to decide.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request.
    ///
    /// # Errors
    /// A fault, which says whether bytes may have left.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the request sent or not sent; that is the same as an
    /// ambiguous fault.
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault>;
}

/// Which connection a request may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Any that is open.
    #[default]
    Pooled,
    /// A fresh one, so that DNS, connect and TLS failures prove that nothing was sent.
    Fresh,
}

/// One request.
#[derive(Clone)]
pub struct TransportRequest {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// The headers, credentials among them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long it may take from start to end.
    pub timeout: Duration,
    /// Which connection it may take.
    pub connection: Connection,
}

impl TransportRequest {
    /// A request without body, on a pooled connection, within 10 s.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(10),
            connection: Connection::Pooled,
        }
    }
}

impl fmt::Debug for TransportRequest {
    /// Method and path only: headers hold credentials, bodies hold numbers and text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.path())
    }
}

/// One answer.
#[derive(Clone)]
pub struct TransportResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, of bounded size.
    pub body: Bytes,
}

impl fmt::Debug for TransportResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes", self.status, self.body.len())
    }
}

impl TransportResponse {
    /// Whether the body can be a JSON object. Serde reads a struct out of a list as well, and no
    /// carrier answers with one where an object is documented.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"{")
    }

    /// How long the carrier asks us to wait, by `Retry-After`: seconds, or a date; an hour at most.
    /// Source: RFC 9110, 10.2.3.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name)?.to_str().ok().map(str::trim);
        let value = text(header::RETRY_AFTER)?;
        let wait = match value.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => {
                // By the sender's own clock, so that ours has no part in it. The form of the date
                // is a part of RFC 2822's (RFC 9110, 5.6.7).
                let date = |text| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
                let wait = date(value)?.duration_since(date(text(header::DATE)?)?);
                Duration::try_from(wait).unwrap_or_default()
            }
        };
        Some(wait.min(LONGEST_WAIT))
    }
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The address is not one that this client may go to.
    Forbidden,
    /// No connection: DNS, TCP or TLS.
    Connect,
    /// No whole answer in time.
    Timeout,
    /// The connection broke off.
    Broken,
    /// The answer is larger than we read.
    TooLarge,
}

/// A request that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportFault {
    kind: FaultKind,
    sent: bool,
    detail: String,
}

impl TransportFault {
    /// A fault before anything was sent.
    pub fn not_sent(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, sent: false, detail: detail.into() }
    }

    /// A fault after bytes may have left.
    pub fn perhaps_sent(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, sent: true, detail: detail.into() }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Whether the carrier may have got the request.
    #[must_use]
    pub const fn may_have_been_sent(&self) -> bool {
        self.sent
    }
}

impl fmt::Display for TransportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FaultKind::Forbidden => "this address may not be used",
            FaultKind::Connect => "no connection",
            FaultKind::Timeout => "no answer in time",
            FaultKind::Broken => "the connection broke off",
            FaultKind::TooLarge => "the answer is too large",
        };
        if self.detail.is_empty() {
            f.write_str(what)
        } else {
            write!(f, "{what} ({})", self.detail)
        }
    }
}

impl std::error::Error for TransportFault {}
