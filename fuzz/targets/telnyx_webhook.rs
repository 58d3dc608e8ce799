//! A body. As strangers sign it, it is refused; as Telnyx signs it, it is taken and read.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use http::Method;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use offhook_core::VoiceProvider;
use offhook_fuzz::{Nobody, is_taken_and_read, request};
use offhook_telnyx::{Telnyx, TelnyxConfig};

const URL: &str = "https://voice.example.com/webhooks/telnyx";
const NOW: i64 = 1_736_846_815;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));

static TELNYX: LazyLock<Telnyx> = LazyLock::new(|| {
    let public = STANDARD.encode(KEY.verifying_key().as_bytes());
    let config = TelnyxConfig::new("KEYsesame", "1494404757140276705", public);
    Telnyx::with_transport(config.expect("an account"), Nobody::new())
});

fuzz_target!(|body: &[u8]| {
    let now = Timestamp::from_second(NOW).expect("an instant");
    let timestamp = NOW.to_string();
    let posted = |timestamp: &[u8], signature: &[u8]| {
        let headers = [("telnyx-timestamp", timestamp), ("telnyx-signature-ed25519", signature)];
        request(Method::POST, URL, &headers, body)
    };
    let message = [timestamp.as_bytes(), b"|", body].concat();
    let signature = STANDARD.encode(KEY.sign(&message).to_bytes());
    is_taken_and_read(&*TELNYX, &posted(timestamp.as_bytes(), signature.as_bytes()), now);
    let head = &body[..body.len().min(100)];
    for stranger in [
        posted(timestamp.as_bytes(), head),
        posted(head, signature.as_bytes()),
        posted(b"1736846814", signature.as_bytes()),
    ] {
        assert!(TELNYX.verify_webhook(&stranger, now).is_err());
    }
});
