//! What an event costs beside 1,000 and beside 100,000 live calls, and what the 5th of a call costs
//! beside the 500th. Two daemons on their databases, in turns.

use std::error::Error;
use std::path::Path;

use super::callers::{self, Caller};
use super::process::DaemonProcess;
use super::start::{Carrier, Start};
use super::{MANY, prepare};
use crate::figures::median;
use crate::report::Figure;

const FEW: u64 = 1_000;

/// Rounds of each comparison.
const ROUNDS: usize = 12;

/// Whole calls of five webhooks in one round.
const CALLS: u64 = 640;

/// Live calls of which each has one event in a round.
const EVENTS: usize = 3_200;

/// Calls that become old, with so many events before the first round.
const OLD: u64 = 256;
const AGE: usize = 497;

/// How many events of each old call, and of as many young ones, are in one round.
const ROUND: usize = 5;

/// A word of the caller's, again and again.
const WORDS: [usize; ROUND] = [1, 3, 1, 3, 1];

/// All calls are without news for so long, in seconds: each of them is to be asked about.
const QUIET: u64 = 120;

/// What a round came to.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// Webhooks a second.
    rate: f64,
    /// Microseconds of the daemon's processor time for each webhook.
    cost: f64,
}

/// The side that should cost no more, and what it is measured by, round for round.
#[derive(Debug)]
struct Pairs {
    name: &'static str,
    sides: Vec<(Side, Side)>,
}

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut few = House::open(FEW)?;
    let mut many = House::open(MANY)?;
    println!(
        "\nflat: an event beside {FEW} and {MANY} live calls, and the 5th and 500th of a call"
    );

    // Once each, so that no first pages and connections are measured.
    few.calls()?;
    many.calls()?;
    let mut calls = Pairs { name: "calls that come, beside many", sides: Vec::new() };
    let mut events = Pairs { name: "events of live calls, beside many", sides: Vec::new() };
    for _ in 0..ROUNDS {
        calls.sides.push((few.calls()?, many.calls()?));
        events.sides.push((few.events()?, many.events()?));
    }
    many.stop()?;

    let mut ages = Pairs { name: "the 500th event of a call", sides: Vec::new() };
    let mut old = few.older(OLD, AGE)?;
    for _ in 0..ROUNDS {
        let young = few.older(OLD, 2)?;
        let (young, side) = few.drive(young, &WORDS)?;
        few.drive(young, &[4])?;
        let (older, old_side) = few.drive(old, &WORDS)?;
        old = older;
        ages.sides.push((side, old_side));
    }
    few.stop()?;

    let all = [calls, events, ages];
    for pairs in &all {
        pairs.print();
    }
    Ok(all.iter().flat_map(Pairs::figures).collect())
}

/// A daemon, and the calls that live in it.
#[derive(Debug)]
struct House {
    _folder: tempfile::TempDir,
    daemon: DaemonProcess,
    live: Vec<Caller>,
    next: u64,
}

impl House {
    fn open(calls: u64) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let quiet = Start { slow_by: QUIET, ..Start::unhindered(2 * MANY as usize) };
        let live = prepare(folder.path(), calls, &quiet)?;
        let start = Start {
            slow_by: 0,
            // As configured by default: no more than that is asked, however many wait for it.
            requests_per_second: 50.0,
            carrier: Carrier { lists: None, latency: 0 },
            ..quiet
        };
        let daemon = Self::daemon(folder.path(), &start)?;
        Ok(Self { _folder: folder, daemon, live, next: calls + 1 })
    }

    fn daemon(folder: &Path, start: &Start) -> Result<DaemonProcess, Box<dyn Error>> {
        let mut daemon = DaemonProcess::start(folder, start)?;
        daemon.answers_at("/readyz")?;
        daemon.come_to_rest()?;
        Ok(daemon)
    }

    /// Calls that come, speak and end.
    fn calls(&mut self) -> Result<Side, Box<dyn Error>> {
        let callers = Caller::several(self.next..=self.next + CALLS - 1);
        self.next += CALLS;
        Ok(self.drive(callers, &[0, 1, 2, 3, 4])?.1)
    }

    /// One event of each of several calls that live, others than the last time if there are as many.
    fn events(&mut self) -> Result<Side, Box<dyn Error>> {
        let mut all = Side { rate: 0.0, cost: 0.0 };
        let mut left = EVENTS;
        while left > 0 {
            let count = self.live.len().min(left);
            left -= count;
            let some = self.live.drain(..count).collect();
            let (callers, side) = self.drive(some, &[1])?;
            self.live.extend(callers);
            let share = count as f64 / EVENTS as f64;
            all.rate += side.rate * share;
            all.cost += side.cost * share;
        }
        Ok(all)
    }

    /// New calls with so many events behind the first.
    fn older(&mut self, calls: u64, events: usize) -> Result<Vec<Caller>, Box<dyn Error>> {
        let callers = Caller::several(self.next..=self.next + calls - 1);
        self.next += calls;
        let words: Vec<usize> =
            [0].into_iter().chain(WORDS.into_iter().cycle().take(events)).collect();
        Ok(self.drive(callers, &words)?.0)
    }

    fn drive(
        &self,
        callers: Vec<Caller>,
        webhooks: &[usize],
    ) -> Result<(Vec<Caller>, Side), Box<dyn Error>> {
        let before = self.daemon.processor_time();
        let drive = callers::drive(self.daemon.webhooks(), callers, webhooks)?;
        let after = self.daemon.processor_time();
        let count = drive.webhooks as f64;
        let time = after
            .zip(before)
            .map_or(f64::NAN, |(after, before)| (after - before).as_secs_f64() * 1e6);
        let side = Side { rate: count / drive.took.as_secs_f64(), cost: time / count };
        Ok((drive.callers, side))
    }

    fn stop(self) -> Result<(), Box<dyn Error>> {
        self.daemon.stop()
    }
}

impl Pairs {
    fn print(&self) {
        let middle = |of: &dyn Fn(&(Side, Side)) -> f64| median(self.sides.iter().map(of));
        println!(
            "  {:<36} {:>6.0}/s and {:>6.1} µs, to {:>6.0}/s and {:>6.1} µs",
            self.name,
            middle(&|pair| pair.0.rate),
            middle(&|pair| pair.0.cost),
            middle(&|pair| pair.1.rate),
            middle(&|pair| pair.1.cost),
        );
    }

    fn figures(&self) -> [Figure; 2] {
        let ratios = |of: fn(&Side) -> f64| -> Vec<f64> {
            self.sides.iter().map(|(base, side)| of(side) / of(base)).collect()
        };
        let figure = |what: &str, ratios: Vec<f64>| {
            let known = ratios.iter().copied().filter(|it| it.is_finite());
            let value = if ratios.iter().any(|it| it.is_nan()) { f64::NAN } else { median(known) };
            (format!("flat: {}, {what}", self.name), value, ratios)
        };
        let (name, value, rounds) = figure("processor time", ratios(|side| side.cost));
        let cost = Figure::less(name, "times", value).rounds(rounds).limit(1.2);
        let (name, value, rounds) = figure("rate", ratios(|side| side.rate));
        [cost, Figure::more(name, "times", value).rounds(rounds).limit(0.8)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_flat_is_told_by_the_ratio_of_each_round() {
        let side = |rate, cost| Side { rate, cost };
        let pairs = Pairs {
            name: "events",
            sides: vec![
                (side(1000.0, 40.0), side(1000.0, 44.0)),
                (side(500.0, 80.0), side(450.0, 80.0)),
                (side(800.0, 50.0), side(400.0, 100.0)),
            ],
        };
        let [cost, rate] = pairs.figures();
        assert_eq!((cost.value, rate.value), (Some(1.1), Some(0.9)));
        assert_eq!(cost.spread.unwrap().highest, 2.0);

        // Where the system does not tell the time of a processor, that alone is not known.
        let sides = vec![(side(1000.0, f64::NAN), side(1000.0, f64::NAN))];
        let [cost, rate] = Pairs { name: "events", sides }.figures();
        assert_eq!((cost.value, rate.value), (None, Some(1.0)));
    }
}
