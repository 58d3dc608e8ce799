//! What a user of the daemon does and sees.

use http::Method;
use serde_json::Value;

use super::World;
use crate::http::{Answer, send};

impl World {
    /// A request to the admin API.
    pub async fn api(&self, method: Method, path: &str, body: Value) -> Answer {
        self.api_as(&self.api_token, method, path, body).await
    }

    /// A request to the admin API by whoever has this token.
    pub async fn api_as(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let url = format!("http://{}{path}", self.ports.1);
        let bearer = format!("Bearer {token}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(method, &url, &[("authorization", &bearer)], body).await
    }

    /// A call by the admin API.
    pub async fn call(&self, id: &str) -> Value {
        self.api(Method::GET, &format!("/v1/calls/{id}"), Value::Null).await.json()
    }

    /// The kinds of a call's timeline entries, in order.
    pub async fn kinds(&self, id: &str) -> Vec<String> {
        let entries = self.timeline(id).await;
        entries.iter().map(|entry| entry["kind"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A call's timeline.
    pub async fn timeline(&self, id: &str) -> Vec<Value> {
        let answer = self.api(Method::GET, &format!("/v1/calls/{id}/timeline"), Value::Null).await;
        answer.json()["entries"].as_array().cloned().unwrap_or_default()
    }

    /// All calls by the admin API, newest first.
    pub async fn calls(&self, state: &str) -> Vec<Value> {
        let path = format!("/v1/calls?state={state}&limit=1000");
        let answer = self.api(Method::GET, &path, Value::Null).await;
        answer.json()["calls"].as_array().cloned().unwrap_or_default()
    }

    /// Places a call. The carrier's answer is waited for while time stands still.
    ///
    /// # Panics
    /// It was not placed.
    pub async fn place(&self, request: Value) -> String {
        let answer = self.api(Method::POST, "/v1/calls", request).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// What became of each call at the last start.
    pub async fn decision(&self, call: &str) -> (String, String) {
        let report = self.api(Method::GET, "/v1/restore-report", Value::Null).await.json();
        let calls = report["calls"].as_array().cloned().unwrap_or_default();
        let found = calls.into_iter().find(|found| found["call"] == call).unwrap_or_default();
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (text("decision"), text("why"))
    }
}
