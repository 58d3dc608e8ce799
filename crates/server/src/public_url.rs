//! The URL by which the carriers reach us.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use offhook_core::{Callbacks, ProviderName, is_public_address};
use url::{Host, Url};

/// Where the carriers reach the webhook listener. It alone decides what was signed, unless a
/// trusted proxy says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without a slash at its end.
    base: String,
    /// The path in it, `""` or `/prefix`.
    prefix: String,
}

/// A public URL that no carrier can call, or that would not be safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublicUrl {
    /// Not a URL.
    #[error("not a URL; write it like https://voice.example.com")]
    NotAUrl,
    /// Not https.
    #[error("a carrier calls https only, since webhooks carry what people say; use an https URL")]
    NotHttps,
    /// It has a query, a fragment or credentials.
    #[error("it must be scheme, host, port and at most a path; remove the rest")]
    NotABase,
    /// Its host is no host name. Source: RFC 1123, 2.1.
    #[error(
        "a host name is made of letters, digits, dots and hyphens; a carrier refuses any other, and one with an underscore"
    )]
    NotAHostName,
    /// It leads to a private address.
    #[error(
        "no carrier can reach a private or loopback address; give the name by which the internet reaches this machine (a tunnel's, say)"
    )]
    Private,
}

impl PublicUrl {
    /// Reads a URL that a real carrier can call.
    ///
    /// # Errors
    /// See [`InvalidPublicUrl`].
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::NotAUrl)?;
        let private = match url.host() {
            Some(Host::Ipv4(address)) => !is_public_address(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => !is_public_address(IpAddr::V6(address)),
            Some(Host::Domain(name)) => is_private_name(name),
            None => return Err(InvalidPublicUrl::NotAUrl),
        };
        if private {
            return Err(InvalidPublicUrl::Private);
        }
        if url.scheme() != "https" {
            return Err(InvalidPublicUrl::NotHttps);
        }
        Self::from_url(&url)
    }

    /// Reads any http or https URL: for the emulator and for development.
    ///
    /// # Errors
    /// It is not a base URL.
    pub fn parse_private(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(InvalidPublicUrl::NotAUrl);
        }
        Self::from_url(&url)
    }

    fn from_url(url: &Url) -> Result<Self, InvalidPublicUrl> {
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !bare {
            return Err(InvalidPublicUrl::NotABase);
        }
        if matches!(url.host(), Some(Host::Domain(name)) if !is_host_name(name)) {
            return Err(InvalidPublicUrl::NotAHostName);
        }
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            prefix: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Where the callbacks of a provider arrive.
    ///
    /// # Panics
    /// Never: the base was parsed, and a provider's name is a word.
    #[must_use]
    pub fn callbacks(&self, provider: &ProviderName) -> Callbacks {
        let endpoint = format!("{}/webhooks/{provider}", self.base);
        Callbacks::to(Url::parse(&endpoint).expect("a parsed base and a word make a URL"))
    }

    /// The part of a request's path behind the prefix, whether the proxy in front of us took the
    /// prefix away or not.
    pub(crate) fn local_path<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(self.prefix.as_str()) {
            // The prefix may be /webhooks itself.
            Some(rest) if rest.starts_with("/webhooks/") => rest,
            _ => path,
        }
    }

    /// The URL that the carrier called and signed: ours, with the request's path and query as
    /// they came.
    pub(crate) fn signed_url(
        &self,
        local_path: &str,
        query: Option<&str>,
        forwarded: Option<&Forwarded>,
    ) -> String {
        let mut url = match forwarded {
            Some(Forwarded { scheme, host }) => {
                format!("{scheme}://{host}{}{local_path}", self.prefix)
            }
            None => format!("{}{local_path}", self.base),
        };
        if let Some(query) = query {
            url.push('?');
            url.push_str(query);
        }
        url
    }
}

/// Whether a name may stand for a host: DNS itself takes more, and so does the URL's parser.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

fn is_private_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.')
        || [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

/// What a trusted proxy says of the request that it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    scheme: &'static str,
    host: String,
}

impl Forwarded {
    /// Reads `X-Forwarded-Proto` and `X-Forwarded-Host`, if the peer is trusted and says both, each
    /// once. A proxy that adds its own value to what it was sent has handed on a stranger's word;
    /// which of several is whose nobody can tell, so the public URL decides.
    pub(crate) fn read(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> Option<Self> {
        let address = peer.ip().to_canonical();
        if !trusted.iter().any(|network| network.contains(&address)) {
            return None;
        }
        let only = |name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().filter(|_| values.next().is_none())?;
            value.to_str().ok()
        };
        let scheme = match only("x-forwarded-proto")? {
            "https" => "https",
            "http" => "http",
            _ => return None,
        };
        let host = only("x-forwarded-host")?;
        let plain =
            host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        (plain && !host.is_empty()).then(|| Self { scheme, host: host.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_no_carrier_can_reach_is_refused() {
        let refused = |text| PublicUrl::parse(text).unwrap_err();
        for private in [
            "https://127.0.0.1",
            "https://localhost:3334",
            "http://10.1.2.3",
            "https://[::1]",
            "https://[::ffff:192.168.0.1]",
            "https://server.local",
            "https://intranet",
        ] {
            assert_eq!(refused(private), InvalidPublicUrl::Private, "{private}");
        }
        assert_eq!(refused("http://voice.example.com"), InvalidPublicUrl::NotHttps);
        assert_eq!(refused("voice.example.com"), InvalidPublicUrl::NotAUrl);
        assert_eq!(refused("https://voice.example.com/?a=1"), InvalidPublicUrl::NotABase);
        assert_eq!(refused("https://u:p@voice.example.com/"), InvalidPublicUrl::NotABase);
    }

    #[test]
    fn a_host_that_is_no_host_name_is_refused() {
        let long = format!("https://{}.example.com", "a".repeat(64));
        for host in ["my_voice.example.com", "-voice.example.com", "voice-.example.com", "a..b.com"]
        {
            let url = format!("https://{host}/phone");
            assert_eq!(PublicUrl::parse(&url), Err(InvalidPublicUrl::NotAHostName), "{url}");
            assert_eq!(PublicUrl::parse_private(&url), Err(InvalidPublicUrl::NotAHostName));
        }
        assert_eq!(PublicUrl::parse(&long), Err(InvalidPublicUrl::NotAHostName));
        for host in ["xn--bcher-kva.example", "bücher.example", "1.example.com.", "198.51.100.7"] {
            let url = format!("https://{host}/under_scored_path");
            assert!(
                !matches!(PublicUrl::parse(&url), Err(InvalidPublicUrl::NotAHostName)),
                "{url}"
            );
        }
        assert!(PublicUrl::parse_private("http://localhost:3334").is_ok());
        assert!(PublicUrl::parse_private("http://[::1]:3334").is_ok());
    }

    #[test]
    fn the_signed_url_is_ours_with_the_path_and_query_as_they_came() {
        let public = PublicUrl::parse("https://voice.example.com:8443/phone/").unwrap();
        for path in ["/phone/webhooks/twilio", "/webhooks/twilio"] {
            let local = public.local_path(path);
            assert_eq!(local, "/webhooks/twilio");
            assert_eq!(
                public.signed_url(local, Some("a=%2B1&a=b"), None),
                "https://voice.example.com:8443/phone/webhooks/twilio?a=%2B1&a=b"
            );
        }
        assert_eq!(public.local_path("/phonebook"), "/phonebook");
        let named_alike = PublicUrl::parse("https://voice.example.com/webhooks").unwrap();
        for path in ["/webhooks/webhooks/twilio", "/webhooks/twilio"] {
            assert_eq!(named_alike.local_path(path), "/webhooks/twilio");
        }
    }

    #[test]
    fn forwarded_headers_count_from_trusted_peers_only() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        headers.insert("x-forwarded-host", "voice.example.com".parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let read = |peer: &str| Forwarded::read(&headers, peer.parse().unwrap(), &trusted);
        assert_eq!(read("192.0.2.1:9"), None);
        assert_eq!(read("[::ffff:10.1.2.3]:9"), read("10.1.2.3:9"));
        let public = PublicUrl::parse("https://other.example.com/phone").unwrap();
        assert_eq!(
            public.signed_url("/webhooks/twilio", None, read("10.1.2.3:9").as_ref()),
            "https://voice.example.com/phone/webhooks/twilio"
        );
    }

    #[test]
    fn a_forwarded_header_with_several_values_or_odd_ones_is_not_believed() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let read = |values: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(*name, value.parse().unwrap());
            }
            Forwarded::read(&headers, "10.1.2.3:9".parse().unwrap(), &trusted)
        };
        let (proto, host) = ("x-forwarded-proto", "x-forwarded-host");
        assert!(read(&[(proto, "https"), (host, "a.example:8443")]).is_some());
        assert!(read(&[(proto, "https"), (host, "[2001:db8::1]:8443")]).is_some());
        for values in [
            &[(proto, "https")][..],
            &[(host, "a.example")],
            &[(proto, "https"), (host, "evil.example"), (host, "a.example")],
            &[(proto, "http"), (proto, "https"), (host, "a.example")],
            &[(proto, "https"), (host, "evil.example, a.example")],
            &[(proto, "https, http"), (host, "a.example")],
            &[(proto, "HTTPS"), (host, "a.example")],
            &[(proto, "ftp"), (host, "a.example")],
            &[(proto, "https"), (host, "")],
            &[(proto, "https"), (host, "a.example/webhooks")],
            &[(proto, "https"), (host, "user@a.example")],
            &[(proto, "https"), (host, "a.example?")],
            &[(proto, "https"), (host, "a.example#")],
            &[(proto, "https"), (host, "a example")],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}
