//! `verify_webhook` from the raw request, beside what nobody can leave out: the bare check of the
//! same signature.

mod plivo;
mod telnyx;
mod twilio;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{
    FaultKind, Transport, TransportFault, TransportRequest, TransportResponse, VoiceProvider,
    WebhookRequest,
};

use crate::figures::median;

const ROUNDS: usize = 640;

/// How long one side of a round takes, about: so short that a machine whose speed changes is as
/// fast for the one side as for the other.
const ROUND: Duration = Duration::from_millis(1);

/// At how many places of the stack both sides are measured.
const DEPTHS: usize = 16;

/// A carrier that must not be asked.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Transport for Nobody {
    async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportFault> {
        Err(TransportFault::not_sent(FaultKind::Connect, "nobody is there"))
    }
}

/// A provider, genuine webhooks of its carrier, and the bare check.
struct Contest {
    provider: Arc<dyn VoiceProvider>,
    requests: Vec<WebhookRequest>,
    now: Timestamp,
    baseline: &'static str,
    plain: Box<dyn Fn(&WebhookRequest) -> bool>,
    /// How many times the bare check it may take.
    wanted: f64,
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    println!("\nverify: one thread, {ROUNDS} pairs of rounds, medians");
    println!("  {:<34} {:>10} {:>10}", "", "per second", "each");
    for contest in [twilio::contest()?, plivo::contest()?, telnyx::contest()?] {
        contest.run()?;
    }
    Ok(())
}

/// Measures with this many frames more on the stack, each of about 256 bytes. By where its values
/// come to lie in their pages, Ed25519 is slower by a tenth; that is chance, different for both
/// sides and at each start of the program, and says nothing about either.
#[inline(never)]
fn at_depth(depth: usize, measured: &dyn Fn() -> Duration) -> Duration {
    let room = black_box([0_u8; 224]);
    let time = if depth == 0 { measured() } else { at_depth(depth - 1, measured) };
    black_box(&room);
    time
}

impl Contest {
    fn run(&self) -> Result<(), Box<dyn Error>> {
        let ours =
            |request: &WebhookRequest| self.provider.verify_webhook(request, self.now).is_ok();
        for request in &self.requests {
            self.provider.verify_webhook(request, self.now)?;
            if !(self.plain)(request) {
                return Err("the bare check does not accept a genuine request".into());
            }
        }
        let measured = |one: &dyn Fn(&WebhookRequest) -> bool, count: usize| {
            let begun = Instant::now();
            for request in self.requests.iter().cycle().take(count) {
                black_box(one(black_box(request)));
            }
            begun.elapsed()
        };
        let trial = measured(&self.plain, 1000).as_secs_f64() / 1000.0;
        let each = (ROUND.as_secs_f64() / trial).ceil().max(1.0) as usize;
        // Whoever comes second finds a machine that is warm: each side comes second as often as the
        // other.
        let pair = |round: usize| {
            let depth = round / 2 % DEPTHS;
            let plain = || at_depth(depth, &|| measured(&self.plain, each));
            let ours = || at_depth(depth, &|| measured(&ours, each));
            if round.is_multiple_of(2) {
                let plain = plain();
                (plain, ours())
            } else {
                let ours = ours();
                (plain(), ours)
            }
        };
        let pairs: Vec<(Duration, Duration)> = (0..ROUNDS).map(pair).collect();

        let rate = |times: &mut dyn Iterator<Item = Duration>| {
            median(times.map(|time| each as f64 / time.as_secs_f64()))
        };
        let baseline = rate(&mut pairs.iter().map(|pair| pair.0));
        let own = rate(&mut pairs.iter().map(|pair| pair.1));
        let ratio = median(pairs.iter().map(|pair| pair.1.as_secs_f64() / pair.0.as_secs_f64()));
        let name = self.provider.name();
        for (what, rate) in [(self.baseline, baseline), ("verify_webhook", own)] {
            println!("  {:<34} {rate:>10.0} {:>7.2} µs", format!("{name}: {what}"), 1e6 / rate);
        }
        let verdict = if ratio <= self.wanted { "held" } else { "NOT HELD" };
        let wanted = self.wanted;
        println!("  {:<34} {ratio:>10.3}   (wanted: at most {wanted}: {verdict})", "  times that");
        Ok(())
    }
}
