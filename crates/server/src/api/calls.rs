//! Calls: placing, looking, ending.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Json, Response};
use http::{HeaderMap, StatusCode};
use offhook_core::{CallId, Locale, ProviderName, SpeechText};
use offhook_manager::{
    CallRecord, DialOutcome, HistoryQuery, Idempotency, InitiateRequest, Manager, Which,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::code::Code;
use super::extract::{JsonBody, KEY_AT_MOST, Named, OfCall, duration, party, voice};
use super::openapi::{problems, texts};
use super::problem::Problem;
use super::view::{CallView, EntryView};
use super::words::ModeView;

const MAX_DURATION: Duration = Duration::from_hours(4);
const METADATA_AT_MOST: usize = 4096;

/// A call that is to be placed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `to`")]
pub(super) struct NewCall {
    #[schema(value_type = texts::Destination)]
    to: String,
    /// One of the configured providers; the first of them without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// Who calls; the configured number without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::Destination>)]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<ModeView>,
    /// What is said first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::SpokenText>)]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::Voice>)]
    voice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::LanguageTag>)]
    locale: Option<String>,
    /// Kept with the call and shown with it; at most 4,096 bytes of names and values.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// How long it may last; as configured without it.
    #[serde(default, deserialize_with = "duration", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::CallDuration>)]
    max_duration: Option<Duration>,
    /// How long it may ring; as configured without it.
    #[serde(default, deserialize_with = "duration", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::CallDuration>)]
    ring_timeout: Option<Duration>,
    /// How long it may wait for its turn, where calls wait (`limits.queue`); as configured without it.
    #[serde(default, deserialize_with = "duration", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<texts::CallDuration>)]
    queue_timeout: Option<Duration>,
}

impl NewCall {
    /// Everything is checked before anything is done.
    fn into_request(
        self,
        id: CallId,
        idempotency: Option<Idempotency>,
    ) -> Result<InitiateRequest, Problem> {
        let field = |name: &'static str| {
            move |error: &dyn std::fmt::Display| Problem::invalid(format!("{name}: {error}"))
        };
        let to = party("to", &self.to)?;
        let mut request = InitiateRequest::new(id, to);
        request.provider = self.provider.map(ProviderName::from);
        if let Some(from) = self.from {
            request.from = Some(party("from", &from)?);
        }
        request.mode = self.mode.map(ModeView::into);
        if let Some(message) = self.message {
            let text = SpeechText::try_from(message);
            request.message = Some(text.map_err(|error| field("message")(&error))?);
        }
        if let Some(locale) = self.locale {
            let locale = Locale::try_from(locale);
            request.locale = Some(locale.map_err(|error| field("locale")(&error))?);
        }
        request.voice = voice(self.voice)?;
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > METADATA_AT_MOST {
            return Err(Problem::invalid(format!(
                "metadata: {size} bytes; at most {METADATA_AT_MOST} are kept"
            )));
        }
        request.metadata =
            self.metadata.into_iter().map(|(name, value)| (name, value.into())).collect();
        for (name, value) in [
            ("max_duration", self.max_duration),
            ("ring_timeout", self.ring_timeout),
            ("queue_timeout", self.queue_timeout),
        ] {
            let permitted = Duration::from_secs(1)..=MAX_DURATION;
            if value.is_some_and(|value| !permitted.contains(&value)) {
                return Err(Problem::invalid(format!("{name}: from 1 s to 4 h")));
            }
        }
        request.max_duration = self.max_duration;
        request.ring_timeout = self.ring_timeout;
        request.queue_timeout = self.queue_timeout;
        request.idempotency = idempotency;
        Ok(request)
    }
}

fn idempotency(headers: &HeaderMap, call: &NewCall) -> Result<Option<Idempotency>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let is_printable = |byte: &u8| (b' '..=b'~').contains(byte);
    match key.to_str() {
        Ok(key)
            if (1..=KEY_AT_MOST).contains(&key.len())
                && key.as_bytes().iter().all(is_printable) =>
        {
            Ok(Some(Idempotency { key: key.to_owned(), fingerprint: fingerprint(call) }))
        }
        _ => Err(Problem::invalid(format!(
            "Idempotency-Key: 1 to {KEY_AT_MOST} printable ASCII characters"
        ))),
    }
}

/// It is stored, so it must come out the same from every later build. A field that is not set has
/// no part in it, so that new fields change no old fingerprint.
fn fingerprint(call: &NewCall) -> [u8; 16] {
    let written = serde_json::to_vec(call).expect("texts and numbers");
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&Sha256::digest(written)[..16]);
    fingerprint
}

problems!(Placing:
    BodyTooLarge, TooSlow, InvalidRequest, IdempotencyKeyReused, ConcurrencyLimit, RateLimit,
    DestinationFenced, DestinationNotAllowed, CarrierRejected, NotReady, StoreUnavailable
);

/// Places a call.
///
/// Answers when the carrier has taken it, or when it cannot be known whether it has: `dial` says
/// which. Where calls wait for their turn (`limits.queue`) it is `pending` and the state `queued`
/// after 10 s.
#[utoipa::path(
    post,
    path = "/v1/calls",
    operation_id = "place",
    tag = "calls",
    params(
        (
            "Idempotency-Key" = Option<String>, Header, nullable = false,
            max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$",
            description = "The same key with the same request places one call.",
        ),
    ),
    request_body = NewCall,
    responses((status = 201, description = "The call", body = CallView), Placing),
)]
pub(super) async fn initiate(
    State(manager): State<Manager>,
    headers: HeaderMap,
    JsonBody(call): JsonBody<NewCall>,
) -> Result<Response, Problem> {
    let idempotency = idempotency(&headers, &call)?;
    let request = call.into_request(manager.draw_id(), idempotency)?;
    let record = manager.initiate(request).await?;
    if record.dial.is_some_and(|dial| dial.outcome == DialOutcome::Refused) {
        return Err(refused(&record));
    }
    Ok((StatusCode::CREATED, Json(CallView::from(&record))).into_response())
}

/// The carrier does not have the call: why, in its own words.
fn refused(record: &CallRecord) -> Problem {
    let provider = &record.provider;
    let (code, words) = match &record.cause {
        Some(cause) => (cause.code.as_str(), cause.to_string()),
        None => ("", "it gave no reason".to_owned()),
    };
    let detail = format!("{provider} did not take the call: {words}");
    Problem::new(Code::CarrierRejected, detail).by_carrier(code).of_call(record.id)
}

/// Which calls are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Live calls without it.
    #[param(value_type = Listed, inline, required = false)]
    state: Option<Listed>,
    /// At most how many.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000, default = 50)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(value_type = texts::Id, inline, required = false)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Listed {
    /// Those that are not over.
    Live,
    /// Of these, those that wait for their turn to be dialled.
    Queued,
    /// Those that are over.
    Ended,
    All,
}

/// A page of calls, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallList {
    calls: Vec<CallView>,
    /// Null on the last page.
    #[schema(required, value_type = Option<texts::Id>)]
    next_cursor: Option<String>,
}

problems!(Listing: InvalidRequest, StoreUnavailable);

/// Calls, newest first.
#[utoipa::path(
    get,
    path = "/v1/calls",
    tag = "calls",
    params(ListQuery),
    responses((status = 200, description = "A page of calls", body = CallList), Listing),
)]
pub(super) async fn list(
    State(manager): State<Manager>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<CallList>, Problem> {
    let Query(query) = query.map_err(|error| Problem::invalid(error.body_text()))?;
    let which = match query.state.unwrap_or(Listed::Live) {
        Listed::Live => Some(Which::Live),
        Listed::Ended => Some(Which::Ended),
        Listed::All => Some(Which::All),
        Listed::Queued => None,
    };
    let limit = query.limit.unwrap_or(50);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::invalid("limit: 1 to 1000"));
    }
    let before = match query.cursor {
        Some(cursor) => {
            let id = cursor.parse();
            Some(id.map_err(|_| Problem::invalid("cursor: take next_cursor of the page before"))?)
        }
        None => None,
    };
    let calls: Vec<CallView> = match which {
        Some(which) => {
            let records = manager.calls(HistoryQuery { which, before, limit }).await?;
            records.iter().map(CallView::from).collect()
        }
        None => {
            let records = manager.queued(before, limit).await?;
            records.iter().map(|record| CallView::from(&**record)).collect()
        }
    };
    let full = calls.len() == limit;
    let next_cursor = calls.last().filter(|_| full).map(CallView::cursor);
    Ok(Json(CallList { calls, next_cursor }))
}

problems!(Looking: NoSuchCall, StoreUnavailable);

/// A call, with everything that was said on it.
#[utoipa::path(
    get,
    path = "/v1/calls/{id}",
    tag = "calls",
    params(OfCall),
    responses((status = 200, description = "The call", body = CallView), Looking),
)]
pub(super) async fn show(
    State(manager): State<Manager>,
    Named(record): Named,
) -> Result<Json<CallView>, Problem> {
    let timeline = manager.timeline(record.id).await?;
    Ok(Json(CallView::from(&record).with_transcript(&timeline)))
}

/// Everything that happened to a call, in the order in which it did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Timeline {
    entries: Vec<EntryView>,
}

/// Everything that happened to a call.
#[utoipa::path(
    get,
    path = "/v1/calls/{id}/timeline",
    tag = "calls",
    params(OfCall),
    responses((status = 200, description = "The timeline", body = Timeline), Looking),
)]
pub(super) async fn timeline(
    State(manager): State<Manager>,
    Named(record): Named,
) -> Result<Json<Timeline>, Problem> {
    let entries = manager.timeline(record.id).await?;
    Ok(Json(Timeline { entries: entries.into_iter().map(EntryView::from).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint_of(body: &str) -> [u8; 16] {
        fingerprint(&serde_json::from_str(body).unwrap())
    }

    #[test]
    fn a_fingerprint_outlives_the_build_that_made_it() {
        // SHA-256 of {"to":"+15550001234","metadata":{"a":"1","b":"2"},"max_duration":{"secs":300,"nanos":0}}
        let hex: String = fingerprint_of(
            r#"{"to": "+15550001234", "max_duration": "5m", "metadata": {"b": "2", "a": "1"}}"#,
        )
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
        assert_eq!(hex, "66f45f94906984d376992d6fa0274dbb");
    }

    #[test]
    fn a_fingerprint_is_of_what_is_asked_and_not_of_how() {
        let one = fingerprint_of(r#"{"to": "+15550001234", "ring_timeout": "1m"}"#);
        let other = r#"{"ring_timeout": 60, "message": null, "to": "+15550001234"}"#;
        assert_eq!(fingerprint_of(other), one);
        for different in [
            r#"{"to": "+15550001235", "ring_timeout": "1m"}"#,
            r#"{"to": "+15550001234", "ring_timeout": "2m"}"#,
            r#"{"to": "+15550001234", "max_duration": "1m"}"#,
            r#"{"to": "+15550001234", "ring_timeout": "1m", "message": "Hello."}"#,
        ] {
            assert_ne!(fingerprint_of(different), one, "{different}");
        }
    }
}
