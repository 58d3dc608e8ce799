//! The body of a request, and Telnyx' rules for what stands in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::exchange::is_web_url;

/// The longest URL that Telnyx takes.
const LONGEST_URL: usize = 2000;

/// The fields of a request. What is `null` is not there.
#[derive(Debug)]
pub(crate) struct Body {
    fields: Map<String, Value>,
}

impl Body {
    /// Reads a body. A command without parameters may have none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.is_empty() {
            return Ok(Self { fields: Map::new() });
        }
        let fields = serde_json::from_slice(bytes);
        fields.map(|fields| Self { fields }).map_err(|error| Refusal::not_json(&error.to_string()))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| wrong_type(name, "string"))
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.text(name)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| Refusal::missing(name))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong_type(name, "boolean"))
    }

    pub(crate) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !value.is_i64() && !value.is_u64() {
            return Err(wrong_type(name, "integer"));
        }
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Refusal::out_of_range(name, least, most))
    }

    /// A word out of these.
    pub(crate) fn word(&self, name: &str, allowed: &[&str]) -> Result<Option<&str>, Refusal> {
        match self.text(name)? {
            Some(word) if !allowed.contains(&word) => Err(Refusal::none_of(name, allowed)),
            word => Ok(word),
        }
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| wrong_type(name, "object"))
    }

    /// A field that is an object, as a body of its own.
    pub(crate) fn within(&self, name: &str) -> Result<Option<Self>, Refusal> {
        Ok(self.object(name)?.map(|fields| Self { fields: fields.clone() }))
    }

    pub(crate) fn url(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(url) = self.text(name)? else { return Ok(None) };
        check_url(name, url).map(Some)
    }

    /// State that is to be echoed: base64, whatever it means.
    pub(crate) fn client_state(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(state) = self.text(name)? else { return Ok(None) };
        if STANDARD.decode(state).is_err() {
            return Err(Refusal::client_state_not_base64());
        }
        Ok(Some(state.to_owned()))
    }

    /// Tones, with pauses.
    pub(crate) fn tones(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(tones) = self.text(name)? else { return Ok(None) };
        check_tones(name, tones).map(Some)
    }
}

pub(crate) fn check_tones(name: &str, tones: &str) -> Result<String, Refusal> {
    let is_tone = |tone: char| tone.is_ascii_digit() || "ABCD*#wW".contains(tone);
    if tones.is_empty() || !tones.chars().all(is_tone) {
        return Err(Refusal::invalid_digits(name));
    }
    Ok(tones.to_owned())
}

pub(crate) fn check_url(name: &str, url: &str) -> Result<String, Refusal> {
    if url.len() > LONGEST_URL || !is_web_url(url) {
        return Err(Refusal::invalid_url(name));
    }
    Ok(url.to_owned())
}

/// A party that can be called: a number with its `+`, or a SIP address.
pub(crate) fn check_party(name: &str, party: &str) -> Result<String, Refusal> {
    if let Some(digits) = party.strip_prefix('+') {
        let is_number = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        return if is_number { Ok(party.to_owned()) } else { Err(Refusal::invalid_number(name)) };
    }
    match party.strip_prefix("sip:") {
        Some(address) if !address.is_empty() => Ok(party.to_owned()),
        _ => Err(Refusal::not_e164(name)),
    }
}

fn wrong_type(name: &str, wanted: &str) -> Refusal {
    Refusal::bad(name, format!("The requested parameter must be of type '{wanted}'"))
}
