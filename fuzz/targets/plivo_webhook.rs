//! A form, posted and as a query, and what a stranger sends in the head. As strangers sign it, it is
//! refused; as Plivo signs it, by a signer of our own that decodes the form in its own way, it is taken
//! and read.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use offhook_core::VoiceProvider;
use offhook_fuzz::{Nobody, is_taken_and_read, pairs, request};
use offhook_plivo::{Plivo, PlivoConfig};
use sha2::Sha256;

const TOKEN: &str = "sesame";
const NONCE: &[u8] = b"31627761595286130198";
const URL: &str = "https://voice.example.com/webhooks/plivo";
const FORM: &[u8] = b"application/x-www-form-urlencoded";

static PLIVO: LazyLock<Plivo> = LazyLock::new(|| {
    let config = PlivoConfig::new("MAXXXXXXXXXXXXXXXXXX", TOKEN).expect("an account");
    Plivo::with_transport(config.with_main_auth_token("main"), Nobody::new())
});

/// The signature V3 of a URL and a posted form.
fn signature(url: &[u8], query: &[u8], form: &[u8]) -> String {
    let sorted = |form| {
        let mut pairs: Vec<_> = pairs(form).collect();
        pairs.sort();
        pairs
    };
    let query: Vec<_> =
        sorted(query).iter().map(|(name, value)| [&name[..], &value[..]].join(&b'=')).collect();
    let posted: Vec<_> =
        sorted(form).into_iter().map(|(name, value)| [name, value].concat()).collect();
    let question: &[u8] = if query.is_empty() && posted.is_empty() { b"" } else { b"?" };
    let dot: &[u8] = if query.is_empty() || posted.is_empty() { b"" } else { b"." };
    let mut mac = Hmac::<Sha256>::new_from_slice(TOKEN.as_bytes()).expect("any key");
    for part in [url, question, &query.join(&b'&'), dot, &posted.concat(), b".", NONCE] {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fuzz_target!(|body: &[u8]| {
    let now = Timestamp::UNIX_EPOCH;
    let form = |url: &str, given: &[u8], nonce: &[u8]| {
        let headers = [
            ("x-plivo-signature-v3", given),
            ("x-plivo-signature-v3-nonce", nonce),
            ("content-type", FORM),
        ];
        request(Method::POST, url, &headers, body)
    };
    let posted = signature(URL.as_bytes(), b"", body);
    is_taken_and_read(&*PLIVO, &form(URL, posted.as_bytes(), NONCE), now);
    if let Ok(query) = std::str::from_utf8(body) {
        let url = format!("{URL}?{query}");
        let fetched = signature(URL.as_bytes(), body, b"");
        let headers =
            [("x-plivo-signature-v3", fetched.as_bytes()), ("x-plivo-signature-v3-nonce", NONCE)];
        is_taken_and_read(&*PLIVO, &request(Method::GET, &url, &headers, b""), now);
        let both = signature(URL.as_bytes(), body, body);
        is_taken_and_read(&*PLIVO, &form(&url, both.as_bytes(), NONCE), now);
        // What was signed without a form does not let one pass.
        if pairs(body).next().is_some() {
            assert!(PLIVO.verify_webhook(&form(&url, fetched.as_bytes(), NONCE), now).is_err());
        }
    }
    let wrong = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(PLIVO.verify_webhook(&form(URL, body, NONCE), now).is_err());
    assert!(PLIVO.verify_webhook(&form(URL, wrong, body), now).is_err());
    for (name, value) in [("content-type", body), ("x-plivo-signature-ma-v3", body)] {
        let headers = [("x-plivo-signature-v3", &wrong[..]), (name, value)];
        assert!(PLIVO.verify_webhook(&request(Method::POST, URL, &headers, body), now).is_err());
    }
});
