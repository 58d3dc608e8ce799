//! A start with many calls that were live, and their verification.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use super::callers::{self, Caller};
use super::daemon::Verified;
use super::process::{self, DaemonProcess};
use super::start::{Carrier, Start};
use super::{MANY, prepare};
use crate::figures::median;
use crate::report::Figure;

/// How often the daemon is started with all of them.
const STARTS: usize = 3;

/// How long the daemon was away, in seconds: all calls are without news for so long.
const AWAY: u64 = 120;

/// Calls of which the carrier is asked.
const ASKED: u64 = 10_000;

/// As configured by default.
const CONCURRENCY: f64 = 32.0;

/// How long a carrier takes for an answer, in milliseconds. An answer is committed before its place is
/// free for the next question, so that it counts how long that is beside a commit.
const LATENCY: u64 = 50;

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut figures = starts()?;
    let folder = tempfile::tempdir()?;
    let away = Start { slow_by: AWAY, ..Start::unhindered(ASKED as usize) };
    prepare(folder.path(), ASKED, &away)?;
    for bound in [Bound::Concurrency, Bound::Rate] {
        figures.extend(verification(folder.path(), bound)?);
    }
    Ok(figures)
}

fn starts() -> Result<Vec<Figure>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let away = Start { slow_by: AWAY, ..Start::unhindered(2 * MANY as usize) };
    prepare(folder.path(), MANY, &away)?;
    // As configured by default, and a carrier that answers as carriers do.
    let start = Start {
        slow_by: 0,
        requests_per_second: 50.0,
        carrier: Carrier { lists: Some(MANY), latency: 100 },
        ..away
    };
    println!("\nrestart: {MANY} calls that were live");
    let (mut accepting, mut ready, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..STARTS {
        let daemon = DaemonProcess::start(folder.path(), &start)?;
        let first = daemon.answers_at("/healthz")?.as_secs_f64();
        let loaded = daemon.answers_at("/readyz")?.as_secs_f64();
        let longest = longest_wait(&daemon, turn as u64)?;
        println!(
            "  connections after {first:.2} s, ready after {loaded:.2} s; then no webhook waited \
             longer than {longest:.0} ms"
        );
        accepting.push(first);
        ready.push(loaded);
        waits.push(longest);
        daemon.stop()?;
    }
    let of = |name, unit, rounds: Vec<f64>, limit| {
        Figure::less(name, unit, median(rounds.clone())).rounds(rounds).limit(limit)
    };
    Ok(vec![
        of("restart: until connections are accepted", "s", accepting, 1.0),
        of("restart: until ready", "s", ready, 3.0),
        of("restart: longest wait of a webhook, then", "ms", waits, 1000.0),
    ])
}

/// In milliseconds, while the calls are being verified.
fn longest_wait(daemon: &DaemonProcess, turn: u64) -> Result<f64, Box<dyn Error>> {
    const CALLS: u64 = 640;
    const ROUNDS: u64 = 3;
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let first = MANY + 1 + (turn * ROUNDS + round) * CALLS;
        let callers = Caller::several(first..=first + CALLS - 1);
        let drive = callers::drive(daemon.webhooks(), callers, &[0, 1, 2, 3, 4])?;
        longest = longest.max(drive.longest);
        process::pause(Duration::from_millis(500))?;
    }
    Ok(longest.as_secs_f64() * 1e3)
}

/// By what a verification is held up most.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Concurrency,
    Rate,
}

impl Bound {
    const fn requests_per_second(self) -> f64 {
        match self {
            Self::Concurrency => 100_000.0,
            Self::Rate => 500.0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Concurrency => "by concurrency",
            Self::Rate => "by rate",
        }
    }

    /// How long the verification takes at least, in seconds.
    fn least(self, requests: usize) -> f64 {
        let (requests, latency) = (requests as f64, LATENCY as f64 / 1e3);
        (requests * latency / CONCURRENCY).max(requests / self.requests_per_second())
    }
}

/// Of a carrier that lists nothing: it is asked about each call.
fn verification(folder: &Path, bound: Bound) -> Result<Vec<Figure>, Box<dyn Error>> {
    let start = Start {
        requests_per_second: bound.requests_per_second(),
        carrier: Carrier { lists: None, latency: LATENCY },
        ..Start::unhindered(ASKED as usize)
    };
    let mut daemon = DaemonProcess::start(folder, &start)?;
    let verified = daemon.verified()?;
    daemon.stop()?;
    let Verified { after, asked } = verified;
    println!(
        "  {ASKED} calls, held up {}: verified after {after:.2} s with {} requests, at most {} at \
         once and {} in a second",
        bound.name(),
        asked.requests,
        asked.most_in_flight,
        asked.most_in_a_second
    );
    Ok(figures(bound, &verified))
}

fn figures(bound: Bound, verified: &Verified) -> Vec<Figure> {
    let name = |what: &str| format!("restart: {what}, held up {}", bound.name());
    let asked = verified.asked;
    // The calls' own requests: what a carrier that lists nothing was asked besides is not theirs.
    let least = bound.least(asked.requests);
    let time = Figure::less(name("time"), "of least", verified.after / least).limit(1.2);
    let in_flight =
        Figure::less(name("requests at once"), "", asked.most_in_flight as f64).limit(CONCURRENCY);
    let in_a_second = Figure::less(name("requests in a second"), "", asked.most_in_a_second as f64);
    match bound {
        Bound::Concurrency => vec![time, in_flight],
        Bound::Rate => vec![time, in_a_second.limit(bound.requests_per_second())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::carrier::Asked;

    #[test]
    fn a_verification_is_measured_by_what_holds_it_up_most() {
        let asked = Asked { requests: 10_000, most_in_flight: 32, most_in_a_second: 1_010 };
        let values = |bound, after| {
            let figures = figures(bound, &Verified { after, asked });
            figures.iter().map(|it| it.value.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(values(Bound::Concurrency, 31.25), [2.0, 32.0]);
        assert_eq!(values(Bound::Rate, 40.0), [2.0, 1_010.0]);
    }
}
