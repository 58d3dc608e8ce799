//! What handlers take out of a request, with problem documents for what cannot be taken.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use offhook_core::{InvalidText, Party, Turn, Voice};
use offhook_manager::{CallRecord, Manager};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::Api;
use super::code::Code;
use super::problem::Problem;
use crate::duration::parse_duration;

/// The longest idempotency key, in characters.
pub(super) const KEY_AT_MOST: usize = 255;

/// A JSON object, whatever its content type says. No body, or `null`, is an empty object.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let body = tokio::time::timeout(api.body_time, Bytes::from_request(request, api));
        let body = body
            .await
            .map_err(|_| Problem::new(Code::TooSlow, "the body did not arrive in time"))?;
        let body = body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                Code::BodyTooLarge,
                "the body is larger than 64 KiB; no field of a call needs that",
            ),
            _ => Problem::invalid("the body broke off"),
        })?;
        let body = match body.trim_ascii() {
            b"" | b"null" => b"{}",
            // Serde would read an array as the fields in their order.
            [b'[', ..] => return Err(Problem::invalid("an array, where an object is expected")),
            body => body,
        };
        serde_json::from_slice(body).map(Self).map_err(|error| {
            // It quotes what is not as it should be: a number that is no string, say.
            Problem::invalid(offhook_core::mask_numbers(&error.to_string()))
        })
    }
}

/// The path of a call.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "what describes `Named`")]
pub(super) struct OfCall {
    /// The call: our id, or the carrier's.
    id: String,
}

/// The call that the path names, by our id or by the carrier's.
#[derive(Debug)]
pub(super) struct Named(pub(super) CallRecord);

impl FromRequestParts<Api> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| Problem::no_such_call())?;
        named(&api.manager, &id).await.map(Self)
    }
}

/// The path of a turn.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "what describes `NamedTurn`")]
pub(super) struct OfTurn {
    /// The call: our id, or the carrier's.
    id: String,
    /// The number of the turn.
    turn: u32,
}

/// The call and the turn that the path names; whether the call has had that turn is not known yet.
#[derive(Debug)]
pub(super) struct NamedTurn {
    pub(super) call: CallRecord,
    pub(super) turn: Turn,
}

impl FromRequestParts<Api> for NamedTurn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Path((id, turn)) = Path::<(String, String)>::from_request_parts(parts, api)
            .await
            .map_err(|_| Problem::no_such_call())?;
        let call = named(&api.manager, &id).await?;
        let turn = turn.parse().map_err(|_| Problem::no_such_turn())?;
        Ok(Self { call, turn: Turn(turn) })
    }
}

/// A call by our id or by the carrier's.
async fn named(manager: &Manager, id: &str) -> Result<CallRecord, Problem> {
    // A carrier's id may be a UUID, as ours is: Plivo's are.
    let ours = match id.parse() {
        Ok(id) => manager.call(id).await?,
        Err(_) => None,
    };
    let found = match ours {
        None => manager.call_by_carrier_id(id).await?,
        ours => ours,
    };
    found.ok_or_else(Problem::no_such_call)
}

/// Somebody who is to be dialled, or who dials.
pub(super) fn party(name: &str, text: &str) -> Result<Party, Problem> {
    // White space around a number is not dialled; here it is a mistake, since whoever compares
    // what was asked for with what is shown would find two numbers.
    match Party::dialled(text) {
        Ok(party) if party.to_text() == text => Ok(party),
        Ok(_) => Err(Problem::invalid(format!("{name}: white space around it"))),
        Err(error) => Err(Problem::invalid(format!("{name}: {error}"))),
    }
}

/// A voice in the carrier's words.
pub(super) fn voice(text: Option<String>) -> Result<Option<Voice>, Problem> {
    let invalid = |error: InvalidText| Problem::invalid(format!("voice: {error}"));
    text.map(|text| Voice::try_from(text).map_err(invalid)).transpose()
}

/// A small whole number. JSON has one kind of number: `4.0` is as whole as `4` (JSON Schema, "integer").
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    let whole = (0..=u8::MAX).find(|whole| f64::from(*whole) == number);
    whole.map(Some).ok_or_else(|| D::Error::custom("not a whole number from 0 to 255"))
}

/// A number of seconds, or text such as `5m`.
pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Seconds(f64),
        Text(String),
    }
    match Option::<Written>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Written::Seconds(seconds)) => {
            Duration::try_from_secs_f64(seconds).map(Some).map_err(D::Error::custom)
        }
        // A number is written as one.
        Some(Written::Text(text)) if text.trim().parse::<f64>().is_ok() => {
            Err(D::Error::custom("seconds are a number, without quotation marks"))
        }
        Some(Written::Text(text)) => parse_duration(&text).map(Some).map_err(D::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        let read = |text: &str| whole(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!(read("4"), Some(Some(4)));
        assert_eq!(read("4.0"), Some(Some(4)));
        assert_eq!(read("0.4e1"), Some(Some(4)));
        assert_eq!(read("null"), Some(None));
        for wrong in ["4.5", "-1", "256", "1e300", "\"4\"", "true"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
