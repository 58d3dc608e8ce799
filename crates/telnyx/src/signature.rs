//! The signature of webhooks: Ed25519 over the timestamp, `|` and the raw body.
//!
//! Source: Telnyx, "Webhook signing"; checked against the vectors of the official SDKs, and where
//! those differ as strictly as the strictest of them.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use http::Method;
use jiff::Timestamp;
use offhook_core::{DedupeKey, WebhookRejection, WebhookRequest};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::TelnyxConfig;
use crate::webhook;

const SIGNATURE: &str = "Telnyx-Signature-Ed25519";
const TIMESTAMP: &str = "Telnyx-Timestamp";

/// How old a signature may be, and how far ahead.
const TOLERANCE_SECONDS: i128 = 300;

/// The keys under which a webhook may be signed, ready to be used.
#[derive(Clone)]
pub(crate) struct Verifier {
    /// The public key, and the one before it while it is rotated.
    keys: Vec<VerifyingKey>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier with {} keys", self.keys.len())
    }
}

impl Verifier {
    pub(crate) fn new(config: &TelnyxConfig) -> Self {
        let keys = [Some(config.public_key), config.public_key_previous];
        Self { keys: keys.into_iter().flatten().map(|key| key.0).collect() }
    }

    /// Checks age and signature, and gives a key made of what is signed.
    pub(crate) fn verify(
        &self,
        request: &WebhookRequest,
        now: Timestamp,
    ) -> Result<DedupeKey, WebhookRejection> {
        let signed = Signed::read(request)?;
        signed.check_age(now)?;
        let message = [signed.timestamp, b"|", &request.body].concat();
        match self.key_of(&message, &signed.signature) {
            Some(_) => Ok(dedupe_key(&request.body)),
            None => Err(WebhookRejection::Mismatch),
        }
    }

    /// The place of the key that signed this.
    fn key_of(&self, message: &[u8], signature: &Signature) -> Option<usize> {
        // Strictly: no signature has a second form, so that none can be made from another.
        self.keys.iter().position(|key| key.verify_strict(message, signature).is_ok())
    }
}

/// What the headers say.
struct Signed<'a> {
    timestamp: &'a [u8],
    seconds: i64,
    signature: Signature,
}

impl<'a> Signed<'a> {
    fn read(request: &'a WebhookRequest) -> Result<Self, WebhookRejection> {
        if request.method == Method::GET {
            // Its content would be the query, which no signature is known to cover.
            return Err(WebhookRejection::Unsigned);
        }
        if request.method != Method::POST {
            return Err(WebhookRejection::Method);
        }
        let header = |header| {
            let value = request.only_header(header)?;
            value.ok_or(WebhookRejection::MissingHeader { header })
        };
        let (signature, timestamp) = (header(SIGNATURE)?, header(TIMESTAMP)?);
        let signature = signature_of(signature)
            .ok_or(WebhookRejection::MalformedHeader { header: SIGNATURE })?;
        let seconds =
            seconds_of(timestamp).ok_or(WebhookRejection::MalformedHeader { header: TIMESTAMP })?;
        Ok(Self { timestamp, seconds, signature })
    }

    /// By the nanosecond: a signature is 300 s old and not a moment older.
    fn check_age(&self, now: Timestamp) -> Result<(), WebhookRejection> {
        const SECOND: i128 = 1_000_000_000;
        let age = now.as_nanosecond() - i128::from(self.seconds) * SECOND;
        if age.abs() <= TOLERANCE_SECONDS * SECOND {
            return Ok(());
        }
        let seconds = (age.abs() + SECOND - 1) / SECOND;
        Err(WebhookRejection::Stale { seconds: i64::try_from(seconds).unwrap_or(i64::MAX) })
    }
}

/// Standard alphabet, padded, nothing before or behind: Telnyx sends nothing else.
fn signature_of(header: &[u8]) -> Option<Signature> {
    let bytes = STANDARD.decode(header).ok()?;
    Signature::from_slice(&bytes).ok()
}

/// Digits only; a sign or a space would be signed as it stands, and is none of Telnyx'.
fn seconds_of(header: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(header).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow)]
    data: Id<'a>,
}

#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Each attempt is signed anew and numbered in the body: only the event's own id stays. A body
/// without one is its own key.
fn dedupe_key(body: &[u8]) -> DedupeKey {
    let event: Option<Identified<'_>> = serde_json::from_slice(body).ok();
    let digest = match event.as_ref().map(|event| &*event.data.id).filter(|id| !id.is_empty()) {
        Some(id) => Sha256::new().chain_update(b"id|").chain_update(id).finalize(),
        None => Sha256::new().chain_update(b"body|").chain_update(body).finalize(),
    };
    DedupeKey::of_digest(&digest)
}

/// What can be found out about a signature, for people who look for what is wrong. Never for the
/// sender of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why it is refused; `None` if it is not.
    pub rejection: Option<WebhookRejection>,
    /// What was signed and with which key, if that was among what was tried. If it is `None` while
    /// the headers are well-formed, another key signed it, or body or timestamp are not the ones
    /// that were signed.
    pub signed_as: Option<SignedAs>,
    /// Whether the event names another connection than ours, whose account may have another key.
    pub foreign_connection: bool,
}

/// What a signature was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAs {
    /// The key.
    pub key: &'static str,
    /// What was signed, if not what Telnyx signs.
    pub content: Option<&'static str>,
}

impl TelnyxConfig {
    /// Checks a request as a webhook is checked at this time, and finds out what its signature was
    /// made of, with every key that is configured and in every way that is known to go wrong. Age is
    /// no part of the second: a capture of yesterday still tells its key. Shows neither a key nor a
    /// signature.
    #[must_use]
    pub fn explain_signature(&self, request: &WebhookRequest, now: Timestamp) -> Explanation {
        let verifier = Verifier::new(self);
        let connection = webhook::connection_of(&request.body);
        Explanation {
            rejection: verifier.verify(request, now).err(),
            signed_as: verifier.signed_as(request),
            foreign_connection: connection.is_some_and(|id| id != self.connection_id),
        }
    }
}

impl Verifier {
    fn signed_as(&self, request: &WebhookRequest) -> Option<SignedAs> {
        let signature = signature_of(request.only_header(SIGNATURE).ok()??)?;
        let timestamp = request.only_header(TIMESTAMP).ok().flatten().unwrap_or_default();
        ways_to_sign(timestamp, &request.body).into_iter().find_map(|(content, message)| {
            let key = match self.key_of(&message, &signature)? {
                0 => "the public key",
                _ => "the previous public key",
            };
            Some(SignedAs { key, content })
        })
    }
}

/// What is signed, as Telnyx signs it, then as it goes wrong.
fn ways_to_sign(timestamp: &[u8], body: &[u8]) -> [(Option<&'static str>, Vec<u8>); 7] {
    let with = |body: &[u8]| [timestamp, b"|", body].concat();
    let line_feed = [body.trim_ascii_end(), b"\n"].concat();
    [
        (None, with(body)),
        (Some("a body without white space at its ends"), with(body.trim_ascii())),
        (Some("a body with a line feed at its end"), with(&line_feed)),
        (
            Some("the same JSON without white space; it was written anew on its way"),
            with(&compact(body)),
        ),
        (Some("the body alone, without the timestamp"), body.to_vec()),
        (Some("timestamp and body with a dot between them"), [timestamp, b".", body].concat()),
        (Some("timestamp and body with nothing between them"), [timestamp, body].concat()),
    ]
}

/// JSON without the white space between its parts. Source: RFC 8259, 2.
fn compact(json: &[u8]) -> Vec<u8> {
    let (mut in_text, mut escaped) = (false, false);
    let keep = |byte: &u8| {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            return true;
        }
        in_text = *byte == b'"';
        !matches!(*byte, b' ' | b'\t' | b'\r' | b'\n')
    };
    let mut kept = json.to_vec();
    kept.retain(keep);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_key_of_its_event_and_nothing_else_has() {
        let first = br#"{"data":{"id":"0ccc7b54","payload":{}},"meta":{"attempt":1}}"#;
        let again = br#"{"meta":{"attempt":2},"data":{"payload":{},"id":"0ccc7b54"}}"#;
        let other = br#"{"data":{"id":"0ccc7b55","payload":{}},"meta":{"attempt":1}}"#;
        assert_eq!(dedupe_key(first), dedupe_key(again));
        assert_ne!(dedupe_key(first), dedupe_key(other));
        // An id with an escape is the same id.
        assert_eq!(dedupe_key(first), dedupe_key(br#"{"data":{"id":"\u0030ccc7b54"}}"#));
        for without in ["", "{}", "ping", r#"{"data":{"id":""}}"#, r#"{"data":{"id":7}}"#] {
            assert_ne!(dedupe_key(without.as_bytes()), dedupe_key(first));
            assert_eq!(dedupe_key(without.as_bytes()), dedupe_key(without.as_bytes()));
        }
        assert_ne!(dedupe_key(b"{}"), dedupe_key(b"{ }"));
    }

    #[test]
    fn white_space_in_texts_is_kept() {
        let text = br#"{ "a b" : "c\" d" ,
            "e" : [ 1 , 2 ] }"#;
        assert_eq!(compact(text), br#"{"a b":"c\" d","e":[1,2]}"#);
    }

    #[test]
    fn a_timestamp_is_digits_and_nothing_else() {
        assert_eq!(seconds_of(b"1736846813"), Some(1_736_846_813));
        for bad in ["", "+1", "-1", " 1", "1 ", "1.5", "१", "99999999999999999999"] {
            assert_eq!(seconds_of(bad.as_bytes()), None, "{bad}");
        }
    }
}
