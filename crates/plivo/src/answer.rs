//! REST answers and errors, read.

use http::StatusCode;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use offhook_core::{
    CallStatus, Cause, DialIntent, Direction, ErrorClass, InitiatedCall, Party, Progress,
    ProviderCallIds, ProviderError, RunningCall, TransportResponse,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

use crate::api::Which;
use crate::status::{Hangup, Word};
use crate::webhook::{call_uuid, is_id, party, request_uuid};

/// A call that was dialled so long before our own cannot be ours.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Whether a request changes something: then a 5xx is ambiguous and not transient.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

#[derive(Deserialize)]
struct Created {
    request_uuid: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A live or a queued call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Running {
    call_uuid: Option<String>,
    request_uuid: Option<String>,
    call_status: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    session_start: Option<String>,
}

/// A call detail record.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    call_uuid: Option<String>,
    call_direction: Option<String>,
    from_number: Option<String>,
    to_number: Option<String>,
    initiation_time: Option<String>,
    answer_time: Option<String>,
    end_time: Option<String>,
    hangup_cause_code: Option<Value>,
    hangup_cause_name: Option<String>,
    hangup_source: Option<String>,
}

#[derive(Deserialize)]
struct Ids {
    calls: Vec<String>,
}

#[derive(Deserialize)]
struct Records {
    objects: Vec<Record>,
}

pub(crate) fn dialled(response: &TransportResponse) -> Result<InitiatedCall, ProviderError> {
    success(response, Kind::Write)?;
    let uuid = match json::<Created>(response)?.request_uuid {
        OneOrMany::One(uuid) => Some(uuid),
        OneOrMany::Many(uuids) => uuids.into_iter().next(),
    };
    let uuid = uuid.filter(|uuid| is_id(uuid)).ok_or_else(|| undecodable(response))?;
    Ok(InitiatedCall { ids: ProviderCallIds::of(request_uuid(uuid)) })
}

/// The answer to a command.
pub(crate) fn done(response: &TransportResponse) -> Result<(), ProviderError> {
    success(response, Kind::Write)?;
    match said(response) {
        Some(_) => Ok(()),
        None => Err(undecodable(response)),
    }
}

/// The answer to a command that ends something: there is nothing left to tell of it.
pub(crate) fn deleted(response: &TransportResponse) -> Result<(), ProviderError> {
    if response.status == StatusCode::NO_CONTENT { Ok(()) } else { done(response) }
}

/// What one of the three questions after a call tells. `NotFound` of one of them proves nothing.
pub(crate) fn status(response: &TransportResponse, which: Which, id: &str) -> CallStatus {
    let told = match which {
        Which::Live | Which::Queued => running(response, which, id),
        Which::Record => record(response, id),
    };
    match told {
        Ok(status) => status,
        Err(error) if error.class() == ErrorClass::NotFound => CallStatus::NotFound,
        Err(cause) => CallStatus::Unknown { cause },
    }
}

fn running(
    response: &TransportResponse,
    which: Which,
    id: &str,
) -> Result<CallStatus, ProviderError> {
    Ok(looked_at(response, id)?.status(which))
}

/// The call that was asked for by this id. Any other says nothing of it.
fn looked_at(response: &TransportResponse, id: &str) -> Result<Running, ProviderError> {
    success(response, Kind::Read)?;
    let call: Running = json(response)?;
    let is_it = [&call.call_uuid, &call.request_uuid].into_iter().flatten().any(|its| its == id);
    if is_it { Ok(call) } else { Err(undecodable(response)) }
}

impl Running {
    /// Whoever is listed is there; the word tells how far it has come.
    pub(crate) fn status(&self, which: Which) -> CallStatus {
        let word = self.call_status.as_deref().unwrap_or_default();
        match (Word::parse(word), which) {
            (Some(Word::Over(_)), Which::Live) => {
                let hangup = Hangup { word, direction: self.direction(), ..Hangup::default() };
                let cause = Some(Cause::new(word, format!("Plivo says {word}")));
                CallStatus::Ended { reason: hangup.reason(), cause }
            }
            (Some(Word::Live(progress)), _) => CallStatus::Live { progress: Some(progress) },
            (_, Which::Queued) => CallStatus::Live { progress: Some(Progress::Initiated) },
            _ => CallStatus::Live { progress: None },
        }
    }

    fn direction(&self) -> Option<Direction> {
        direction(self.direction.as_deref()?)
    }

    /// Whether it came of this request.
    pub(crate) fn is_of_request(&self, request: &str) -> bool {
        self.request_uuid.as_deref() == Some(request)
    }

    /// Whether it may be the call of this dial.
    pub(crate) fn may_be(&self, intent: &DialIntent) -> bool {
        may_be(
            intent,
            self.direction(),
            self.from.as_deref(),
            self.to.as_deref(),
            self.session_start.as_deref(),
        )
    }
}

/// A record is written when a call is over; what has neither an end nor a cause is none yet.
fn record(response: &TransportResponse, id: &str) -> Result<CallStatus, ProviderError> {
    success(response, Kind::Read)?;
    let record: Record = json(response)?;
    if record.call_uuid.as_deref() != Some(id) {
        return Err(undecodable(response));
    }
    let code = match &record.hangup_cause_code {
        Some(Value::Number(code)) => code.to_string(),
        Some(Value::String(code)) => code.clone(),
        _ => String::new(),
    };
    let text = |text: &Option<String>| text.as_deref().unwrap_or_default().to_owned();
    let (name, source) = (text(&record.hangup_cause_name), text(&record.hangup_source));
    if code.is_empty() && name.is_empty() && text(&record.end_time).is_empty() {
        return Err(undecodable(response));
    }
    let hangup = Hangup {
        code: &code,
        name: &name,
        source: &source,
        direction: record.call_direction.as_deref().and_then(direction),
        answered: !text(&record.answer_time).is_empty(),
        ..Hangup::default()
    };
    let ended =
        || Cause::new("", format!("Plivo says that it ended at {}", text(&record.end_time)));
    let cause = hangup.words().unwrap_or_else(ended);
    Ok(CallStatus::Ended { reason: hangup.reason(), cause: Some(cause) })
}

/// The ids of a list. Those that are none are left out.
pub(crate) fn ids(response: &TransportResponse) -> Result<Vec<String>, ProviderError> {
    success(response, Kind::Read)?;
    let Ids { calls } = json(response)?;
    Ok(calls.into_iter().filter(|id| is_id(id)).collect())
}

pub(crate) fn listed(which: Which, ids: Vec<String>) -> impl Iterator<Item = RunningCall> {
    let progress = (which == Which::Queued).then_some(Progress::Initiated);
    ids.into_iter().map(move |id| RunningCall {
        ids: ProviderCallIds::of(call_uuid(id)),
        call: None,
        progress,
    })
}

/// A running call, or none if it is over by now.
pub(crate) fn still_running(
    response: &TransportResponse,
    id: &str,
) -> Result<Option<Running>, ProviderError> {
    match looked_at(response, id) {
        Ok(call) => Ok(Some(call)),
        Err(error) if error.class() == ErrorClass::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The records that may be of the call of this dial.
pub(crate) fn candidates(
    response: &TransportResponse,
    intent: &DialIntent,
) -> Result<Vec<String>, ProviderError> {
    success(response, Kind::Read)?;
    let Records { objects } = json(response)?;
    let may_be = |record: &Record| {
        may_be(
            intent,
            record.call_direction.as_deref().and_then(direction),
            record.from_number.as_deref(),
            record.to_number.as_deref(),
            record.initiation_time.as_deref(),
        )
    };
    let ours = objects.into_iter().filter(may_be).filter_map(|record| record.call_uuid);
    Ok(ours.filter(|id| is_id(id)).collect())
}

/// What is not told speaks against nothing.
fn may_be(
    intent: &DialIntent,
    direction: Option<Direction>,
    from: Option<&str>,
    to: Option<&str>,
    begun: Option<&str>,
) -> bool {
    let is = |told: Option<&str>, meant: &Party| told.is_none_or(|told| party(told) == *meant);
    let earliest = intent.at.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN);
    direction != Some(Direction::Inbound)
        && is(from, &intent.from)
        && is(to, &intent.to)
        && begun.and_then(time).is_none_or(|begun| begun >= earliest)
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// `2025-01-14 09:26:53`, with or without fractions and an offset; in UTC without one.
fn time(text: &str) -> Option<Timestamp> {
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| civil().map(|zoned| zoned.timestamp()))
}

fn json<'a, T: Deserialize<'a>>(response: &'a TransportResponse) -> Result<T, ProviderError> {
    let body = Some(&response.body).filter(|_| response.is_object());
    body.and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(|| undecodable(response))
}

fn undecodable(response: &TransportResponse) -> ProviderError {
    ProviderError::undecodable("Plivo", response)
}

/// What Plivo itself says: every body of Plivo's has an `api_id`. One that has an `error` and nothing
/// besides is taken for Plivo's too, since not every error is documented; proxies say more.
fn said(response: &TransportResponse) -> Option<Map<String, Value>> {
    let body: Map<String, Value> = serde_json::from_slice(&response.body).ok()?;
    let is_plivos = body.get("api_id").is_some_and(Value::is_string)
        || body.len() == 1 && body.get("error").is_some_and(Value::is_string)
        || response.status.is_success() && body.get("message").is_some_and(Value::is_string);
    is_plivos.then_some(body)
}

/// A status other than 2xx as an error. What has not the shape of an answer of Plivo's was not said
/// by Plivo: a 404 of some proxy does not end a call, and a redirect refuses none.
fn success(response: &TransportResponse, kind: Kind) -> Result<(), ProviderError> {
    let status = response.status;
    if status.is_success() {
        return Ok(());
    }
    let body = said(response);
    let unclear = match kind {
        Kind::Read => ErrorClass::Transient,
        Kind::Write => ErrorClass::Ambiguous,
    };
    let class = match status {
        StatusCode::UNAUTHORIZED => ErrorClass::Unauthenticated,
        // Above 300 requests in 5 s the API refuses them, and takes none of them: a dial may wait and be
        // sent again. Source: Plivo, "API rate limits".
        StatusCode::TOO_MANY_REQUESTS => ErrorClass::Throttled,
        StatusCode::REQUEST_TIMEOUT => unclear,
        _ if status.is_server_error() => unclear,
        StatusCode::NOT_FOUND if body.is_some() => ErrorClass::NotFound,
        _ if status.is_client_error() && body.is_some() => ErrorClass::Rejected,
        _ => return Err(undecodable(response)),
    };
    let mut text = format!("Plivo answered HTTP {}", status.as_u16());
    let (words, code) = body.as_ref().map(words).unwrap_or_default();
    text.extend(words.iter().flat_map(|words| [": ", words]));
    let mut error = ProviderError::new(class, text);
    if let Some(code) = code {
        error = error.with_code(code);
    }
    Err(error.with_retry_after(response.retry_after()))
}

/// The text of an error and its code: `error` is a text, or an object that has both.
fn words(body: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let find = |object: &Map<String, Value>, names: &[&str]| {
        names.iter().find_map(|name| object.get(*name).and_then(text))
    };
    let codes = ["error_code", "code"];
    match body.get("error") {
        Some(Value::Object(error)) => {
            let words = find(error, &["message", "error", "description"]);
            (words, find(error, &codes).or_else(|| find(body, &codes)))
        }
        _ => (find(body, &["error", "message"]), find(body, &codes)),
    }
}
