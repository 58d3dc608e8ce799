//! The process that runs the driver: what is gone when it dies.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::{CallId, DedupeKey, ParsedWebhook, Turn};
use offhook_manager::machine::Command;
use offhook_manager::{
    CallJob, Change, CommitError, Driver, Effect, InitiateRequest, Job, JobKind, Released,
    Submission, Ticket,
};

/// What has come to the process and was not taken in.
#[derive(Debug)]
pub(crate) enum Message {
    Webhook(Box<Arrived>),
    Initiate { placing: usize, request: Box<InitiateRequest> },
    Command { call: CallId, command: Command },
}

/// A webhook that was verified and read.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// Which of the simulation's webhooks it is.
    pub(crate) hook: usize,
    /// Whether it is the second copy of one.
    pub(crate) is_copy: bool,
    /// What makes a repeat known.
    pub(crate) key: DedupeKey,
    /// The key that the driver is told.
    pub(crate) told_key: DedupeKey,
    pub(crate) parsed: Box<ParsedWebhook>,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Waiter {
    Webhook(WaitingHook),
    /// A user who wants a call placed.
    Placing(usize),
    /// A user who tells a call something; perhaps a question.
    Command {
        asks: bool,
    },
}

/// A user who has asked something, and waits for what is said.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) call: CallId,
    pub(crate) turn: Turn,
    pub(crate) asked_at: Timestamp,
}

/// A webhook that waits, and what of it the oracle must know.
#[derive(Clone, Debug)]
pub(crate) struct WaitingHook {
    pub(crate) hook: usize,
    pub(crate) is_copy: bool,
    pub(crate) key: DedupeKey,
    pub(crate) told_key: DedupeKey,
    pub(crate) call: Option<CallId>,
    pub(crate) ids: Vec<String>,
    /// Whether it must be in the store once it is acknowledged.
    pub(crate) counts: bool,
    /// Whether there must be a call of ours to it.
    pub(crate) has_call: bool,
}

/// A commit that is under way.
#[derive(Debug)]
pub(crate) struct Committing {
    pub(crate) changes: Vec<Change>,
    /// What came of it, if it was made already.
    pub(crate) result: Option<Result<(), CommitError>>,
}

/// A job that is under way.
pub(crate) struct Running {
    pub(crate) number: u64,
    pub(crate) job: Arc<Job>,
    pub(crate) asked_at: Timestamp,
    pub(crate) work: Pin<Box<dyn Future<Output = Submission> + Send>>,
}

/// All that is in memory.
pub(crate) struct Process {
    pub(crate) driver: Driver,
    pub(crate) messages: VecDeque<Message>,
    pub(crate) waiting: BTreeMap<Ticket, (Timestamp, Waiter)>,
    pub(crate) freed: Released,
    pub(crate) committing: Option<Committing>,
    /// Whether what comes of the commit is known later.
    pub(crate) waits_for_store: bool,
    pub(crate) jobs: Vec<Running>,
    pub(crate) askers: Vec<Asker>,
    /// Set when it was asked to stop: for how many milliseconds it will be away.
    pub(crate) stops_for: Option<u64>,
    /// Whether it is still to send the dials that were committed before it was asked to stop.
    pub(crate) finishes: bool,
    /// Whether the driver was given something since its last turn.
    pub(crate) has_news: bool,
}

impl Process {
    pub(crate) fn new(driver: Driver) -> Self {
        Self {
            driver,
            messages: VecDeque::new(),
            waiting: BTreeMap::new(),
            freed: Released::default(),
            committing: None,
            waits_for_store: false,
            jobs: Vec::new(),
            askers: Vec::new(),
            stops_for: None,
            finishes: false,
            has_news: false,
        }
    }

    /// Whether it has something to do by this instant.
    pub(crate) fn is_busy(&self, until: Timestamp) -> bool {
        // One that stops begins nothing.
        let is_due = match self.stops_for {
            Some(_) => self.has_news,
            None => self.driver.next_wakeup().is_some_and(|due| due <= until),
        };
        self.committing.is_none() && (!self.messages.is_empty() || !self.freed.is_empty() || is_due)
    }

    /// Whether it was asked to stop, and nothing is under way any more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stops_for.is_some()
            && self.jobs.is_empty()
            && self.committing.is_none()
            && !self.is_busy(Timestamp::MIN)
    }

    /// Whether it takes what comes in.
    pub(crate) const fn is_open(&self) -> bool {
        self.stops_for.is_none()
    }

    /// Whether a commit is under way that takes its time.
    pub(crate) const fn waits_for_store(&self) -> bool {
        self.committing.is_some() && self.waits_for_store
    }

    /// The effects of a call that are under way.
    pub(crate) fn in_flight(&self, call: CallId) -> Vec<u32> {
        let of_call = |job: &Running| {
            let effect = effect(&job.job).filter(|_| subject(&job.job) == Some(call));
            effect.map(|effect| effect.id)
        };
        self.jobs.iter().filter_map(of_call).collect()
    }

    /// The webhooks that wait.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = &WaitingHook> {
        self.waiting.values().filter_map(|(_, waiter)| match waiter {
            Waiter::Webhook(hook) => Some(hook),
            Waiter::Placing(_) | Waiter::Command { .. } => None,
        })
    }
}

/// A future of the store in memory, which never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

/// Something of a call that has an end, for a trace.
pub(crate) fn short(call: CallId) -> String {
    let id = call.uuid().as_u128();
    format!("call {}", id & 0xFFFF)
}

/// The job, if it is for one call.
pub(crate) const fn call_job(job: &Job) -> Option<&CallJob> {
    match job {
        Job::Call(job) => Some(job),
        Job::List(_) => None,
    }
}

/// The effect that a job carries out, if it carries one out.
pub(crate) fn effect(job: &Job) -> Option<Effect> {
    match call_job(job)?.kind {
        JobKind::Effect(effect) => Some(effect),
        _ => None,
    }
}

/// The call that a job is for, if it is for one.
pub(crate) fn subject(job: &Job) -> Option<CallId> {
    call_job(job).map(|job| job.call.id)
}

/// What is told of the subject of a job.
pub(crate) fn shown(subject: Option<CallId>) -> String {
    subject.map_or_else(|| "the list".to_owned(), short)
}

/// A record with another reason for its end.
pub(crate) fn rewritten(change: &Change) -> Change {
    let mut record = (*change.record).clone();
    record.state = offhook_manager::CallState::Ended(offhook_core::EndReason::Voicemail);
    Change { record: Arc::new(record), ..change.clone() }
}
