//! The guarded HTTPS client: the one way out, and it leads to the carrier only.

mod address;
mod resolver;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};

use crate::{
    Connection, FaultKind, Transport, TransportFault, TransportRequest, TransportResponse,
};

pub use address::is_public_address;
use resolver::{JudgedResolver, SystemLookUp};

/// The longest answer that is read. The largest that a carrier sends us is a page of a list.
const MAX_BODY: usize = 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a [`GuardedClient`] may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostPolicy {
    /// Public addresses, by https. What a real carrier needs.
    #[default]
    PublicOnly,
    /// Private addresses too, and http: for development and for the emulator.
    AllowPrivate,
}

/// A base URL that a client cannot be bound to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// Not https.
    #[error("the API base must be https (http needs allow_private_hosts = true)")]
    NotHttps,
    /// It has a user, a query or a fragment, or no host.
    #[error("the API base must be scheme, host, port and at most a path")]
    NotABase,
    /// A literal address that is not public.
    #[error("the API base is a private address (that needs allow_private_hosts = true)")]
    Private,
    /// The TLS set-up of this machine.
    #[error("TLS cannot be set up on this machine: {reason}; are its root certificates installed?")]
    Tls {
        /// What the TLS library says.
        reason: String,
    },
}

/// An HTTPS client that is bound to one origin.
///
/// It follows no redirects, ignores the environment's proxies, refuses addresses that are not
/// public *after* the name was resolved (so that DNS rebinding fails), bounds every request in
/// time and every answer in size, and repeats nothing. No secret enters an error.
#[derive(Clone)]
pub struct GuardedClient {
    base: Url,
    pooled: reqwest::Client,
    fresh: reqwest::Client,
}

impl fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedClient").field("base", &self.base.as_str()).finish()
    }
}

impl GuardedClient {
    /// A client for the origin (scheme, host, port) of this base URL.
    ///
    /// # Errors
    /// The base URL is not one that the policy permits, or TLS cannot be set up.
    pub fn new(base: Url, policy: HostPolicy) -> Result<Self, InvalidBaseUrl> {
        let judge = match policy {
            HostPolicy::PublicOnly => is_public_address,
            HostPolicy::AllowPrivate => |_| true,
        };
        Self::resolving(base, policy, JudgedResolver { look_up: Arc::new(SystemLookUp), judge })
    }

    /// The same, with a look-up and a judge of addresses to order.
    fn resolving(
        base: Url,
        policy: HostPolicy,
        resolver: JudgedResolver,
    ) -> Result<Self, InvalidBaseUrl> {
        let private = policy == HostPolicy::AllowPrivate;
        match base.scheme() {
            "https" => {}
            "http" if private => {}
            _ => return Err(InvalidBaseUrl::NotHttps),
        }
        let bare = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !bare {
            return Err(InvalidBaseUrl::NotABase);
        }
        // A literal address never reaches the resolver, so it is judged here.
        let literal = match base.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(InvalidBaseUrl::NotABase),
        };
        if literal.is_some_and(|address| !(resolver.judge)(address)) {
            return Err(InvalidBaseUrl::Private);
        }

        let tls =
            tls_config().map_err(|error| InvalidBaseUrl::Tls { reason: error.to_string() })?;
        let resolver = Arc::new(resolver);
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::clone(&resolver))
                .https_only(!private)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                // Another crate of the program may switch these on for all; an answer that is small
                // when it is counted may then be large when it is read.
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .connect_timeout(CONNECT_TIMEOUT)
                .user_agent(concat!("offhook/", env!("CARGO_PKG_VERSION")))
        };
        let build = |client: reqwest::ClientBuilder| {
            client.build().map_err(|error| InvalidBaseUrl::Tls { reason: error.to_string() })
        };
        Ok(Self {
            pooled: build(builder())?,
            fresh: build(builder().http1_only().pool_max_idle_per_host(0))?,
            base,
        })
    }

    fn same_origin(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }
}

fn tls_config() -> Result<ClientConfig, rustls::Error> {
    // The provider is named here, so that no process-wide default has to be installed.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}

#[async_trait]
impl Transport for GuardedClient {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        if !self.same_origin(&request.url) {
            return Err(TransportFault::not_sent(
                FaultKind::Forbidden,
                "this client goes to its API base only",
            ));
        }
        let client = match request.connection {
            Connection::Pooled => &self.pooled,
            Connection::Fresh => &self.fresh,
        };
        let mut response = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .timeout(request.timeout)
            .send()
            .await
            .map_err(fault)?;

        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(TransportFault::perhaps_sent(FaultKind::TooLarge, ""));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(TransportResponse {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Bytes::from(body),
        })
    }
}

/// Only a failed connect proves that nothing left; all else may have been sent.
fn fault(error: reqwest::Error) -> TransportFault {
    // The URL holds account ids; the rest of the text is the operating system's.
    let error = error.without_url();
    if error.is_connect() {
        return TransportFault::not_sent(FaultKind::Connect, root_cause(&error));
    }
    if error.is_timeout() {
        return TransportFault::perhaps_sent(FaultKind::Timeout, "");
    }
    TransportFault::perhaps_sent(FaultKind::Broken, root_cause(&error))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests;
