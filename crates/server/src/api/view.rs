//! Records as the API shows them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use offhook_core::{CallEvent, CallId, PrivateText, Turn};
use offhook_manager::{CallRecord, CallState, EntryKind, StoredEntry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::openapi::texts;
use super::words::{
    AnsweredByView, CauseView, DialView, DirectionView, ModeView, Speaker, StateView,
};

/// A call.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallView {
    /// Our id; ids are in the order in which the calls began.
    #[schema(value_type = texts::Id)]
    id: CallId,
    provider: String,
    /// The carrier's id; null until it gives one.
    #[schema(required)]
    provider_call_id: Option<String>,
    direction: DirectionView,
    state: StateView,
    #[schema(required, value_type = Option<texts::EndReason>)]
    end_reason: Option<&'static str>,
    #[schema(required)]
    cause: Option<CauseView>,
    /// What became of the dial; null for an inbound call.
    #[schema(required)]
    dial: Option<DialView>,
    from: String,
    to: String,
    mode: ModeView,
    #[schema(required)]
    answered_by: Option<AnsweredByView>,
    started_at: Timestamp,
    #[schema(required)]
    answered_at: Option<Timestamp>,
    #[schema(required)]
    ended_at: Option<Timestamp>,
    updated_at: Timestamp,
    metadata: BTreeMap<String, String>,
    /// Everything that was said. Only where a single call is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Utterance>, required = false)]
    transcript: Option<Vec<Utterance>>,
}

impl fmt::Debug for CallView {
    /// Numbers and words are for the API's answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}, {:?}", self.id, self.state)
    }
}

/// Something that was said.
#[derive(Clone, Serialize, ToSchema)]
struct Utterance {
    at: Timestamp,
    speaker: Speaker,
    text: String,
    #[schema(required, value_type = Option<u32>)]
    turn: Option<Turn>,
}

impl From<&CallRecord> for CallView {
    fn from(record: &CallRecord) -> Self {
        Self {
            id: record.id,
            provider: record.provider.as_str().to_owned(),
            provider_call_id: record.ids.value().map(str::to_owned),
            direction: record.direction.into(),
            state: record.state.into(),
            end_reason: record.end_reason().map(offhook_core::EndReason::as_str),
            cause: record.cause.clone().map(CauseView::from),
            dial: dial(record),
            from: record.from.to_text(),
            to: record.to.to_text(),
            mode: record.mode.into(),
            answered_by: record.answered_by.map(AnsweredByView::from),
            started_at: record.started_at,
            answered_at: record.answered_at,
            ended_at: record.ended_at,
            updated_at: record.updated_at,
            metadata: record
                .metadata
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
                .collect(),
            transcript: None,
        }
    }
}

/// How the dial stands, of a call that is dialled. One that waits for its turn is still to be.
fn dial(record: &CallRecord) -> Option<DialView> {
    match record.dial {
        Some(dial) => Some(dial.outcome.into()),
        None => (record.state == CallState::Queued).then_some(DialView::Pending),
    }
}

impl CallView {
    /// From where the next page of calls goes on.
    pub(super) fn cursor(&self) -> String {
        self.id.to_string()
    }

    /// With everything that was said, from the call's timeline.
    pub(super) fn with_transcript(mut self, timeline: &[StoredEntry]) -> Self {
        let mut transcript = Vec::new();
        let mut opening = None;
        for stored in timeline {
            let at = stored.entry.at;
            let bot = |text: PrivateText, turn| {
                let text = text.into();
                Utterance { at, speaker: Speaker::Bot, text, turn }
            };
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
                            let (text, turn) = (text.clone().into(), *turn);
                            transcript.push(Utterance { at, speaker: Speaker::User, text, turn });
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
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryView {
    /// Its place among the entries of all calls.
    id: u64,
    at: Timestamp,
    #[schema(value_type = texts::Id)]
    call: CallId,
    /// What happened. New kinds may come.
    #[schema(value_type = String, examples("created", "webhook", "ended"))]
    kind: Value,
    /// What belongs to this kind; null if its name says everything.
    #[schema(value_type = Option<Object>, required)]
    detail: Value,
}

impl fmt::Debug for EntryView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of call {}, {}", self.id, self.call, self.kind())
    }
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
