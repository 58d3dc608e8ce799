//! What happens at the carrier, and what comes from there.

use std::sync::atomic::Ordering;

use http::Method;
use offhook_carrier::Settings;
use serde_json::{Value, json};

use super::{OUR_NUMBER, World};
use crate::http::{Answer, send};
use crate::providers::telnyx::signed;
use crate::providers::{Provider, Report, Request, Sender, form_signature, provider};

impl World {
    /// A request to the emulator, in its own process and past its faults.
    ///
    /// # Panics
    /// The emulator is gone.
    pub async fn carrier(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/emulator/{path}", self.carrier_address);
        let answer = send(method, &url, &[], body.to_string()).await;
        answer.json()
    }

    /// What the emulator knows of a call of ours.
    pub async fn line(&self, call: &str) -> Value {
        let view = self.call(call).await;
        let id = view["provider_call_id"].as_str().unwrap_or_default().to_owned();
        self.carrier(Method::GET, &format!("calls/{id}"), Value::Null).await
    }

    /// All calls that the emulator knows.
    pub async fn lines(&self) -> Vec<Value> {
        let list = self.carrier(Method::GET, "calls", Value::Null).await;
        list["calls"].as_array().cloned().unwrap_or_default()
    }

    /// The person on the line of a call of ours does something: `say`, `dtmf`, `hangup`.
    pub async fn person(&self, call: &str, does: &str, what: Value) {
        let view = self.call(call).await;
        let id = view["provider_call_id"].as_str().unwrap_or_default().to_owned();
        self.carrier(Method::POST, &format!("calls/{id}/{does}"), what).await;
        self.settle().await;
    }

    /// The person on the line of a call does something while the daemon is away: its call is the
    /// oldest that is live at the carrier.
    pub async fn person_on_the_oldest_line(&self, does: &str) {
        let lines = self.lines().await;
        let live = lines.iter().find(|line| line["ended_at"].is_null());
        let id = live.and_then(|line| line["id"].as_str()).unwrap_or_default().to_owned();
        self.carrier(Method::POST, &format!("calls/{id}/{does}"), json!({})).await;
    }

    /// Somebody calls us. Gives the carrier's id.
    pub async fn somebody_calls(&self, from: &str, party: &str) -> String {
        self.somebody_calls_at(self.provider, from, party).await
    }

    /// Somebody calls us at this provider.
    pub async fn somebody_calls_at(&self, at: &Provider, from: &str, party: &str) -> String {
        let mut call =
            json!({ "provider": at.name.as_str(), "from": from, "to": OUR_NUMBER, "party": party });
        if !at.console_fragment.is_empty() {
            let base = self.public_url.as_str();
            call["webhook_url"] =
                json!(format!("{base}/webhooks/{}{}", at.name, at.console_fragment));
        }
        let started = self.carrier(Method::POST, "calls", call).await;
        self.settle().await;
        started["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Orders a fault of the carrier.
    pub async fn fault(&self, fault: Value) {
        let answer = self.carrier(Method::POST, "faults", fault).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// What the carrier sends to report this of a call of ours, genuine in all. To repeat it is to
    /// send it again.
    ///
    /// # Panics
    /// There is no such call.
    pub async fn report(&self, call: &str, report: Report<'_>) -> Request {
        let view = self.call(call).await;
        let line = self.line(call).await;
        let text = |name: &str| view[name].as_str().unwrap_or_else(|| panic!("{name}: {view:#}"));
        let at = provider(text("provider"));
        self.report_as(at, &self.settings, &report, |sender| Sender {
            call: view["id"].as_str(),
            id: text("provider_call_id"),
            is_outbound: text("direction") == "outbound",
            line: &line,
            ..sender
        })
    }

    /// What the carrier sends to report this, signed with the keys of these settings, of a call that
    /// is inbound and unknown unless it is changed.
    pub fn report_as<'a>(
        &self,
        at: &'a Provider,
        settings: &Settings,
        report: &Report<'_>,
        change: impl FnOnce(Sender<'a>) -> Sender<'a>,
    ) -> Request {
        let sender = Sender {
            url: format!("{}/webhooks/{}", self.public_url.as_str(), at.name),
            number: self.reports.fetch_add(1, Ordering::SeqCst),
            now: self.now(),
            call: None,
            id: at.unknown_id,
            is_outbound: false,
            line: &Value::Null,
            is_foreign: false,
        };
        (at.webhook)(settings, &change(sender), report)
    }

    /// Sends a request to the webhook listener.
    pub async fn send(&self, request: &Request) -> Answer {
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send(Method::POST, &request.url, &headers, request.body.clone()).await
    }

    /// Sends a form to the webhook listener as Twilio does: signed for the public URL unless a
    /// signature is given.
    pub async fn twilio_webhook(
        &self,
        query: &str,
        form: &[(&str, &str)],
        signature: Option<&str>,
    ) -> Answer {
        let url = format!("{}/webhooks/twilio{query}", self.public_url.as_str());
        let signed = form_signature(&self.settings.twilio.auth_token, &url, form);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.unwrap_or(&signed)),
        ];
        send(Method::POST, &url, &headers, body).await
    }

    /// Sends an event to the webhook listener as Telnyx does, signed at this moment.
    pub async fn telnyx_webhook(&self, query: &str, body: &Value) -> Answer {
        let url = format!("{}/webhooks/telnyx{query}", self.public_url.as_str());
        self.send(&signed(&self.settings, url, self.now(), body)).await
    }

    /// Any request to the webhook listener.
    pub async fn raw_webhook(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let url = format!("{}{path}", self.public_url.as_str());
        send(method, &url, headers, body).await
    }
}
