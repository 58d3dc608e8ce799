//! What the daemon did not do, and why.

use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};

/// An answer of the daemon that is no success.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) problem: Value,
    /// In seconds.
    retry_after: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, problem: Value) -> Self {
        let retry_after = headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self { status, problem, retry_after }
    }

    /// What it says to people, with the codes that they look up and what they do next.
    pub(crate) fn sentence(&self) -> String {
        let text = |name: &str| self.problem[name].as_str().unwrap_or_default();
        if text("code").is_empty() {
            return format!("the daemon answered {}", self.status);
        }
        let mut sentence = format!("{} [{}]", text("detail"), text("code"));
        if let Some(seconds) = self.retry_after {
            sentence.push_str(&format!("; try again in {seconds} s"));
        }
        let call = text("call");
        if !call.is_empty() && !text("detail").contains(call) {
            sentence.push_str(&format!("; see offhook show {call}"));
        }
        sentence
    }

    /// The problem document as it came, and what stood beside it.
    pub(crate) fn document(&self, exit_code: u8) -> Value {
        let mut document = match &self.problem {
            Value::Object(members) => members.clone(),
            // Of a daemon that is none of ours, or not of this version.
            other => Map::from_iter([("detail".to_owned(), other.clone())]),
        };
        document.entry("status").or_insert_with(|| json!(self.status.as_u16()));
        document.entry("code").or_insert_with(|| json!("failed"));
        if let Some(seconds) = self.retry_after {
            document.insert("retry_after".to_owned(), json!(seconds));
        }
        document.insert("exit_code".to_owned(), json!(exit_code));
        Value::Object(document)
    }
}
