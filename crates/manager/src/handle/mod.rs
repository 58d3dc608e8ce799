//! The handle: the only way to the calls.

mod builder;
mod webhook;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallId, ListenFor, Locale, ProviderName, Speech, SpeechText, Turn, Voice, VoiceProvider,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::{NoContext, Uuid};

use crate::clock::Clock;
use crate::driver::{CommandError, Counters, InitiateError, InitiateRequest};
use crate::entry::StoredEntry;
use crate::events::Events;
use crate::machine::Command;
use crate::record::{CallRecord, DialOutcome};
use crate::restore::RestoreReport;
use crate::store::{CallStore, HistoryQuery, StoreError};
use crate::task::{Message, Shown};
use crate::time::after;
use crate::turn::{Asked, TurnOutcome};
use crate::watchers::Watchers;

pub use builder::ManagerBuilder;
pub use webhook::WebhookError;

/// How long a request waits for the calls to be loaded after a start.
const LOAD_PATIENCE: Duration = Duration::from_secs(1);

/// How long a user waits for the carrier's answer to a dial.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);

/// How long somebody who waits for an answer waits for a store that cannot be read.
const REREAD_PAUSE: Duration = Duration::from_millis(500);

/// How many rows are forgotten in one step, for which commits wait: a millisecond or two.
const FORGOTTEN_AT_ONCE: usize = 50;

/// The least time between two such steps.
const FORGETTING_PAUSE: Duration = Duration::from_millis(10);

/// Keeps the truth of all calls. Cheap to clone; every clone is the same manager.
#[derive(Clone, Debug)]
pub struct Manager {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    messages: mpsc::Sender<Message>,
    store: Arc<dyn CallStore>,
    providers: HashMap<ProviderName, Arc<dyn VoiceProvider>>,
    clock: Arc<dyn Clock>,
    shown: watch::Receiver<Shown>,
    watchers: Arc<Watchers>,
    commits: watch::Receiver<u64>,
    voice: Option<Voice>,
    locale: Locale,
    task: std::sync::Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
}

impl Manager {
    /// Places a call: persists its intent, dials, and waits until the carrier has answered, the
    /// outcome is unknown, or 10 s have passed. The record tells which.
    ///
    /// # Errors
    /// See [`InitiateError`]: no call was placed, and there is no record.
    ///
    /// # Cancel safety
    /// The call may be placed or not; use an idempotency key to ask again.
    pub async fn initiate(&self, request: InitiateRequest) -> Result<CallRecord, InitiateError> {
        self.loaded().await.map_err(|()| InitiateError::NotRunning)?;
        let own = request.id;
        let mut changes = self.inner.watchers.watch(own);
        let (answer, answered) = oneshot::channel();
        let message = Message::Initiate { request: Box::new(request), answer };
        self.send(message).await.map_err(|()| InitiateError::NotRunning)?;
        let call = answered.await.map_err(|_| InitiateError::NotRunning)??;

        let decided = |record: &CallRecord| {
            record.state.is_ended()
                || record.dial.is_some_and(|dial| dial.outcome != DialOutcome::Pending)
        };
        if call != own {
            // An earlier request with the same key: its call may have been decided long ago.
            changes = self.inner.watchers.watch(call);
            if let Ok(Some(record)) = self.inner.store.get(call).await
                && decided(&record)
            {
                return Ok(record);
            }
        }
        let decided = changes.wait_for(|record| record.as_ref().is_some_and(|it| decided(it)));
        let patience = after(self.inner.clock.now(), DIAL_PATIENCE);
        tokio::select! {
            _ = decided => {}
            () = self.inner.clock.sleep_until(patience) => {}
        }
        match self.inner.store.get(call).await {
            Ok(Some(record)) => Ok(record),
            _ => Err(InitiateError::StoreUnavailable),
        }
    }

    /// Tells a call what to do. Gives the record as it was committed with that, and the turn of what
    /// is said or asked.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn command(
        &self,
        call: CallId,
        command: Command,
    ) -> Result<(CallRecord, Turn), CommandError> {
        self.loaded().await.map_err(|()| CommandError::NotRunning)?;
        let (answer, answered) = oneshot::channel();
        self.send(Message::Command { call, command, answer })
            .await
            .map_err(|()| CommandError::NotRunning)?;
        let (record, turn) = answered.await.map_err(|_| CommandError::NotRunning)??;
        Ok((Arc::unwrap_or_clone(record), turn))
    }

    /// Speaks, and waits for the answer, in words or in digits as `input` has it: for the committed
    /// entry that ends the question's turn.
    /// A question that is asked meanwhile takes its place (`Superseded`). The time runs from the
    /// end of the speech, as well as that is known; `None` is the call's own limit.
    ///
    /// # Errors
    /// See [`CommandError`]. `NotRunning` can also mean that the manager stopped while we waited;
    /// the answer is then found by [`turn`](Self::turn).
    ///
    /// # Cancel safety
    /// The question may be asked or not; if it is, it goes on.
    pub async fn ask(
        &self,
        call: CallId,
        speech: Speech,
        input: ListenFor,
        timeout: Option<Duration>,
    ) -> Result<Asked, CommandError> {
        // Watched from before the question on, so that no commit is missed. What woke us is read
        // again from the store.
        let mut changes = self.inner.watchers.watch(call);
        let mut running = self.inner.shown.clone();
        let (_, turn) = self.command(call, Command::Ask { speech, input, timeout }).await?;
        loop {
            let patience = match self.turn(call, turn).await {
                Ok(Some(TurnOutcome::Open)) => None,
                Ok(Some(outcome)) => return Ok(Asked { turn, outcome }),
                Ok(None) => return Err(CommandError::NoSuchCall),
                Err(error) => {
                    tracing::error!(%error, "the store cannot be read; an answer waits for it");
                    Some(after(self.inner.clock.now(), REREAD_PAUSE))
                }
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() {
                    // It was published for the last time.
                    changes = self.inner.watchers.watch(call);
                },
                () = stopped(&mut running) => return Err(CommandError::NotRunning),
                () = self.pause(patience) => {}
            }
        }
    }

    async fn pause(&self, until: Option<Timestamp>) {
        match until {
            Some(until) => self.inner.clock.sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    /// What became of a turn. `None` if there is no such call, or if it never came to this turn.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn turn(&self, call: CallId, turn: Turn) -> Result<Option<TurnOutcome>, StoreError> {
        let Some(record) = self.inner.store.get(call).await? else { return Ok(None) };
        let timeline = self.inner.store.timeline(call).await?;
        Ok(TurnOutcome::of(&record, &timeline, turn))
    }

    /// Hangs up. Also right for a call that is over. The call ends when the carrier has taken it.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn hangup(&self, call: CallId) -> Result<CallRecord, CommandError> {
        self.command(call, Command::HangUp).await.map(|(record, _)| record)
    }

    /// One call, live or ended.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn call(&self, call: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.inner.store.get(call).await
    }

    /// The call that has this carrier id, of whichever provider.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn call_by_carrier_id(&self, id: &str) -> Result<Option<CallRecord>, StoreError> {
        for provider in self.inner.providers.keys() {
            if let Some(found) = self.inner.store.find(provider, id).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Calls, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn calls(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.store.history(query).await
    }

    /// Calls that wait for their turn to be dialled, newest first: so many at most, and only those from
    /// before this one on.
    ///
    /// # Errors
    /// The store cannot be read, or the manager is not running.
    pub async fn queued(
        &self,
        before: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<Arc<CallRecord>>, StoreError> {
        self.loaded().await.map_err(|()| StoreError::Closed)?;
        // It may have left the queue since, and keeps its place in the order.
        let before = match before {
            Some(call) => match self.inner.store.get(call).await? {
                Some(record) => Some((record.started_at, call)),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (answer, answered) = oneshot::channel();
        let message = Message::Queued { before, limit, answer };
        self.send(message).await.map_err(|()| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)
    }

    /// What happened to a call, in order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn timeline(&self, call: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.store.timeline(call).await
    }

    /// A text in the voice and the language of the policy, where no other is given.
    #[must_use]
    pub fn speech(&self, text: SpeechText, voice: Option<Voice>, locale: Option<Locale>) -> Speech {
        Speech {
            text,
            voice: voice.or_else(|| self.inner.voice.clone()),
            locale: locale.unwrap_or_else(|| self.inner.locale.clone()),
        }
    }

    /// The language of the policy.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.inner.locale.clone()
    }

    /// What happened to all calls, from now on or after an entry that was seen before: nothing is
    /// left out, over a restart either. An entry that the store does not have yet was another
    /// store's: then everything is told, from the beginning.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn events(&self, after: Option<u64>) -> Result<Events, StoreError> {
        // Subscribed first: what is committed while we look is told once more, and seen once.
        let commits = self.inner.commits.clone();
        let last = self.inner.store.last_entry().await?;
        // A store in memory counts anew at each start. Who was told too much can leave it out;
        // who waits for ids that come in a month misses everything until then.
        let after = match after {
            Some(after) if after > last => 0,
            Some(after) => after,
            None => last,
        };
        Ok(Events::after(after, Arc::clone(&self.inner.store), commits))
    }

    /// What became of the calls that were live when we stopped.
    #[must_use]
    pub fn restore_report(&self) -> Arc<RestoreReport> {
        Arc::clone(&self.inner.shown.borrow().report)
    }

    /// Whether the live calls are loaded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.inner.shown.borrow().ready
    }

    /// How many calls hold a slot.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.inner.shown.borrow().slots
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner.shown.borrow().counters
    }

    /// The capabilities of a provider.
    #[must_use]
    pub fn capabilities(&self, provider: &ProviderName) -> Option<offhook_core::Capabilities> {
        self.inner.providers.get(provider).map(|provider| provider.capabilities())
    }

    /// The time, by the manager's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Forgets calls that ended before this instant, in small steps between which the store is free
    /// for nine tenths of the time. Gives how many.
    ///
    /// # Errors
    /// The store cannot be written.
    ///
    /// # Cancel safety
    /// Dropped in between, it has forgotten some of them; the next time goes on with the others.
    pub async fn forget_before(&self, ended_before: Timestamp) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        loop {
            let begun = Instant::now();
            let step = self.inner.store.prune(ended_before, FORGOTTEN_AT_ONCE).await?;
            forgotten += step.calls;
            if !step.more {
                return Ok(forgotten);
            }
            tokio::time::sleep((begun.elapsed() * 9).max(FORGETTING_PAUSE)).await;
        }
    }

    /// Draws an id for a new call: sortable by time, and unguessable.
    #[must_use]
    pub fn draw_id(&self) -> CallId {
        let now = self.inner.clock.now();
        let seconds = now.as_second().unsigned_abs();
        let nanoseconds = now.subsec_nanosecond().unsigned_abs();
        CallId::new(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds)))
    }

    /// Stops: takes nothing new, takes in the answers to what is under way, and **leaves the calls
    /// running** for the next start.
    ///
    /// # Errors
    /// The store had failed.
    pub async fn shutdown(&self) -> Result<(), StoreError> {
        let _ = self.inner.messages.send(Message::Shutdown).await;
        self.stopped().await
    }

    /// Waits until the manager stops by itself, which it does only if the calls cannot be loaded.
    pub async fn stopped_early(&self) -> StoreError {
        stopped(&mut self.inner.shown.clone()).await;
        match self.stopped().await {
            Err(error) => error,
            Ok(()) => StoreError::Closed,
        }
    }

    async fn stopped(&self) -> Result<(), StoreError> {
        let task = {
            let mut task =
                self.inner.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            task.take()
        };
        match task {
            Some(task) => task
                .await
                .unwrap_or_else(|error| Err(StoreError::Failed { reason: error.to_string() })),
            None => Ok(()),
        }
    }

    /// Stops at once, as a crash does: what was not committed is gone. For tests.
    pub fn abort(&self) {
        let task = self.inner.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(task) = &*task {
            task.abort();
        }
    }

    async fn send(&self, message: Message) -> Result<(), ()> {
        // Room first, so that the message is not carried about while one waits for it.
        let room = self.inner.messages.reserve().await.map_err(|_| ())?;
        room.send(message);
        Ok(())
    }

    /// Waits for the calls to be loaded, for a moment.
    async fn loaded(&self) -> Result<(), ()> {
        if self.is_ready() {
            return Ok(());
        }
        let mut shown = self.inner.shown.clone();
        let ready = shown.wait_for(|shown| shown.ready);
        let loaded = tokio::time::timeout(LOAD_PATIENCE, ready).await;
        if matches!(loaded, Ok(Ok(_))) { Ok(()) } else { Err(()) }
    }
}

/// Waits until the task is gone.
async fn stopped(shown: &mut watch::Receiver<Shown>) {
    while shown.changed().await.is_ok() {}
}
