//! Our side: the real webhook listener, manager, provider and store.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{CallId, ProviderName, Transport};
use offhook_manager::{
    CallRecord, CallStore, Change, CommitError, HistoryQuery, InboundPolicy, Manager, Policy,
    ProviderPolicy, Pruned, SqliteStore, StoreError, StoredEntry, Which,
};
use offhook_server::{Listeners, PublicUrl, Server, ServerSettings};

use super::generator::Load;
use crate::carrier::{BASE, Carrier, ObedientCarrier};

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    manager: Manager,
    server: Server,
    store: Arc<CountedStore>,
    carrier: Arc<dyn Carrier>,
    commands: Arc<ObedientCarrier>,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) commits: u64,
    /// How long they took together, in nanoseconds.
    pub(crate) commit_time: u64,
    pub(crate) commands: u64,
    /// Calls that were forgotten, in how many steps, and how long those took together.
    pub(crate) forgotten: u64,
    pub(crate) steps: u64,
    pub(crate) step_time: u64,
}

impl Daemon {
    /// Starts one for this carrier alone.
    pub(crate) async fn start(
        carrier: &Arc<dyn Carrier>,
        folder: &Path,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listeners = Listeners::bind(any, any).await?;
        let public_url = PublicUrl::parse(BASE)?;
        let name = carrier.name();
        let mut policy = Policy::new(name.clone());
        policy.max_concurrent_calls = 10_000;
        policy.inbound = InboundPolicy::Open;
        policy.greeting = Some("Hello! How can I help you?".parse()?);
        let of_provider = ProviderPolicy {
            callbacks: public_url.callbacks(&name),
            from: None,
            calls_per_second: 1.0,
            requests_per_second: carrier.requests_per_second(),
        };
        policy.providers.insert(name, of_provider);
        let store = Arc::new(CountedStore {
            store: SqliteStore::open(folder.join("calls.db"))?,
            commits: AtomicU64::new(0),
            commit_time: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            step_time: AtomicU64::new(0),
        });
        let commands = Arc::new(ObedientCarrier::new(&**carrier));
        let transport = Arc::clone(&commands) as Arc<dyn Transport>;
        let manager = Manager::builder(policy)
            .provider(carrier.provider(transport)?)
            .store(Arc::clone(&store) as Arc<dyn CallStore>)
            .start_on_thread()?;
        let settings = ServerSettings::new(public_url, "the token of the benchmark");
        let server = listeners.serve(manager.clone(), &settings);
        Ok(Self { manager, server, store, carrier: Arc::clone(carrier), commands })
    }

    pub(crate) const fn webhooks(&self) -> SocketAddr {
        self.server.webhooks()
    }

    /// Calls of its carrier, which it tells what to do.
    pub(crate) fn load(&self) -> Load {
        Load {
            carrier: Arc::clone(&self.carrier),
            commands: Some(Arc::clone(&self.commands)),
            address: self.webhooks(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            commits: self.store.commits.load(Ordering::Relaxed),
            commit_time: self.store.commit_time.load(Ordering::Relaxed),
            commands: self.commands.commands(),
            forgotten: self.store.forgotten.load(Ordering::Relaxed),
            steps: self.store.steps.load(Ordering::Relaxed),
            step_time: self.store.step_time.load(Ordering::Relaxed),
        }
    }

    /// How many calls hold a slot: none when the carrier has reported the end of each. It is told a
    /// moment after the last answer has left.
    pub(crate) async fn live_calls(&self) -> usize {
        for _ in 0..100 {
            if self.manager.slots() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.manager.slots()
    }

    /// Forgets what ended before this instant, as the daemon does.
    pub(crate) fn forget_before(
        &self,
        ended_before: Timestamp,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send + 'static {
        let manager = self.manager.clone();
        async move { manager.forget_before(ended_before).await }
    }

    /// The newest calls.
    pub(crate) async fn history(
        &self,
        which: Which,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.manager.calls(HistoryQuery { which, before: None, limit }).await
    }

    pub(crate) async fn stop(self) -> Result<(), StoreError> {
        self.server.shut_down().await;
        self.manager.shutdown().await
    }
}

/// The store, and how often it commits and forgets.
#[derive(Debug)]
struct CountedStore {
    store: SqliteStore,
    commits: AtomicU64,
    commit_time: AtomicU64,
    forgotten: AtomicU64,
    steps: AtomicU64,
    step_time: AtomicU64,
}

fn nanoseconds_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl CountedStore {
    fn count(&self, begun: Instant) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit_time.fetch_add(nanoseconds_since(begun), Ordering::Relaxed);
    }
}

#[async_trait]
impl CallStore for CountedStore {
    async fn load_live(
        &self,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.store.load_live(after, limit).await
    }

    async fn get(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.store.get(id).await
    }

    async fn find(
        &self,
        provider: &ProviderName,
        carrier_id: &str,
    ) -> Result<Option<CallRecord>, StoreError> {
        self.store.find(provider, carrier_id).await
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<(CallId, [u8; 16])>, StoreError> {
        self.store.find_idempotent(key).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let begun = Instant::now();
        let result = self.store.commit(changes).await;
        self.count(begun);
        result
    }

    fn commit_blocking(&self, changes: &[Change]) -> Option<Result<(), CommitError>> {
        let begun = Instant::now();
        let result = self.store.commit_blocking(changes);
        self.count(begun);
        result
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.store.changes(after, limit).await
    }

    async fn last_entry(&self) -> Result<u64, StoreError> {
        self.store.last_entry().await
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        self.store.history(query).await
    }

    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        self.store.timeline(id).await
    }

    async fn prune(&self, ended_before: Timestamp, rows: usize) -> Result<Pruned, StoreError> {
        let begun = Instant::now();
        let step = self.store.prune(ended_before, rows).await?;
        self.forgotten.fetch_add(step.calls as u64, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.step_time.fetch_add(nanoseconds_since(begun), Ordering::Relaxed);
        Ok(step)
    }
}
