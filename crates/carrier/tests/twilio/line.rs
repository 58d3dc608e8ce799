//! An emulator in virtual time, with an application that answers its webhooks.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use offhook_carrier::{
    ApiRequest, ApiResponse, ConnectionDropped, DeliveryFault, Emulator, Habit, OutgoingWebhook,
    Settings, WebhookAnswer,
};
use serde_json::{Value, json};
use sha1::Sha1;

pub(crate) const CALLS: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json";
pub(crate) const APP: &str = "http://app.test";
pub(crate) const FROM: &str = "+15550100100";
pub(crate) const SILENT: &str = "+15550100099";

pub(crate) type Outcome = Result<WebhookAnswer, DeliveryFault>;

/// A webhook that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) at: Timestamp,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) params: BTreeMap<String, String>,
}

impl Hook {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }
}

type Answerer = Box<dyn FnMut(&Hook) -> Outcome>;

pub(crate) struct Line {
    pub(crate) emulator: Emulator,
    pub(crate) now: Timestamp,
    pub(crate) hooks: Vec<Hook>,
    app: Vec<(String, Answerer)>,
}

/// Settings without chance, for tests that are not about it.
pub(crate) fn plain() -> Settings {
    let mut settings = Settings::default();
    settings.stale_reads = std::time::Duration::ZERO;
    settings.webhook_before_answer = Habit::Never;
    settings.late_callbacks = Habit::Never;
    settings
}

pub(crate) fn xml(document: &str) -> Outcome {
    answer(200, "text/xml", document)
}

pub(crate) fn answer(status: u16, content_type: &'static str, body: &str) -> Outcome {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    let status = StatusCode::from_u16(status).expect("a test's status is one");
    Ok(WebhookAnswer { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) })
}

impl Line {
    pub(crate) fn new() -> Self {
        Self::with(plain())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let now = "2026-01-05T09:00:00Z".parse().expect("a test's instant is one");
        Self { emulator: Emulator::new(settings), now, hooks: Vec::new(), app: Vec::new() }
    }

    /// Answers webhooks whose URL contains `part`; the rest get 204.
    pub(crate) fn on(&mut self, part: &str, answerer: impl FnMut(&Hook) -> Outcome + 'static) {
        self.app.push((part.to_owned(), Box::new(answerer)));
    }

    /// Always answers with the same document.
    pub(crate) fn document(&mut self, part: &str, document: &'static str) {
        self.on(part, move |_| xml(document));
    }

    pub(crate) fn send(
        &mut self,
        method: Method,
        path: &str,
        credentials: &str,
        body: &str,
    ) -> Result<ApiResponse, ConnectionDropped> {
        let mut headers = HeaderMap::new();
        let basic = format!("Basic {}", STANDARD.encode(credentials));
        headers.insert("authorization", basic.parse().expect("base64 is a header value"));
        let body = Bytes::copy_from_slice(body.as_bytes());
        let request = ApiRequest { method, path_and_query: path.to_owned(), headers, body };
        self.emulator.request(&request, self.now)
    }

    /// A request to the carrier's API.
    pub(crate) fn api(
        &mut self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let credentials = "AC00000000000000000000000000000001:emulator";
        read(&self.send(method, path, credentials, &body.finish()).expect("no fault was ordered"))
    }

    /// A request to the control API.
    pub(crate) fn control(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        read(&self.send(method, path, "", &body).expect("the control API knows no faults"))
    }

    pub(crate) fn order_fault(&mut self, fault: &Value) {
        assert_eq!(self.control(Method::POST, "/emulator/faults", fault).0, 201);
    }

    /// Places a call with an answer URL and a status callback for all events.
    pub(crate) fn dial(&mut self, to: &str, extra: &[(&str, &str)]) -> String {
        let mut form = vec![
            ("To", to),
            ("From", FROM),
            ("Url", "http://app.test/answer"),
            ("StatusCallback", "http://app.test/status"),
        ];
        for event in ["initiated", "ringing", "answered", "completed"] {
            form.push(("StatusCallbackEvent", event));
        }
        form.extend(extra);
        let (status, body) = self.api(Method::POST, CALLS, &form);
        assert_eq!(status, 201, "{body}");
        body["sid"].as_str().expect("a call has a sid").to_owned()
    }

    /// A person calls; the voice URL is `/voice`, the status callback `/status`.
    pub(crate) fn receive(&mut self, party: &str) -> String {
        let call = json!({
            "provider": "twilio", "from": SILENT, "to": FROM, "party": party,
            "webhook_url": format!("{APP}/voice"), "status_callback": format!("{APP}/status"),
        });
        let (status, body) = self.control(Method::POST, "/emulator/calls", &call);
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().expect("a call has an id").to_owned()
    }

    pub(crate) fn update(&mut self, sid: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.api(Method::POST, &call_path(sid), form)
    }

    pub(crate) fn status(&mut self, sid: &str) -> String {
        let (status, body) = self.api(Method::GET, &call_path(sid), &[]);
        assert_eq!(status, 200, "{body}");
        body["status"].as_str().expect("a call has a status").to_owned()
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
                let outcome = self.receive_webhook(webhook);
                self.emulator.delivered(id, outcome, self.now);
            }
            match self.emulator.next_wakeup() {
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    fn receive_webhook(&mut self, webhook: OutgoingWebhook) -> Outcome {
        assert_signed(&webhook);
        let raw = if webhook.method == Method::GET {
            webhook.url.split_once('?').map_or("", |(_, query)| query).as_bytes()
        } else {
            &webhook.body[..]
        };
        let params = form_urlencoded::parse(raw).into_owned().collect();
        let (method, url, headers) = (webhook.method, webhook.url, webhook.headers);
        let hook = Hook { at: self.now, method, url, headers, params };
        self.hooks.push(hook.clone());
        let answerer = self.app.iter_mut().find(|(part, _)| hook.url.contains(part.as_str()));
        match answerer {
            Some((_, answerer)) => answerer(&hook),
            None => answer(204, "text/plain", ""),
        }
    }

    pub(crate) fn hooks_to(&self, part: &str) -> Vec<Hook> {
        self.hooks.iter().filter(|hook| hook.url.contains(part)).cloned().collect()
    }

    /// The statuses that the status callbacks told, as they arrived.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self.hooks_to("/status");
        told.iter().map(|hook| hook.param("CallStatus").to_owned()).collect()
    }
}

pub(crate) fn call_path(sid: &str) -> String {
    CALLS.replace(".json", &format!("/{sid}.json"))
}

fn read(response: &ApiResponse) -> (u16, Value) {
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    (response.status.as_u16(), body)
}

/// Checks the signature in another way than it was made.
fn assert_signed(webhook: &OutgoingWebhook) {
    let params: BTreeMap<String, String> =
        form_urlencoded::parse(&webhook.body).into_owned().collect();
    let mut message = webhook.url.clone();
    for (name, value) in params {
        message.push_str(&name);
        message.push_str(&value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(b"emulator").expect("any key will do");
    mac.update(message.as_bytes());
    let signature = webhook.headers["x-twilio-signature"].to_str().expect("base64 is text");
    let signature = STANDARD.decode(signature).expect("signatures are base64");
    mac.verify_slice(&signature).expect("a webhook is signed over its URL and parameters");
    assert!(!webhook.url.contains('#'), "a fragment was sent");
}
