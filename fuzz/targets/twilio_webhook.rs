//! A URL and a form. As strangers sign it, it is refused; as Twilio signs it, by a signer of our own
//! that decodes the form in its own way, it is taken and read.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use offhook_core::VoiceProvider;
use offhook_fuzz::{Nobody, first_line, is_taken_and_read, pairs, request};
use offhook_twilio::{Twilio, TwilioConfig};
use sha1::Sha1;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "sesame";
const FORM: &[u8] = b"application/x-www-form-urlencoded";

static TWILIO: LazyLock<Twilio> = LazyLock::new(|| {
    let config = TwilioConfig::new(ACCOUNT, TOKEN).expect("an account");
    Twilio::with_transport(config.with_shared_key("shared"), Nobody::new())
});

fn signature(url: &str, form: &[u8]) -> String {
    let distinct: BTreeSet<_> = pairs(form).collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("any key");
    mac.update(url.as_bytes());
    for (name, value) in distinct {
        mac.update(&name);
        mac.update(&value);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    let Some((url, body)) = first_line(data) else { return };
    let now = Timestamp::UNIX_EPOCH;
    let form = |given: &[u8]| {
        let headers = [("x-twilio-signature", given), ("content-type", FORM)];
        request(Method::POST, url, &headers, body)
    };
    is_taken_and_read(&*TWILIO, &form(signature(url, body).as_bytes()), now);
    let by_url = signature(url, b"");
    let get = request(Method::GET, url, &[("x-twilio-signature", by_url.as_bytes())], b"");
    is_taken_and_read(&*TWILIO, &get, now);
    // What stands in the body as whatever a stranger sends in its head.
    assert!(TWILIO.verify_webhook(&form(body), now).is_err());
    for (name, value) in [
        ("content-type", body),
        ("x-twilio-webhooks-signature-settings", body),
        ("x-twilio-signature", body),
    ] {
        let headers = [("x-twilio-signature", &b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="[..]), (name, value)];
        assert!(TWILIO.verify_webhook(&request(Method::POST, url, &headers, body), now).is_err());
    }
});
