//! The webhook listener: nothing but webhooks.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use ipnet::IpNet;
use offhook_core::{ProviderName, WebhookReply, WebhookRequest};
use offhook_manager::{Manager, WebhookError};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::public_url::{Forwarded, PublicUrl};
use crate::repetition::{Repetition, Told};
use crate::settings::ServerSettings;
use crate::sources::RequestsPerSource;

/// How much of a body that is too large is read and thrown away, so that the answer arrives.
const DISCARD_AT_MOST: usize = 1024 * 1024;

/// The listener's only handler, whatever the path: what a request is for depends on the prefix of
/// the public URL.
#[derive(Debug)]
pub(crate) struct Webhooks {
    manager: Manager,
    public_url: PublicUrl,
    trusted_proxies: Vec<IpNet>,
    sources: RequestsPerSource,
    max_body: usize,
    body_time: Duration,
    refusals: Repetition,
}

impl Webhooks {
    pub(crate) fn new(manager: Manager, settings: &ServerSettings) -> Self {
        Self {
            manager,
            public_url: settings.public_url.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            sources: RequestsPerSource::new(
                settings.requests_per_source,
                settings.trusted_proxies.clone(),
                Instant::now(),
            ),
            max_body: settings.max_body,
            body_time: settings.body_time,
            refusals: Repetition::new(Instant::now()),
        }
    }

    pub(crate) async fn receive<B: HttpBody<Data = Bytes>>(
        self: Arc<Self>,
        peer: SocketAddr,
        request: Request<B>,
    ) -> Response {
        if !self.sources.admit(peer.ip(), Instant::now()) {
            tracing::debug!(%peer, "too many requests from one source");
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response();
        }
        match self.answer(peer, request).await {
            Ok(reply) => respond(reply),
            Err(status) => refuse(status),
        }
    }

    async fn answer<B: HttpBody<Data = Bytes>>(
        &self,
        peer: SocketAddr,
        request: Request<B>,
    ) -> Result<WebhookReply, StatusCode> {
        let (parts, body) = request.into_parts();
        let local_path = self.public_url.local_path(parts.uri.path());
        let name = local_path
            .strip_prefix("/webhooks/")
            .filter(|name| !name.is_empty() && !name.contains('/'))
            .ok_or(StatusCode::NOT_FOUND)?;
        if parts.method != Method::GET && parts.method != Method::POST {
            // A webhook has no other methods: there is nothing here, as on any other path.
            return Err(StatusCode::NOT_FOUND);
        }
        let provider = ProviderName::from(name.to_owned());
        if self.manager.capabilities(&provider).is_none() {
            return Err(StatusCode::NOT_FOUND);
        }
        let forwarded = Forwarded::read(&parts.headers, peer, &self.trusted_proxies);
        let url = self.public_url.signed_url(local_path, parts.uri.query(), forwarded.as_ref());
        // What is empty becomes known on the way. The level is that of errors, so that no line is
        // without it, however little is logged.
        let span = tracing::error_span!(
            "webhook",
            %provider,
            %peer,
            kind = Empty,
            call = Empty,
            outcome = Empty,
        );
        let (method, headers) = (parts.method, parts.headers);
        // One future after the other, none in another: a request's future is moved about.
        let reading = tokio::time::timeout(self.body_time, read_body(body, self.max_body));
        let taken = match reading.await.map_err(|_| NotTaken::TooSlow).flatten() {
            Ok(body) => {
                let webhook = WebhookRequest { method, url, headers, body };
                let taking = self.manager.webhook(&provider, webhook).instrument(span.clone());
                taking.await.map_err(NotTaken::from)
            }
            Err(why) => Err(why),
        };
        span.in_scope(|| self.tell(&taken));
        taken.map_err(|why| why.status())
    }

    /// Tells what became of a webhook, within its span. What goes well is told in detail only: the
    /// call's own changes are what an operator follows. What is refused comes from strangers, and
    /// as often as they like.
    fn tell(&self, taken: &Result<WebhookReply, NotTaken>) {
        let span = Span::current();
        let why = match taken {
            Ok(reply) => {
                span.record("outcome", "taken");
                tracing::debug!(status = reply.status.as_u16(), "a webhook was taken");
                return;
            }
            Err(why) => why,
        };
        span.record("outcome", why.outcome());
        let status = why.status().as_u16();
        match self.refusals.once_more(Instant::now()) {
            Told::After(0) => {
                tracing::warn!(status, error = %why, "a webhook was not taken");
            }
            Told::After(untold) => {
                tracing::warn!(status, error = %why, untold, "a webhook was not taken");
            }
            Told::Not => {}
        }
    }
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("its body did not arrive within 10 s")]
    TooSlow,
    #[error("its body is larger than webhooks.max_body")]
    TooLarge,
    #[error("its body broke off")]
    BrokeOff,
    #[error(transparent)]
    Refused(#[from] WebhookError),
}

impl NotTaken {
    const fn status(&self) -> StatusCode {
        match self {
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokeOff | Self::Refused(WebhookError::Undecodable(_)) => StatusCode::BAD_REQUEST,
            Self::Refused(WebhookError::UnknownProvider { .. }) => StatusCode::NOT_FOUND,
            Self::Refused(WebhookError::Rejected(_)) => StatusCode::UNAUTHORIZED,
            Self::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn outcome(&self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::TooLarge => "too_large",
            Self::BrokeOff => "broke_off",
            Self::Refused(WebhookError::UnknownProvider { .. }) => "unknown_provider",
            Self::Refused(WebhookError::Rejected(_)) => "rejected",
            Self::Refused(WebhookError::Undecodable(_)) => "undecodable",
            Self::Refused(_) => "unavailable",
        }
    }
}

async fn read_body<B: HttpBody<Data = Bytes>>(body: B, limit: usize) -> Result<Bytes, NotTaken> {
    let mut body = pin!(body);
    // As a rule all of it is there at once, and is not copied.
    let mut read = Bytes::new();
    let mut discarded = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| NotTaken::BrokeOff)?;
        let Ok(data) = frame.into_data() else { continue };
        if discarded == 0 && read.len() + data.len() <= limit {
            read = if read.is_empty() {
                data
            } else {
                let mut both = BytesMut::from(read);
                both.extend_from_slice(&data);
                both.freeze()
            };
            continue;
        }
        discarded += data.len();
        if discarded > DISCARD_AT_MOST {
            break;
        }
    }
    if discarded == 0 { Ok(read) } else { Err(NotTaken::TooLarge) }
}

/// Whoever has no signature, or asks for what is not here, is no carrier: the connection is closed,
/// so that each such request costs its sender a connection, and none can be sent ahead in heaps.
fn refuse(status: StatusCode) -> Response {
    let mut response = status.into_response();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
        let close = http::HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

fn respond(reply: WebhookReply) -> Response {
    let mut response = (reply.status, Body::from(reply.body)).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if !reply.content_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(reply.content_type));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use offhook_manager::Policy;

    #[tokio::test]
    async fn a_body_byte_by_byte_is_put_together_and_one_that_is_too_large_is_not_kept() {
        let limit = 64 * 1024;
        let bytes = |count: usize| {
            let each = (0..count).map(|_| Ok::<_, String>(Bytes::copy_from_slice(b"x")));
            Body::from_stream(futures_util::stream::iter(each))
        };
        let whole = read_body(bytes(limit), limit).await.unwrap();
        assert_eq!(whole, vec![b'x'; limit]);
        assert!(matches!(read_body(bytes(limit + 1), limit).await, Err(NotTaken::TooLarge)));
        // Without an end: no more than the bound of what is thrown away is looked at.
        let kibibyte = || Ok::<_, String>(Bytes::from_static(&[7; 1024]));
        let endless = Body::from_stream(futures_util::stream::repeat_with(kibibyte));
        assert!(matches!(read_body(endless, limit).await, Err(NotTaken::TooLarge)));
    }

    #[tokio::test]
    async fn a_source_with_too_many_requests_is_told_so_before_anything_is_read() {
        let manager = Manager::builder(Policy::new(ProviderName::new("twilio"))).start();
        let public_url = PublicUrl::parse("https://voice.example.com").unwrap();
        let mut settings = ServerSettings::new(public_url, "token");
        settings.requests_per_source = const { NonZeroU32::new(3).unwrap() };
        let webhooks = Arc::new(Webhooks::new(manager, &settings));
        let mut answers = Vec::new();
        for peer in ["198.51.100.7:1", "198.51.100.7:2", "198.51.100.7:3", "198.51.100.7:4"] {
            let peer: SocketAddr = peer.parse().unwrap();
            // A body that never ends: nobody may wait for it.
            let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, String>>());
            let request = Request::post("/webhooks/nobody").body(body).unwrap();
            let answer = Arc::clone(&webhooks).receive(peer, request).await;
            answers.push((answer.status(), answer.headers().contains_key(header::RETRY_AFTER)));
        }
        assert_eq!(answers[..3], [(StatusCode::NOT_FOUND, false); 3]);
        assert_eq!(answers[3], (StatusCode::TOO_MANY_REQUESTS, true));
    }
}
