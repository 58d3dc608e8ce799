//! How the listeners behave.

use std::num::NonZeroU32;
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
    /// How many webhooks a second one source may send, and how many at once: an IPv4 address, or a
    /// /64 of IPv6. More are answered with 429. This machine and the trusted proxies speak for
    /// many and have no bound.
    pub requests_per_source: NonZeroU32,
    /// The bearer token of the admin API.
    pub token: SecretString,
    /// Values of `Host` that the admin API takes besides its own address.
    pub api_hosts: Vec<String>,
}

impl ServerSettings {
    /// The defaults: no proxy is trusted, bodies of 64 KiB that arrive within 10 s, 1,000 webhooks
    /// a second of one source, which is more than a thousand live calls cause.
    pub fn new(public_url: PublicUrl, token: impl Into<String>) -> Self {
        Self {
            public_url,
            trusted_proxies: Vec::new(),
            max_body: 64 * 1024,
            body_time: Duration::from_secs(10),
            requests_per_source: const { NonZeroU32::new(1000).unwrap() },
            token: SecretString::from(token.into()),
            api_hosts: Vec::new(),
        }
    }
}
