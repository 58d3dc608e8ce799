//! What happens at the carrier, and what comes from there.

use http::Method;
use serde_json::{Value, json};

use super::{OUR_NUMBER, World};
use crate::http::{Answer, send};

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
    pub async fn person_by_id(&self, _call: &str, does: &str) {
        let lines = self.lines().await;
        let live = lines.iter().find(|line| line["status"] == "in-progress");
        let id = live.and_then(|line| line["id"].as_str()).unwrap_or_default().to_owned();
        self.carrier(Method::POST, &format!("calls/{id}/{does}"), json!({})).await;
    }

    /// Somebody calls us. Gives the carrier's id.
    pub async fn somebody_calls(&self, from: &str, party: &str) -> String {
        let call = json!({ "provider": "twilio", "from": from, "to": OUR_NUMBER, "party": party });
        let started = self.carrier(Method::POST, "calls", call).await;
        self.settle().await;
        started["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Orders a fault of the carrier.
    pub async fn fault(&self, fault: Value) {
        let answer = self.carrier(Method::POST, "faults", fault).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// Sends a request to the webhook listener: a form, signed for the public URL unless a
    /// signature is given.
    pub async fn webhook(
        &self,
        query: &str,
        form: &[(&str, &str)],
        signature: Option<&str>,
    ) -> Answer {
        let url = format!("{}/webhooks/twilio{query}", self.public_url.as_str());
        let token = &self.carrier_account.auth_token;
        let signed = crate::http::form_signature(token, &url, form);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.unwrap_or(&signed)),
        ];
        send(Method::POST, &url, &headers, body).await
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
