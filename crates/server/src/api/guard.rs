//! Who may ask: the right `Host`, no foreign `Origin`, the token.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::code::Code;
use super::problem::Problem;
use crate::settings::ServerSettings;

/// How a request is refused that comes from the wrong place.
pub(super) const ORIGIN_REFUSALS: &[Code] = &[Code::WrongHost, Code::ForeignOrigin];

/// How a request is refused where the token is needed.
pub(super) const REFUSALS: &[Code] = &[Code::WrongHost, Code::ForeignOrigin, Code::Unauthorized];

/// What is asked of every request.
#[derive(Debug)]
pub(super) struct Guard {
    token: SecretString,
    hosts: Vec<String>,
    address: SocketAddr,
}

impl Guard {
    pub(super) fn new(settings: &ServerSettings, address: SocketAddr) -> Self {
        Self {
            token: settings.token.clone(),
            hosts: settings.api_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            address,
        }
    }

    /// Whether this is a name of ours. A web page that points its own name at this machine (DNS
    /// rebinding) comes with that name.
    fn is_our_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if self.hosts.contains(&host) {
            return true;
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host.as_str(), Some(80)),
        };
        if port != Some(self.address.port()) {
            return false;
        }
        let ours = self.address.ip();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => ours.is_unspecified() || address == ours,
            Err(_) => name == "localhost" && (ours.is_loopback() || ours.is_unspecified()),
        }
    }

    fn refuses(&self, headers: &HeaderMap) -> Option<Problem> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        if !self.is_our_host(text(header::HOST).unwrap_or_default()) {
            return Some(Problem::new(
                Code::WrongHost,
                "the Host header names another host; add it to api.hosts if it is yours",
            ));
        }
        let origin = text(header::ORIGIN)?;
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if host.is_some_and(|host| self.is_our_host(host)) {
            return None;
        }
        Some(Problem::new(
            Code::ForeignOrigin,
            "requests from web pages of other origins are refused",
        ))
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let expected = self.token.expose_secret().as_bytes();
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| bool::from(given.ct_eq(expected))) && !expected.is_empty()
    }
}

pub(super) async fn origin(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    match guard.refuses(request.headers()) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

pub(super) async fn token(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    if guard.has_token(request.headers()) {
        return next.run(request).await;
    }
    Problem::new(
        Code::Unauthorized,
        "give the API token as `Authorization: Bearer …`; it stands in the configuration, or in api.token beside the store",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_url::PublicUrl;

    fn guard(address: &str) -> Guard {
        let public = PublicUrl::parse("https://voice.example.com").unwrap();
        let mut settings = ServerSettings::new(public, "sesame");
        settings.api_hosts = vec!["admin.example.com".to_owned()];
        Guard::new(&settings, address.parse().unwrap())
    }

    #[test]
    fn only_our_own_hosts_are_ours() {
        let loopback = guard("127.0.0.1:3335");
        for ours in ["127.0.0.1:3335", "localhost:3335", "LOCALHOST:3335", "admin.example.com"] {
            assert!(loopback.is_our_host(ours), "{ours}");
        }
        for foreign in
            ["", "127.0.0.1", "127.0.0.1:80", "evil.example:3335", "[::1]:3335", "192.0.2.1:3335"]
        {
            assert!(!loopback.is_our_host(foreign), "{foreign}");
        }
        assert!(guard("[::1]:3335").is_our_host("[::1]:3335"));
        assert!(guard("0.0.0.0:3335").is_our_host("192.0.2.1:3335"));
        assert!(!guard("0.0.0.0:3335").is_our_host("evil.example:3335"));
    }

    #[test]
    fn the_token_is_compared_whole() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            guard("127.0.0.1:3335").has_token(&headers)
        };
        assert!(with("Bearer sesame"));
        assert!(!with("Bearer sesam"));
        assert!(!with("Bearer sesame "));
        assert!(!with("Basic sesame"));
        assert!(!guard("127.0.0.1:3335").has_token(&HeaderMap::new()));
    }
}
