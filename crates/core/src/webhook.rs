//! What a carrier sends us: first verified, then read. The types keep that order.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

use crate::{CallEvent, CallId, Direction, Party, ProviderCallIds, Step, VoiceProvider};

/// One arrival, unverified.
#[derive(Clone)]
pub struct WebhookRequest {
    /// The method: GET or POST.
    pub method: Method,
    /// The URL as the carrier knows it, byte for byte: scheme, host, path and query.
    pub url: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
}

impl WebhookRequest {
    /// A header that may stand once at most: of two, nobody knows which was meant.
    ///
    /// # Errors
    /// It stands more than once.
    pub fn only_header(&self, name: &'static str) -> Result<Option<&[u8]>, WebhookRejection> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map(http::HeaderValue::as_bytes);
        match values.next() {
            None => Ok(first),
            Some(_) => Err(WebhookRejection::MalformedHeader { header: name }),
        }
    }
}

impl fmt::Debug for WebhookRequest {
    /// Method and sizes only: the URL, the signature and the body are private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} webhook with {} bytes", self.method, self.body.len())
    }
}

/// What makes two deliveries one: 128 bits made from signed content only.
///
/// A carrier's retry has the same key; no two genuine requests that differ have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DedupeKey(pub [u8; 16]);

impl DedupeKey {
    /// The beginning of a digest of what was signed.
    #[must_use]
    pub fn of_digest(digest: &[u8]) -> Self {
        let mut key = [0; 16];
        for (byte, from) in key.iter_mut().zip(digest) {
            *byte = *from;
        }
        Self(key)
    }
}

/// Why a webhook was not accepted. For our logs; the sender learns none of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookRejection {
    /// The signature's header is missing.
    #[error("there is no {header} header; is the sender the carrier?")]
    MissingHeader {
        /// Its name.
        header: &'static str,
    },
    /// A header that must stand once stands more than once, or cannot be read.
    #[error("the {header} header is malformed or stands more than once")]
    MalformedHeader {
        /// Its name.
        header: &'static str,
    },
    /// The signature is not the one of this content under our key.
    #[error(
        "the signature does not match; check the token or public key, and that public_url is exactly the URL that the carrier calls"
    )]
    Mismatch,
    /// The body is not the one that the signed URL names.
    #[error("the body does not match its signed digest")]
    BodyDigest,
    /// Signed too long ago, or in the future.
    #[error("the timestamp is {seconds} s off; check the clock")]
    Stale {
        /// By how much, in seconds.
        seconds: i64,
    },
    /// A scheme that is not configured.
    #[error("the signature scheme {scheme} is not configured")]
    Scheme {
        /// Its name.
        scheme: &'static str,
    },
    /// A method that carriers do not use.
    #[error("webhooks come by GET or POST")]
    Method,
    /// Content of which the signature would not cover everything.
    #[error("the signature of such a request does not cover its body")]
    Unsigned,
}

/// An arrival whose signature was right. There is no other way to one than [`verify`].
///
/// ```compile_fail,E0451
/// use offhook_core::{DedupeKey, VerifiedWebhook, WebhookRequest};
///
/// fn forge(request: &WebhookRequest) -> VerifiedWebhook<'_> {
///     VerifiedWebhook { request, key: DedupeKey([0; 16]) }
/// }
/// ```
#[derive(Debug)]
pub struct VerifiedWebhook<'a> {
    request: &'a WebhookRequest,
    key: DedupeKey,
}

impl<'a> VerifiedWebhook<'a> {
    /// The request.
    #[must_use]
    pub const fn request(&self) -> &'a WebhookRequest {
        self.request
    }

    /// What makes a repeat of it known.
    #[must_use]
    pub const fn key(&self) -> DedupeKey {
        self.key
    }
}

/// Verifies a webhook, and gives what [`VoiceProvider::parse_webhook_event`] takes.
///
/// # Errors
/// Why it was refused. Answer 401 and nothing else: the reason is for our logs.
pub fn verify<'a>(
    provider: &dyn VoiceProvider,
    request: &'a WebhookRequest,
    now: Timestamp,
) -> Result<VerifiedWebhook<'a>, WebhookRejection> {
    let key = provider.verify_webhook(request, now)?;
    Ok(VerifiedWebhook { request, key })
}

/// A signed webhook that cannot be read. Answer 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhook is signed but cannot be read: {what}")]
pub struct UndecodableWebhook {
    /// What is wrong with it.
    pub what: &'static str,
}

/// A verified webhook in our words.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParsedWebhook {
    /// Our id, if the carrier brought it back.
    pub call: Option<CallId>,
    /// The step that it belongs to, if the carrier brought it back.
    pub step: Option<Step>,
    /// Whether a command of ours made the carrier come for the plan of that step. What it ran before
    /// is broken off.
    pub pushed: bool,
    /// The carrier's ids of the call.
    pub ids: ProviderCallIds,
    /// Who placed the call, where the carrier tells.
    pub direction: Option<Direction>,
    /// Set if this is the first word of an inbound call.
    pub offer: Option<Offer>,
    /// Set if the call belongs to another account or application: acknowledged, without effect.
    pub foreign: bool,
    /// What it reports, in order.
    pub events: Vec<CallEvent>,
    /// What the carrier waits for.
    pub answer: Answer,
}

impl ParsedWebhook {
    /// A webhook about this call of the carrier's, which reports nothing yet.
    #[must_use]
    pub const fn new(ids: ProviderCallIds, answer: Answer) -> Self {
        Self {
            call: None,
            step: None,
            pushed: false,
            ids,
            direction: None,
            offer: None,
            foreign: false,
            events: Vec::new(),
            answer,
        }
    }

    /// Whether it is the first word of a call, unless its ids are known.
    #[must_use]
    pub const fn begins_a_call(&self) -> bool {
        self.offer.is_some() && self.call.is_none()
    }
}

/// An inbound call that asks to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who calls. A caller can claim any number.
    pub from: Party,
    /// Which of our numbers was called.
    pub to: Party,
}

/// What a carrier waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A document: the call's plan, by [`VoiceProvider::render_reply`].
    Document,
    /// Just this.
    Fixed(WebhookReply),
}

/// An answer to a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookReply {
    /// The status.
    pub status: StatusCode,
    /// The type of the body; empty for none.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for WebhookReply {
    /// Status and size only: a document holds what is to be said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes", self.status, self.body.len())
    }
}

impl WebhookReply {
    /// 200 without a body: taken, nothing to say.
    #[must_use]
    pub const fn acknowledged() -> Self {
        Self::status(StatusCode::OK)
    }

    /// A status without a body.
    #[must_use]
    pub const fn status(status: StatusCode) -> Self {
        Self { status, content_type: "", body: Bytes::new() }
    }

    /// 200 with a document.
    #[must_use]
    pub const fn document(content_type: &'static str, body: Bytes) -> Self {
        Self { status: StatusCode::OK, content_type, body }
    }
}
