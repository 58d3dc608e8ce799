//! A form, and what a stranger sends in the head. As strangers sign it, it is refused; signed as Plivo
//! signs, it is read, whatever stands in it.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use offhook_core::{VoiceProvider, verify};
use offhook_fuzz::{Nobody, request};
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

/// The signature V3 of a form whose names and values are texts.
fn signature(form: &[u8]) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(form).collect();
    pairs.sort();
    let mut mac = Hmac::<Sha256>::new_from_slice(TOKEN.as_bytes()).expect("any key");
    mac.update(URL.as_bytes());
    if !pairs.is_empty() {
        mac.update(b"?");
    }
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.update(b".");
    mac.update(NONCE);
    STANDARD.encode(mac.finalize().into_bytes())
}

fuzz_target!(|body: &[u8]| {
    let now = Timestamp::UNIX_EPOCH;
    let form = |given: &[u8], nonce: &[u8]| {
        let headers = [
            ("x-plivo-signature-v3", given),
            ("x-plivo-signature-v3-nonce", nonce),
            ("content-type", FORM),
        ];
        request(Method::POST, URL, &headers, body)
    };
    // A form that is no text is signed otherwise, and refused.
    let genuine = form(signature(body).as_bytes(), NONCE);
    if let Ok(verified) = verify(&*PLIVO, &genuine, now) {
        let _ = PLIVO.parse_webhook_event(&verified);
    }
    let wrong = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(PLIVO.verify_webhook(&form(body, NONCE), now).is_err());
    assert!(PLIVO.verify_webhook(&form(wrong, body), now).is_err());
    for (name, value) in [("content-type", body), ("x-plivo-signature-ma-v3", body)] {
        let headers = [("x-plivo-signature-v3", &wrong[..]), (name, value)];
        assert!(PLIVO.verify_webhook(&request(Method::POST, URL, &headers, body), now).is_err());
    }
});
