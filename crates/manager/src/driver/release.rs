//! What a commit sets free, and what becomes of a turn whose commit was refused.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, ProviderCallIds, ProviderName};

use super::Driver;
use super::batch::Batch;
use super::submission::{Answer, CommandError, Submission, Ticket};
use crate::record::CallRecord;
use crate::restore::Decision;
use crate::store::CommitError;
use crate::time::after;

/// After a refused commit, how long what is not urgent waits.
const COMMIT_BACKOFF: Duration = Duration::from_millis(500);

/// What a commit sets free.
#[derive(Debug, Default)]
pub struct Released {
    /// Answers to those who wait.
    pub answers: Vec<(Ticket, Answer)>,
    /// The calls that changed, as committed.
    pub snapshots: Vec<Arc<CallRecord>>,
    /// Calls that somebody else wrote: read them again and give them to [`Driver::reload`].
    pub reload: Vec<CallId>,
    /// Webhooks that were taken for the first word of a call, by their carrier ids. Perhaps the
    /// store knows the call: find it and give it to [`Driver::found`].
    pub find: Vec<(Ticket, ProviderName, ProviderCallIds)>,
}

impl Released {
    /// Whether nothing was set free.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { answers, snapshots, reload, find } = self;
        answers.is_empty() && snapshots.is_empty() && reload.is_empty() && find.is_empty()
    }
}

impl Driver {
    /// The result of the commit of the last turn's changes. After an unclear commit, read a
    /// revision first: what is reported here is written or it is not.
    pub fn committed(&mut self, result: Result<(), CommitError>, now: Timestamp) -> Released {
        let Some(batch) = self.batch.take() else { return Released::default() };
        match result {
            Ok(()) => self.release(batch),
            Err(CommitError::Conflict { calls }) if !batch.again => {
                // Apply the same again, on what the others wrote.
                self.again = true;
                // A queued call may have been admitted in vain.
                self.admit_at = Some(now);
                self.dial_pace = batch.pace_before;
                let find = batch.submissions.iter().filter_map(Submission::first_word).collect();
                for submission in batch.submissions.into_iter().rev() {
                    self.waiting.push_front(submission);
                }
                Released { reload: calls, find, ..Released::default() }
            }
            Err(_) => {
                self.counters.refused_commits += 1;
                self.dial_pace = batch.pace_before;
                self.hold_until = Some(after(now, COMMIT_BACKOFF));
                // A queued call may have been admitted in vain.
                self.admit_at = Some(now);
                let mut released = Released::default();
                for submission in batch.submissions {
                    match submission.ticket() {
                        Some(ticket) => {
                            released.answers.push((ticket, submission.unavailable()));
                        }
                        None => self.waiting.push_back(submission),
                    }
                }
                released
            }
        }
    }

    fn release(&mut self, mut batch: Batch) -> Released {
        for (ticket, call, turn) in std::mem::take(&mut batch.obeyed) {
            let record = batch.shared(&self.open, call).map(Arc::clone);
            let answer = record.map(|record| (record, turn)).ok_or(CommandError::NoSuchCall);
            batch.answers.push((ticket, Answer::Command(answer)));
        }
        let mut released = Released::default();
        self.looks_in_flight = self.looks_in_flight.saturating_sub(batch.looks);
        for (call, watch) in batch.watches {
            if let Some(open) = self.open.get_mut(&call) {
                open.watch = watch;
            }
        }
        for (call, effect) in batch.finished {
            if let Some(open) = self.open.get_mut(&call) {
                open.in_flight.retain(|id| *id != effect);
            }
            self.run(call);
        }
        for working in batch.working.into_iter().filter(|working| working.changed) {
            self.put(Arc::clone(&working.record), working.news);
            released.snapshots.push(working.record);
        }
        if !batch.settled.is_empty() {
            self.list_where_many_are_unverified();
        }
        for (provider, next) in batch.listings {
            self.put_listing(provider, next);
        }
        for (call, why) in batch.asking {
            self.report_mut().asking(call, &why);
        }
        for call in batch.settled {
            if let Some(open) = self.open.get_mut(&call) {
                open.unsettled = false;
                open.watch.in_flight = false;
            }
            self.run(call);
            self.schedule(call);
        }
        for call in batch.touched {
            self.schedule(call);
        }
        for record in &released.snapshots {
            if let Some(reason) = record.end_reason()
                && self.report.is_undecided(record.id)
            {
                self.report_mut().ended(record.id, reason);
            }
        }
        for (call, decision, why) in batch.verdicts {
            self.report_mut().decide(call, decision, &why);
            if let Some(open) = self.open.get_mut(&call) {
                open.watch.unverified = decision == Decision::KeptUnverified;
            }
            self.schedule(call);
        }
        released.answers = batch.answers;
        released
    }
}
