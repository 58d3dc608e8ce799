//! Calls: placing, looking, ending.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Json, Response};
use http::{HeaderMap, StatusCode};
use offhook_core::{CallId, Locale, Party, ProviderName, SpeechText, Voice};
use offhook_manager::{
    CallRecord, DialOutcome, HistoryQuery, Idempotency, InitiateRequest, Manager, Mode, Which,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::extract::{JsonBody, Named, duration};
use super::problem::Problem;
use super::view::{CallView, EntryView};

const MAX_DURATION: Duration = Duration::from_hours(4);
const METADATA_AT_MOST: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `to`")]
pub(super) struct NewCall {
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "duration", skip_serializing_if = "Option::is_none")]
    max_duration: Option<Duration>,
    #[serde(default, deserialize_with = "duration", skip_serializing_if = "Option::is_none")]
    ring_timeout: Option<Duration>,
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
        let to = Party::dialled(&self.to).map_err(|error| field("to")(&error))?;
        let mut request = InitiateRequest::new(id, to);
        request.provider = self.provider.map(ProviderName::from);
        if let Some(from) = self.from {
            request.from = Some(Party::dialled(&from).map_err(|error| field("from")(&error))?);
        }
        request.mode = match self.mode.as_deref() {
            None => None,
            Some("notify") => Some(Mode::Notify),
            Some("conversation") => Some(Mode::Conversation),
            Some(_) => return Err(Problem::invalid("mode: notify or conversation")),
        };
        if let Some(message) = self.message {
            let text = SpeechText::try_from(message);
            request.message = Some(text.map_err(|error| field("message")(&error))?);
        }
        if let Some(locale) = self.locale {
            let locale = Locale::try_from(locale);
            request.locale = Some(locale.map_err(|error| field("locale")(&error))?);
        }
        if let Some(voice) = self.voice {
            let voice = Voice::try_from(voice);
            request.voice = Some(voice.map_err(|error| field("voice")(&error))?);
        }
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > METADATA_AT_MOST {
            return Err(Problem::invalid(format!(
                "metadata: {size} bytes; at most {METADATA_AT_MOST} are kept"
            )));
        }
        request.metadata = self.metadata;
        for (name, value) in
            [("max_duration", self.max_duration), ("ring_timeout", self.ring_timeout)]
        {
            let permitted = Duration::from_secs(1)..=MAX_DURATION;
            if value.is_some_and(|value| !permitted.contains(&value)) {
                return Err(Problem::invalid(format!("{name}: from 1 s to 4 h")));
            }
        }
        request.max_duration = self.max_duration;
        request.ring_timeout = self.ring_timeout;
        request.idempotency = idempotency;
        Ok(request)
    }
}

fn idempotency(headers: &HeaderMap, call: &NewCall) -> Result<Option<Idempotency>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > 255 {
        return Err(Problem::invalid("Idempotency-Key: 1 to 255 printable ASCII characters"));
    }
    Ok(Some(Idempotency { key: key.to_owned(), fingerprint: fingerprint(call) }))
}

/// It is stored, so it must come out the same from every later build. A field that is not set has
/// no part in it, so that new fields change no old fingerprint.
fn fingerprint(call: &NewCall) -> [u8; 16] {
    let written = serde_json::to_vec(call).expect("texts and numbers");
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&Sha256::digest(written)[..16]);
    fingerprint
}

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
    Problem::new(StatusCode::BAD_GATEWAY, "carrier_rejected", detail)
        .with("carrier_code", code)
        .with("call", record.id.to_string())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    state: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct CallList {
    calls: Vec<CallView>,
    next_cursor: Option<String>,
}

pub(super) async fn list(
    State(manager): State<Manager>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<CallList>, Problem> {
    let Query(query) = query.map_err(|error| Problem::invalid(error.body_text()))?;
    let which = match query.state.as_deref() {
        None | Some("live") => Which::Live,
        Some("ended") => Which::Ended,
        Some("all") => Which::All,
        Some(_) => return Err(Problem::invalid("state: live, ended or all")),
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
    let records = manager.calls(HistoryQuery { which, before, limit }).await?;
    let full = records.len() == limit;
    let next_cursor = records.last().filter(|_| full).map(|record| record.id.to_string());
    Ok(Json(CallList { calls: records.iter().map(CallView::from).collect(), next_cursor }))
}

/// A path's id; what cannot be one is the id of no call.
pub(super) async fn show(
    State(manager): State<Manager>,
    Named(record): Named,
) -> Result<Json<CallView>, Problem> {
    let timeline = manager.timeline(record.id).await?;
    Ok(Json(CallView::from(&record).with_transcript(&timeline)))
}

#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    entries: Vec<EntryView>,
}

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
