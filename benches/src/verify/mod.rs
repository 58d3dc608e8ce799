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
use offhook_manager::{Clock, SystemClock};

use crate::carrier::{self, Carrier};
use crate::figures::median;
use crate::report::Figure;

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
    limit: f64,
}

/// What a contest came to.
struct Measured {
    provider: String,
    baseline: &'static str,
    limit: f64,
    /// What one check took, in microseconds: the bare one and ours, in each pair of rounds.
    pairs: Vec<(f64, f64)>,
}

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    println!("\nverify: one thread, {ROUNDS} pairs of rounds, medians");
    println!("  {:<34} {:>10} {:>10}", "", "per second", "each");
    let mut figures = Vec::new();
    for contest in [twilio::contest()?, plivo::contest()?, telnyx::contest()?] {
        let measured = contest.run()?;
        measured.print();
        figures.extend(measured.figures());
    }
    Ok(figures)
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
    fn of(
        carrier: &dyn Carrier,
        baseline: &'static str,
        plain: Box<dyn Fn(&WebhookRequest) -> bool>,
        limit: f64,
    ) -> Result<Self, Box<dyn Error>> {
        let id = carrier.id(7);
        let request = |step| carrier::read(&carrier.request(&id, step, carrier.stand_in()));
        Ok(Self {
            provider: carrier.provider(Arc::new(Nobody))?,
            requests: (0..carrier.steps()).map(request).collect(),
            now: SystemClock.now(),
            baseline,
            plain,
            limit,
        })
    }

    fn run(&self) -> Result<Measured, Box<dyn Error>> {
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
        let of_one = |time: Duration| time.as_secs_f64() * 1e6 / each as f64;
        Ok(Measured {
            provider: self.provider.name().to_string(),
            baseline: self.baseline,
            limit: self.limit,
            pairs: (0..ROUNDS)
                .map(pair)
                .map(|(plain, ours)| (of_one(plain), of_one(ours)))
                .collect(),
        })
    }
}

impl Measured {
    fn print(&self) {
        let sides = [
            (self.baseline, median(self.pairs.iter().map(|pair| pair.0))),
            ("verify_webhook", median(self.pairs.iter().map(|pair| pair.1))),
        ];
        for (what, time) in sides {
            let name = format!("{}: {what}", self.provider);
            println!("  {name:<34} {:>10.0} {time:>7.2} µs", 1e6 / time);
        }
    }

    /// A round of a figure is as many pairs as meet every depth in both orders.
    fn figures(&self) -> [Figure; 2] {
        let Self { provider, baseline, .. } = self;
        let ratio = |pairs: &[(f64, f64)]| median(pairs.iter().map(|pair| pair.1 / pair.0));
        let time = |pairs: &[(f64, f64)]| median(pairs.iter().map(|pair| pair.1));
        let rounds = || self.pairs.chunks(2 * DEPTHS);
        [
            Figure::less(
                format!("verify: {provider}, beside {baseline}"),
                "times",
                ratio(&self.pairs),
            )
            .rounds(rounds().map(ratio))
            .limit(self.limit),
            Figure::less(format!("verify: {provider}"), "µs", time(&self.pairs))
                .rounds(rounds().map(time)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_of_pairs_and_its_rounds_leave_out_what_was_chance() {
        let mut pairs = vec![(2.0, 2.5); 2 * DEPTHS];
        pairs.extend(vec![(4.0, 4.8); 4 * DEPTHS]);
        // Somebody else had the processor.
        pairs[0].1 = 1000.0;
        let provider = "twilio".to_owned();
        let [ratio, time] = Measured { provider, baseline: "HMAC", limit: 1.3, pairs }.figures();
        assert_eq!((ratio.value, ratio.limit, ratio.goal), (Some(1.2), Some(1.3), None));
        assert_eq!(ratio.spread.map(|it| (it.lowest, it.highest)), Some((1.2, 1.25)));
        assert_eq!(time.value, Some(4.8));
        assert_eq!(time.spread.map(|it| (it.lowest, it.highest)), Some((2.5, 4.8)));
    }
}
