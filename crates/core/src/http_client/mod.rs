//! The guarded HTTPS client: the one way out, and it leads to the carrier only.

mod address;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};

use crate::{
    Connection, FaultKind, Transport, TransportFault, TransportRequest, TransportResponse,
};

pub use address::is_public_address;

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
        if literal.is_some_and(|address| !private && !is_public_address(address)) {
            return Err(InvalidBaseUrl::Private);
        }

        let tls =
            tls_config().map_err(|error| InvalidBaseUrl::Tls { reason: error.to_string() })?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(FilteredResolver { policy }))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
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

/// Resolves by the system and lets only permitted addresses through.
#[derive(Debug)]
struct FilteredResolver {
    policy: HostPolicy,
}

impl Resolve for FilteredResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.policy == HostPolicy::AllowPrivate;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> =
                found.filter(|address| private || is_public_address(address.ip())).collect();
            if permitted.is_empty() {
                return Err("the name resolves to no public address".into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
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
mod tests {
    use std::net::Ipv4Addr;

    use http::Method;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn answering_with(answer: Vec<u8>) -> Url {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
    }

    async fn get(base: &Url) -> Result<TransportResponse, TransportFault> {
        let client = GuardedClient::new(base.clone(), HostPolicy::AllowPrivate).unwrap();
        client.send(TransportRequest::new(Method::GET, base.join("calls").unwrap())).await
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let answer =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        let base = answering_with(answer.to_vec()).await;
        assert_eq!(get(&base).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off() {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_vec();
        answer.resize(2 * MAX_BODY, b'x');
        let base = answering_with(answer).await;
        assert_eq!(get(&base).await.unwrap_err().kind(), FaultKind::TooLarge);
    }

    #[tokio::test]
    async fn a_refused_connection_proves_that_nothing_was_sent() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let fault = get(&base).await.unwrap_err();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
    }

    #[tokio::test]
    async fn a_connection_that_closes_without_an_answer_is_perhaps_sent() {
        let base = answering_with(Vec::new()).await;
        assert!(get(&base).await.unwrap_err().may_have_been_sent());
    }

    #[tokio::test]
    async fn another_origin_is_refused_before_anything_is_sent() {
        let base = answering_with(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
        let client = GuardedClient::new(base, HostPolicy::AllowPrivate).unwrap();
        for elsewhere in ["http://127.0.0.1:1/calls", "https://example.com/"] {
            let request = TransportRequest::new(Method::GET, Url::parse(elsewhere).unwrap());
            let fault = client.send(request).await.unwrap_err();
            assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Forbidden, false));
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused_after_the_look_up() {
        let base = Url::parse("https://localhost/").unwrap();
        let client = GuardedClient::new(base.clone(), HostPolicy::PublicOnly).unwrap();
        let fault = client.send(TransportRequest::new(Method::GET, base)).await.unwrap_err();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
        assert!(fault.to_string().contains("no public address"), "{fault}");
    }

    #[test]
    fn a_base_that_leads_inside_is_refused_at_once() {
        let refused = |base: &str| {
            GuardedClient::new(Url::parse(base).unwrap(), HostPolicy::PublicOnly).unwrap_err()
        };
        assert_eq!(refused("http://api.example.com/"), InvalidBaseUrl::NotHttps);
        assert_eq!(refused("https://169.254.169.254/"), InvalidBaseUrl::Private);
        assert_eq!(refused("https://[::ffff:10.0.0.1]/"), InvalidBaseUrl::Private);
        assert_eq!(refused("https://user:pass@api.example.com/"), InvalidBaseUrl::NotABase);
    }
}
