//! The webhook listener: nothing but webhooks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use ipnet::IpNet;
use offhook_core::{ProviderName, WebhookReply, WebhookRequest};
use offhook_manager::{Manager, WebhookError};

use crate::public_url::{Forwarded, PublicUrl};
use crate::settings::ServerSettings;

/// How much of a body that is too large is read and thrown away, so that the answer arrives.
const DISCARD_AT_MOST: usize = 1024 * 1024;

#[derive(Debug)]
struct Webhooks {
    manager: Manager,
    public_url: PublicUrl,
    trusted_proxies: Vec<IpNet>,
    max_body: usize,
    body_time: Duration,
}

pub(crate) fn router(manager: Manager, settings: &ServerSettings) -> Router {
    let webhooks = Webhooks {
        manager,
        public_url: settings.public_url.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        max_body: settings.max_body,
        body_time: settings.body_time,
    };
    // One handler for all paths: what a request is for depends on the prefix of the public URL.
    Router::new().fallback(receive).with_state(Arc::new(webhooks))
}

async fn receive(
    State(webhooks): State<Arc<Webhooks>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    match webhooks.answer(peer, request).await {
        Ok(reply) => respond(reply),
        Err(status) => status.into_response(),
    }
}

impl Webhooks {
    async fn answer(&self, peer: SocketAddr, request: Request) -> Result<WebhookReply, StatusCode> {
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
        let body = tokio::time::timeout(self.body_time, read_body(body, self.max_body))
            .await
            .map_err(|_| StatusCode::REQUEST_TIMEOUT)??;
        let forwarded = Forwarded::read(&parts.headers, peer, &self.trusted_proxies);
        let url = self.public_url.signed_url(local_path, parts.uri.query(), forwarded.as_ref());
        let webhook = WebhookRequest { method: parts.method, url, headers: parts.headers, body };
        self.manager.webhook(&provider, webhook).await.map_err(|error| {
            tracing::warn!(%provider, %peer, %error, "a webhook was not taken");
            match error {
                WebhookError::UnknownProvider { .. } => StatusCode::NOT_FOUND,
                WebhookError::Rejected(_) => StatusCode::UNAUTHORIZED,
                WebhookError::Undecodable(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            }
        })
    }
}

async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, StatusCode> {
    let mut read = BytesMut::new();
    let mut discarded = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Ok(data) = frame.into_data() else { continue };
        if discarded == 0 && read.len() + data.len() <= limit {
            read.extend_from_slice(&data);
            continue;
        }
        discarded += data.len();
        if discarded > DISCARD_AT_MOST {
            break;
        }
    }
    if discarded == 0 { Ok(read.freeze()) } else { Err(StatusCode::PAYLOAD_TOO_LARGE) }
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
