//! Telnyx: Ed25519 over the timestamp and the raw body.

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use offhook_core::WebhookRequest;
use offhook_telnyx::{Telnyx, TelnyxConfig};

use super::{Contest, Nobody};

const NOW: i64 = 1_736_846_815;

/// Events of a call as Telnyx documents them.
const EVENTS: [(&str, &str); 3] = [
    ("call.answered", r#""state":"answered""#),
    ("call.speak.ended", r#""status":"completed""#),
    (
        "call.transcription",
        r#""transcription_data":{"confidence":0.977219,"is_final":true,"transcript":"Good morning, I would like to move my appointment, please."}"#,
    ),
];

pub(super) fn contest() -> Result<Contest, Box<dyn Error>> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key();
    let config = TelnyxConfig::new("KEY0123", "1494404757140276705", STANDARD.encode(public))?;
    Ok(Contest {
        provider: Arc::new(Telnyx::with_transport(config, Arc::new(Nobody))),
        requests: EVENTS.iter().map(|(name, payload)| request(&key, name, payload)).collect(),
        now: Timestamp::from_second(NOW)?,
        baseline: "the bare Ed25519 check",
        plain: Box::new(move |request| straightforward(&public, request)),
        limit: 1.1,
    })
}

fn request(key: &SigningKey, name: &str, payload: &str) -> WebhookRequest {
    let body = format!(
        r#"{{"data":{{"event_type":"{name}","id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f0","occurred_at":"2025-01-14T09:26:53.000000Z","payload":{{"call_control_id":"v3:2EC-70CTEjlUq3tDM0CxKXIt5-5N4iP4wo7_-PfH-qub97Sk4EqO5w","call_leg_id":"b0e6224c-c81c-11f0-afbb-02420aef93a0","call_session_id":"b0e6158e-c81c-11f0-b7c5-02420aef93a0","client_state":"MDE4OTBhNWQtYWM5Ni03NzRiLWJjY2UtYjMwMjA5OWE4MDU3","connection_id":"1494404757140276705","from":"+15550100001","to":"+15550001234",{payload}}},"record_type":"event"}},"meta":{{"attempt":1,"delivered_to":"https://voice.example.com/webhooks/telnyx"}}}}"#
    );
    let timestamp = (NOW - 2).to_string();
    let signature = key.sign(format!("{timestamp}|{body}").as_bytes());
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).expect("a header's value");
    headers.insert("content-type", value("application/json"));
    headers.insert("telnyx-timestamp", value(&timestamp));
    headers.insert("telnyx-signature-ed25519", value(&STANDARD.encode(signature.to_bytes())));
    let url = "https://voice.example.com/webhooks/telnyx".to_owned();
    WebhookRequest { method: Method::POST, url, headers, body: body.into() }
}

/// Nothing but what nobody can leave out: the message put together, the signature decoded, the check.
fn straightforward(key: &VerifyingKey, request: &WebhookRequest) -> bool {
    let header = |name: &str| request.headers.get(name).map(HeaderValue::as_bytes);
    let (Some(timestamp), Some(signature)) =
        (header("telnyx-timestamp"), header("telnyx-signature-ed25519"))
    else {
        return false;
    };
    let message = [timestamp, b"|", &request.body].concat();
    let signature =
        STANDARD.decode(signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    signature.is_some_and(|signature| key.verify_strict(&message, &signature).is_ok())
}
