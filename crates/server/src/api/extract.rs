//! What handlers take out of a request, with problem documents for what cannot be taken.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use offhook_manager::{CallRecord, Manager};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::Api;
use super::problem::Problem;
use crate::duration::parse_duration;

/// A JSON body, whatever its content type says. No body is an empty object.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let body = tokio::time::timeout(api.body_time, Bytes::from_request(request, api));
        let body = body.await.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time")
        })?;
        let body = body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body is larger than 64 KiB; no field of a call needs that",
            ),
            _ => Problem::invalid("the body broke off"),
        })?;
        let body = if body.is_empty() { b"{}" } else { &body[..] };
        serde_json::from_slice(body).map(Self).map_err(|error| Problem::invalid(error.to_string()))
    }
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

/// A call by our id or by the carrier's.
pub(super) async fn named(manager: &Manager, id: &str) -> Result<CallRecord, Problem> {
    let found = match id.parse() {
        Ok(id) => manager.call(id).await?,
        Err(_) => manager.call_by_carrier_id(id).await?,
    };
    found.ok_or_else(Problem::no_such_call)
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
        Some(Written::Text(text)) => parse_duration(&text).map(Some).map_err(D::Error::custom),
    }
}
