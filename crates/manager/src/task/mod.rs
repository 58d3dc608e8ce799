//! The one task that owns the calls: a dull shell around the driver.
//!
//! It takes what has queued up, lets the driver apply it, commits, and then releases: answers,
//! snapshots, jobs. No lock is held while it waits.

mod intake;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::{CallId, ProviderName, Turn, VoiceProvider};
use tokio::runtime::{self, Handle};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::driver::{
    Answer, CommandError, Counters, Driver, InitiateError, Job, Released, Submission, Ticket,
    WebhookAnswer,
};
use crate::executor;
use crate::hashing;
use crate::logging;
use crate::record::{CallRecord, CallState};
use crate::restore::RestoreReport;
use crate::store::{CallStore, Change, CommitError, StoreError};
use crate::time::after;
use crate::watchers::Watchers;

pub(crate) use intake::Message;

/// How many calls are loaded at once after a restart.
const PAGE: usize = 500;

/// Between attempts to read what an unclear commit wrote.
const REREAD_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// How long a shutdown waits for requests that are under way.
const SHUTDOWN_GRACE: std::time::Duration = std::time::Duration::from_secs(12);

#[derive(Debug)]
enum Waiter {
    Webhook(oneshot::Sender<WebhookAnswer>),
    Initiate(oneshot::Sender<Result<CallId, InitiateError>>),
    Command(oneshot::Sender<Result<(Arc<CallRecord>, Turn), CommandError>>),
}

/// What the task shows to the outside.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) ready: bool,
    pub(crate) slots: usize,
    pub(crate) report: Arc<RestoreReport>,
    pub(crate) counters: Counters,
}

/// By what the task is seen from outside.
pub(crate) struct Windows {
    pub(crate) shown: watch::Sender<Shown>,
    pub(crate) watchers: Arc<Watchers>,
    /// Moves with every commit.
    pub(crate) commits: watch::Sender<u64>,
}

/// A commit, and what it sets free.
struct Committed {
    changes: Vec<Change>,
    /// The states from which their calls come.
    before: Vec<Option<CallState>>,
    freed: Released,
}

pub(crate) struct Task {
    pub(crate) driver: Driver,
    pub(crate) store: Arc<dyn CallStore>,
    pub(crate) providers: HashMap<ProviderName, Arc<dyn VoiceProvider>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) messages: mpsc::Receiver<Message>,
    windows: Windows,
    /// The last commit, until what it set free is released.
    committed: Option<Committed>,
    jobs: JoinSet<Submission>,
    /// The runtime of whoever started the manager: requests to carriers run there.
    runtime: Handle,
    /// Whether nobody else needs this thread.
    may_block: bool,
    running: HashMap<Id, (Arc<Job>, Timestamp)>,
    waiters: hashing::HashMap<Ticket, Waiter>,
    next_ticket: u64,
}

impl Task {
    pub(crate) fn new(
        driver: Driver,
        store: Arc<dyn CallStore>,
        providers: HashMap<ProviderName, Arc<dyn VoiceProvider>>,
        clock: Arc<dyn Clock>,
        messages: mpsc::Receiver<Message>,
        windows: Windows,
    ) -> Self {
        Self {
            driver,
            store,
            providers,
            clock,
            messages,
            windows,
            committed: None,
            jobs: JoinSet::new(),
            runtime: Handle::current(),
            may_block: false,
            running: HashMap::new(),
            waiters: hashing::HashMap::default(),
            next_ticket: 0,
        }
    }

    /// Runs as a task among others.
    pub(crate) fn spawn(self) -> JoinHandle<Result<(), StoreError>> {
        tokio::spawn(self.run())
    }

    /// Runs on a thread of its own, which the store may hold up. The handle stands for it: aborted,
    /// it stops the thread where it waits next.
    pub(crate) fn spawn_thread(mut self) -> std::io::Result<JoinHandle<Result<(), StoreError>>> {
        self.may_block = true;
        let (mut answer, answered) = oneshot::channel();
        // Not the starter's runtime: that may be gone before the thread knows.
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("offhook-calls".to_owned()).spawn(move || {
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = self.run() => Some(ended),
                    () = answer.closed() => None,
                }
            });
            if let Some(ended) = ended {
                let _ = answer.send(ended);
            }
        })?;
        Ok(tokio::spawn(async move {
            let gone = || Err(StoreError::Failed { reason: "the thread panicked".to_owned() });
            answered.await.unwrap_or_else(|_| gone())
        }))
    }

    /// Runs until it is told to shut down, or until nobody can tell it anything any more.
    async fn run(mut self) -> Result<(), StoreError> {
        self.load().await?;
        loop {
            self.turn().await;
            let mut taken = Vec::new();
            // What was set free is released by the next turn, and does not wait for an event.
            if self.committed.is_none() {
                let wake = self.driver.next_wakeup().unwrap_or(Timestamp::MAX);
                let clock = Arc::clone(&self.clock);
                tokio::select! {
                    message = self.messages.recv() => match message {
                        None | Some(Message::Shutdown) => break,
                        Some(message) => taken.push(message),
                    },
                    Some(done) = self.jobs.join_next_with_id() => self.job_done(done),
                    () = clock.sleep_until(wake) => {}
                }
            }
            if self.drain(taken).await {
                break;
            }
        }
        self.shut_down().await;
        Ok(())
    }

    async fn load(&mut self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store.load_live(after, PAGE).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|record| record.id);
            for record in page {
                self.driver.restore(record);
            }
            if !full {
                break;
            }
        }
        self.show(true);
        Ok(())
    }

    fn ticket(&mut self, waiter: Waiter) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.waiters.insert(ticket, waiter);
        ticket
    }

    fn job_done(&mut self, done: Result<(Id, Submission), tokio::task::JoinError>) {
        match done {
            Ok((id, submission)) => {
                self.running.remove(&id);
                self.driver.submit(submission);
            }
            Err(error) => {
                if let Some((job, asked_at)) = self.running.remove(&error.id()) {
                    let _span = logging::span_of(&job).entered();
                    tracing::error!(%error, "a request to a carrier was lost");
                    self.driver.submit(job.lost(asked_at));
                }
            }
        }
    }

    /// Applies what was taken in and commits it. What the last commit set free is released while
    /// the store works, so that neither waits for the other; a store that holds this thread up has
    /// nothing beside it, and all is released at once.
    async fn turn(&mut self) {
        let now = self.clock.now();
        let jobs = self.driver.start(now);
        let changes = self.driver.turn(now);
        let (store, clock, may_block) =
            (Arc::clone(&self.store), Arc::clone(&self.clock), self.may_block);
        let committing = commit(&*store, &*clock, &changes, may_block);
        let release = async {
            self.release();
            self.show(true);
            for job in jobs {
                self.start(job, now);
            }
        };
        let result = if may_block {
            release.await;
            committing.await
        } else {
            // In this order: the commit is begun first.
            tokio::join!(biased; committing, release).0
        };
        let was_settled = self.driver.report().settled;
        self.committed(changes, result);
        self.read_again().await;
        if may_block {
            self.release();
            self.show(true);
        }
        if self.driver.report().settled && !was_settled {
            tracing::info!(report = %self.driver.report(), "restart verification is done");
        }
    }

    fn committed(&mut self, mut changes: Vec<Change>, result: Result<(), CommitError>) {
        match &result {
            Ok(()) => {}
            // The first word of a call that is known after all, as a rule.
            Err(error @ CommitError::Conflict { .. }) => {
                tracing::warn!(%error, "a commit met a conflict");
                changes.clear();
            }
            Err(error) => {
                tracing::error!(%error, "a commit failed; nothing was acknowledged");
                changes.clear();
            }
        }
        let before = logging::states_before(&self.driver, &changes);
        let freed = self.driver.committed(result, self.clock.now());
        let committed = Committed { changes, before, freed };
        self.committed = Some(committed).filter(|committed| !committed.freed.is_empty());
    }

    /// After a conflict: what others wrote.
    async fn read_again(&mut self) {
        let Some(Committed { freed, .. }) = &mut self.committed else { return };
        let (reload, find) = (std::mem::take(&mut freed.reload), std::mem::take(&mut freed.find));
        for call in reload {
            match self.store.get(call).await {
                Ok(record) => self.driver.reload(call, record),
                Err(error) => tracing::error!(%error, %call, "a call cannot be read again"),
            }
        }
        for (ticket, provider, ids) in find {
            match intake::find(&*self.store, &provider, &ids).await {
                Ok(Some(record)) => self.driver.found(ticket, record),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the store cannot be read"),
            }
        }
    }

    /// Gives what the last commit set free, and tells of it.
    fn release(&mut self) {
        let Some(Committed { changes, before, freed }) = self.committed.take() else { return };
        self.publish(&freed.snapshots);
        for (ticket, answer) in freed.answers {
            self.answer(ticket, answer);
        }
        logging::committed(&changes, &before);
    }

    /// Tells those who watch a call, and those who watch them all.
    fn publish(&self, snapshots: &[Arc<CallRecord>]) {
        for record in snapshots {
            self.windows.watchers.publish(record);
        }
        if !snapshots.is_empty() {
            self.windows.commits.send_modify(|commits| *commits += 1);
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        // Whoever waited may be gone; what was committed stays committed.
        match (self.waiters.remove(&ticket), answer) {
            (Some(Waiter::Webhook(waiter)), Answer::Webhook(answer)) => {
                let _ = waiter.send(*answer);
            }
            (Some(Waiter::Initiate(waiter)), Answer::Initiate(answer)) => {
                let _ = waiter.send(answer);
            }
            (Some(Waiter::Command(waiter)), Answer::Command(answer)) => {
                let _ = waiter.send(answer);
            }
            _ => {}
        }
    }

    fn start(&mut self, job: Job, now: Timestamp) {
        let Some(provider) = self.providers.get(job.provider()).cloned() else { return };
        let job = Arc::new(job);
        let request = executor::run(provider, Arc::clone(&job), now);
        let handle = self.jobs.spawn_on(request, &self.runtime);
        self.running.insert(handle.id(), (job, now));
    }

    fn show(&self, ready: bool) {
        self.windows.shown.send_if_modified(|shown| {
            let report = self.driver.shared_report();
            // Many decisions are shown some at a time: each copy of the report costs what all of
            // its calls cost.
            let ahead = report.ahead_of(&shown.report);
            let report_changed = ahead > 0 && (report.settled || ahead * 20 >= report.calls.len());
            let changed =
                report_changed || shown.ready != ready || shown.slots != self.driver.slots();
            shown.ready = ready;
            shown.slots = self.driver.slots();
            shown.counters = *self.driver.counters();
            if report_changed {
                shown.report = Arc::clone(report);
            }
            changed
        });
    }

    /// Takes in the answers to what is under way, and leaves the calls running.
    async fn shut_down(&mut self) {
        self.release();
        self.show(false);
        self.messages.close();
        // A dial whose intent is committed is still sent: else its outcome would be unknown after the
        // next start. No other is begun.
        self.driver.close();
        let now = self.clock.now();
        for job in self.driver.start(now).into_iter().filter(Job::is_dial) {
            self.start(job, now);
        }
        let patience = tokio::time::sleep(SHUTDOWN_GRACE);
        tokio::pin!(patience);
        // Requests that came before the door was closed still get their answers.
        let mut taken = Vec::new();
        while let Ok(message) = self.messages.try_recv() {
            taken.push(message);
        }
        self.take_all(taken).await;
        loop {
            let changes = self.driver.turn(self.clock.now());
            let result = commit(&*self.store, &*self.clock, &changes, self.may_block).await;
            self.committed(changes, result);
            self.release();
            // Effects that were not begun stay in the outbox for the next start.
            tokio::select! {
                done = self.jobs.join_next_with_id() => match done {
                    Some(done) => self.job_done(done),
                    None => break,
                },
                () = &mut patience => {
                    tracing::warn!("requests were still under way; their outcome will be verified at the next start");
                    break;
                }
            }
        }
    }
}

/// Commits; an unclear result is cleared up before anything else is done.
async fn commit(
    store: &dyn CallStore,
    clock: &dyn Clock,
    changes: &[Change],
    may_block: bool,
) -> Result<(), CommitError> {
    // A commit is all or nothing: one call tells for all.
    let Some(change) = changes.first() else { return Ok(()) };
    let here = if may_block { store.commit_blocking(changes) } else { None };
    let result = match here {
        Some(result) => result,
        None => store.commit(changes).await,
    };
    let reason = match result {
        Err(CommitError::Unclear { reason }) => reason,
        known => return known,
    };
    tracing::error!(%reason, "a commit is unclear; it is read back before anything else");
    loop {
        match store.get(change.record.id).await {
            Ok(found) => {
                let written = found.is_some_and(|found| found.revision >= change.record.revision);
                return if written { Ok(()) } else { Err(CommitError::Refused { reason }) };
            }
            Err(error) => {
                tracing::error!(%error, "the store cannot be read back yet");
                clock.sleep_until(after(clock.now(), REREAD_PAUSE)).await;
            }
        }
    }
}
