//! Records as the API shows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use offhook_core::{AnsweredBy, CallEvent, CallId, Cause, Direction, Turn};
use offhook_manager::{CallRecord, CallState, DialOutcome, EntryKind, StoredEntry};
use serde::Serialize;
use serde_json::Value;

/// A call.
#[derive(Clone, Debug, Serialize)]
pub struct CallView {
    id: CallId,
    provider: String,
    provider_call_id: Option<String>,
    direction: Direction,
    state: &'static str,
    end_reason: Option<&'static str>,
    cause: Option<Cause>,
    dial: Option<&'static str>,
    from: String,
    to: String,
    mode: &'static str,
    answered_by: Option<AnsweredBy>,
    started_at: Timestamp,
    answered_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    updated_at: Timestamp,
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<Vec<Utterance>>,
}

/// Something that was said.
#[derive(Clone, Debug, Serialize)]
struct Utterance {
    at: Timestamp,
    speaker: &'static str,
    text: String,
    turn: Option<Turn>,
}

impl From<&CallRecord> for CallView {
    fn from(record: &CallRecord) -> Self {
        Self {
            id: record.id,
            provider: record.provider.as_str().to_owned(),
            provider_call_id: record.ids.value().map(str::to_owned),
            direction: record.direction,
            state: record.state.as_str(),
            end_reason: record.end_reason().map(offhook_core::EndReason::as_str),
            cause: record.cause.clone(),
            dial: dial(record),
            from: record.from.to_text(),
            to: record.to.to_text(),
            mode: record.mode.as_str(),
            answered_by: record.answered_by,
            started_at: record.started_at,
            answered_at: record.answered_at,
            ended_at: record.ended_at,
            updated_at: record.updated_at,
            metadata: record.metadata.clone(),
            transcript: None,
        }
    }
}

/// How the dial stands, of a call that is dialled. One that waits for a slot is still to be.
fn dial(record: &CallRecord) -> Option<&'static str> {
    match record.dial {
        Some(dial) => Some(match dial.outcome {
            DialOutcome::Pending => "pending",
            DialOutcome::Unknown { .. } => "unknown",
            DialOutcome::Accepted { .. } => "accepted",
            DialOutcome::Refused => "refused",
        }),
        None => (record.state == CallState::Queued).then_some("pending"),
    }
}

impl CallView {
    /// With everything that was said, from the call's timeline.
    pub(super) fn with_transcript(mut self, timeline: &[StoredEntry]) -> Self {
        let mut transcript = Vec::new();
        let mut opening = None;
        for stored in timeline {
            let at = stored.entry.at;
            let bot = |text: String, turn| Utterance { at, speaker: "bot", text, turn };
            match &stored.entry.kind {
                EntryKind::Created { opening: words, .. } => opening.clone_from(words),
                EntryKind::Command { text: Some(text), turn, .. } => {
                    transcript.push(bot(text.clone(), *turn));
                }
                EntryKind::Done { effect: offhook_manager::EffectKind::Perform(_) } => {
                    transcript.extend(opening.take().map(|text| bot(text, Some(Turn(1)))));
                }
                EntryKind::Webhook { events, reply, turn, .. } => {
                    for event in events {
                        if let CallEvent::Transcript { text, is_final: true } = event {
                            let (text, turn) = (text.clone(), *turn);
                            transcript.push(Utterance { at, speaker: "user", text, turn });
                        }
                    }
                    if reply.is_some() {
                        transcript.extend(opening.take().map(|text| bot(text, Some(Turn(1)))));
                    }
                }
                _ => {}
            }
        }
        self.transcript = Some(transcript);
        self
    }
}

/// An entry of a timeline.
#[derive(Clone, Debug, Serialize)]
pub struct EntryView {
    id: u64,
    at: Timestamp,
    call: CallId,
    kind: Value,
    /// Null for a kind whose name says everything.
    detail: Value,
}

impl From<StoredEntry> for EntryView {
    fn from(stored: StoredEntry) -> Self {
        let mut tagged = serde_json::json!(stored.entry.kind);
        Self {
            id: stored.id,
            at: stored.entry.at,
            call: stored.call,
            kind: tagged["kind"].take(),
            detail: tagged["detail"].take(),
        }
    }
}

impl EntryView {
    /// The kind of the entry.
    pub(super) fn kind(&self) -> &str {
        self.kind.as_str().unwrap_or_default()
    }
}
