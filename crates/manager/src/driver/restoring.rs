//! After a restart: every call that was live is taken up, and the carrier is asked.

use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::{CallId, CallStatus};

use super::Driver;
use super::batch::Batch;
use super::queue::waits;
use super::submission::Submission;
use crate::machine::Input;
use crate::record::{CallRecord, CallState};
use crate::restore::{Decision, RestoreReport};

impl Driver {
    /// Takes up a call that was open when we stopped. It holds its slot at once.
    pub fn restore(&mut self, record: CallRecord) {
        let (call, provider) = (record.id, record.provider.clone());
        if let Some(dial) = record.dial
            && let Some(pace) = self.dial_pace.get_mut(&provider)
        {
            // A restart in mid-second lets no second burst through.
            pace.taken(dial.sent_at, self.report.started_at);
        }
        if !record.state.is_ended() {
            self.report_mut().expect(call, provider);
        }
        self.put(Arc::new(record), false);
        if let Some(open) = self.open.get_mut(&call) {
            // Nothing is started for it before what was interrupted is settled, and committed.
            open.unsettled = true;
            open.watch.in_flight = true;
        }
        self.schedule(call);
        self.submit(Submission::Restored(call));
    }

    pub(super) fn report_mut(&mut self) -> &mut RestoreReport {
        Arc::make_mut(&mut self.report)
    }

    pub(super) fn apply_restored(&mut self, batch: &mut Batch, call: CallId, now: Timestamp) {
        let waited = batch.record(&self.open, call).is_some_and(waits);
        let was_ending =
            batch.record(&self.open, call).is_some_and(|record| record.ending.is_some());
        self.apply(batch, call, Input::Restored, now);
        batch.settled.push(call);
        let Some(record) = batch.record(&self.open, call) else { return };
        let (decision, why) = match record.state {
            CallState::Ended(_) if waited => {
                (Decision::TimedOut, "it had waited as long as it may; it is not dialled")
            }
            CallState::Ended(_) => return,
            CallState::Queued => (Decision::Queued, "it still waits for its turn"),
            _ if was_ending => (Decision::Ending, "its hangup had been asked for"),
            _ if record.ending.is_some() => {
                (Decision::TimedOut, "it is older than it may become; it is hung up")
            }
            _ if record.ids.is_empty() => (
                Decision::OutcomeUnknown,
                "we stopped before the carrier's answer to its dial was known; it is not dialled again",
            ),
            _ if !self.configured(&record.provider) => (
                Decision::KeptUnverified,
                "its provider is not configured any more: nobody can be asked, and nothing be done",
            ),
            _ => {
                if let Some(open) = self.open.get_mut(&call) {
                    open.watch.unverified = true;
                }
                return;
            }
        };
        self.decide(batch, call, decision, why.to_owned(), now);
    }

    /// What the carrier's answer means for a call from before the restart.
    pub(super) fn verdict(
        &mut self,
        batch: &mut Batch,
        call: CallId,
        status: &CallStatus,
        now: Timestamp,
    ) {
        let Some(record) = batch.record(&self.open, call) else { return };
        let ended = record.end_reason();
        let (decision, why) = match (status, ended) {
            (CallStatus::Ended { .. }, Some(reason)) => {
                (Decision::Dropped, format!("the carrier says that it is over: {reason}"))
            }
            (CallStatus::NotFound, Some(_)) => {
                (Decision::Dropped, "the carrier does not know it any more".to_owned())
            }
            (CallStatus::Live { .. }, None) => {
                return self.found_live(batch, call, "the carrier says that it is live", now);
            }
            (CallStatus::Unknown { cause }, None) => {
                (Decision::KeptUnverified, format!("the carrier could not tell: {cause}"))
            }
            _ => return,
        };
        self.decide_anew(batch, call, decision, why, now);
    }

    /// A call from before the restart is live by this evidence.
    pub(super) fn found_live(
        &mut self,
        batch: &mut Batch,
        call: CallId,
        evidence: &str,
        now: Timestamp,
    ) {
        let Some(record) = batch.record(&self.open, call) else { return };
        let why = match record.remaining(now) {
            Some(left) => format!("{evidence}; {} s are left", left.as_secs()),
            None => evidence.to_owned(),
        };
        self.decide_anew(batch, call, Decision::Kept, why, now);
    }

    /// What was decided before is not said again.
    fn decide_anew(
        &mut self,
        batch: &mut Batch,
        call: CallId,
        decision: Decision,
        why: String,
        now: Timestamp,
    ) {
        if self.report.decision(call) != Some(decision) {
            self.decide(batch, call, decision, why, now);
        }
    }

    pub(super) fn decide(
        &mut self,
        batch: &mut Batch,
        call: CallId,
        decision: Decision,
        why: String,
        now: Timestamp,
    ) {
        if batch.verdicts.iter().any(|(decided, _, _)| *decided == call) {
            return;
        }
        batch.verdicts.push((call, decision, why.clone()));
        self.apply(batch, call, Input::Decided { decision, why }, now);
    }
}
