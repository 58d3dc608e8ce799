//! `X-Twilio-Signature` in all its variants.
//!
//! base64(HMAC-SHA1(auth token, URL + sorted parameters)). Source: Twilio, "Webhooks security";
//! checked against the vectors of the official SDKs.

use std::cell::LazyCell;
use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use offhook_core::{DedupeKey, Form, FormPair, WebhookRejection, WebhookRequest};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::TwilioConfig;

const SIGNATURE: &str = "X-Twilio-Signature";
const SETTINGS: &str = "X-Twilio-Webhooks-Signature-Settings";

/// The keys under which a webhook may be signed, ready to be used.
#[derive(Clone)]
pub(crate) struct Verifier {
    /// The auth token, and the one before it while it is rotated.
    tokens: Vec<Hmac<Sha1>>,
    shared: Option<SharedKey>,
}

#[derive(Clone)]
struct SharedKey {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier with {} tokens", self.tokens.len())
    }
}

impl Verifier {
    pub(crate) fn new(
        token: &SecretString,
        previous: Option<&SecretString>,
        shared_key: Option<&SecretString>,
    ) -> Self {
        Self {
            tokens: [Some(token), previous].into_iter().flatten().map(keyed).collect(),
            shared: shared_key
                .map(|secret| SharedKey { sha1: keyed(secret), sha256: keyed(secret) }),
        }
    }

    /// Checks the signature, and gives a key made of what it covers.
    pub(crate) fn verify(&self, request: &WebhookRequest) -> Result<DedupeKey, WebhookRejection> {
        let given = request
            .only_header(SIGNATURE)?
            .ok_or(WebhookRejection::MissingHeader { header: SIGNATURE })?;
        // Strict: the standard alphabet, padded, nothing behind. Twilio sends nothing else.
        let given = STANDARD
            .decode(given)
            .map_err(|_| WebhookRejection::MalformedHeader { header: SIGNATURE })?;
        let parameters = signed_parameters(request)?;
        match self.scheme(request)? {
            Scheme::AuthToken => matching(&self.tokens, &given, &request.url, &parameters),
            Scheme::SharedSha1(key) => {
                matching(std::slice::from_ref(key), &given, &request.url, &parameters)
            }
            Scheme::SharedSha256(key) => {
                matching(std::slice::from_ref(key), &given, &request.url, &parameters)
            }
        }
    }

    /// Which key the request claims to be signed with. The header is the sender's word, so it
    /// chooses among what is configured and nothing else.
    fn scheme(&self, request: &WebhookRequest) -> Result<Scheme<'_>, WebhookRejection> {
        let malformed = WebhookRejection::MalformedHeader { header: SETTINGS };
        let Some(settings) = request.only_header(SETTINGS)? else { return Ok(Scheme::AuthToken) };
        let settings = std::str::from_utf8(settings).map_err(|_| malformed.clone())?;
        let algorithm = settings
            .split(',')
            .find_map(|setting| setting.trim().strip_prefix("algorithm="))
            .unwrap_or_default();
        if algorithm.is_empty() {
            return Ok(Scheme::AuthToken);
        }
        let Some(shared) = &self.shared else {
            return Err(WebhookRejection::Scheme { scheme: "SharedKey" });
        };
        match algorithm {
            "HMAC_SHA1" => Ok(Scheme::SharedSha1(&shared.sha1)),
            "HMAC_SHA256" => Ok(Scheme::SharedSha256(&shared.sha256)),
            _ => Err(malformed),
        }
    }
}

enum Scheme<'a> {
    AuthToken,
    SharedSha1(&'a Hmac<Sha1>),
    SharedSha256(&'a Hmac<Sha256>),
}

fn keyed<M: KeyInit>(secret: &SecretString) -> M {
    M::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes a key of any length")
}

/// Tries the keys on the URL as it came, then on the forms with and without its port: Twilio
/// signs either.
fn matching<M: Mac + Clone>(
    keys: &[M],
    given: &[u8],
    url: &str,
    parameters: &[u8],
) -> Result<DedupeKey, WebhookRejection> {
    let other_form = LazyCell::new(|| with_or_without_port(url));
    // A retry may come with the other form of the URL, or signed with the other token while it is
    // rotated: its key is always made of the form without the port, with the first token.
    let canonical = || {
        let shorter = other_form.as_deref().filter(|other| other.len() < url.len());
        sign(&keys[0], shorter.unwrap_or(url), parameters)
    };
    let given_form = std::iter::once_with(|| Some(url));
    for form in given_form.chain(std::iter::once_with(|| other_form.as_deref())).flatten() {
        for (place, key) in keys.iter().enumerate() {
            let mac = sign(key, form, parameters);
            if bool::from(mac.as_slice().ct_eq(given)) {
                let is_canonical = place == 0 && port(form).is_none();
                let canonical = if is_canonical { mac } else { canonical() };
                return Ok(DedupeKey::of_digest(&canonical));
            }
        }
    }
    Err(WebhookRejection::Mismatch)
}

fn sign<M: Mac + Clone>(key: &M, url: &str, parameters: &[u8]) -> Vec<u8> {
    let mut mac = key.clone();
    mac.update(url.as_bytes());
    mac.update(parameters);
    mac.finalize().into_bytes().to_vec()
}

/// What is signed besides the URL: of a form every distinct name and value in byte order, one
/// behind the other.
fn signed_parameters(request: &WebhookRequest) -> Result<Vec<u8>, WebhookRejection> {
    if request.method == Method::GET {
        return if request.body.is_empty() {
            Ok(Vec::new())
        } else {
            Err(WebhookRejection::Unsigned)
        };
    }
    if request.method != Method::POST {
        return Err(WebhookRejection::Method);
    }
    match request.media_type() {
        Some("application/x-www-form-urlencoded") => {
            let form = Form::decode(&request.body);
            let mut pairs: Vec<FormPair<'_>> = form.pairs().collect();
            pairs.sort_unstable();
            pairs.dedup();
            Ok(joined(&pairs))
        }
        Some("application/json") => check_body_digest(request).map(|()| Vec::new()),
        _ if request.body.is_empty() => Ok(Vec::new()),
        _ => Err(WebhookRejection::Unsigned),
    }
}

fn joined(pairs: &[FormPair<'_>]) -> Vec<u8> {
    let mut joined =
        Vec::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len()).sum());
    for (name, value) in pairs {
        joined.extend_from_slice(name);
        joined.extend_from_slice(value);
    }
    joined
}

/// A JSON body is not in the signature; its digest stands in the signed URL.
fn check_body_digest(request: &WebhookRequest) -> Result<(), WebhookRejection> {
    let stated = request
        .query()
        .split('&')
        .find_map(|pair| pair.strip_prefix("bodySHA256="))
        .ok_or(WebhookRejection::Unsigned)?;
    let mut actual = String::with_capacity(64);
    for byte in Sha256::digest(&request.body) {
        use fmt::Write;
        let _ = write!(actual, "{byte:02x}");
    }
    if bool::from(actual.as_bytes().ct_eq(stated.as_bytes())) {
        Ok(())
    } else {
        Err(WebhookRejection::BodyDigest)
    }
}

/// Where the port of a URL stands, its colon included.
fn port(url: &str) -> Option<Range<usize>> {
    let start = url.find("://")? + 3;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let authority = &url[start..end];
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    // The colons of an IPv6 address stand in brackets.
    let bracket = authority.rfind(']').unwrap_or(0);
    let colon = authority[host..].rfind(':').map(|at| at + host).filter(|at| *at > bracket)?;
    Some(start + colon..end)
}

/// The URL without its port if it has one, with the default port if it has none (the SDKs take
/// 80 for everything that is not https).
fn with_or_without_port(url: &str) -> Option<String> {
    if let Some(port) = port(url) {
        return Some([&url[..port.start], &url[port.end..]].concat());
    }
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let port = if scheme == "https" { 443 } else { 80 };
    Some(format!("{scheme}://{authority}:{port}{path}"))
}

/// What can be found out about a signature, for people who look for what is wrong. Never for the
/// sender of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why it is refused; `None` if it is not.
    pub rejection: Option<WebhookRejection>,
    /// What it was made of, if that was among what was tried.
    pub signed_as: Option<SignedAs>,
    /// Whether the request names another account than ours, whose token would be another.
    pub foreign_account: bool,
}

/// What a signature was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAs {
    /// The place of the URL among those that were tried.
    pub url: usize,
    /// The key.
    pub key: &'static str,
    /// How the parameters were joined, if not as Twilio does it.
    pub parameters: Option<&'static str>,
}

impl TwilioConfig {
    /// Checks a request as a webhook is checked, and finds out what its signature was made of by
    /// trying these URLs, with every key that is configured and parameters joined in every way
    /// that is known to go wrong. Tells neither a key nor a signature.
    #[must_use]
    pub fn explain_signature(&self, request: &WebhookRequest, urls: &[String]) -> Explanation {
        let verifier = Verifier::new(
            &self.auth_token,
            self.auth_token_previous.as_ref(),
            self.shared_key.as_ref(),
        );
        let form = Form::decode(&request.body);
        let mut accounts = form.pairs().filter(|(name, _)| *name == b"AccountSid");
        Explanation {
            rejection: verifier.verify(request).err(),
            signed_as: verifier.signed_as(request, urls),
            foreign_account: accounts.any(|(_, sid)| sid != self.account_sid.as_bytes()),
        }
    }
}

impl Verifier {
    fn signed_as(&self, request: &WebhookRequest, urls: &[String]) -> Option<SignedAs> {
        let given = STANDARD.decode(request.only_header(SIGNATURE).ok()??).ok()?;
        let joined = ways_to_join(&request.body);
        for (url, text) in urls.iter().enumerate() {
            for (parameters, bytes) in &joined {
                let is = |mac: Vec<u8>| bool::from(mac.ct_eq(&given));
                let mut tokens = ["the auth token", "the previous auth token"].iter();
                let by_token = self.tokens.iter().find_map(|key| {
                    let name = tokens.next()?;
                    is(sign(key, text, bytes)).then_some(*name)
                });
                let key = by_token.or_else(|| {
                    let shared = self.shared.as_ref()?;
                    let matches = is(sign(&shared.sha1, text, bytes))
                        || is(sign(&shared.sha256, text, bytes));
                    matches.then_some("the shared key")
                });
                if let Some(key) = key {
                    return Some(SignedAs { url, key, parameters: *parameters });
                }
            }
        }
        None
    }
}

/// The parameters of a form as Twilio joins them, then as others do by mistake.
fn ways_to_join(form: &[u8]) -> [(Option<&'static str>, Vec<u8>); 4] {
    let form = Form::decode(form);
    let arrived: Vec<FormPair<'_>> = form.pairs().collect();
    let mut sorted = arrived.clone();
    sorted.sort_unstable();
    let repeated = joined(&sorted);
    sorted.dedup();
    [
        (None, joined(&sorted)),
        (Some("repeated parameters signed as often as they stand"), repeated),
        (Some("parameters in the order in which they stand, unsorted"), joined(&arrived)),
        (Some("the URL alone, without the parameters of the body"), Vec::new()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    const URL: &str = "https://a.example/x";

    fn signed(key: &str, text: &str, body: &'static str) -> WebhookRequest {
        let mac = sign(&keyed::<Hmac<Sha1>>(&key.into()), text, b"");
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, STANDARD.encode(mac).parse().unwrap());
        let form = "application/x-www-form-urlencoded".parse().unwrap();
        headers.insert(http::header::CONTENT_TYPE, form);
        let body = body.as_bytes().into();
        WebhookRequest { method: Method::POST, url: URL.to_owned(), headers, body }
    }

    #[test]
    fn what_was_signed_is_found_among_what_is_tried_and_no_secret_is_told() {
        let account = "AC00000000000000000000000000000001";
        let config = TwilioConfig::new(account, "sesame")
            .unwrap()
            .with_previous_auth_token("older")
            .with_shared_key("shared");
        let http = "http://a.example/x";
        let urls = [URL, http].map(str::to_owned);
        for (key, text, expected) in [
            ("sesame", format!("{URL}a1b2c3"), (0, "the auth token", None)),
            ("older", format!("{http}a1b2c3"), (1, "the previous auth token", None)),
            ("shared", format!("{URL}a1b2c3"), (0, "the shared key", None)),
            ("sesame", format!("{URL}a1b2b2c3"), (0, "the auth token", Some("repeated"))),
            ("sesame", format!("{URL}c3b2a1b2"), (0, "the auth token", Some("unsorted"))),
            ("sesame", http.to_owned(), (1, "the auth token", Some("URL alone"))),
        ] {
            let request = signed(key, &text, "c=3&b=2&a=1&b=2");
            let explanation = config.explain_signature(&request, &urls);
            let found = explanation.signed_as.unwrap();
            assert_eq!((found.url, found.key), (expected.0, expected.1), "{text}");
            assert_eq!(found.parameters.is_some(), expected.2.is_some(), "{text}");
            assert!(found.parameters.unwrap_or_default().contains(expected.2.unwrap_or_default()));
            let text = format!("{explanation:?}");
            assert!(!["sesame", "older\"", "shared\""].iter().any(|word| text.contains(word)));
        }
        let stranger = signed("another", &format!("{URL}a1"), "a=1");
        let explanation = config.explain_signature(&stranger, &urls);
        assert_eq!(explanation.rejection, Some(WebhookRejection::Mismatch));
        assert_eq!((explanation.signed_as, explanation.foreign_account), (None, false));
        let other = signed("another", URL, "AccountSid=AC00000000000000000000000000000002");
        assert!(config.explain_signature(&other, &urls).foreign_account);
    }

    #[test]
    fn ports_come_and_go_and_ipv6_keeps_its_colons() {
        let other = |url| with_or_without_port(url).unwrap();
        assert_eq!(other("https://a.example/x?y=1"), "https://a.example:443/x?y=1");
        assert_eq!(other("http://a.example"), "http://a.example:80");
        assert_eq!(other("https://a.example:8443/x"), "https://a.example/x");
        assert_eq!(other("https://u:p@a.example/x"), "https://u:p@a.example:443/x");
        assert_eq!(other("https://[::1]/x"), "https://[::1]:443/x");
        assert_eq!(other("https://[::1]:8443/x"), "https://[::1]/x");
        assert_eq!(other("https://a.example/x:1"), "https://a.example:443/x:1");
    }
}
