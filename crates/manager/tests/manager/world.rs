//! What a manager runs on in these tests: a clock by hand, a store with faults, a test carrier.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use offhook_conformance::samples::{at, number};
use offhook_conformance::{CommandProvider, DocumentProvider, Sent, TestProvider};
use offhook_core::{CallId, Callbacks, ProviderName, VoiceProvider, WebhookReply};
use offhook_manager::{
    CallRecord, CallStore, Change, Clock, CommitError, HistoryQuery, InboundPolicy,
    InitiateRequest, Manager, ManagerBuilder, MemoryStore, Policy, ProviderPolicy, Pruned,
    StoreError, StoredEntry,
};
use tokio::sync::watch;

/// Stands still until it is told to go on.
#[derive(Debug)]
pub(crate) struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    pub(crate) fn pass(&self, time: Duration) {
        self.now.send_modify(|now| *now += time);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

/// What becomes of the next commit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Taken,
    Refused,
    UnclearWritten,
    UnclearNotWritten,
}

#[derive(Debug, Default)]
pub(crate) struct FaultyStore {
    pub(crate) inner: MemoryStore,
    faults: Mutex<VecDeque<Fault>>,
    /// The threads that were held up by a commit.
    pub(crate) held_up: Mutex<Vec<ThreadId>>,
    unreadable: Mutex<usize>,
}

impl FaultyStore {
    pub(crate) fn next_commit(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// So many reads of single calls fail from now on.
    pub(crate) fn fail_reads(&self, reads: usize) {
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = reads;
    }

    fn readable(&self) -> Result<(), StoreError> {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if *unreadable == 0 {
            return Ok(());
        }
        *unreadable -= 1;
        Err(StoreError::Failed { reason: "the disk is gone".to_owned() })
    }
}

#[async_trait]
impl CallStore for FaultyStore {
    async fn load_live(
        &self,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.readable()?;
        self.inner.load_live(after, limit).await
    }

    async fn get(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.readable()?;
        self.inner.get(id).await
    }

    async fn find(
        &self,
        provider: &ProviderName,
        carrier_id: &str,
    ) -> Result<Option<CallRecord>, StoreError> {
        self.inner.find(provider, carrier_id).await
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<(CallId, [u8; 16])>, StoreError> {
        self.inner.find_idempotent(key).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let reason = "the disk is full".to_owned();
        match fault {
            None | Some(Fault::Taken) => self.inner.commit(changes).await,
            Some(Fault::Refused) => Err(CommitError::Refused { reason }),
            Some(Fault::UnclearNotWritten) => Err(CommitError::Unclear { reason }),
            Some(Fault::UnclearWritten) => {
                self.inner.commit(changes).await?;
                Err(CommitError::Unclear { reason })
            }
        }
    }

    fn commit_blocking(&self, changes: &[Change]) -> Option<Result<(), CommitError>> {
        let here = thread::current().id();
        self.held_up.lock().unwrap_or_else(PoisonError::into_inner).push(here);
        Some(self.commit(changes).now_or_never().expect("memory keeps nobody waiting"))
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.changes(after, limit).await
    }

    async fn last_entry(&self) -> Result<u64, StoreError> {
        self.inner.last_entry().await
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.history(query).await
    }

    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.timeline(id).await
    }

    async fn prune(&self, ended_before: Timestamp, rows: usize) -> Result<Pruned, StoreError> {
        self.inner.prune(ended_before, rows).await
    }
}

#[derive(Clone)]
enum Carrier {
    Documents(Arc<DocumentProvider>),
    Commands(Arc<CommandProvider>),
}

impl std::ops::Deref for Carrier {
    type Target = TestProvider;

    fn deref(&self) -> &TestProvider {
        match self {
            Self::Documents(provider) => provider,
            Self::Commands(provider) => provider,
        }
    }
}

/// All that outlives one manager.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) provider: SharedCarrier,
}

/// The test carrier, to be asked what it was told.
#[derive(Clone)]
pub(crate) struct SharedCarrier(Carrier);

impl std::ops::Deref for SharedCarrier {
    type Target = TestProvider;

    fn deref(&self) -> &TestProvider {
        &self.0
    }
}

impl World {
    fn of(carrier: Carrier) -> Self {
        Self {
            clock: Arc::new(ManualClock { now: watch::Sender::new(at(0)) }),
            store: Arc::new(FaultyStore::default()),
            provider: SharedCarrier(carrier),
        }
    }

    pub(crate) fn documents() -> Self {
        Self::of(Carrier::Documents(Arc::new(DocumentProvider::new())))
    }

    pub(crate) fn commands() -> Self {
        Self::of(Carrier::Commands(Arc::new(CommandProvider::new())))
    }

    pub(crate) fn name(&self) -> ProviderName {
        match &self.provider.0 {
            Carrier::Documents(provider) => provider.name(),
            Carrier::Commands(provider) => provider.name(),
        }
    }

    /// A manager on this world: the first, or the next after a restart.
    pub(crate) fn start(&self) -> Manager {
        self.builder().start()
    }

    pub(crate) fn builder(&self) -> ManagerBuilder {
        let mut policy = Policy::new(self.name());
        policy.max_concurrent_calls = 2;
        policy.inbound = InboundPolicy::Open;
        let of_provider = ProviderPolicy {
            callbacks: Callbacks::to("https://voice.example.com/webhooks/test".parse().unwrap()),
            from: Some(number("+15550001111")),
            calls_per_second: 100.0,
            requests_per_second: 1000.0,
        };
        policy.providers.insert(self.name(), of_provider);
        let provider: Arc<dyn VoiceProvider> = match &self.provider.0 {
            Carrier::Documents(provider) => Arc::clone(provider) as _,
            Carrier::Commands(provider) => Arc::clone(provider) as _,
        };
        let store = Arc::clone(&self.store);
        let clock = Arc::clone(&self.clock);
        Manager::builder(policy).provider(provider).store(store).clock(clock)
    }

    pub(crate) fn request(&self, manager: &Manager, to: &str) -> InitiateRequest {
        let mut request = InitiateRequest::new(manager.draw_id(), number(to));
        request.message = Some("Hello.".parse().unwrap());
        request
    }
}

/// An inbound call that waits for a document.
pub(crate) fn offer(delivery: u64, carrier_id: &str) -> Sent {
    Sent::about(delivery, carrier_id).offering("+15550002222", "+15550001111").waiting()
}

pub(crate) fn text(reply: &WebhookReply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

/// Lets everything that can go on go on.
pub(crate) async fn a_while() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

/// Waits for a fact; nothing here takes time, so a fact that does not come never will.
pub(crate) async fn until(fact: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if fact() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came true");
}
