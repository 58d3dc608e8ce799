//! The real daemon is killed at random moments, under load, with an SQLite file; then the emulator,
//! the database and the API are compared call by call.
//!
//! `cargo xtask integration --kill 50 --seed 7` does it many times in one run. The seed decides who
//! does what and how long the daemon may live; what is under way at that moment is up to the
//! machine, so that a seed tells a similar story and not the same.

mod bites;
mod chance;
mod comparison;
mod load;
mod reading;

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::{Carrier, Config, Daemon, Process, idle, offhook};
use chance::Chance;
use comparison::{ApiCall, Asked, Books, Finding};
use load::Load;

pub(crate) use reading::stored;

/// How many calls there may be at once.
const LIMIT: usize = 30;

const RING: Duration = Duration::from_secs(5);

/// How long what is under way may take to settle, besides dials whose outcome is unknown; and how
/// much longer for each call whose books are to be read. A call whose end was told while nobody
/// listened is asked about after a minute.
const SETTLING: (Duration, Duration) = (Duration::from_secs(75), Duration::from_millis(150));

/// The longest time in which a dial is decided: ringing, the carrier's queue, and our slack.
const DECIDING: Duration = Duration::from_secs(5 + 60 + 30);

const PROVIDERS: [&str; 3] = ["twilio", "plivo", "telnyx"];

/// A number from the environment.
fn set(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is {value:?}, and no number")))
}

fn config(carrier: &Carrier) -> Config {
    // The address of the API must be the same after a restart.
    let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let telnyx_key = carrier.telnyx_public_key();
    let mut config = Config::with_carrier(&carrier.url())
        .text("api.listen", &api.to_string())
        .text("plivo.auth_id", "MAEMULATOR0000000001")
        .text("plivo.auth_token", "emulator")
        .text("telnyx.api_key", "KEYemulator")
        .text("telnyx.connection_id", "1")
        .text("telnyx.public_key", &telnyx_key)
        .text("inbound.policy", "open")
        .text("limits.max_duration", "5m")
        .text("limits.ring_timeout", &format!("{}s", RING.as_secs()))
        .value("limits.max_concurrent_calls", &LIMIT.to_string());
    for provider in ["plivo", "telnyx"] {
        config = config
            .text(&format!("{provider}.api_base"), &carrier.url())
            .value(&format!("{provider}.allow_private_hosts"), "true")
            .value(&format!("{provider}.calls_per_second"), "100");
    }
    config
}

#[test]
fn a_daemon_that_is_killed_at_any_moment_loses_doubles_and_forgets_no_call() {
    // Three kills are a story for every build; the many are asked for.
    let many = set("OFFHOOK_TESTS_KILLS");
    let (kills, seed) = (many.unwrap_or(3), set("OFFHOOK_TESTS_SEED").unwrap_or(1));
    println!("{kills} kills, seed {seed}");
    let began = Instant::now();
    let carrier = Carrier::start();
    // What was asked of it is done at once and answered late, so that many a kill comes between.
    carrier.fault(&json!({ "on": "request", "match": "POST ", "delay_ms": 150, "count": 0 }));
    let daemon = Daemon::start(config(&carrier));
    let load = Load {
        api: daemon.api,
        webhooks: daemon.webhooks,
        carrier: carrier.address(),
        token: daemon.token(),
        seed,
        is_over: AtomicBool::new(false),
        under_way: AtomicUsize::new(0),
        cut_off: AtomicUsize::new(0),
        asked: Mutex::default(),
        said: Mutex::default(),
        oddities: Mutex::default(),
    };
    let daemon = std::thread::scope(|scope| {
        let load = &load;
        // A queue of the carrier's lets one call a second go; Telnyx has none.
        let users = [("twilio", (300, 900)), ("plivo", (300, 900))];
        let users = users.into_iter().chain([("telnyx", (20, 200)); 3]);
        for (number, (provider, pause)) in (1..).zip(users) {
            scope.spawn(move || load.user(provider, number, pause));
        }
        scope.spawn(|| load.callers(6));
        scope.spawn(|| load.people(7));
        // Whatever happens to the daemon, nobody goes on for ever.
        let _end = AtEnd(&load.is_over);
        kill(load, daemon, kills, began)
    });
    let report = settled(&load, &daemon, &carrier, many.is_some());
    let counts = Counts::of(&report);
    free_slots(&load, &daemon, &report);
    let oddities = load.oddities.lock().unwrap().clone();
    assert!(oddities.is_empty(), "answers that no kill explains: {oddities:#?}");
    counts.are_of_a_busy_daemon();
    println!(
        "{kills} kills, seed {seed}: {counts}, {} requests cut off; \
         0 lost, 0 doubled, 0 stuck, in {:.0} s",
        load.cut_off.load(Ordering::SeqCst),
        began.elapsed().as_secs_f64()
    );
}

/// Ends the load, also when a test fails.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Kills the daemon so many times, and tells of each.
fn kill(load: &Load, mut daemon: Daemon, kills: u64, began: Instant) -> Daemon {
    let mut chance = Chance::of(load.seed, 0);
    for number in 1..=kills {
        let listened = Instant::now();
        idle(Duration::from_millis(chance.between(50, 2_000)));
        if chance.percent(60) {
            // Into the midst of a request, from its first milliseconds to its commit and its dial.
            let deadline = Instant::now() + Duration::from_millis(300);
            while load.under_way.load(Ordering::SeqCst) == 0 && Instant::now() < deadline {
                idle(Duration::from_micros(200));
            }
            idle(Duration::from_micros(chance.between(0, 25_000)));
        }
        let requests = load.under_way.load(Ordering::SeqCst);
        let life = listened.elapsed();
        daemon.kill();
        let live = load.live_at_the_carrier().len();
        let at = began.elapsed().as_secs_f64();
        // Some starts are cut off as well.
        let early = chance.percent(20).then(|| Duration::from_millis(chance.between(1, 120)));
        if let Some(life) = early {
            let log = daemon.folder().join("log");
            let process = Process::start(&mut offhook(daemon.folder(), &["serve"]), &log);
            idle(life);
            drop(process);
        }
        let restart = Instant::now();
        daemon = daemon.start_again();
        println!(
            "kill {number:>2} at {at:>6.2} s, {:>4} ms after it listened: {requests} API requests \
             under way, {live:>2} calls live at the carrier; listens again after {:>3} ms{}",
            life.as_millis(),
            restart.elapsed().as_millis(),
            early.map_or(String::new(), |life| format!(
                ", and was killed once {} ms after its start",
                life.as_millis()
            )),
        );
    }
    idle(Duration::from_millis(chance.between(200, 1_000)));
    daemon
}

/// Waits until nothing is found any more; then everybody hangs up, and it is to be so again, with
/// no call left. Dials whose outcome is unknown are waited for if there is the time.
fn settled(load: &Load, daemon: &Daemon, carrier: &Carrier, patiently: bool) -> Books {
    let began = Instant::now();
    let read = || reading::read(load, daemon, carrier, RING);
    let settling = SETTLING.0 + SETTLING.1 * u32::try_from(carrier.dialled()).unwrap();
    let live = agreed(settling, read, |_| true);
    let going_on = live.carrier.iter().filter(|call| !call.is_over).count();
    println!(
        "settled after {:.1} s, with {going_on} calls going on",
        began.elapsed().as_secs_f64()
    );
    // Calls that are still in the carrier's queue have nobody who could hang up.
    let patience = if patiently { DECIDING + settling } else { settling };
    let over = agreed(
        patience,
        || {
            load.all_hang_up();
            read()
        },
        |books| books.api.iter().all(|call| call.is_over || (call.is_undecided && !patiently)),
    );
    println!("all over after {:.1} s", began.elapsed().as_secs_f64());
    over
}

/// Reads the books until they have no findings and this is true of them. They are read one after the
/// other while calls go on, so that a finding counts when it is there at the next reading, too.
fn agreed(patience: Duration, read: impl Fn() -> Books, is_so: impl Fn(&Books) -> bool) -> Books {
    let deadline = Instant::now() + patience;
    let mut before = read().findings();
    loop {
        let books = read();
        let findings = books.findings();
        let lasting: Vec<_> = findings.iter().filter(|it| before.contains(it)).collect();
        if lasting.is_empty() && is_so(&books) {
            return books;
        }
        // What is lost may be found, what is stuck may move; but nothing becomes one again.
        let is_hopeless = lasting.iter().any(|it| matches!(it, Finding::Doubled(_)));
        let lasting: Vec<_> = lasting.iter().map(ToString::to_string).collect();
        let open = books.api.iter().filter(|call| !call.is_over).map(ApiCall::to_string);
        assert!(
            !is_hopeless && Instant::now() < deadline,
            "after up to {patience:?}:\n{}\nopen:\n{}",
            lasting.join("\n"),
            open.collect::<Vec<_>>().join("\n")
        );
        if let Some(first) = lasting.first() {
            let left = (deadline - Instant::now()).as_secs();
            println!("waits for at most {left} s: {} findings, as {first}", lasting.len());
        }
        before = findings;
        idle(Duration::from_millis(200));
    }
}

/// All slots that no undecided dial holds can be taken, and no more.
fn free_slots(load: &Load, daemon: &Daemon, books: &Books) {
    let held = books.api.iter().filter(|call| !call.is_over).count();
    for number in held..LIMIT {
        let mut asked = Asked { key: format!("free {number}"), ..Asked::default() };
        let to = format!("+15558{number:06}");
        let body = json!({ "to": to, "provider": "telnyx", "mode": "conversation" });
        assert!(load.place(&mut asked, &body).is_some(), "no slot for call {number} of {LIMIT}");
    }
    let body = json!({ "to": "+15559000001", "provider": "telnyx" });
    daemon.post("/v1/calls", &body).is_problem(429, "concurrency_limit");
    println!("{} slots of {LIMIT} were free, {held} held by undecided dials", LIMIT - held);
}

/// What there was to be lost.
#[derive(Debug)]
struct Counts {
    acknowledged: Vec<(&'static str, usize)>,
    inbound: usize,
    undecided: usize,
    spoken: usize,
    said: usize,
    hung_up: usize,
}

impl Counts {
    fn of(books: &Books) -> Self {
        let of_provider = |provider: &str| {
            let calls = books.asked.iter().filter(|asked| asked.key.starts_with(provider));
            calls.filter(|asked| !asked.acknowledged.is_empty()).count()
        };
        Self {
            acknowledged: PROVIDERS.map(|provider| (provider, of_provider(provider))).into(),
            inbound: books.carrier.iter().filter(|call| call.is_inbound).count(),
            undecided: books.api.iter().filter(|call| !call.is_over).count(),
            spoken: books.asked.iter().map(|asked| asked.spoken.len()).sum(),
            said: books.carrier.iter().map(|call| call.said.len()).sum(),
            hung_up: books.asked.iter().filter(|asked| asked.hung_up).count(),
        }
    }

    /// Where nothing happens, nothing can be lost.
    fn are_of_a_busy_daemon(&self) {
        let each = [self.inbound, self.spoken, self.said];
        let calls = self.acknowledged.iter().map(|(_, count)| *count);
        assert!(calls.chain(each).all(|count| count > 0), "an idle daemon: {self:?}");
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (provider, count) in &self.acknowledged {
            write!(f, "{count} calls by {provider}, ")?;
        }
        let Self { inbound, undecided, spoken, said, hung_up, .. } = self;
        write!(
            f,
            "{inbound} inbound, {hung_up} hung up by us, {spoken} sentences and {said} words \
             acknowledged, {undecided} dials still undecided"
        )
    }
}
