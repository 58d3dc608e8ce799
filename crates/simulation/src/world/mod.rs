//! The world of one story: time, the carrier, what is on its way, and our process.

mod commits;
mod jobs;
mod life;
mod people;
mod questions;
mod requests;
mod shell;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_carrier::{Emulator, Settings};
use offhook_core::{CallId, Callbacks, Party, VoiceProvider};
use offhook_manager::{InboundPolicy, MemoryStore, Policy, ProviderPolicy, Ticket};
use uuid::Uuid;

use crate::carriers::Carrier;
use crate::chance::Chance;
use crate::invariant::{Invariant, Violation};
use crate::lobby::{Answer, Lobby};
use crate::oracle::Oracle;
use crate::plant::Plant;
use crate::process::Process;
use crate::story::{Fault, Kind, Story, Terms, Weather};
use crate::tally::Tally;
use people::Placing;
use requests::Underway;
use webhooks::Hook;

/// Where a story begins: 2026-01-05, 09:00 UTC.
const BEGIN: i64 = 1_767_603_600;

/// No story lasts longer.
const LONGEST: Duration = Duration::from_secs(1200);

/// The invariants are tried at least so often.
const BEAT: u64 = 15_000;

/// No story has more steps.
const STEPS: u64 = 20_000;

/// Our number.
const OURS: &str = "+15550100100";

/// What comes at its time.
#[derive(Debug)]
enum Event {
    Deed(usize),
    WeatherTurns(usize),
    RequestArrives(u64),
    RequestAnswered(u64, Answer),
    RequestTimesOut(u64),
    JobOverdue(u64),
    WebhookArrives { hook: usize, is_copy: bool },
    WebhookAnswered { hook: usize, reply: Option<(u16, &'static str, bytes::Bytes)> },
    CommitDone { life: u32 },
    AnswersRead { life: u32, call: CallId },
    Stop(usize),
    OutOfPatience { life: u32 },
    Restart,
}

/// Tells stories of one carrier.
pub struct Simulation {
    carrier: &'static Carrier,
    lobby: Arc<Lobby>,
    provider: Arc<dyn VoiceProvider>,
    plant: Option<Plant>,
    tally: Tally,
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("carrier", &self.carrier.name).finish_non_exhaustive()
    }
}

/// What came of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The first invariant that was refuted, if one was.
    pub violation: Option<Violation>,
    /// What happened, line by line; empty unless it was asked for.
    pub trace: Vec<String>,
}

impl Simulation {
    /// A simulation of this carrier. `None` if its provider does not take the emulator's account.
    #[must_use]
    pub fn new(carrier: &'static Carrier) -> Option<Self> {
        let lobby = Arc::new(Lobby::default());
        let provider = (carrier.connect)(Arc::clone(&lobby) as _)?;
        Some(Self { carrier, lobby, provider, plant: None, tally: Tally::default() })
    }

    /// The same with a fault in our own shell.
    #[must_use]
    pub const fn with(mut self, plant: Plant) -> Self {
        self.plant = Some(plant);
        self
    }

    /// What was exercised so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Tells a story.
    pub fn tell(&mut self, story: &Story) -> Told {
        self.run(story, None)
    }

    /// Tells a story, and what happens in it.
    pub fn tell_all(&mut self, story: &Story) -> Told {
        self.run(story, Some(Vec::new()))
    }

    fn run(&mut self, story: &Story, trace: Option<Vec<String>>) -> Told {
        let mut world = World::new(self, story, trace);
        world.run();
        for restarts in world.oracle.restarts() {
            world.tally.restarts(restarts);
        }
        let (tally, trace, violation) = (world.tally, world.trace, world.oracle.violation);
        self.tally = tally;
        drop(self.lobby.take());
        Told { violation, trace: trace.unwrap_or_default() }
    }
}

/// One story as it is told.
struct World<'a> {
    carrier: &'static Carrier,
    lobby: Arc<Lobby>,
    provider: Arc<dyn VoiceProvider>,
    plant: Option<Plant>,
    story: &'a Story,
    policy: Policy,
    began: Timestamp,
    now: Timestamp,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    events: u64,
    emulator: Emulator,
    store: MemoryStore,
    process: Option<Process>,
    /// How often the process was started.
    life: u32,
    /// How many points it has passed since.
    points: u32,
    crashes: usize,
    /// How many of each kind there were.
    numbers: [u32; 4],
    underway: BTreeMap<u64, Underway>,
    hooks: Vec<Hook>,
    placings: Vec<Placing>,
    chance: Chance,
    ids: u64,
    tickets: u64,
    sentences: u32,
    entries: u32,
    oracle: Oracle,
    tally: Tally,
    trace: Option<Vec<String>>,
}

impl<'a> World<'a> {
    fn new(simulation: &mut Simulation, story: &'a Story, trace: Option<Vec<String>>) -> Self {
        let began = Timestamp::from_second(BEGIN).unwrap_or(Timestamp::UNIX_EPOCH);
        let carrier = simulation.carrier;
        let mut terms = story.terms;
        if simulation.plant == Some(Plant::EndsUnheard) {
            // Else its time limit would end a call that nobody looks at.
            terms.max_duration = 400;
        }
        let mut settings = Settings::default();
        settings.seed = story.seed;
        settings.calls_per_second = 10.0;
        let mut world = World {
            carrier,
            lobby: Arc::clone(&simulation.lobby),
            provider: Arc::clone(&simulation.provider),
            plant: simulation.plant,
            story,
            policy: policy(carrier, terms, simulation.plant),
            began,
            now: began,
            agenda: BTreeMap::new(),
            events: 0,
            emulator: Emulator::new(settings),
            store: MemoryStore::new(),
            process: None,
            life: 0,
            points: 0,
            crashes: 0,
            numbers: [0; 4],
            underway: BTreeMap::new(),
            hooks: Vec::new(),
            placings: Vec::new(),
            chance: Chance::new(story.seed ^ 0x5EED),
            ids: 0,
            tickets: 0,
            sentences: 0,
            entries: 0,
            oracle: Oracle::new(began, terms),
            tally: std::mem::take(&mut simulation.tally),
            trace,
        };
        world.tally.stories += 1;
        for (place, (at, _)) in story.deeds.iter().enumerate() {
            world.schedule(*at, Event::Deed(place));
        }
        for (place, (at, _)) in story.stops.iter().enumerate() {
            world.schedule(*at, Event::Stop(place));
        }
        for (place, (from, to, _)) in story.weather.iter().enumerate() {
            world.schedule(*from, Event::WeatherTurns(place));
            world.schedule(*to, Event::WeatherTurns(place));
        }
        world
    }

    fn run(&mut self) {
        self.start_process();
        for _ in 0..STEPS {
            self.tally.steps += 1;
            self.step();
            if self.oracle.violation.is_some() || self.is_over() {
                return;
            }
            let beat = later(self.now, BEAT);
            let next = self.next().map_or(beat, |next| next.min(beat));
            if next.duration_since(self.began)
                > jiff::SignedDuration::try_from(LONGEST).unwrap_or_default()
            {
                return self.not_over("it lasts too long");
            }
            self.now = self.now.max(next);
        }
        self.not_over("it has too many steps");
    }

    fn not_over(&mut self, why: &str) {
        self.oracle.refute(
            Invariant::ComesToRest,
            self.now,
            format!("the story has no end: {why}"),
        );
    }

    /// All that is due now.
    fn step(&mut self) {
        self.send_webhooks();
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now)
        {
            let event = entry.remove();
            self.happen(event);
            self.run_process();
            self.send_webhooks();
        }
        self.run_process();
        self.send_webhooks();
        self.look(None);
        self.oracle.try_all(self.process.as_ref(), self.now);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deed(place) => self.do_deed(place),
            Event::WeatherTurns(place) => {
                let word = self.story.weather[place].2.word();
                self.tell(|| format!("the weather turns: {word}"));
                self.tally.fault(word);
                self.oracle.disturb(self.now);
            }
            Event::RequestArrives(request) => self.request_arrives(request),
            Event::RequestAnswered(request, answer) => self.request_answered(request, answer),
            Event::RequestTimesOut(request) => self.request_times_out(request),
            Event::JobOverdue(job) => self.job_overdue(job),
            Event::WebhookArrives { hook, is_copy } => self.webhook_arrives(hook, is_copy),
            Event::WebhookAnswered { hook, reply } => self.webhook_answered(hook, reply),
            Event::CommitDone { life } => {
                if life == self.life {
                    self.commit_done();
                }
            }
            Event::AnswersRead { life, call } => {
                if life == self.life {
                    self.read_answers(call);
                }
            }
            Event::Stop(place) => {
                let (_, away) = self.story.stops[place];
                self.stop(away);
            }
            Event::OutOfPatience { life } => {
                if life == self.life {
                    self.out_of_patience();
                }
            }
            Event::Restart => self.start_process(),
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<Timestamp> {
        let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let carrier = self.emulator.next_wakeup();
        let idle = self.process.as_ref();
        let idle = idle.filter(|process| process.committing.is_none() && process.is_open());
        let ours = idle
            .filter(|_| self.plant != Some(Plant::NeverWoken) || !self.oracle.any_due(self.now))
            .and_then(|process| process.driver.next_wakeup());
        [agenda, carrier, ours].into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        self.process.is_some()
            && self
                .agenda
                .values()
                .all(|event| matches!(event, Event::JobOverdue(_) | Event::OutOfPatience { .. }))
            && self.underway.is_empty()
            && (self.emulator.next_wakeup().is_none() || self.oracle.any_denied())
            && self.oracle.all_over()
    }

    fn look(&mut self, made_for: Option<CallId>) {
        let lines = self.emulator.lines();
        self.oracle.look(lines, self.carrier.connected, made_for, self.now);
    }

    // ---- time and chance

    /// Something comes so many milliseconds after the story's beginning.
    fn schedule(&mut self, at: u64, event: Event) {
        let at = later(self.began, at);
        self.events += 1;
        self.agenda.insert((at.max(self.now), self.events), event);
    }

    /// Something comes so many milliseconds from now.
    fn come(&mut self, wait: u64, event: Event) {
        self.events += 1;
        self.agenda.insert((later(self.now, wait), self.events), event);
    }

    /// What becomes of the next one of its kind.
    fn fate(&mut self, kind: Kind) -> Option<Fault> {
        let number = &mut self.numbers[kind as usize];
        let fault = self.story.fault(kind, *number);
        *number += 1;
        if let Some(fault) = fault {
            self.tally.fault(fault.word());
            self.oracle.disturb(self.now);
        }
        fault
    }

    /// Whether everything of a kind goes wrong now.
    fn is(&mut self, weather: Weather) -> bool {
        let since = self.now.duration_since(self.began).as_millis();
        let since = u64::try_from(since).unwrap_or_default();
        let mut all = self.story.weather.iter();
        let is = all.any(|(from, to, it)| *it == weather && (*from..*to).contains(&since));
        if is {
            self.oracle.disturb(self.now);
        }
        is
    }

    fn fresh_id(&mut self) -> CallId {
        self.ids += 1;
        CallId::new(Uuid::from_u128(
            0x019B_8D2C_0000_7000_8000_0000_0000_0000 | u128::from(self.ids),
        ))
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let at = self.now.duration_since(self.began).as_millis() as f64 / 1000.0;
            trace.push(format!("{at:>9.3}  {}", line()));
        }
    }
}

fn policy(carrier: &'static Carrier, terms: Terms, plant: Option<Plant>) -> Policy {
    let mut policy = Policy::new(carrier.provider.clone());
    policy.max_concurrent_calls = terms.limit + usize::from(plant == Some(Plant::LimitRaised))
        - usize::from(plant == Some(Plant::SlotsWithheld));
    policy.queue = terms.queue;
    policy.max_queued_calls = terms.queue_length;
    policy.queue_timeout = Duration::from_secs(terms.queue_timeout);
    let longer = if plant == Some(Plant::DurationRaised) { 600 } else { 0 };
    policy.max_duration = Duration::from_secs(terms.max_duration + longer);
    policy.ring_timeout = Duration::from_secs(terms.ring_timeout);
    policy.transcript_timeout = Duration::from_secs(terms.transcript_timeout);
    policy.notify_hangup_delay = Duration::from_secs(1);
    policy.inbound = InboundPolicy::Open;
    policy.greeting = "Good morning.".parse().ok();
    let endpoint = format!("https://voice.example.com/webhooks/{}", carrier.name);
    if let Ok(endpoint) = endpoint.parse() {
        let of_provider = ProviderPolicy {
            callbacks: Callbacks::to(endpoint),
            from: Some(Party::observed(OURS)),
            calls_per_second: match plant {
                Some(Plant::RateRaised) => 1_000.0,
                _ => terms.dials_per_second,
            },
            requests_per_second: 100.0,
        };
        policy.providers.insert(carrier.provider.clone(), of_provider);
    }
    policy
}

fn later(at: Timestamp, milliseconds: u64) -> Timestamp {
    at.saturating_add(Duration::from_millis(milliseconds)).unwrap_or(Timestamp::MAX)
}
