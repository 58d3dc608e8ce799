//! The body of a request, and Plivo's rules for what stands in it.

use http::Method;
use serde_json::{Map, Value};

use super::fetching::Target;
use super::refusal::Refusal;
use crate::exchange::is_web_url;

/// The fields of a request. What is `null` or empty is not there.
#[derive(Debug)]
pub(crate) struct Body {
    fields: Map<String, Value>,
}

impl Body {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { fields: Map::new() });
        }
        let fields = serde_json::from_slice(bytes);
        fields.map(|fields| Self { fields }).map_err(|_| Refusal::bad("the body is not JSON"))
    }

    /// A field as text: numbers and flags may be written as either, and are.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => Err(Refusal::invalid(name)),
        }
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| Refusal::missing(name))
    }

    pub(crate) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Refusal::invalid(name))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name)?.map(|text| text.to_ascii_lowercase()).as_deref() {
            Some("true") => Ok(true),
            None | Some("false") => Ok(false),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    /// A URL with its method, if there is one: `answer_url` goes with `answer_method`.
    pub(crate) fn target(&self, name: &str) -> Result<Option<Target>, Refusal> {
        let url_name = format!("{name}_url");
        let Some(url) = self.text(&url_name)? else { return Ok(None) };
        if !is_web_url(&url) {
            return Err(Refusal::invalid(&url_name));
        }
        let method_name = format!("{name}_method");
        let method = match self.text(&method_name)?.map(|word| word.to_ascii_uppercase()).as_deref()
        {
            None | Some("POST") => Method::POST,
            Some("GET") => Method::GET,
            Some(_) => return Err(Refusal::invalid(&method_name)),
        };
        Ok(Some(Target { url, method }))
    }
}

/// A party that can be called, without its plus: a number, or a SIP address.
pub(crate) fn party(name: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if let Some(address) = text.strip_prefix("sip:") {
        return if address.is_empty() { Err(Refusal::invalid(name)) } else { Ok(text.to_owned()) };
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(digits.to_owned()) } else { Err(Refusal::invalid(name)) }
}
