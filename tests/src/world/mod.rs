//! The world: carrier, daemon, store, clock.

mod at_the_carrier;
mod by_the_api;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use offhook::manager::{CallStore, Manager, MemoryStore, Policy, ProviderPolicy, SqliteStore};
use offhook_carrier::{Carrier, Emulator, HttpDelivery, Settings};
use offhook_core::{Party, ProviderName, Transport, VoiceProvider};
use offhook_server::{PublicUrl, ServerSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use url::Url;

use crate::clock::VirtualClock;
use crate::daemon::{self, Daemon};
use crate::http::client;
use crate::providers::{Credentials, PROVIDERS, Provider, Way};
use crate::setup::{Setup, Store};
use crate::store::{Trouble, WatchedStore};
use crate::transport::WatchedTransport;

const OUR_NUMBER: &str = "+15550100100";

/// How often nothing must be under way, looked at once a millisecond, before the clock moves: the
/// time that a request may spend between two places where it is counted. Looks, not time: a process
/// that the machine has put aside for a while would have seen nothing and waited long enough.
const QUIET_LOOKS: u32 = 7;

/// No story waits longer, in virtual time.
const PATIENCE: Duration = Duration::from_secs(900);

/// How a provider is built, where it is other than usual.
type Build = Box<dyn Fn(Way) -> Arc<dyn VoiceProvider> + Send + Sync>;

/// A carrier, a daemon, and time.
pub struct World {
    /// Virtual time.
    pub clock: VirtualClock,
    carrier: Carrier,
    carrier_address: SocketAddr,
    folder: TempDir,
    memory: Option<Arc<MemoryStore>>,
    at_work: Arc<AtomicUsize>,
    on_the_way: Arc<AtomicUsize>,
    way_is_open: watch::Sender<bool>,
    trouble: Arc<Mutex<Trouble>>,
    ports: (SocketAddr, SocketAddr),
    public_url: PublicUrl,
    /// The policy of the next start.
    pub policy: Policy,
    /// The provider on which the story plays.
    pub provider: &'static Provider,
    /// The emulator's settings, and with them the keys of its accounts.
    pub settings: Settings,
    builds: BTreeMap<ProviderName, Build>,
    reports: AtomicU64,
    api_token: String,
    server: fn(&mut ServerSettings),
    daemon: Option<Daemon>,
}

impl World {
    /// A world to order, its daemon running.
    ///
    /// # Panics
    /// It cannot be set up.
    pub async fn with(mut setup: Setup) -> Self {
        let clock = VirtualClock::at("2026-03-01T12:00:00Z".parse().expect("a time"));
        let listeners = daemon::bind(None).await;
        let webhooks = listeners.webhook_address().expect("an address");
        let public_url =
            PublicUrl::parse_private(&format!("http://{webhooks}")).expect("a public URL");

        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port for the carrier");
        let carrier_address = listener.local_addr().expect("its address");
        setup.carrier.webhook_base = Some(public_url.as_str().to_owned());
        let carrier = Carrier::start(
            Emulator::new(setup.carrier.clone()),
            Arc::new(clock.handle("carrier")),
            Arc::new(HttpDelivery::new().expect("a client")),
        );
        tokio::spawn(carrier.clone().serve(listener));

        let mut policy = setup.policy;
        for provider in PROVIDERS {
            let rules = ProviderPolicy {
                callbacks: public_url.callbacks(&provider.name),
                from: Party::dialled(OUR_NUMBER).ok(),
                calls_per_second: setup.calls_per_second,
                requests_per_second: setup.requests_per_second,
            };
            // What a story has set of one it keeps.
            policy.providers.entry(provider.name.clone()).or_insert(rules);
        }
        let memory = (setup.store == Store::Memory).then(|| Arc::new(MemoryStore::new()));
        let mut world = Self {
            clock,
            carrier,
            carrier_address,
            folder: tempfile::tempdir().expect("a folder"),
            memory,
            at_work: Arc::default(),
            on_the_way: Arc::default(),
            way_is_open: watch::Sender::new(true),
            server: setup.server,
            trouble: Arc::default(),
            ports: (webhooks, webhooks),
            public_url,
            policy,
            provider: setup.provider,
            settings: setup.carrier,
            builds: BTreeMap::new(),
            reports: AtomicU64::new(0),
            api_token: setup.api_token,
            daemon: None,
        };
        world.launch(listeners);
        world.settle().await;
        world
    }

    fn launch(&mut self, listeners: offhook_server::Listeners) {
        let base = Url::parse(&format!("http://{}", self.carrier_address)).expect("a base");
        let transport: Arc<dyn Transport> = Arc::new(WatchedTransport {
            client: client(&base),
            in_flight: Arc::clone(&self.on_the_way),
            is_open: self.way_is_open.subscribe(),
        });
        let build = |provider: &Provider| {
            let way = Way { base: base.clone(), transport: Arc::clone(&transport) };
            match self.builds.get(&provider.name) {
                Some(build) => build(way),
                None => (provider.build)(&self.settings, Credentials::Genuine, way),
            }
        };
        let inner: Arc<dyn CallStore> = match &self.memory {
            Some(memory) => Arc::clone(memory) as Arc<_>,
            None => Arc::new(self.open_store()),
        };
        let store = WatchedStore::new(inner, Arc::clone(&self.at_work), Arc::clone(&self.trouble));
        let mut settings = ServerSettings::new(self.public_url.clone(), &self.api_token);
        (self.server)(&mut settings);
        let daemon = Daemon::start(
            listeners,
            &settings,
            self.policy.clone(),
            PROVIDERS.iter().map(build).collect(),
            Arc::new(store),
            Arc::new(self.clock.handle("manager")),
        );
        self.ports = (daemon.webhooks(), daemon.api());
        self.daemon = Some(daemon);
    }

    /// The store of a daemon that has crashed is free as soon as its last task is gone.
    fn open_store(&self) -> SqliteStore {
        SqliteStore::open(self.folder.path().join("offhook.db")).expect("the store")
    }

    /// Kills the daemon: nothing is finished, nothing is told.
    pub async fn crash(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.crash();
        }
        self.release_store().await;
    }

    /// Stops the daemon in good order.
    pub async fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop().await;
        }
        self.release_store().await;
    }

    async fn release_store(&self) {
        if self.memory.is_none() {
            let path = self.folder.path().join("offhook.db");
            let mut tick = tokio::time::interval(Duration::from_millis(1));
            for _ in 0..5000 {
                if SqliteStore::open(&path).is_ok() {
                    return;
                }
                tick.tick().await;
            }
            panic!("the store was not let go of");
        }
    }

    /// Starts the daemon again, on the same ports and the same store.
    pub async fn start(&mut self) {
        let listeners = daemon::bind(Some(self.ports)).await;
        self.launch(listeners);
        self.settle().await;
    }

    /// From the next start on, the daemon has this provider in another build.
    pub fn rebuild(
        &mut self,
        provider: &Provider,
        build: impl Fn(Way) -> Arc<dyn VoiceProvider> + Send + Sync + 'static,
    ) {
        self.builds.insert(provider.name.clone(), Box::new(build));
    }

    /// From the next start on, the carrier does not take the daemon's key at this provider.
    pub fn revoke_key(&mut self, provider: &'static Provider) {
        let settings = self.settings.clone();
        let revoked = move |way| (provider.build)(&settings, Credentials::Revoked, way);
        self.rebuild(provider, revoked);
    }

    /// Holds the daemon's requests to the carrier up on their way, or lets them go on.
    pub fn hold_requests(&self, hold: bool) {
        self.way_is_open.send_replace(!hold);
    }

    /// Makes commits fail, or stop failing.
    pub fn trouble(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// The running daemon's manager.
    ///
    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn manager(&self) -> &Manager {
        self.daemon.as_ref().expect("a running daemon").manager()
    }

    /// Waits until nothing is under way.
    ///
    /// # Panics
    /// It does not come to rest.
    pub async fn settle(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet_looks = 0;
        for _ in 0..30_000 {
            tick.tick().await;
            let is_quiet = self.at_work.load(Ordering::SeqCst) == 0
                && self.carrier.deliveries_in_flight() == 0
                && self.carrier.requests_in_flight() == 0
                // What the carrier holds back waits for the clock.
                && self.on_the_way.load(Ordering::SeqCst) <= self.carrier.answers_held()
                && self.clock.is_asleep("carrier")
                && (self.daemon.is_none() || self.clock.is_asleep("manager"));
            quiet_looks = if is_quiet { quiet_looks + 1 } else { 0 };
            if quiet_looks == QUIET_LOOKS {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Lets time pass.
    pub async fn run_for(&self, time: Duration) {
        let end = self.clock.now().saturating_add(time).expect("a time that can be told");
        loop {
            self.settle().await;
            let next = self.clock.next_wakeup().filter(|next| *next < end);
            match next {
                // Never backwards: a sleeper may be overdue for a moment.
                Some(next) => self.clock.set(next.max(self.clock.now())),
                None => break,
            }
        }
        self.clock.set(end);
        self.settle().await;
    }

    /// Lets time pass until a call is in this state.
    ///
    /// # Panics
    /// It never is.
    pub async fn until_state(&self, call: &str, state: &str) -> Value {
        self.until(call, |view| view["state"] == state).await
    }

    /// Lets time pass until a call is as it should be.
    ///
    /// # Panics
    /// It never is.
    pub async fn until(&self, call: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let end = self.clock.now().saturating_add(PATIENCE).expect("a time");
        loop {
            self.settle().await;
            let view = self.call(call).await;
            if is_right(&view) {
                return view;
            }
            let next = self.clock.next_wakeup().filter(|next| *next < end);
            let Some(next) = next else {
                panic!("the call never is as it should be; it is {view:#}");
            };
            self.clock.set(next.max(self.clock.now()));
        }
    }

    /// The public URL.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.public_url.as_str()
    }

    /// The addresses of the webhook listener and of the admin API.
    #[must_use]
    pub const fn addresses(&self) -> (SocketAddr, SocketAddr) {
        self.ports
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the world at {}", self.clock.now())
    }
}
