//! `verify_webhook` from the raw request, beside what nobody can leave out: the bare check of the
//! same signature.

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

const ROUNDS: usize = 200;

/// How long one side of a round takes, about.
const ROUND: Duration = Duration::from_millis(3);

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
    for contest in [twilio::contest()?, telnyx::contest()?] {
        contest.run()?;
    }
    Ok(())
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
        let pairs: Vec<(Duration, Duration)> =
            (0..ROUNDS).map(|_| (measured(&self.plain, each), measured(&ours, each))).collect();

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
        println!("  {:<34} {ratio:>10.2}   (wanted: at most {})", "  times that", self.wanted);
        Ok(())
    }
}
