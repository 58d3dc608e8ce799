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
use sha2::Sha256;

pub(crate) const CALLS: &str = "/v1/Account/MAEMULATOR0000000001/Call/";
pub(crate) const CREDENTIALS: &str = "MAEMULATOR0000000001:emulator";
pub(crate) const APP: &str = "http://app.test";
pub(crate) const FROM: &str = "15550100100";
pub(crate) const SILENT: &str = "15550100099";
pub(crate) const SAYS_YES: &str = "15550100001";
pub(crate) const BUSY: &str = "15550100002";
pub(crate) const NEVER_ANSWERS: &str = "15550100003";
pub(crate) const FAILS: &str = "15550100004";
pub(crate) const MACHINE: &str = "15550100005";
pub(crate) const HANGS_UP: &str = "15550100006";
/// A document that keeps a call for ten minutes.
pub(crate) const HOLD: &str = "<Response><Wait length=\"600\"/></Response>";

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

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("these headers are text")
    }
}

/// The ids of a dialled call.
#[derive(Debug, Clone)]
pub(crate) struct Dialled {
    pub(crate) request: String,
    /// The `CallUUID`, which the emulator itself knows from the beginning.
    pub(crate) call: String,
}

type Answerer = Box<dyn FnMut(&Hook) -> Outcome>;

pub(crate) struct Line {
    pub(crate) emulator: Emulator,
    pub(crate) now: Timestamp,
    pub(crate) hooks: Vec<Hook>,
    /// The tokens that are to have signed, and that of the main account.
    pub(crate) tokens: Vec<&'static str>,
    pub(crate) main_token: &'static str,
    app: Vec<(String, Answerer)>,
}

/// Settings without chance, for tests that are not about it.
pub(crate) fn plain() -> Settings {
    let mut settings = Settings::default();
    settings.calls_per_second = 1000.0;
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
        Self {
            emulator: Emulator::new(settings),
            now,
            hooks: Vec::new(),
            tokens: vec!["emulator"],
            main_token: "emulator",
            app: Vec::new(),
        }
    }

    /// Answers webhooks whose URL contains `part`; the rest get 200 and nothing.
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

    /// A request to the carrier's API, below the calls.
    pub(crate) fn api(&mut self, method: Method, below: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("{CALLS}{below}");
        read(&self.send(method, &path, CREDENTIALS, &body).expect("no fault was ordered"))
    }

    pub(crate) fn get(&mut self, below: &str) -> (u16, Value) {
        self.api(Method::GET, below, &Value::Null)
    }

    /// A request to the control API.
    pub(crate) fn control(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        read(&self.send(method, path, "", &body).expect("the control API knows no faults"))
    }

    pub(crate) fn order_fault(&mut self, fault: &Value) {
        assert_eq!(self.control(Method::POST, "/emulator/faults", fault).0, 201);
    }

    /// Places a call with all callbacks.
    pub(crate) fn dial(&mut self, to: &str, extra: &Value) -> Dialled {
        let mut body = json!({
            "from": FROM, "to": to, "answer_url": format!("{APP}/answer"),
            "ring_url": format!("{APP}/ring"), "hangup_url": format!("{APP}/hangup"),
        });
        if let Some(extra) = extra.as_object() {
            for (name, value) in extra {
                body[name] = value.clone();
            }
        }
        let (status, answer) = self.api(Method::POST, "", &body);
        assert_eq!(status, 201, "{answer}");
        let request = answer["request_uuid"].as_str().expect("a request has an id").to_owned();
        let call = self.truth(&request)["id"].as_str().expect("a call has an id").to_owned();
        Dialled { request, call }
    }

    /// A call that was answered by somebody and holds; gives its id.
    pub(crate) fn connected(&mut self, to: &str) -> String {
        self.document("/answer", HOLD);
        let call = self.dial(to, &Value::Null).call;
        self.run(3.0);
        assert_eq!(self.truth(&call)["status"], "in-progress");
        call
    }

    /// A person calls; the answer URL is `/answer`, the hangup URL `/hangup`.
    pub(crate) fn receive(&mut self, party: &str) -> String {
        let call = json!({
            "provider": "plivo", "from": format!("+{SILENT}"), "to": format!("+{FROM}"),
            "party": party, "webhook_url": format!("{APP}/answer"),
            "status_callback": format!("{APP}/hangup"),
        });
        let (status, body) = self.control(Method::POST, "/emulator/calls", &call);
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().expect("a call has an id").to_owned()
    }

    /// The status that the carrier tells of a live call.
    pub(crate) fn live(&mut self, id: &str) -> Option<String> {
        let (status, body) = self.get(&format!("{id}/?status=live"));
        (status == 200).then(|| body["call_status"].as_str().unwrap_or_default().to_owned())
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

    pub(crate) fn say(&mut self, id: &str, text: &str) -> bool {
        self.act(id, "say", &json!({ "text": text })).1["noticed"] == true
    }

    pub(crate) fn press(&mut self, id: &str, digits: &str) -> bool {
        self.act(id, "dtmf", &json!({ "digits": digits })).1["noticed"] == true
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
        self.assert_signed(&webhook);
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
            None => answer(200, "text/plain", ""),
        }
    }

    pub(crate) fn hooks_to(&self, part: &str) -> Vec<Hook> {
        self.hooks.iter().filter(|hook| hook.url.contains(part)).cloned().collect()
    }

    /// The only webhook of this kind.
    pub(crate) fn hook_to(&self, part: &str) -> Hook {
        let hooks = self.hooks_to(part);
        assert_eq!(hooks.len(), 1, "webhooks to {part}: {hooks:?}");
        hooks[0].clone()
    }

    /// How the only call that is over ended: status, code and source of its hangup callback.
    pub(crate) fn ending(&self) -> (String, u32, String) {
        let hook = self.hook_to("/hangup");
        let code = hook.param("HangupCauseCode").parse().expect("a code is a number");
        (hook.param("CallStatus").to_owned(), code, hook.param("HangupSource").to_owned())
    }

    /// Checks all signatures in another way than they were made.
    fn assert_signed(&self, webhook: &OutgoingWebhook) {
        let (base, query) = webhook.url.split_once('?').unwrap_or((webhook.url.as_str(), ""));
        let sorted = |raw: &[u8]| {
            let mut pairs: Vec<(String, String)> =
                form_urlencoded::parse(raw).into_owned().collect();
            pairs.sort();
            pairs
        };
        let query: Vec<String> = sorted(query.as_bytes())
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let form: Vec<String> =
            sorted(&webhook.body).iter().map(|(name, value)| format!("{name}{value}")).collect();
        let (query, form) = (query.join("&"), form.concat());
        let header = |name: &str| webhook.headers[name].to_str().expect("a header is text");
        let nonce = header("x-plivo-signature-v3-nonce");
        let message = match (query.is_empty(), form.is_empty()) {
            (true, true) => format!("{base}.{nonce}"),
            (false, true) => format!("{base}?{query}.{nonce}"),
            (true, false) => format!("{base}?{form}.{nonce}"),
            (false, false) => format!("{base}?{query}.{form}.{nonce}"),
        };
        assert_eq!(header("x-plivo-signature-v3"), signatures(&self.tokens, &message));
        let main = [self.main_token];
        let main = if main == ["emulator"] { self.tokens.as_slice() } else { &main };
        assert_eq!(header("x-plivo-signature-ma-v3"), signatures(main, &message));
        let older = format!("{base}{}", header("x-plivo-signature-v2-nonce"));
        assert_eq!(header("x-plivo-signature-v2"), signatures(&self.tokens, &older));
        assert_eq!(header("x-plivo-signature-ma-v2"), signatures(main, &older));
        assert!(!webhook.url.contains('#'), "a fragment was sent");
    }
}

fn signatures(tokens: &[&str], message: &str) -> String {
    let each = tokens.iter().map(|token| {
        let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("any key will do");
        mac.update(message.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    each.collect::<Vec<_>>().join(",")
}

fn read(response: &ApiResponse) -> (u16, Value) {
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    (response.status.as_u16(), body)
}
