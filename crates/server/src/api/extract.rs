//! What handlers take out of a request, with problem documents for what cannot be taken.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use offhook_manager::CallRecord;
use serde::de::DeserializeOwned;

use super::Api;
use super::problem::Problem;

/// A JSON body, whatever its content type says. No body is an empty object.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body =
            Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "body_too_large",
                        "the body is larger than 64 KiB; no field of a call needs that",
                    ),
                    _ => Problem::invalid("the body broke off"),
                }
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
        let found = match id.parse() {
            Ok(id) => api.manager.call(id).await?,
            Err(_) => api.manager.call_by_carrier_id(&id).await?,
        };
        found.map(Self).ok_or_else(Problem::no_such_call)
    }
}
