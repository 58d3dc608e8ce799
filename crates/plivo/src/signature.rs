//! `X-Plivo-Signature-V3`, the same by the main account (`-Ma-V3`), and V2 where it is opted for.
//!
//! base64(HMAC-SHA256(auth token, URL, sorted query, sorted parameters, nonce)). Source: Plivo,
//! "Signature validation"; checked against the vectors of the official SDKs.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use offhook_core::{DedupeKey, Form, FormPair, WebhookRejection, WebhookRequest};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::config::PlivoConfig;

/// A scheme's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Headers {
    /// Signed by the account or subaccount that the call belongs to.
    pub(crate) own: &'static str,
    /// Signed by the main account.
    pub(crate) main: &'static str,
    pub(crate) nonce: &'static str,
}

pub(crate) const V3: Headers = Headers {
    own: "X-Plivo-Signature-V3",
    main: "X-Plivo-Signature-Ma-V3",
    nonce: "X-Plivo-Signature-V3-Nonce",
};

pub(crate) const V2: Headers = Headers {
    own: "X-Plivo-Signature-V2",
    main: "X-Plivo-Signature-Ma-V2",
    nonce: "X-Plivo-Signature-V2-Nonce",
};

/// The length of a signature: 32 bytes in padded base64.
const LENGTH: usize = 44;

/// A token, ready to sign.
#[derive(Clone)]
pub(crate) struct Key {
    mac: Hmac<Sha256>,
    pub(crate) name: &'static str,
    /// Whether it may have signed the header of the account itself.
    signs_own: bool,
    /// Whether it may have signed the header of the main account.
    signs_main: bool,
}

/// The tokens under which a webhook may be signed.
#[derive(Clone)]
pub(crate) struct Verifier {
    keys: Vec<Key>,
    accepts_v2: bool,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier with {} tokens", self.keys.len())
    }
}

/// What a request brings of one scheme.
pub(crate) struct Given<'a> {
    pub(crate) headers: Headers,
    pub(crate) own: Option<&'a [u8]>,
    pub(crate) main: Option<&'a [u8]>,
    pub(crate) nonce: &'a [u8],
}

impl Verifier {
    pub(crate) fn new(config: &PlivoConfig) -> Self {
        let is_main = config.is_main_account();
        let key = |token: &SecretString, name, signs_own, signs_main| Key {
            mac: Hmac::new_from_slice(token.expose_secret().as_bytes())
                .expect("HMAC takes a key of any length"),
            name,
            signs_own,
            signs_main,
        };
        let previous = config.auth_token_previous.as_ref();
        let main = config.main_auth_token.as_ref();
        let keys = [
            Some(key(&config.auth_token, "the auth token", true, is_main)),
            previous.map(|token| key(token, "the previous auth token", true, is_main)),
            main.map(|token| key(token, "the main auth token", false, true)),
        ];
        Self { keys: keys.into_iter().flatten().collect(), accepts_v2: config.signature_v2 }
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Checks the signature, and gives a key made of what it covers but for the nonce.
    pub(crate) fn verify(&self, request: &WebhookRequest) -> Result<DedupeKey, WebhookRejection> {
        let given = self.given(request)?;
        let signed = if given.headers == V3 {
            v3_message(request)?
        } else {
            check_method(request)?;
            v2_message(request)
        };
        self.matching(&given, &signed)
    }

    /// V3 wherever it is given: a signature that covers less must not stand in for it.
    fn given<'a>(&self, request: &'a WebhookRequest) -> Result<Given<'a>, WebhookRejection> {
        let given = |headers: Headers| {
            let own = request.only_header(headers.own)?;
            let main = request.only_header(headers.main)?;
            if own.is_none() && main.is_none() {
                return Ok(None);
            }
            let nonce = request
                .only_header(headers.nonce)?
                .filter(|nonce| !nonce.is_empty())
                .ok_or(WebhookRejection::MissingHeader { header: headers.nonce })?;
            Ok(Some(Given { headers, own, main, nonce }))
        };
        if let Some(given) = given(V3)? {
            return Ok(given);
        }
        match given(V2)? {
            Some(given) if self.accepts_v2 => Ok(given),
            Some(_) => Err(WebhookRejection::Scheme { scheme: "V2" }),
            None => Err(WebhookRejection::MissingHeader { header: V3.own }),
        }
    }

    /// The key is always made with the first token: a retry may be signed with another.
    fn matching(&self, given: &Given<'_>, signed: &Signed) -> Result<DedupeKey, WebhookRejection> {
        let mut dedupe = None;
        for key in &self.keys {
            let mut mac = key.mac.clone();
            mac.update(&signed.content);
            let dedupe = *dedupe.get_or_insert_with(|| {
                // Of V2 nothing but the nonce tells two requests apart.
                let mut mac = mac.clone();
                if given.headers == V2 {
                    mac.update(given.nonce);
                }
                DedupeKey::of_digest(&mac.finalize().into_bytes())
            });
            mac.update(signed.joint);
            mac.update(given.nonce);
            if key.matches(given, &encoded(mac)) {
                return Ok(dedupe);
            }
        }
        Err(given.fault())
    }
}

impl Key {
    /// The signature of a whole message, nonce included.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; LENGTH] {
        encoded(self.mac.clone().chain_update(message))
    }

    /// Whether this signature stands in a header that the token signs.
    pub(crate) fn matches(&self, given: &Given<'_>, signature: &[u8; LENGTH]) -> bool {
        let own = given.own.filter(|_| self.signs_own);
        let main = given.main.filter(|_| self.signs_main);
        own.is_some_and(|list| lists(list, signature))
            | main.is_some_and(|list| lists(list, signature))
    }
}

impl Given<'_> {
    /// Why nothing matched: a header without anything that can be a signature is malformed.
    fn fault(&self) -> WebhookRejection {
        let is_one = |item: &[u8]| {
            item.len() == LENGTH && STANDARD.decode(item).is_ok_and(|b| b.len() == 32)
        };
        let lists_any = |list: &[u8]| list.split(|byte| *byte == b',').any(is_one);
        if self.own.into_iter().chain(self.main).any(lists_any) {
            return WebhookRejection::Mismatch;
        }
        let header = if self.own.is_some() { self.headers.own } else { self.headers.main };
        WebhookRejection::MalformedHeader { header }
    }
}

/// Whether a list of signatures has this one, text against text: no second spelling of it counts.
fn lists(list: &[u8], signature: &[u8; LENGTH]) -> bool {
    list.split(|byte| *byte == b',')
        .fold(false, |found, item| found | bool::from(item.ct_eq(&signature[..])))
}

fn encoded(mac: Hmac<Sha256>) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    STANDARD
        .encode_slice(mac.finalize().into_bytes(), &mut text)
        .expect("32 bytes are 44 characters in base64");
    text
}

/// What is signed before the nonce, and what joins the nonce to it.
pub(crate) struct Signed {
    pub(crate) content: Vec<u8>,
    pub(crate) joint: &'static [u8],
}

/// The URL without its query, the decoded query in order, the decoded parameters in order.
fn v3_message(request: &WebhookRequest) -> Result<Signed, WebhookRejection> {
    let (base, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let forms = (Form::decode(query.as_bytes()), Form::decode(parameters(request)?));
    let (query, parameters) = (sorted(&forms.0), sorted(&forms.1));
    let mut content = Vec::with_capacity(request.url.len() + request.body.len() + 2);
    content.extend_from_slice(base.as_bytes());
    if !query.is_empty() || !parameters.is_empty() {
        content.push(b'?');
    }
    for (place, (name, value)) in query.iter().enumerate() {
        if place > 0 {
            content.push(b'&');
        }
        content.extend_from_slice(name);
        content.push(b'=');
        content.extend_from_slice(value);
    }
    if !query.is_empty() && !parameters.is_empty() {
        content.push(b'.');
    }
    for (name, value) in &parameters {
        content.extend_from_slice(name);
        content.extend_from_slice(value);
    }
    Ok(Signed { content, joint: b"." })
}

/// The URL without its query, and nothing more.
pub(crate) fn v2_message(request: &WebhookRequest) -> Signed {
    let base = request.url.split_once('?').map_or(&*request.url, |(base, _)| base);
    Signed { content: base.as_bytes().to_vec(), joint: b"" }
}

fn check_method(request: &WebhookRequest) -> Result<(), WebhookRejection> {
    parameters(request).map(drop)
}

/// The form of a POST; a GET has everything in its query.
fn parameters(request: &WebhookRequest) -> Result<&[u8], WebhookRejection> {
    match request.method {
        Method::GET if request.body.is_empty() => Ok(&[]),
        Method::POST if request.body.is_empty() => Ok(&[]),
        Method::POST if request.media_type() == Some("application/x-www-form-urlencoded") => {
            Ok(&request.body)
        }
        Method::GET | Method::POST => Err(WebhookRejection::Unsigned),
        _ => Err(WebhookRejection::Method),
    }
}

/// By name and then by value; a repeated pair stays.
fn sorted(form: &Form) -> Vec<FormPair<'_>> {
    let mut pairs: Vec<_> = form.pairs().collect();
    pairs.sort_unstable();
    pairs
}
