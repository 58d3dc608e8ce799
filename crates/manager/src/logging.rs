//! What is logged of calls.
//!
//! State changes at info, what an operator should look at as warnings, everything else that
//! happens to a call at debug. What is told was committed before: a log never knows of a state that
//! a crash took back. Numbers, words and keys mask themselves; see `offhook_core::PrivateText`.

use offhook_core::{CallId, CallStatus, ErrorClass, ProviderError, ProviderName, Search};
use tracing::{Level, Span};

use crate::driver::{JobKind, Submission};
use crate::entry::EntryKind;
use crate::record::CallRecord;
use crate::restore::Decision;
use crate::store::Change;

/// The span of one call. It is made anew for each thing that is told: there are many calls, some
/// last for hours, and one that is kept costs memory all the time. Its level is that of errors, so
/// that no line is without it, however little is logged.
pub(crate) fn span(call: CallId, provider: &ProviderName) -> Span {
    tracing::error_span!("call", id = %call, %provider)
}

/// Tells what was committed, call by call.
pub(crate) fn committed(changes: &[Change]) {
    if !tracing::enabled!(Level::WARN) {
        return;
    }
    let (in_detail, states) = (tracing::enabled!(Level::DEBUG), tracing::enabled!(Level::INFO));
    for change in changes {
        let is_new_state = states && is_new_state(change);
        if in_detail || is_new_state || change.entries.iter().any(|entry| is_notable(&entry.kind)) {
            span(change.record.id, &change.record.provider).in_scope(|| tell(change, is_new_state));
        }
    }
}

/// Whether the call came into its state with this change: what brings it there is an entry.
fn is_new_state(change: &Change) -> bool {
    change.entries.iter().any(|entry| entry.at == change.record.state_since)
}

const fn is_notable(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::DialUnknown { .. } | EntryKind::Restored { .. })
}

fn tell(change: &Change, is_new_state: bool) {
    let record = &change.record;
    for entry in &change.entries {
        match &entry.kind {
            EntryKind::DialUnknown { cause } => tracing::warn!(
                %cause,
                "nobody knows whether the dial reached the carrier; it is not sent again"
            ),
            EntryKind::Restored { decision, why } => tell_decision(*decision, why),
            kind => tracing::debug!(number = entry.number, ?kind, "committed"),
        }
    }
    if change.expected_revision.is_none() {
        tracing::info!(
            direction = ?record.direction, mode = record.mode.as_str(),
            from = %record.from, to = %record.to, state = record.state.as_str(), "a call begins"
        );
    } else if is_new_state && !record.state.is_ended() {
        tracing::info!(state = record.state.as_str(), "the call has a new state");
    }
    if is_new_state {
        tell_end(record);
    }
}

fn tell_end(record: &CallRecord) {
    let Some(reason) = record.end_reason() else { return };
    let cause = record.cause.as_ref().map(tracing::field::display);
    tracing::info!(state = record.state.as_str(), %reason, cause, "the call is over");
}

fn tell_decision(decision: Decision, why: &str) {
    match decision {
        Decision::KeptUnverified | Decision::OutcomeUnknown => {
            tracing::warn!(decision = decision.as_str(), why, "restored");
        }
        _ => tracing::info!(decision = decision.as_str(), why, "restored"),
    }
}

/// Tells what a carrier answered, within the span of the call.
pub(crate) fn answered(kind: JobKind, answer: &Submission) {
    let error = match answer {
        Submission::EffectDone { result: Err(error), .. }
        | Submission::Looked { status: CallStatus::Unknown { cause: error }, .. }
        | Submission::Searched { search: Search::Unknown { cause: error }, .. } => error,
        _ => return tracing::debug!(?kind, "the carrier answered"),
    };
    if needs_an_operator(error) {
        tracing::warn!(?kind, %error, "the carrier did not take a request");
    } else {
        tracing::debug!(?kind, %error, "the carrier did not take a request");
    }
}

/// Whether it comes right by itself. What the carrier refuses for its content is the caller's to
/// know, and stands in the call.
const fn needs_an_operator(error: &ProviderError) -> bool {
    matches!(error.class(), ErrorClass::Unauthenticated | ErrorClass::Undecodable)
}
