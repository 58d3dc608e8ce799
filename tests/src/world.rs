//! The world: carrier, daemon, store, clock.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use offhook::manager::{
    CallStore, InboundPolicy, Manager, MemoryStore, Policy, ProviderPolicy, SqliteStore,
};
use offhook::twilio::{Twilio, TwilioConfig};
use offhook_carrier::{Carrier, Emulator, Habit, HttpDelivery, Settings, TwilioAccount};
use offhook_core::{GuardedClient, HostPolicy, Party};
use offhook_server::{PublicUrl, ServerSettings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use crate::clock::VirtualClock;
use crate::daemon::{self, Daemon, TOKEN};
use crate::http::{Answer, send};
use crate::store::{Trouble, WatchedStore};
use crate::transport::WatchedTransport;

const OUR_NUMBER: &str = "+15550100100";

/// How long nothing must be under way before the clock moves: the time that a request may spend
/// between two places where it is counted.
const QUIET: Duration = Duration::from_millis(6);

/// No story waits longer, in virtual time.
const PATIENCE: Duration = Duration::from_secs(900);

/// How a world begins.
#[derive(Debug)]
pub struct Setup {
    /// The daemon's policy; its provider is added.
    pub policy: Policy,
    /// The emulator's habits.
    pub carrier: Settings,
    /// A file, which outlives the daemon, or memory.
    pub on_disk: bool,
    /// How many REST requests a second.
    pub requests_per_second: f64,
    /// How many calls a second.
    pub calls_per_second: f64,
    /// The token of the admin API.
    pub api_token: String,
    /// What is other than usual about the listeners.
    pub server: fn(&mut ServerSettings),
}

impl Default for Setup {
    fn default() -> Self {
        let mut policy = Policy::new(offhook::twilio::NAME);
        policy.max_concurrent_calls = 10;
        policy.inbound = InboundPolicy::Open;
        policy.greeting = Some("Hello!".parse().expect("a greeting"));
        let mut carrier = Settings::default();
        // What Twilio leaves to chance has stories of its own.
        carrier.calls_per_second = 100.0;
        carrier.stale_reads = Duration::ZERO;
        carrier.webhook_before_answer = Habit::Never;
        carrier.late_callbacks = Habit::Never;
        Self {
            policy,
            carrier,
            on_disk: false,
            requests_per_second: 100.0,
            calls_per_second: 100.0,
            api_token: TOKEN.to_owned(),
            server: |_| {},
        }
    }
}

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
    /// The account with which the next start goes to the carrier.
    pub account: TwilioConfig,
    carrier_account: TwilioAccount,
    api_token: String,
    server: fn(&mut ServerSettings),
    daemon: Option<Daemon>,
}

/// The carrier's account, reached with this token. What the carrier signs is accepted whatever we
/// send with.
fn account(carrier: &TwilioAccount, token: &str) -> TwilioConfig {
    TwilioConfig::new(carrier.sid.as_str(), token)
        .expect("credentials")
        .with_previous_auth_token(carrier.auth_token.as_str())
}

impl World {
    /// A world as most stories want it.
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// A world whose store is a file.
    pub async fn on_disk() -> Self {
        Self::with(Setup { on_disk: true, ..Setup::default() }).await
    }

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
        let carrier_account = setup.carrier.twilio.clone();
        setup.carrier.webhook_base = Some(public_url.as_str().to_owned());
        let carrier = Carrier::start(
            Emulator::new(setup.carrier),
            Arc::new(clock.handle("carrier")),
            Arc::new(HttpDelivery::new().expect("a client")),
        );
        tokio::spawn(carrier.clone().serve(listener));

        let mut policy = setup.policy;
        policy.providers.insert(
            offhook::twilio::NAME,
            ProviderPolicy {
                callbacks: public_url.callbacks(&offhook::twilio::NAME),
                from: Party::dialled(OUR_NUMBER).ok(),
                calls_per_second: setup.calls_per_second,
                requests_per_second: setup.requests_per_second,
            },
        );
        let memory = (!setup.on_disk).then(|| Arc::new(MemoryStore::new()));
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
            account: account(&carrier_account, &carrier_account.auth_token),
            carrier_account,
            api_token: setup.api_token,
            daemon: None,
        };
        world.launch(listeners);
        world.settle().await;
        world
    }

    fn launch(&mut self, listeners: offhook_server::Listeners) {
        let base = Url::parse(&format!("http://{}", self.carrier_address)).expect("a base");
        let config = self.account.clone().with_api_base(base.clone(), true);
        let transport = WatchedTransport {
            client: GuardedClient::new(base, HostPolicy::AllowPrivate).expect("a client"),
            in_flight: Arc::clone(&self.on_the_way),
            is_open: self.way_is_open.subscribe(),
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
            Arc::new(Twilio::with_transport(config, Arc::new(transport))),
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

    /// From the next start on, the daemon sends this token to the carrier.
    pub fn use_token(&mut self, token: &str) {
        self.account = account(&self.carrier_account, token);
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
        let mut quiet_since = None;
        for _ in 0..30_000 {
            let is_quiet = self.at_work.load(Ordering::SeqCst) == 0
                && self.carrier.deliveries_in_flight() == 0
                && self.carrier.requests_in_flight() == 0
                // What the carrier holds back waits for the clock.
                && self.on_the_way.load(Ordering::SeqCst) <= self.carrier.answers_held()
                && self.clock.is_asleep("carrier")
                && (self.daemon.is_none() || self.clock.is_asleep("manager"));
            if !is_quiet {
                quiet_since = None;
            }
            let since = *quiet_since.get_or_insert_with(tokio::time::Instant::now);
            if is_quiet && since.elapsed() >= QUIET {
                return;
            }
            tick.tick().await;
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

    /// A request to the admin API.
    pub async fn api(&self, method: Method, path: &str, body: Value) -> Answer {
        self.api_as(&self.api_token, method, path, body).await
    }

    /// A request to the admin API by whoever has this token.
    pub async fn api_as(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let url = format!("http://{}{path}", self.ports.1);
        let bearer = format!("Bearer {token}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(method, &url, &[("authorization", &bearer)], body).await
    }

    /// A call by the admin API.
    pub async fn call(&self, id: &str) -> Value {
        self.api(Method::GET, &format!("/v1/calls/{id}"), Value::Null).await.json()
    }

    /// The kinds of a call's timeline entries, in order.
    pub async fn kinds(&self, id: &str) -> Vec<String> {
        let entries = self.timeline(id).await;
        entries.iter().map(|entry| entry["kind"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A call's timeline.
    pub async fn timeline(&self, id: &str) -> Vec<Value> {
        let answer = self.api(Method::GET, &format!("/v1/calls/{id}/timeline"), Value::Null).await;
        answer.json()["entries"].as_array().cloned().unwrap_or_default()
    }

    /// All calls by the admin API, newest first.
    pub async fn calls(&self, state: &str) -> Vec<Value> {
        let path = format!("/v1/calls?state={state}&limit=1000");
        let answer = self.api(Method::GET, &path, Value::Null).await;
        answer.json()["calls"].as_array().cloned().unwrap_or_default()
    }

    /// Places a call. The carrier's answer is waited for while time stands still.
    ///
    /// # Panics
    /// It was not placed.
    pub async fn place(&self, request: Value) -> String {
        let answer = self.api(Method::POST, "/v1/calls", request).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// What became of each call at the last start.
    pub async fn decision(&self, call: &str) -> (String, String) {
        let report = self.api(Method::GET, "/v1/restore-report", Value::Null).await.json();
        let calls = report["calls"].as_array().cloned().unwrap_or_default();
        let found = calls.into_iter().find(|found| found["call"] == call).unwrap_or_default();
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (text("decision"), text("why"))
    }

    /// A request to the emulator, in its own process and past its faults.
    ///
    /// # Panics
    /// The emulator is gone.
    pub async fn carrier(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/emulator/{path}", self.carrier_address);
        let answer = send(method, &url, &[], body.to_string()).await;
        answer.json()
    }

    /// What the emulator knows of a call of ours.
    pub async fn line(&self, call: &str) -> Value {
        let view = self.call(call).await;
        let id = view["provider_call_id"].as_str().unwrap_or_default().to_owned();
        self.carrier(Method::GET, &format!("calls/{id}"), Value::Null).await
    }

    /// All calls that the emulator knows.
    pub async fn lines(&self) -> Vec<Value> {
        let list = self.carrier(Method::GET, "calls", Value::Null).await;
        list["calls"].as_array().cloned().unwrap_or_default()
    }

    /// The person on the line of a call of ours does something: `say`, `dtmf`, `hangup`.
    pub async fn person(&self, call: &str, does: &str, what: Value) {
        let view = self.call(call).await;
        let id = view["provider_call_id"].as_str().unwrap_or_default().to_owned();
        self.carrier(Method::POST, &format!("calls/{id}/{does}"), what).await;
        self.settle().await;
    }

    /// The person on the line of a call does something while the daemon is away: its call is the
    /// oldest that is live at the carrier.
    pub async fn person_by_id(&self, _call: &str, does: &str) {
        let lines = self.lines().await;
        let live = lines.iter().find(|line| line["status"] == "in-progress");
        let id = live.and_then(|line| line["id"].as_str()).unwrap_or_default().to_owned();
        self.carrier(Method::POST, &format!("calls/{id}/{does}"), json!({})).await;
    }

    /// Somebody calls us. Gives the carrier's id.
    pub async fn somebody_calls(&self, from: &str, party: &str) -> String {
        let call = json!({ "provider": "twilio", "from": from, "to": OUR_NUMBER, "party": party });
        let started = self.carrier(Method::POST, "calls", call).await;
        self.settle().await;
        started["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Orders a fault of the carrier.
    pub async fn fault(&self, fault: Value) {
        let answer = self.carrier(Method::POST, "faults", fault).await;
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// Sends a request to the webhook listener: a form, signed for the public URL unless a
    /// signature is given.
    pub async fn webhook(
        &self,
        query: &str,
        form: &[(&str, &str)],
        signature: Option<&str>,
    ) -> Answer {
        let url = format!("{}/webhooks/twilio{query}", self.public_url.as_str());
        let token = &self.carrier_account.auth_token;
        let signed = crate::http::form_signature(token, &url, form);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.unwrap_or(&signed)),
        ];
        send(Method::POST, &url, &headers, body).await
    }

    /// Any request to the webhook listener.
    pub async fn raw_webhook(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let url = format!("{}{path}", self.public_url.as_str());
        send(method, &url, headers, body).await
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
