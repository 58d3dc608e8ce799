//! What is logged of calls.
//!
//! State changes at info, what an operator should look at as warnings, everything else that
//! happens to a call at debug. What is told was committed before: a log never knows of a state that
//! a crash took back. Numbers, words and keys mask themselves; see `offhook_core::PrivateText`.

use std::fmt;

use offhook_core::{
    CallId, CallStatus, Direction, ErrorClass, ProviderError, ProviderName, Search,
};
use tracing::{Level, Span};

use crate::driver::{Driver, Job, JobKind, Submission};
use crate::entry::EntryKind;
use crate::record::CallState;
use crate::restore::Decision;
use crate::store::Change;

/// The span of one call. It is made anew for each thing that is told: there are many calls, some
/// last for hours, and one that is kept costs memory all the time. Its level is that of errors, so
/// that no line is without it, however little is logged.
pub(crate) fn span(call: CallId, provider: &ProviderName) -> Span {
    tracing::error_span!("call", id = %call, %provider)
}

/// The span of what a request to a carrier is about.
pub(crate) fn span_of(job: &Job) -> Span {
    match job {
        Job::Call(job) => span(job.call.id, &job.call.provider),
        Job::List(provider) => tracing::error_span!("list", %provider),
    }
}

/// The states from which the calls of these changes come, while the driver still has them.
pub(crate) fn states_before(driver: &Driver, changes: &[Change]) -> Vec<Option<CallState>> {
    if !tracing::enabled!(Level::INFO) {
        return Vec::new();
    }
    changes.iter().map(|change| driver.state_of(change.record.id)).collect()
}

/// Tells what was committed, call by call.
pub(crate) fn committed(changes: &[Change], before: &[Option<CallState>]) {
    if !tracing::enabled!(Level::WARN) {
        return;
    }
    let in_detail = tracing::enabled!(Level::DEBUG);
    let states = before.iter().copied().chain(std::iter::repeat(None));
    for (change, before) in changes.iter().zip(states) {
        let is_new = change.expected_revision.is_none();
        let is_new_state = is_new || before.is_some_and(|before| before != change.record.state);
        if in_detail || is_new_state || change.entries.iter().any(|entry| is_notable(&entry.kind)) {
            let span = span(change.record.id, &change.record.provider);
            span.in_scope(|| tell(change, is_new, is_new_state));
        }
    }
}

const fn is_notable(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::DialUnknown { .. } | EntryKind::Restored { .. })
}

fn tell(change: &Change, is_new: bool, is_new_state: bool) {
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
    let record = &change.record;
    let state = record.state.as_str();
    if is_new {
        let (from, to, mode) = (&record.from, &record.to, record.mode.as_str());
        let direction = match record.direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        tracing::info!(direction, mode, %from, %to, state, "a call begins");
    }
    match record.end_reason() {
        Some(reason) if is_new_state => {
            let cause = record.cause.as_ref().map(tracing::field::display);
            tracing::info!(state, %reason, cause, "the call is over");
        }
        None if is_new_state && !is_new => tracing::info!(state, "the call has a new state"),
        _ => {}
    }
}

fn tell_decision(decision: Decision, why: &str) {
    match decision {
        Decision::KeptUnverified | Decision::OutcomeUnknown => {
            tracing::warn!(decision = decision.as_str(), why, "restored");
        }
        _ => tracing::info!(decision = decision.as_str(), why, "restored"),
    }
}

/// Tells what a carrier answered, within the span of the job.
pub(crate) fn answered(job: &Job, answer: &Submission) {
    let asked = match job {
        Job::Call(job) => Asked(job.kind),
        Job::List(_) => return listed(answer),
    };
    let error = match answer {
        Submission::EffectDone { result, .. } => result.as_ref().err(),
        Submission::Looked { status: CallStatus::Unknown { cause }, .. }
        | Submission::Searched { search: Search::Unknown { cause }, .. } => Some(cause),
        _ => None,
    };
    match error {
        None => tracing::debug!(%asked, "the carrier answered"),
        Some(error) if needs_an_operator(error) => {
            tracing::warn!(%asked, %error, "the carrier did not take a request");
        }
        Some(error) => tracing::debug!(%asked, %error, "the carrier did not take a request"),
    }
}

fn listed(answer: &Submission) {
    match answer {
        Submission::Listed { list: Ok(list), .. } => {
            tracing::info!(calls = list.len(), "the carrier listed what is live");
        }
        Submission::Listed { list: Err(error), .. } => tracing::warn!(
            %error,
            "the carrier did not list what is live; unless it soon does, it is asked about each call"
        ),
        _ => {}
    }
}

struct Asked(JobKind);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            JobKind::Effect(effect) => write!(f, "{:?}", effect.kind),
            JobKind::Status => f.write_str("Status"),
            JobKind::Search => f.write_str("Search"),
        }
    }
}

/// Whether it does not come right by itself. What the carrier refuses for its content is the
/// caller's to know, and stands in the call.
const fn needs_an_operator(error: &ProviderError) -> bool {
    matches!(error.class(), ErrorClass::Unauthenticated | ErrorClass::Undecodable)
}
