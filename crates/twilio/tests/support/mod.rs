//! What the tests share: an account, a transport that is played by a script, and a signer that was
//! written from Twilio's description and not from this crate's code.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeSet, VecDeque};
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
use offhook_twilio::{Twilio, TwilioConfig};
use sha1::Sha1;
use url::Url;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "8f1c6b7de0a94c52b3f7a1d05e6c9b24";
pub(crate) const CALL_SID: &str = "CA5d2f0e7b9c1a4e63b8d7f0a1c2e3b4d5";
pub(crate) const CALL_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub(crate) const ENDPOINT: &str = "https://voice.example.com/phone/webhooks/twilio";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

pub(crate) fn config() -> TwilioConfig {
    TwilioConfig::new(ACCOUNT, TOKEN).expect("a well-formed account")
}

/// A Twilio that must not ask anybody anything.
pub(crate) fn twilio() -> Twilio {
    silent(config())
}

pub(crate) fn silent(config: TwilioConfig) -> Twilio {
    Twilio::with_transport(config, Arc::new(Script::default()))
}

pub(crate) fn call_id() -> CallId {
    CALL_ID.parse().expect("a UUID")
}

pub(crate) fn call_ids() -> ProviderCallIds {
    ProviderCallIds::of(ProviderCallId::new("call_sid", 1, CALL_SID))
}

/// Step 3 of a call that Twilio knows.
pub(crate) fn call() -> CallRef {
    CallRef {
        id: call_id(),
        ids: call_ids(),
        step: Step(3),
        callbacks: Callbacks::to(Url::parse(ENDPOINT).expect("a URL")),
    }
}

/// The URL of a callback at step 3, as Twilio calls it: without the fragment.
pub(crate) fn callback(kind: &str) -> String {
    format!("{ENDPOINT}?call={CALL_ID}&step=3&kind={kind}")
}

/// A transport that gives the answers that it was given, in order, and keeps what it was sent.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Result<TransportResponse, TransportFault>>>,
    sent: Mutex<Vec<TransportRequest>>,
}

impl Script {
    pub(crate) fn of(answer: Result<TransportResponse, TransportFault>) -> Arc<Self> {
        Self::of_all([answer])
    }

    pub(crate) fn of_all(
        answers: impl IntoIterator<Item = Result<TransportResponse, TransportFault>>,
    ) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// All requests that were sent, in order.
    pub(crate) fn requests(&self) -> Vec<TransportRequest> {
        self.sent.lock().expect("no test panics with it").clone()
    }

    /// The one request that was sent.
    pub(crate) fn only_request(&self) -> TransportRequest {
        let sent = self.sent.lock().expect("no test panics with it");
        assert_eq!(sent.len(), 1, "exactly one request is sent: {sent:?}");
        sent[0].clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        self.sent.lock().expect("no test panics with it").push(request);
        self.answers.lock().expect("no test panics with it").pop_front().expect("an answer is left")
    }
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

/// `X-Twilio-Signature` by its description: the URL, then each distinct parameter in the order of
/// names and values, then HMAC-SHA1 and base64.
pub(crate) fn signature<S: AsRef<[u8]>>(token: &str, url: &str, parameters: &[(S, S)]) -> String {
    let mut message = url.as_bytes().to_vec();
    let distinct: BTreeSet<(&[u8], &[u8])> =
        parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    for (name, value) in distinct {
        message.extend([name, value].concat());
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("any key will do");
    mac.update(&message);
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
        let signature = signature(TOKEN, url, &self.0);
        let headers = [("content-type", FORM), ("x-twilio-signature", signature.as_str())];
        request(Method::POST, url, &headers, encoded(&self.0))
    }

    /// Signed, with the parameters in the query.
    pub(crate) fn get(&self, url: &str) -> WebhookRequest {
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}{}", encoded(&self.0));
        let signature = signature::<&str>(TOKEN, &url, &[]);
        request(Method::GET, &url, &[("x-twilio-signature", &signature)], "")
    }
}

/// Verified and read.
pub(crate) fn parsed(request: &WebhookRequest) -> ParsedWebhook {
    let twilio = twilio();
    let verified = verify(&twilio, request, Timestamp::UNIX_EPOCH).expect("it is signed");
    twilio.parse_webhook_event(&verified).expect("it can be read")
}

/// Reads TwiML back.
pub(crate) fn read_back(text: &str) -> Document {
    Vocabulary { speech: "Say", listening: "Gather", keys: None }.read(text)
}
