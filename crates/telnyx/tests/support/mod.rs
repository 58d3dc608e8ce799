//! What the tests share: an account, a transport that is played by a script, and a signer that was
//! written from Telnyx' description and not from this crate's code.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ed25519_dalek::{Signer, SigningKey};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use offhook_core::{
    CallId, CallRef, Callbacks, ParsedWebhook, ProviderCallId, ProviderCallIds, Step, Transport,
    TransportFault, TransportRequest, TransportResponse, VoiceProvider, WebhookRequest, verify,
};
use offhook_telnyx::{Telnyx, TelnyxConfig};
use serde_json::{Value, json};
use url::Url;

pub(crate) const API_KEY: &str = "KEY0193A1B2C3D4E5F60718293A4B5C6D7E_sesame";
pub(crate) const CONNECTION: &str = "1494404757140276705";
pub(crate) const CONTROL_ID: &str = "v3:2EC-70CTEjlUq3tDM0CxKXIt5-5N4iP4wo7_-PfH-qub97Sk4EqO5w";
pub(crate) const LEG_ID: &str = "b0e6224c-c81c-11f0-afbb-02420aef93a0";
pub(crate) const CALL_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub(crate) const ENDPOINT: &str = "https://voice.example.com/phone/webhooks/telnyx";
pub(crate) const NOW: i64 = 1_736_846_815;

/// Telnyx' key, whose other half only the tests have.
pub(crate) fn carrier_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The key that Telnyx signed with before.
pub(crate) fn previous_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

pub(crate) fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.verifying_key().as_bytes())
}

pub(crate) fn config() -> TelnyxConfig {
    TelnyxConfig::new(API_KEY, CONNECTION, public(&carrier_key())).expect("a well-formed account")
}

/// A Telnyx that must not ask anybody anything.
pub(crate) fn telnyx() -> Telnyx {
    silent(config())
}

pub(crate) fn silent(config: TelnyxConfig) -> Telnyx {
    Telnyx::with_transport(config, Arc::new(Script::default()))
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("an instant")
}

pub(crate) fn call_id() -> CallId {
    CALL_ID.parse().expect("a UUID")
}

pub(crate) fn call_ids() -> ProviderCallIds {
    let mut ids = ProviderCallIds::of(ProviderCallId::new("call_leg_id", 1, LEG_ID));
    ids.merge(&ProviderCallIds::of(ProviderCallId::new("call_control_id", 2, CONTROL_ID)));
    ids
}

/// Step 3 of a call that Telnyx knows.
pub(crate) fn call() -> CallRef {
    CallRef {
        id: call_id(),
        ids: call_ids(),
        step: Step(3),
        callbacks: Callbacks::to(Url::parse(ENDPOINT).expect("a URL")),
    }
}

/// `client_state` as it comes back from Telnyx.
pub(crate) fn state(text: &str) -> String {
    STANDARD.encode(text)
}

/// A transport that gives the answers that it was given, in order, and keeps what it was sent.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Result<TransportResponse, TransportFault>>>,
    sent: Mutex<Vec<TransportRequest>>,
}

type Answered = Result<TransportResponse, TransportFault>;

impl Script {
    pub(crate) fn of(answers: impl IntoIterator<Item = Answered>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { answers, sent: Mutex::default() })
    }

    pub(crate) fn requests(&self) -> Vec<TransportRequest> {
        self.sent.lock().expect("no test panics with it").clone()
    }

    /// The one request that was sent.
    pub(crate) fn only_request(&self) -> TransportRequest {
        let sent = self.requests();
        assert_eq!(sent.len(), 1, "exactly one request is sent: {sent:?}");
        sent[0].clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: TransportRequest) -> Answered {
        self.sent.lock().expect("no test panics with it").push(request);
        self.answers.lock().expect("no test panics with it").pop_front().expect("an answer is left")
    }
}

/// An answer of Telnyx'.
pub(crate) fn json_response(status: u16, body: &Value) -> TransportResponse {
    response(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn response(
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> TransportResponse {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert("content-type", HeaderValue::from_static(content_type));
    }
    TransportResponse {
        status: StatusCode::from_u16(status).expect("an HTTP status"),
        headers,
        body: body.into(),
    }
}

/// An error as Telnyx' API v2 writes it.
pub(crate) fn refusal(status: u16, code: &str, title: &str, detail: &str) -> TransportResponse {
    let error = json!({"code": code, "title": title, "detail": detail, "meta": {"url": "https://developers.telnyx.com"}});
    json_response(status, &json!({"errors": [error]}))
}

/// The answer to a command that was taken.
pub(crate) fn taken() -> TransportResponse {
    json_response(200, &json!({"data": {"result": "ok"}}))
}

/// Ed25519 over the timestamp, a bar and the body, in base64.
pub(crate) fn signature(key: &SigningKey, timestamp: &str, body: &[u8]) -> String {
    let message = [timestamp.as_bytes(), b"|", body].concat();
    STANDARD.encode(key.sign(&message).to_bytes())
}

/// Signed by Telnyx two seconds ago and posted to the endpoint.
pub(crate) fn signed(body: impl Into<Bytes>) -> WebhookRequest {
    signed_by(&carrier_key(), body)
}

pub(crate) fn signed_by(key: &SigningKey, body: impl Into<Bytes>) -> WebhookRequest {
    let body = body.into();
    let timestamp = (NOW - 2).to_string();
    let signature = signature(key, &timestamp, &body);
    posted(&timestamp, &signature, body)
}

pub(crate) fn posted(timestamp: &str, signature: &str, body: impl Into<Bytes>) -> WebhookRequest {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json"),
        ("telnyx-timestamp", timestamp),
        ("telnyx-signature-ed25519", signature),
    ] {
        headers.insert(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    WebhookRequest { method: Method::POST, url: ENDPOINT.to_owned(), headers, body: body.into() }
}

/// A fixture of `fixtures/webhooks`.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/webhooks/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

/// An event about our call, with the fields that every payload has and these.
pub(crate) fn event(event_type: &str, fields: Value) -> Value {
    let mut event = fixture("outbound");
    event["data"]["event_type"] = event_type.into();
    let mut payload = json!({
        "call_control_id": CONTROL_ID,
        "call_leg_id": LEG_ID,
        "call_session_id": "b0e6141e-c81c-11f0-abac-02420aef93a0",
        "connection_id": CONNECTION,
        "client_state": state(CALL_ID),
    });
    if let (Value::Object(payload), Value::Object(fields)) = (&mut payload, fields) {
        payload.extend(fields);
    }
    event["data"]["payload"] = payload;
    event
}

/// With the URL that it was delivered to.
pub(crate) fn delivered_to(mut event: Value, kind: &str) -> Value {
    let url = format!("{ENDPOINT}?call={CALL_ID}&step=1&kind={kind}");
    event["meta"]["delivered_to"] = url.into();
    event
}

/// Signed, verified and read.
pub(crate) fn parsed(event: &Value) -> ParsedWebhook {
    let (telnyx, request) = (telnyx(), signed(event.to_string()));
    let verified = verify(&telnyx, &request, now()).expect("it is signed");
    telnyx.parse_webhook_event(&verified).expect("it can be read")
}
