//! What the tests share: an account, a transport that is played by a script, and a signer that was
//! written from Plivo's description and not from this crate's code.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use offhook_conformance::{Document, Vocabulary};
use offhook_core::{
    CallId, CallRef, Callbacks, ParsedWebhook, ProviderCallId, ProviderCallIds, Step, Transport,
    TransportFault, TransportRequest, TransportResponse, VoiceProvider, WebhookRequest, verify,
};
use offhook_plivo::{Plivo, PlivoConfig};
use sha2::Sha256;
use url::Url;

pub(crate) const ACCOUNT: &str = "MAXXXXXXXXXXXXXXXXXX";
pub(crate) const SUBACCOUNT: &str = "SAXXXXXXXXXXXXXXXXXX";
pub(crate) const TOKEN: &str = "NWQxMmFiYzkwZjc0ZDhlYjYxMjM3YTk1ZmUwYzRi";
pub(crate) const NONCE: &str = "48219377201945583017";
pub(crate) const CALL_UUID: &str = "9f0a6d1c-52c4-4c7e-9b1d-3e2f7a8b9c01";
pub(crate) const REQUEST_UUID: &str = "2b7d4e10-8a6f-4d3b-9c55-0f1e2d3c4b5a";
pub(crate) const CALL_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub(crate) const ENDPOINT: &str = "https://voice.example.com/phone/webhooks/plivo";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn config() -> PlivoConfig {
    PlivoConfig::new(ACCOUNT, TOKEN).expect("a well-formed account")
}

/// A Plivo that must not ask anybody anything.
pub(crate) fn plivo() -> Plivo {
    silent(config())
}

pub(crate) fn silent(config: PlivoConfig) -> Plivo {
    Plivo::with_transport(config, Arc::new(Script::default()))
}

pub(crate) fn call_id() -> CallId {
    CALL_ID.parse().expect("a UUID")
}

pub(crate) fn request_ids() -> ProviderCallIds {
    ProviderCallIds::of(ProviderCallId::new("request_uuid", 0, REQUEST_UUID))
}

pub(crate) fn call_ids() -> ProviderCallIds {
    ProviderCallIds::of(ProviderCallId::new("call_uuid", 1, CALL_UUID))
}

pub(crate) fn both_ids() -> ProviderCallIds {
    let mut ids = request_ids();
    ids.merge(&call_ids());
    ids
}

/// Step 3 of a call that Plivo has told of.
pub(crate) fn call() -> CallRef {
    CallRef {
        id: call_id(),
        ids: both_ids(),
        step: Step(3),
        callbacks: Callbacks::to(Url::parse(ENDPOINT).expect("a URL")),
    }
}

/// A call that Plivo has taken and told nothing of yet.
pub(crate) fn young_call() -> CallRef {
    CallRef { ids: request_ids(), ..call() }
}

/// The URL of a callback at step 3, as Plivo calls it: without the fragment.
pub(crate) fn callback(kind: &str) -> String {
    format!("{ENDPOINT}?call={CALL_ID}&step=3&kind={kind}")
}

pub(crate) type Answer = Result<TransportResponse, TransportFault>;

/// A transport that gives the answers that it was given, in order, and keeps what it was sent.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<TransportRequest>>,
}

impl Script {
    pub(crate) fn of(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
        })
    }

    pub(crate) fn requests(&self) -> Vec<TransportRequest> {
        self.sent.lock().expect("no test panics with it").clone()
    }

    /// Method, path and query of each request, below the account.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |request: &TransportRequest| {
            let account = format!("https://api.plivo.com/v1/Account/{ACCOUNT}/");
            let rest = request.url.as_str().strip_prefix(&account).expect("below the account");
            format!("{} {rest}", request.method)
        };
        self.requests().iter().map(line).collect()
    }

    /// The one request that was sent.
    pub(crate) fn only_request(&self) -> TransportRequest {
        let mut sent = self.requests();
        assert_eq!(sent.len(), 1, "exactly one request is sent: {sent:?}");
        sent.remove(0)
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: TransportRequest) -> Answer {
        self.sent.lock().expect("no test panics with it").push(request);
        self.answers.lock().expect("no test panics with it").pop_front().expect("an answer is left")
    }
}

pub(crate) fn answering(answers: impl IntoIterator<Item = Answer>) -> (Plivo, Arc<Script>) {
    let script = Script::of(answers);
    (Plivo::with_transport(config(), script.clone()), script)
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

pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Answer {
    Ok(response(status, "application/json", body))
}

pub(crate) fn refusal(status: u16) -> Answer {
    json(status, r#"{"api_id":"5a9f","error":"not so: +442071838750"}"#)
}

pub(crate) fn missing() -> Answer {
    json(404, r#"{"api_id":"5a9f","error":"not found"}"#)
}

/// A V3 signature by its description.
pub(crate) fn signature<S: AsRef<[u8]>>(token: &str, url: &str, posted: &[(S, S)]) -> String {
    signature_with(NONCE, token, url, posted)
}

/// With another nonce.
pub(crate) fn signature_with<S: AsRef<[u8]>>(
    nonce: &str,
    token: &str,
    url: &str,
    posted: &[(S, S)],
) -> String {
    let mut message = v3_content(url, posted);
    message.extend([b".", nonce.as_bytes()].concat());
    hmac(token, &message)
}

/// URL without query, `?`, sorted query, `.` between both, sorted parameters.
pub(crate) fn v3_content<S: AsRef<[u8]>>(url: &str, posted: &[(S, S)]) -> Vec<u8> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut named: Vec<(Vec<u8>, Vec<u8>)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned().into_bytes(), value.into_owned().into_bytes()))
        .collect();
    named.sort();
    let named: Vec<Vec<u8>> =
        named.into_iter().map(|(name, value)| [name, value].join(&b'=')).collect();
    let named = named.join(&b'&');
    let mut posted: Vec<[&[u8]; 2]> =
        posted.iter().map(|(name, value)| [name.as_ref(), value.as_ref()]).collect();
    posted.sort_unstable();
    let mut message = base.as_bytes().to_vec();
    if !named.is_empty() || !posted.is_empty() {
        message.push(b'?');
        message.extend_from_slice(&named);
    }
    if !posted.is_empty() {
        if !named.is_empty() {
            message.push(b'.');
        }
        message.extend(posted.concat().concat());
    }
    message
}

pub(crate) fn hmac(token: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("any key will do");
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A form with everything but letters and digits encoded.
pub(crate) fn encoded<S: AsRef<[u8]>>(parameters: &[(S, S)]) -> String {
    let escape = |text: &[u8]| -> String {
        text.iter()
            .map(|byte| match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(*byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name.as_ref()), escape(value.as_ref())))
        .collect();
    pairs.join("&")
}

pub(crate) fn request(
    method: Method,
    url: &str,
    headers: &[(&'static str, &str)],
    body: impl Into<Bytes>,
) -> WebhookRequest {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_str(value).expect("a header's value"));
    }
    WebhookRequest { method, url: url.to_owned(), headers: map, body: body.into() }
}

/// A post with this V3 signature, whatever is true of it.
pub(crate) fn post(url: &str, signature: &str, body: impl Into<Bytes>) -> WebhookRequest {
    let headers = [
        ("content-type", FORM),
        ("x-plivo-signature-v3", signature),
        ("x-plivo-signature-v3-nonce", NONCE),
    ];
    request(Method::POST, url, &headers, body)
}

/// The parameters of a webhook, by name.
#[derive(Clone, Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// A fixture of `fixtures/webhooks`.
    pub(crate) fn read(fixture: &str) -> Self {
        let path = format!("{}/fixtures/webhooks/{fixture}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("the fixture is there");
        let pair = |line: &str| {
            let (name, value) = line.split_once('=').expect("Name=value");
            (name.to_owned(), value.to_owned())
        };
        Self(text.lines().map(pair).collect())
    }

    /// These names and values.
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    /// With a parameter set, or set anew.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Signed and posted to a URL.
    pub(crate) fn post(&self, url: &str) -> WebhookRequest {
        post(url, &signature(TOKEN, url, &self.0), encoded(&self.0))
    }

    /// Signed, with the parameters in the query.
    pub(crate) fn get(&self, url: &str) -> WebhookRequest {
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}{}", encoded(&self.0));
        let signature = signature::<&str>(TOKEN, &url, &[]);
        let headers =
            [("x-plivo-signature-v3", &*signature), ("x-plivo-signature-v3-nonce", NONCE)];
        request(Method::GET, &url, &headers, "")
    }
}

/// Verified and read.
pub(crate) fn parsed(request: &WebhookRequest) -> ParsedWebhook {
    let plivo = plivo();
    let verified = verify(&plivo, request, Timestamp::UNIX_EPOCH).expect("it is signed");
    plivo.parse_webhook_event(&verified).expect("it can be read")
}

/// Reads Plivo XML back.
pub(crate) fn read_back(text: &str) -> Document {
    assert!(text.len() < 100_000, "Plivo takes 100 KB");
    Vocabulary { speech: "Speak", listening: "GetInput", keys: Some("DTMF") }.read(text)
}
