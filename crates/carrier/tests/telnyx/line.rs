//! An emulator in virtual time, with an application that takes its events.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use http::{HeaderMap, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use offhook_carrier::{
    ApiRequest, ApiResponse, ConnectionDropped, DeliveryFault, Emulator, Habit, OutgoingWebhook,
    Settings, WebhookAnswer,
};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "KEYemulator";
pub(crate) const HOOK: &str = "http://app.test/hook";
pub(crate) const FROM: &str = "+15550100100";
pub(crate) const SILENT: &str = "+15550100099";
pub(crate) const SAYS_YES: &str = "+15550100001";
pub(crate) const BUSY: &str = "+15550100002";
pub(crate) const NEVER_ANSWERS: &str = "+15550100003";
pub(crate) const FAILS: &str = "+15550100004";
pub(crate) const MACHINE: &str = "+15550100005";
pub(crate) const HANGS_UP: &str = "+15550100006";
pub(crate) const VOICE: &str = "AWS.Polly.Joanna-Neural";

pub(crate) type Outcome = Result<WebhookAnswer, DeliveryFault>;

/// A webhook that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) at: Timestamp,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Hook {
    pub(crate) fn event(&self) -> &str {
        self.body["data"]["event_type"].as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.body["data"]["id"].as_str().unwrap_or_default()
    }

    pub(crate) fn payload(&self) -> &Value {
        &self.body["data"]["payload"]
    }

    pub(crate) fn occurred_at(&self) -> Timestamp {
        let text = self.body["data"]["occurred_at"].as_str().expect("an event has its instant");
        text.parse().expect("an event's instant is RFC 3339")
    }
}

type Answerer = Box<dyn FnMut(&Hook) -> Outcome>;

pub(crate) struct Line {
    pub(crate) emulator: Emulator,
    pub(crate) now: Timestamp,
    pub(crate) hooks: Vec<Hook>,
    public_key: VerifyingKey,
    app: Vec<(String, Answerer)>,
}

/// Settings without chance, for tests that are not about it.
pub(crate) fn plain() -> Settings {
    let mut settings = Settings::default();
    settings.webhook_before_answer = Habit::Never;
    settings.late_callbacks = Habit::Never;
    settings
}

pub(crate) fn answer(status: u16) -> Outcome {
    let status = StatusCode::from_u16(status).expect("a test's status is one");
    Ok(WebhookAnswer { status, headers: HeaderMap::new(), body: Bytes::new() })
}

impl Line {
    pub(crate) fn new() -> Self {
        Self::with(plain())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let now = "2026-01-05T09:00:00Z".parse().expect("a test's instant is one");
        let mut emulator = Emulator::new(settings);
        // As a client gets it, not as the settings have it.
        let request = ApiRequest {
            method: Method::GET,
            path_and_query: "/emulator/telnyx-public-key".to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let key = emulator.request(&request, now).expect("the control API knows no faults").body;
        let key = STANDARD.decode(key).expect("the key is base64");
        let key = key.as_slice().try_into().expect("the key has 32 bytes");
        let public_key = VerifyingKey::from_bytes(&key).expect("the key is one");
        Self { emulator, now, hooks: Vec::new(), public_key, app: Vec::new() }
    }

    /// Answers events whose URL or type contains `part`; the rest get 200.
    pub(crate) fn on(&mut self, part: &str, answerer: impl FnMut(&Hook) -> Outcome + 'static) {
        self.app.push((part.to_owned(), Box::new(answerer)));
    }

    pub(crate) fn send(
        &mut self,
        method: Method,
        path: &str,
        key: &str,
        body: &str,
    ) -> Result<ApiResponse, ConnectionDropped> {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {key}");
        headers.insert("authorization", bearer.parse().expect("a test's key is a header value"));
        let body = Bytes::copy_from_slice(body.as_bytes());
        let request = ApiRequest { method, path_and_query: path.to_owned(), headers, body };
        self.emulator.request(&request, self.now)
    }

    /// A request to the carrier's API.
    pub(crate) fn api(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        read(&self.send(method, path, KEY, &body).expect("no fault was ordered"))
    }

    /// A request to the control API.
    pub(crate) fn control(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        read(&self.send(method, path, "", &body).expect("the control API knows no faults"))
    }

    pub(crate) fn order_fault(&mut self, fault: &Value) {
        assert_eq!(self.control(Method::POST, "/emulator/faults", fault).0, 201);
    }

    /// Dials; the events go to `/hook`.
    pub(crate) fn dial(&mut self, to: &str, extra: &Value) -> String {
        let (status, body) = self.try_dial(to, extra);
        assert_eq!(status, 200, "{body}");
        body["data"]["call_control_id"].as_str().expect("a call has an id").to_owned()
    }

    pub(crate) fn try_dial(&mut self, to: &str, extra: &Value) -> (u16, Value) {
        let mut body = json!({ "connection_id": "1", "from": FROM, "to": to, "webhook_url": HOOK });
        for (name, value) in extra.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.api(Method::POST, "/v2/calls", &body)
    }

    /// Dials somebody who answers, and waits for the answer.
    pub(crate) fn connected(&mut self, to: &str, extra: &Value) -> String {
        let id = self.dial(to, extra);
        self.run(2.5);
        assert_eq!(self.truth(&id)["status"], "answered");
        id
    }

    /// A person calls; the events go to `/hook`.
    pub(crate) fn receive(&mut self, party: &str) -> String {
        let call = json!({
            "provider": "telnyx", "from": SILENT, "to": FROM, "party": party, "webhook_url": HOOK,
        });
        let (status, body) = self.control(Method::POST, "/emulator/calls", &call);
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().expect("a call has an id").to_owned()
    }

    /// A command, as it is answered.
    pub(crate) fn command(&mut self, id: &str, name: &str, body: &Value) -> (u16, Value) {
        self.api(Method::POST, &format!("{}/actions/{name}", call_path(id)), body)
    }

    /// A command that is taken.
    pub(crate) fn order(&mut self, id: &str, name: &str, body: &Value) {
        let (status, answer) = self.command(id, name, body);
        assert_eq!((status, &answer["data"]["result"]), (200, &json!("ok")), "{name}: {answer}");
    }

    /// The status and the code of a command that is refused.
    pub(crate) fn refused(&mut self, id: &str, name: &str, body: &Value) -> (u16, String) {
        code(&self.command(id, name, body))
    }

    pub(crate) fn speak(&mut self, id: &str, text: &str) {
        self.order(id, "speak", &json!({ "payload": text, "voice": VOICE }));
    }

    pub(crate) fn status(&mut self, id: &str) -> Value {
        let (status, body) = self.api(Method::GET, &call_path(id), &Value::Null);
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    /// What the emulator itself knows of a call.
    pub(crate) fn truth(&mut self, id: &str) -> Value {
        let (status, body) =
            self.control(Method::GET, &format!("/emulator/calls/{id}"), &Value::Null);
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) fn act(&mut self, id: &str, act: &str, body: &Value) -> (u16, Value) {
        self.control(Method::POST, &format!("/emulator/calls/{id}/{act}"), body)
    }

    /// The texts that were heard, those broken off marked by an ellipsis.
    pub(crate) fn heard(&mut self, id: &str) -> Vec<String> {
        let truth = self.truth(id);
        let heard = truth["heard"].as_array().expect("heard is a list");
        heard
            .iter()
            .map(|heard| {
                let text = heard["text"].as_str().unwrap_or_default();
                if heard["complete"] == true { text.to_owned() } else { format!("{text}…") }
            })
            .collect()
    }

    /// Lets time pass, stopping at everything that happens.
    pub(crate) fn run(&mut self, seconds: f64) {
        let end = self.now + SignedDuration::from_secs_f64(seconds);
        loop {
            for webhook in self.emulator.poll(self.now) {
                let id = webhook.id;
                let outcome = self.receive_webhook(&webhook);
                self.emulator.delivered(id, outcome, self.now);
            }
            match self.emulator.next_wakeup() {
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    fn receive_webhook(&mut self, webhook: &OutgoingWebhook) -> Outcome {
        self.assert_signed(webhook);
        let body = serde_json::from_slice(&webhook.body).expect("an event is JSON");
        let (url, headers) = (webhook.url.clone(), webhook.headers.clone());
        let hook = Hook { at: self.now, url, headers, body };
        assert_eq!(hook.body["meta"]["delivered_to"], hook.url);
        self.hooks.push(hook.clone());
        let mut app = self.app.iter_mut();
        let answerer = app.find(|(part, _)| {
            hook.url.contains(part.as_str()) || hook.event().contains(part.as_str())
        });
        match answerer {
            Some((_, answerer)) => answerer(&hook),
            None => answer(200),
        }
    }

    /// Checks the signature as a receiver does, with nothing but the public key.
    fn assert_signed(&self, webhook: &OutgoingWebhook) {
        let text = |name: &str| webhook.headers[name].to_str().expect("headers are text");
        let timestamp = text("telnyx-timestamp");
        let seconds: i64 = timestamp.parse().expect("the timestamp is Unix seconds");
        assert_eq!(seconds, self.now.as_second(), "an attempt is signed when it is made");
        let signature = STANDARD.decode(text("telnyx-signature-ed25519")).expect("it is base64");
        let signature = Signature::from_slice(&signature).expect("a signature has 64 bytes");
        let message = [timestamp.as_bytes(), b"|", &webhook.body].concat();
        let verified = self.public_key.verify_strict(&message, &signature);
        verified.expect("a webhook is signed over timestamp and body");
        assert_eq!(webhook.method, Method::POST);
        assert_eq!(text("content-type"), "application/json");
        assert_eq!(text("user-agent"), "telnyx-webhooks");
    }

    /// The events of a call as they arrived, repeated deliveries included.
    pub(crate) fn told(&self, id: &str) -> Vec<String> {
        self.of(id).map(|hook| hook.event().to_owned()).collect()
    }

    /// The payloads of one type of event of a call.
    pub(crate) fn payloads(&self, id: &str, event: &str) -> Vec<Value> {
        self.of(id)
            .filter(|hook| hook.event() == event)
            .map(|hook| hook.payload().clone())
            .collect()
    }

    pub(crate) fn of(&self, id: &str) -> impl Iterator<Item = &Hook> {
        self.hooks.iter().filter(move |hook| hook.payload()["call_control_id"] == id)
    }
}

/// The path of a call, its id escaped as clients do.
pub(crate) fn call_path(id: &str) -> String {
    format!("/v2/calls/{}", id.replace(':', "%3A"))
}

pub(crate) fn read(response: &ApiResponse) -> (u16, Value) {
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    (response.status.as_u16(), body)
}

/// The status and the code of a refusal.
pub(crate) fn code((status, body): &(u16, Value)) -> (u16, String) {
    (*status, body["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
}

/// A refusal for something in the body.
pub(crate) fn unprocessable(code: &str) -> (u16, String) {
    (422, code.to_owned())
}
