//! The sync core between the machine and the world.
//!
//! Whoever runs it submits what arrives, takes a [`turn`](Driver::turn), commits the changes that
//! it gives, reports the result to [`committed`](Driver::committed), and starts the jobs that
//! [`start`](Driver::start) gives. **Save, then release:** no answer and no job exists before the
//! commit that it rests on. The clock and the store are the caller's, so virtual time is too.

mod admission;
mod agenda;
mod batch;
mod listing;
mod open;
mod pace;
mod queue;
mod release;
mod request;
mod restoring;
mod starting;
mod submission;
mod turns;
mod watch;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::{CallId, CallStatus, Capabilities, ProviderName};

use crate::hashing;
use crate::machine::{self, Input};
use crate::policy::{Policy, ProviderPolicy};
use crate::record::{CallRecord, CallState};
use crate::restore::RestoreReport;
use crate::store::Change;
use agenda::Looks;
use batch::Batch;
use listing::Listing;
use open::Open;
use pace::Pace;
use queue::{Fences, Queue};
use starting::Runnable;
use watch::Watch;

pub use release::Released;
pub use request::{InitiateError, InitiateRequest};
pub use starting::{CallJob, Job, JobKind};
pub use submission::{Answer, Arrival, CommandError, Counters, Submission, Ticket, WebhookAnswer};

/// All calls that are open, and what is due for them.
#[derive(Debug)]
pub struct Driver {
    policy: Policy,
    capabilities: HashMap<ProviderName, Capabilities>,
    open: hashing::HashMap<CallId, Open>,
    by_carrier_id: HashMap<ProviderName, hashing::HashMap<String, CallId>>,
    slots: usize,
    queue: Queue,
    fences: Fences,
    /// No dial is begun any more.
    closing: bool,
    deadlines: BTreeSet<(Timestamp, CallId)>,
    looks: Looks,
    looks_in_flight: usize,
    /// The lists that are wanted.
    listings: BTreeMap<ProviderName, Listing>,
    runnable: BTreeMap<ProviderName, Runnable>,
    paced_until: Option<Timestamp>,
    /// Whether a call has come to the runnable ones that the last start did not look at.
    to_start: bool,
    looked_until: Timestamp,
    admit_at: Option<Timestamp>,
    dial_pace: BTreeMap<ProviderName, Pace>,
    request_pace: BTreeMap<ProviderName, Pace>,
    /// Of those requests for which nobody waits.
    look_pace: BTreeMap<ProviderName, Pace>,
    waiting: VecDeque<Submission>,
    batch: Option<Batch>,
    hold_until: Option<Timestamp>,
    again: bool,
    /// Shared with whoever shows it: a change makes a copy as long as somebody has it.
    report: Arc<RestoreReport>,
    counters: Counters,
}

impl Driver {
    /// A driver without calls.
    #[must_use]
    pub fn new(
        policy: Policy,
        capabilities: HashMap<ProviderName, Capabilities>,
        now: Timestamp,
    ) -> Self {
        let paces = |pace: fn(&ProviderPolicy) -> Pace| {
            policy.providers.iter().map(|(name, of)| (name.clone(), pace(of))).collect()
        };
        Self {
            dial_pace: paces(|of| Pace::per_second(of.calls_per_second)),
            request_pace: paces(|of| Pace::per_second(of.requests_per_second)),
            look_pace: paces(|of| Pace::evenly(of.requests_per_second)),
            policy,
            capabilities,
            open: hashing::HashMap::default(),
            by_carrier_id: HashMap::new(),
            slots: 0,
            queue: Queue::default(),
            fences: Fences::default(),
            closing: false,
            deadlines: BTreeSet::new(),
            looks: Looks::default(),
            looks_in_flight: 0,
            listings: BTreeMap::new(),
            runnable: BTreeMap::new(),
            paced_until: None,
            to_start: false,
            looked_until: Timestamp::MIN,
            admit_at: None,
            waiting: VecDeque::new(),
            batch: None,
            hold_until: None,
            again: false,
            report: Arc::new(RestoreReport::begin(now)),
            counters: Counters::default(),
        }
    }

    /// Takes something in. It has no effect before the next turn.
    pub fn submit(&mut self, submission: Submission) {
        self.waiting.push_back(submission);
    }

    /// Whether this call is open here, so that it need not be read from the store.
    #[must_use]
    pub fn knows(&self, call: CallId) -> bool {
        self.open.contains_key(&call)
    }

    /// The state of an open call, as committed.
    pub(crate) fn state_of(&self, call: CallId) -> Option<CallState> {
        self.open.get(&call).map(|open| open.record.state)
    }

    /// The open call that has this carrier id.
    #[must_use]
    pub fn known_by(&self, provider: &ProviderName, carrier_id: &str) -> Option<CallId> {
        self.by_carrier_id.get(provider)?.get(carrier_id).copied()
    }

    /// How many calls hold a slot.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.slots
    }

    /// The calls that wait for their turn, newest first, as committed: so many at most, and only those
    /// that stand before this one (when it began, and its id).
    #[must_use]
    pub fn queued(
        &self,
        before: Option<(Timestamp, CallId)>,
        limit: usize,
    ) -> Vec<Arc<CallRecord>> {
        let before = before.map(|(since, call)| queue::Place::at(since, call));
        let calls = self.queue.newest_first(before, limit).into_iter();
        calls.filter_map(|call| self.open.get(&call)).map(|open| Arc::clone(&open.record)).collect()
    }

    /// Begins no dial any more: who waits for a turn goes on waiting after the next start.
    pub const fn close(&mut self) {
        self.closing = true;
    }

    /// What became of the calls from before the restart.
    #[must_use]
    pub fn report(&self) -> &RestoreReport {
        &self.report
    }

    /// The same, to be shared.
    pub(crate) const fn shared_report(&self) -> &Arc<RestoreReport> {
        &self.report
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When something is due, if nothing arrives before.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let room = self.looks_in_flight < self.policy.verify_concurrency;
        // What was due at the last start and was not started waits for the rate.
        let look = self.looks.first().into_iter().chain(self.next_listing());
        let look = look.min().filter(|_| room);
        let look = look.map(|at| match self.paced_until {
            Some(paced) if at <= self.looked_until => paced,
            _ => at,
        });
        let held = self.hold_until;
        // What came back may have told nothing, and yet have made room for what waited for it.
        let waiting = (self.to_start || !self.waiting.is_empty()).then_some(Timestamp::MIN);
        let due =
            [deadline, look, self.paced_until, self.admit_at, waiting].into_iter().flatten().min();
        match (due, held) {
            (Some(due), Some(held)) => Some(due.max(held)),
            (due, _) => due,
        }
    }

    /// Applies what was submitted and what is due, each to a copy, and gives the changes to
    /// commit. Report the result by [`committed`](Self::committed), also if there are none.
    pub fn turn(&mut self, now: Timestamp) -> Vec<Change> {
        let holding = self.hold_until.is_some_and(|until| now < until);
        if !holding {
            self.hold_until = None;
        }
        let mut batch = Batch::new(self.dial_pace.clone());
        batch.again = std::mem::take(&mut self.again);
        if !holding {
            self.admit_at = None;
        }
        let (take, keep): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|submission| !holding || submission.ticket().is_some());
        self.waiting = keep.into();
        // What was interrupted is settled before its deadlines are looked at.
        let (restored, others): (Vec<_>, Vec<_>) =
            take.iter().partition(|submission| matches!(submission, Submission::Restored(_)));
        for submission in restored {
            self.apply_submission(&mut batch, submission, now);
        }
        if !holding {
            self.apply_deadlines(&mut batch, now);
        }
        for submission in others {
            self.apply_submission(&mut batch, submission, now);
        }
        if !holding {
            self.admit_queued(&mut batch, now);
        }
        batch.submissions = take;
        let changes = batch.changes();
        self.batch = Some(batch);
        changes
    }

    fn apply_deadlines(&mut self, batch: &mut Batch, now: Timestamp) {
        let due: Vec<CallId> =
            self.deadlines.range(..=(now, CallId::LAST)).map(|(_, call)| *call).collect();
        for call in due {
            self.apply(batch, call, Input::Deadline, now);
        }
    }

    fn apply_submission(&mut self, batch: &mut Batch, submission: &Submission, now: Timestamp) {
        match submission {
            Submission::Webhook(arrival) => self.apply_webhook(batch, arrival, now),
            Submission::Initiate { ticket, request } => {
                let answer = self.apply_initiate(batch, request, now);
                batch.answers.push((*ticket, Answer::Initiate(answer)));
            }
            Submission::Command { ticket, call, command, found } => {
                batch.adopt(&self.open, *call, found.as_deref());
                let applied = self.apply(batch, *call, Input::Command(command), now);
                match applied.and_then(|applied| applied.command) {
                    Some(Ok(turn)) => batch.obeyed.push((*ticket, *call, turn)),
                    refused => {
                        let why = refused.and_then(Result::err);
                        let error = why.map_or(CommandError::NoSuchCall, CommandError::from);
                        batch.answers.push((*ticket, Answer::Command(Err(error))));
                    }
                }
            }
            Submission::EffectDone { call, effect, result } => {
                batch.finished.push((*call, *effect));
                self.apply(batch, *call, Input::EffectDone { effect: *effect, result }, now);
            }
            Submission::Looked { call, status, asked_at } => {
                self.apply_look(batch, *call, status, *asked_at, now);
            }
            Submission::Searched { call, search } => {
                batch.looks += 1;
                if let Some(mut watch) = self.watch_after_look(*call) {
                    match batch.record(&self.open, *call).map(|record| record.state.is_ended()) {
                        // It was given up as lost, and is searched for until the carrier answers.
                        Some(true) => watch.found_unknown(*call, now),
                        _ => watch.searched(),
                    }
                    batch.watches.push((*call, watch));
                }
                batch.touched.push(*call);
                self.apply(batch, *call, Input::Search(search), now);
            }
            Submission::Listed { provider, list, asked_at } => {
                self.apply_list(batch, provider, list, *asked_at, now);
            }
            Submission::Restored(call) => self.apply_restored(batch, *call, now),
        }
    }

    /// A call's watch without the look that has come back. It takes the place of the present one
    /// when the batch is committed: until then the look counts as under way.
    fn watch_after_look(&self, call: CallId) -> Option<Watch> {
        let mut watch = self.open.get(&call)?.watch.clone();
        watch.in_flight = false;
        Some(watch)
    }

    fn apply_look(
        &mut self,
        batch: &mut Batch,
        call: CallId,
        status: &CallStatus,
        asked_at: Timestamp,
        now: Timestamp,
    ) {
        batch.looks += 1;
        batch.touched.push(call);
        let Some(mut watch) = self.watch_after_look(call) else { return };
        let unverified = watch.unverified;
        let second_look = match status {
            CallStatus::Live { .. } => {
                watch.found_live(now);
                false
            }
            CallStatus::NotFound => batch
                .record(&self.open, call)
                .is_some_and(|record| watch.found_missing(record, now)),
            CallStatus::Unknown { .. } => {
                watch.found_unknown(call, now);
                false
            }
            _ => false,
        };
        batch.watches.push((call, watch));
        self.apply(batch, call, Input::Status { status, asked_at, second_look }, now);
        if unverified {
            self.verdict(batch, call, status, now);
        }
    }

    /// Applies one input to the batch's copy of a call. `None` if nobody knows the call.
    fn apply(
        &mut self,
        batch: &mut Batch,
        call: CallId,
        input: Input<'_>,
        now: Timestamp,
    ) -> Option<batch::Applied> {
        let record = batch.record(&self.open, call)?;
        let capabilities = self.capabilities_of(&record.provider);
        let transition = machine::apply(record, input, &capabilities, now);
        if let Some(ignored) = transition.ignored {
            self.counters.ignored(ignored);
        }
        Some(batch.take(&self.open, transition))
    }

    fn configured(&self, provider: &ProviderName) -> bool {
        self.policy.providers.contains_key(provider) && self.capabilities.contains_key(provider)
    }

    fn capabilities_of(&self, provider: &ProviderName) -> Capabilities {
        self.capabilities.get(provider).copied().unwrap_or(Capabilities::none())
    }
}
