//! The API of the test carriers, for the suite that is run over a transport: JSON, plain and strict.

use http::{HeaderValue, Method, StatusCode, header};
use offhook_core::{
    CallId, CallRef, CallStatus, Connection, DialIntent, EndReason, ErrorClass, InitiatedCall,
    Progress, ProviderCallId, ProviderCallIds, ProviderError, Search, Transport, TransportRequest,
    TransportResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// The key that opens the test carriers' API.
pub const API_KEY: &str = "test-api-key-sesame";

const BASE: &str = "https://carrier.test/calls";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

#[derive(Deserialize)]
struct Call {
    id: String,
    status: Option<String>,
    call: Option<CallId>,
}

#[derive(Deserialize)]
struct List {
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

fn request(method: Method, path: &[&str]) -> TransportRequest {
    let mut url = Url::parse(BASE).expect("a constant URL");
    url.path_segments_mut().expect("it has a path").extend(path);
    let mut request = TransportRequest::new(method, url);
    let mut key = HeaderValue::from_static(API_KEY);
    key.set_sensitive(true);
    request.headers.insert(header::AUTHORIZATION, key);
    request
}

fn post(path: &[&str], body: &Value) -> TransportRequest {
    let mut request = request(Method::POST, path);
    request.body = body.to_string().into();
    request
}

fn id(call: &CallRef) -> Result<&str, ProviderError> {
    call.ids.value().ok_or_else(|| ProviderError::new(ErrorClass::Rejected, "the call has no id"))
}

pub(super) async fn dial(
    transport: &dyn Transport,
    kind: &'static str,
    intent: &DialIntent,
    plan: &str,
) -> Result<InitiatedCall, ProviderError> {
    let body = json!({
        "to": intent.to.to_text(),
        "from": intent.from.to_text(),
        "call": intent.call.id,
        "callback": intent.call.callback("report"),
        "ring_seconds": intent.carrier_ring_seconds(),
        "limit_seconds": intent.carrier_limit_seconds(),
        "plan": plan,
    });
    let mut request = post(&[], &body);
    request.connection = Connection::Fresh;
    let response = transport.send(request).await.map_err(ProviderError::from_write)?;
    let call: Call = read(&response, Kind::Write)?;
    Ok(InitiatedCall { ids: ids(kind, call.id) })
}

pub(super) async fn command(
    transport: &dyn Transport,
    method: &str,
    call: &CallRef,
    detail: &str,
) -> Result<(), ProviderError> {
    let body = json!({
        "call": call.id,
        "step": call.step,
        "callback": call.callback("report"),
        "detail": detail,
    });
    let request = post(&[id(call)?, method], &body);
    let response = transport.send(request).await.map_err(ProviderError::from_write)?;
    read::<Call>(&response, Kind::Write).map(drop)
}

pub(super) async fn status(transport: &dyn Transport, call: &CallRef) -> CallStatus {
    match fetch(transport, call).await {
        Ok(status) => status,
        Err(error) if error.class() == ErrorClass::NotFound => CallStatus::NotFound,
        Err(cause) => CallStatus::Unknown { cause },
    }
}

async fn fetch(transport: &dyn Transport, call: &CallRef) -> Result<CallStatus, ProviderError> {
    let id = id(call)?;
    let sent = transport.send(request(Method::GET, &[id])).await;
    let response = sent.map_err(ProviderError::from_read)?;
    let found: Call = read(&response, Kind::Read)?;
    let live = |progress| CallStatus::Live { progress };
    let ended = |reason| CallStatus::Ended { reason, cause: None };
    Ok(match found.status.as_deref().filter(|_| found.id == id) {
        Some("live") => live(None),
        Some("ringing") => live(Some(Progress::Ringing)),
        Some("answered") => live(Some(Progress::Answered)),
        Some("completed") => ended(EndReason::Completed),
        Some("busy") => ended(EndReason::Busy),
        Some("canceled") => ended(EndReason::Canceled),
        _ => return Err(ProviderError::undecodable("a test carrier", &response)),
    })
}

/// Exact where the carrier brings our id back.
pub(super) async fn search(
    transport: &dyn Transport,
    kind: &'static str,
    intent: &DialIntent,
) -> Search {
    let list = match transport.send(request(Method::GET, &[])).await {
        Ok(response) => read::<List>(&response, Kind::Read),
        Err(fault) => Err(ProviderError::from_read(fault)),
    };
    let calls = match list {
        Ok(list) => list.calls,
        Err(cause) => return Search::Unknown { cause },
    };
    let is_ours = |call: &&Call| call.call == Some(intent.call.id);
    if let Some(ours) = calls.iter().find(is_ours) {
        return Search::Found(ids(kind, &ours.id));
    }
    let nameless = calls.into_iter().filter(|call| call.call.is_none());
    let candidates: Vec<_> = nameless.map(|call| ids(kind, call.id)).collect();
    if candidates.is_empty() { Search::Nothing } else { Search::Candidates(candidates) }
}

fn ids(kind: &'static str, value: impl Into<String>) -> ProviderCallIds {
    ProviderCallIds::of(ProviderCallId::new(kind, 1, value))
}

fn read<T: for<'a> Deserialize<'a>>(
    response: &TransportResponse,
    kind: Kind,
) -> Result<T, ProviderError> {
    let undecodable = || ProviderError::undecodable("a test carrier", response);
    let status = response.status;
    if status.is_success() {
        return serde_json::from_slice(&response.body).map_err(|_| undecodable());
    }
    let refusal: Option<Refusal> = serde_json::from_slice(&response.body).ok();
    let class = match (status, &refusal) {
        (StatusCode::UNAUTHORIZED, _) => ErrorClass::Unauthenticated,
        (StatusCode::TOO_MANY_REQUESTS, _) => ErrorClass::Throttled,
        _ if status.is_server_error() && kind == Kind::Write => ErrorClass::Ambiguous,
        _ if status.is_server_error() => ErrorClass::Transient,
        (StatusCode::NOT_FOUND, Some(_)) => ErrorClass::NotFound,
        (StatusCode::CONFLICT, Some(_)) => ErrorClass::WrongState,
        (_, Some(_)) if status.is_client_error() => ErrorClass::Rejected,
        _ => return Err(undecodable()),
    };
    let error = match refusal {
        Some(refusal) => ProviderError::new(class, refusal.message).with_code(refusal.code),
        None => ProviderError::new(class, "the test carrier refuses"),
    };
    Err(error.with_retry_after(response.retry_after()))
}
