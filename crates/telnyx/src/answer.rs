//! REST answers and errors, read.

use std::collections::HashMap;
use std::time::Duration;

use http::StatusCode;
use offhook_core::{
    CallId, CallStatus, Cause, EndReason, ErrorClass, InitiatedCall, ProviderCallIds,
    ProviderError, TransportResponse,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::client_state::ClientState;
use crate::webhook::call_ids;

/// "Call has already ended".
const ENDED: &str = "90018";

/// "Transcription is already in progress".
const TRANSCRIBES_ALREADY: &str = "90054";

/// More than that is no number of seconds to wait.
const LONGEST_RESET: u64 = 3600;

/// Whether a request changes something: then a 5xx is ambiguous and not transient.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Dialled {
    call_control_id: String,
    call_leg_id: Option<String>,
}

#[derive(Deserialize)]
struct CallResource {
    is_alive: bool,
    call_control_id: Option<String>,
    call_leg_id: Option<String>,
    end_time: Option<String>,
    call_duration: Option<u64>,
}

#[derive(Deserialize)]
struct ListedCall {
    call_control_id: String,
    call_leg_id: Option<String>,
    client_state: Option<String>,
}

#[derive(Deserialize)]
struct List {
    data: Vec<ListedCall>,
    #[serde(default)]
    meta: Option<ListMeta>,
}

#[derive(Deserialize)]
struct ListMeta {
    cursors: Option<Cursors>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    code: String,
    title: Option<String>,
    detail: Option<String>,
}

/// `is_alive` is false in this answer: the call is only about to begin.
pub(crate) fn dialled(response: &TransportResponse) -> Result<InitiatedCall, ProviderError> {
    success(response, Kind::Write)?;
    let Data { data } = json::<Data<Dialled>>(response)?;
    if data.call_control_id.is_empty() {
        return Err(undecodable(response));
    }
    Ok(InitiatedCall { ids: call_ids(&data.call_control_id, data.call_leg_id.as_deref()) })
}

/// The answer to a command.
pub(crate) fn done(response: &TransportResponse) -> Result<(), ProviderError> {
    success(response, Kind::Write)?;
    json::<Data<HashMap<String, IgnoredAny>>>(response).map(drop)
}

/// The answer to a command that ends a call: one that has ended is as good.
pub(crate) fn ended(response: &TransportResponse) -> Result<(), ProviderError> {
    unless(ENDED, done(response))
}

/// The answer to the command to listen: whoever listens already is as good.
pub(crate) fn listens(response: &TransportResponse) -> Result<(), ProviderError> {
    unless(TRANSCRIBES_ALREADY, done(response))
}

/// The answer to a command to stop something, which has nothing that can be wrong with it: refused
/// for what it says, there was nothing to stop.
pub(crate) fn stopped(response: &TransportResponse) -> Result<(), ProviderError> {
    match done(response) {
        Err(error)
            if error.class() == ErrorClass::Rejected
                && response.status == StatusCode::UNPROCESSABLE_ENTITY =>
        {
            Ok(())
        }
        other => other,
    }
}

fn unless(code: &str, result: Result<(), ProviderError>) -> Result<(), ProviderError> {
    match result {
        Err(error) if error.code() == Some(code) => Ok(()),
        other => other,
    }
}

/// Telnyx tells whether a call is alive and, of one that is over, when it ended. Without that time
/// the call may also be one that is just beginning.
pub(crate) fn status(response: &TransportResponse, ids: &ProviderCallIds) -> CallStatus {
    let call = success(response, Kind::Read).and_then(|()| json::<Data<CallResource>>(response));
    let call = match call {
        Ok(Data { data }) => data,
        Err(error) if error.class() == ErrorClass::NotFound => return CallStatus::NotFound,
        Err(cause) => return CallStatus::Unknown { cause },
    };
    let named = [&call.call_control_id, &call.call_leg_id];
    let is_ours = ids.iter().any(|id| named.into_iter().flatten().any(|name| name == id.value()));
    if !is_ours {
        return CallStatus::Unknown { cause: undecodable(response) };
    }
    if call.is_alive {
        return CallStatus::Live { progress: None };
    }
    match call.end_time.filter(|time| !time.is_empty()) {
        Some(time) => CallStatus::Ended {
            // A call of no duration was never connected; more is not told.
            reason: match call.call_duration {
                Some(0) => EndReason::Failed,
                _ => EndReason::Completed,
            },
            cause: Some(Cause::new("", format!("Telnyx says that it ended at {time}"))),
        },
        None => CallStatus::NotFound,
    }
}

/// A call that is active at the connection, and ours if it says so.
pub(crate) struct ActiveCall {
    pub(crate) ids: ProviderCallIds,
    pub(crate) call: Option<CallId>,
}

/// A page of active calls, and the cursor of the one behind it.
pub(crate) fn active_calls(
    response: &TransportResponse,
) -> Result<(Vec<ActiveCall>, Option<String>), ProviderError> {
    success(response, Kind::Read)?;
    let list: List = json(response)?;
    let next = list.meta.and_then(|meta| meta.cursors?.after).filter(|after| !after.is_empty());
    let calls = list.data.into_iter().map(|call| ActiveCall {
        ids: call_ids(&call.call_control_id, call.call_leg_id.as_deref()),
        call: call.client_state.as_deref().and_then(ClientState::decode).map(|state| state.call),
    });
    Ok((calls.collect(), next))
}

fn json<'a, T: Deserialize<'a>>(response: &'a TransportResponse) -> Result<T, ProviderError> {
    let body = Some(&response.body).filter(|_| response.is_object());
    body.and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(|| undecodable(response))
}

fn undecodable(response: &TransportResponse) -> ProviderError {
    ProviderError::undecodable("Telnyx", response)
}

/// A status other than 2xx as an error. The code decides before the status does; what has no code
/// was not said by Telnyx: a 404 of some proxy does not end a call, and a redirect refuses none.
fn success(response: &TransportResponse, kind: Kind) -> Result<(), ProviderError> {
    let status = response.status;
    if status.is_success() {
        return Ok(());
    }
    let body: Option<Errors> = json(response).ok();
    let error = body.and_then(|body| body.errors.into_iter().next());
    let unclear = match kind {
        Kind::Read => ErrorClass::Transient,
        Kind::Write => ErrorClass::Ambiguous,
    };
    let class = match (status, &error) {
        (StatusCode::UNAUTHORIZED, _) => ErrorClass::Unauthenticated,
        (StatusCode::TOO_MANY_REQUESTS, _) => ErrorClass::Throttled,
        (StatusCode::REQUEST_TIMEOUT, _) => unclear,
        _ if status.is_server_error() => unclear,
        (_, Some(error)) if status.is_client_error() => class_of(status, &error.code, unclear),
        _ => return Err(undecodable(response)),
    };
    let mut text = format!("Telnyx answered HTTP {}", status.as_u16());
    let error = match error {
        Some(error) => {
            let words = [error.title, error.detail];
            text.extend(words.iter().flatten().flat_map(|words| [": ", words]));
            ProviderError::new(class, text).with_code(error.code)
        }
        None => ProviderError::new(class, text),
    };
    let reset = || rate_limit_reset(response).filter(|_| class == ErrorClass::Throttled);
    Err(error.with_retry_after(response.retry_after().or_else(reset)))
}

/// Source: Telnyx, "API error codes".
fn class_of(status: StatusCode, code: &str, unclear: ErrorClass) -> ErrorClass {
    match code {
        // Not found, invalid id, invalid call control id.
        "10005" | "10006" | "90015" => ErrorClass::NotFound,
        // Ended, not answered yet.
        ENDED | "90034" => ErrorClass::WrongState,
        // Too many requests; the channels of the user, the profile or the connection are taken. Both are
        // refusals: a dial may wait and be sent again.
        "10011" | "90041" | "90042" | "90043" => ErrorClass::Throttled,
        "10009" | "20001" | "20002" | "20003" | "20006" | "20008" => ErrorClass::Unauthenticated,
        // An unexpected error, a time-out, a busy resource, a service that is away.
        "10007" | "10008" | "10036" | "10037" => unclear,
        _ => match status {
            StatusCode::NOT_FOUND => ErrorClass::NotFound,
            StatusCode::CONFLICT => unclear,
            _ => ErrorClass::Rejected,
        },
    }
}

/// The seconds until requests are taken again.
fn rate_limit_reset(response: &TransportResponse) -> Option<Duration> {
    let value = response.headers.get("x-ratelimit-reset")?.to_str().ok()?;
    let seconds: u64 = value.trim().parse().ok()?;
    (seconds <= LONGEST_RESET).then(|| Duration::from_secs(seconds))
}
