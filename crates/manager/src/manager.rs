//! The handle: the only way to the calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallId, ProviderName, Speech, Turn, UndecodableWebhook, VoiceProvider, WebhookRejection,
    WebhookReply, WebhookRequest,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::{NoContext, Uuid};

use crate::clock::{Clock, SystemClock};
use crate::driver::{
    CommandError, Counters, Driver, InitiateError, InitiateRequest, WebhookAnswer,
};
use crate::entry::{EntryKind, StoredEntry};
use crate::machine::Command;
use crate::policy::Policy;
use crate::record::{CallRecord, DialOutcome};
use crate::restore::RestoreReport;
use crate::store::{CallStore, HistoryQuery, StoreError};
use crate::task::{Message, Shown, Task, Watchers};
use crate::time::after;
use crate::turn::{Asked, TurnOutcome, outcome_of};

/// How many requests may wait for the task.
const QUEUE: usize = 4096;

/// How long a request waits for the calls to be loaded after a start.
const LOAD_PATIENCE: Duration = Duration::from_secs(1);

/// How long a user waits for the carrier's answer to a dial.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);

/// How long somebody who waits for an answer waits for a store that cannot be read.
const REREAD_PAUSE: Duration = Duration::from_millis(500);

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
    task: std::sync::Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
}

/// What a manager is made of.
#[derive(Debug)]
pub struct ManagerBuilder {
    providers: HashMap<ProviderName, Arc<dyn VoiceProvider>>,
    store: Option<Arc<dyn CallStore>>,
    clock: Arc<dyn Clock>,
    policy: Policy,
}

/// A webhook that is not answered with 2xx.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No such provider is configured. Answer 404.
    #[error("the provider {name} is not configured")]
    UnknownProvider {
        /// Its name.
        name: ProviderName,
    },
    /// The signature is not right. Answer 401, and nothing of the reason.
    #[error("a webhook was refused: {0}")]
    Rejected(#[from] WebhookRejection),
    /// Signed, but it cannot be read. Answer 400.
    #[error(transparent)]
    Undecodable(#[from] UndecodableWebhook),
    /// It could not be committed: the carrier is to come again. Answer 503.
    #[error("the webhook could not be committed; the carrier is to send it again")]
    Unavailable,
}

impl ManagerBuilder {
    /// Adds a provider. Its policy stands in [`Policy::providers`].
    #[must_use]
    pub fn provider(mut self, provider: Arc<dyn VoiceProvider>) -> Self {
        self.providers.insert(provider.name(), provider);
        self
    }

    /// Where calls are kept; in memory if this is not said.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn CallStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// What tells the time; the system's clock if this is not said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the manager: it accepts requests at once, loads the calls that were live, and
    /// verifies them with their carriers in the background. Needs a tokio runtime.
    #[must_use]
    pub fn start(self) -> Manager {
        let store =
            self.store.unwrap_or_else(|| Arc::new(crate::store::MemoryStore::new()) as Arc<_>);
        let capabilities = self
            .providers
            .iter()
            .map(|(name, provider)| (name.clone(), provider.capabilities()))
            .collect();
        let driver = Driver::new(self.policy, capabilities, self.clock.now());
        let (messages, receiver) = mpsc::channel(QUEUE);
        let (shown, shown_receiver) = watch::channel(Shown {
            ready: false,
            slots: 0,
            report: Arc::new(driver.report().clone()),
            counters: Counters::default(),
        });
        let watchers = Arc::new(Watchers::default());
        let task = Task::new(
            driver,
            Arc::clone(&store),
            self.providers.clone(),
            Arc::clone(&self.clock),
            receiver,
            shown,
            Arc::clone(&watchers),
        );
        let task = tokio::spawn(task.run());
        Manager {
            inner: Arc::new(Inner {
                messages,
                store,
                providers: self.providers,
                clock: self.clock,
                shown: shown_receiver,
                watchers,
                task: std::sync::Mutex::new(Some(task)),
            }),
        }
    }
}

impl Manager {
    /// A manager with this policy.
    #[must_use]
    pub fn builder(policy: Policy) -> ManagerBuilder {
        ManagerBuilder {
            providers: HashMap::new(),
            store: None,
            clock: Arc::new(SystemClock),
            policy,
        }
    }

    /// Takes a carrier's webhook and gives what it is answered with, once that is committed. It
    /// never waits for a carrier's API.
    ///
    /// # Errors
    /// See [`WebhookError`]: each names its HTTP status. Nothing has changed then.
    ///
    /// # Cancel safety
    /// The webhook may be applied or not; its repeat gets the same answer.
    pub async fn webhook(
        &self,
        provider: &ProviderName,
        request: WebhookRequest,
    ) -> Result<WebhookReply, WebhookError> {
        let Some(of_provider) = self.inner.providers.get(provider) else {
            return Err(WebhookError::UnknownProvider { name: provider.clone() });
        };
        let now = self.inner.clock.now();
        let verified = offhook_core::verify(&**of_provider, &request, now)?;
        let parsed = of_provider.parse_webhook_event(&verified)?;
        self.loaded().await.map_err(|()| WebhookError::Unavailable)?;

        let (answer, answered) = oneshot::channel();
        let message = Message::Webhook {
            provider: provider.clone(),
            key: verified.key(),
            parsed: Box::new(parsed),
            new_call: self.draw_id(),
            answer,
        };
        self.send(message).await.map_err(|()| WebhookError::Unavailable)?;
        match answered.await {
            Ok(WebhookAnswer::Fixed(reply)) => Ok(reply),
            Ok(WebhookAnswer::Plan { reference, plan }) => {
                Ok(of_provider.render_reply(&reference, &plan))
            }
            Ok(WebhookAnswer::Repeat { reference, entry }) => {
                let replied = self.replied(reference.id, entry).await?;
                let reference = offhook_core::CallRef { step: replied.step, ..reference };
                Ok(of_provider.render_reply(&reference, &replied.plan))
            }
            Ok(WebhookAnswer::Unavailable) | Err(_) => Err(WebhookError::Unavailable),
        }
    }

    /// The plan that an earlier delivery was answered with.
    async fn replied(
        &self,
        call: CallId,
        number: u32,
    ) -> Result<crate::entry::RepliedPlan, WebhookError> {
        let timeline = self.inner.store.timeline(call).await.map_err(|error| {
            tracing::error!(%error, "the store cannot be read");
            WebhookError::Unavailable
        })?;
        let entry = timeline.into_iter().find(|stored| stored.entry.number == number);
        match entry.map(|stored| stored.entry.kind) {
            Some(EntryKind::Webhook { reply: Some(replied), .. }) => Ok(replied),
            _ => Err(WebhookError::Unavailable),
        }
    }

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

    /// Tells a call what to do. Gives the record, and the turn of what is said or asked.
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
        let (call, turn) = answered.await.map_err(|_| CommandError::NotRunning)??;
        match self.inner.store.get(call).await {
            Ok(Some(record)) => Ok((record, turn)),
            _ => Err(CommandError::StoreUnavailable),
        }
    }

    /// Speaks, and waits for the answer: for the committed entry that ends the question's turn.
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
        timeout: Option<Duration>,
    ) -> Result<Asked, CommandError> {
        // Watched from before the question on, so that no commit is missed. What woke us is read
        // again from the store.
        let mut changes = self.inner.watchers.watch(call);
        let mut running = self.inner.shown.clone();
        let (_, turn) = self.command(call, Command::Ask { speech, timeout }).await?;
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
        Ok(outcome_of(&record, &timeline, turn))
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

    /// What happened to a call, in order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn timeline(&self, call: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.store.timeline(call).await
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

    /// Forgets calls that ended before this instant. Gives how many.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn forget_before(&self, ended_before: Timestamp) -> Result<usize, StoreError> {
        self.inner.store.prune(ended_before).await
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
        self.inner.messages.send(message).await.map_err(|_| ())
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
