//! How the listeners behave.

use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

use crate::public_url::PublicUrl;

/// How the listeners behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where the carriers reach the webhook listener.
    pub public_url: PublicUrl,
    /// Networks whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The longest webhook body in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive, on both listeners.
    pub body_time: Duration,
    /// The bearer token of the admin API.
    pub token: SecretString,
    /// Values of `Host` that the admin API takes besides its own address.
    pub api_hosts: Vec<String>,
}

impl ServerSettings {
    /// The defaults: no proxy is trusted, bodies of 64 KiB that arrive within 10 s.
    pub fn new(public_url: PublicUrl, token: impl Into<String>) -> Self {
        Self {
            public_url,
            trusted_proxies: Vec::new(),
            max_body: 64 * 1024,
            body_time: Duration::from_secs(10),
            token: SecretString::from(token.into()),
            api_hosts: Vec::new(),
        }
    }
}
