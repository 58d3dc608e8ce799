//! Webhooks beside a month of calls that are over, while these are forgotten and while they are not,
//! and beside an empty database.

mod month;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use offhook_manager::{Clock, SystemClock, Which};

use crate::carrier;
use crate::figures::{Latencies, median};
use crate::report::Figure;
use crate::webhooks::{
    CONNECTIONS, Counts, Daemon, Load, OURS, ROUNDS, Side, latencies, runtime, side,
};

/// How many calls the month has: ten thousand a day.
const CALLS: u64 = 300_000;

/// How old the youngest of them is.
const AGE: Duration = Duration::from_hours(24 * 31);

/// How many calls a page of the history has.
const PAGE: usize = 50;

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    let (empty_folder, full_folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let carrier = carrier::all().into_iter().next().ok_or("there is no carrier")?;
    let runtime = runtime()?;
    let begun = Instant::now();
    let until = SystemClock.now() - AGE;
    runtime.block_on(month::fill(&carrier, full_folder.path(), CALLS, until))?;
    let size = megabytes(full_folder.path(), "calls.db");
    println!(
        "\nretention: {CALLS} calls in {size:.0} MB, written in {:.0} s; {ROUNDS} rounds of each",
        begun.elapsed().as_secs_f64()
    );
    let empty = runtime.block_on(Daemon::start(&carrier, empty_folder.path()))?;
    let full = runtime.block_on(Daemon::start(&carrier, full_folder.path()))?;

    let mut next = 1;
    let mut round = |load: Load, calls: u64| {
        let from = next;
        next += calls * CONNECTIONS;
        side(move || load.drive(from, calls))
    };
    for daemon in [&empty, &full] {
        round(daemon.load(), 10)?;
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let alone = round(empty.load(), OURS)?;
        let beside = round(full.load(), OURS)?;
        // Of what is younger than the month nothing is old enough.
        let purge = runtime.spawn(full.forget_before(until + Duration::from_secs(1)));
        let forgetting = round(full.load(), OURS)?;
        if purge.is_finished() {
            return Err("the month was forgotten before the end of a round".into());
        }
        purge.abort();
        rounds.push(Sides { alone, beside, forgetting });
    }
    let pages = [Which::Live, Which::Ended, Which::All]
        .map(|which| runtime.block_on(history(&full, which)));
    let counts = full.counts();
    runtime.block_on(full.stop())?;
    let log = megabytes(full_folder.path(), "calls.db-wal");
    runtime.block_on(empty.stop())?;
    let [live, ended, all] = pages;
    let measured = Measured { rounds, counts, pages: [live?, ended?, all?], log };
    measured.print();
    Ok(measured.figures())
}

/// How large a file is, in megabytes; 0 if there is none.
fn megabytes(folder: &Path, name: &str) -> f64 {
    std::fs::metadata(folder.join(name)).map_or(0.0, |it| it.len() as f64 / 1e6)
}

/// What the first page takes, in milliseconds.
async fn history(daemon: &Daemon, which: Which) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        daemon.history(which, PAGE).await?;
        times.push(begun.elapsed());
    }
    Ok(Latencies::of(times).quantile(0.5))
}

/// One round.
#[derive(Debug)]
struct Sides {
    /// An empty database.
    alone: Side,
    /// A month of calls.
    beside: Side,
    /// The same while it is forgotten.
    forgetting: Side,
}

/// What a run came to.
#[derive(Debug)]
struct Measured {
    rounds: Vec<Sides>,
    /// Of the database with the month.
    counts: Counts,
    /// Milliseconds of a page: live, ended, all.
    pages: [f64; 3],
    /// The size of the write-ahead log when all was over.
    log: f64,
}

impl Measured {
    fn of(&self, side: fn(&Sides) -> &Side) -> impl Iterator<Item = &Side> {
        self.rounds.iter().map(side)
    }

    /// The rate as a share of that beside an empty database, in per cent.
    fn shares(&self, side: fn(&Sides) -> &Side) -> Vec<f64> {
        let share = |it: &Sides| side(it).round.rate() / it.alone.round.rate() * 100.0;
        self.rounds.iter().map(share).collect()
    }

    /// Calls that were forgotten in a second.
    fn forgotten(&self) -> f64 {
        let seconds: f64 = self.of(|it| &it.forgetting).map(|it| it.round.took.as_secs_f64()).sum();
        self.counts.forgotten as f64 / seconds
    }

    /// In milliseconds.
    fn step(&self) -> f64 {
        self.counts.step_time as f64 / 1e6 / self.counts.steps as f64
    }

    fn print(&self) {
        println!(
            "  {:<22} {:>10} {:>9} {:>9} {:>9} {:>12}",
            "", "webhooks/s", "p50 ms", "p99 ms", "max ms", "server µs"
        );
        self.print_side("an empty database", |it| &it.alone);
        self.print_side("a month of calls", |it| &it.beside);
        self.print_side("while it is forgotten", |it| &it.forgetting);
        let Counts { forgotten, steps, .. } = self.counts;
        let [live, ended, all] = self.pages;
        println!(
            "  forgotten                    {forgotten} calls in {steps} steps of {:.2} ms, \
             {:.0} a second",
            self.step(),
            self.forgotten()
        );
        println!(
            "  a page of {PAGE}                 live {live:.2} ms, ended {ended:.2} ms, all {all:.2} ms"
        );
        println!("  the log                      {:.0} MB", self.log);
    }

    fn print_side(&self, name: &str, side: fn(&Sides) -> &Side) {
        let all = latencies(self.of(side));
        println!(
            "  {name:<22} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1}",
            median(self.of(side).map(|it| it.round.rate())),
            all.quantile(0.5),
            all.quantile(0.99),
            all.quantile(1.0),
            median(self.of(side).map(|it| it.cost().1)),
        );
    }

    fn figures(&self) -> Vec<Figure> {
        let share = |what: &str, side: fn(&Sides) -> &Side| {
            let shares = self.shares(side);
            Figure::more(format!("retention: {what}"), "%", median(shares.clone()))
                .rounds(shares)
                .limit(90.0)
        };
        let p99 = latencies(self.of(|it| &it.forgetting)).quantile(0.99);
        let each_p99 = self.of(|it| &it.forgetting).map(|it| latencies([it]).quantile(0.99));
        let page = self.pages.into_iter().fold(0.0, f64::max);
        vec![
            share("rate beside a month, of that beside nothing", |it| &it.beside),
            share("rate while it is forgotten, likewise", |it| &it.forgetting),
            Figure::less("retention: p99 while it is forgotten", "ms", p99)
                .rounds(each_p99)
                .limit(10.0),
            Figure::more("retention: forgotten", "calls a second", self.forgotten()),
            Figure::less("retention: one step of forgetting", "ms", self.step()),
            Figure::less(format!("retention: a page of {PAGE}"), "ms", page),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::Round;

    #[test]
    fn shares_are_of_each_round_and_forgetting_is_counted_over_its_own_rounds() {
        let side = |milliseconds: u64| {
            let (webhooks, took) = (100, Duration::from_millis(milliseconds));
            let latencies = vec![Duration::from_millis(3); webhooks];
            Side { round: Round { webhooks, took, own_time: None, latencies }, whole_time: None }
        };
        let sides = |alone, beside, forgetting| Sides {
            alone: side(alone),
            beside: side(beside),
            forgetting: side(forgetting),
        };
        let measured = Measured {
            rounds: vec![sides(90, 100, 180), sides(190, 200, 320), sides(100, 125, 500)],
            counts: Counts {
                forgotten: 500,
                steps: 50,
                step_time: 100_000_000,
                ..Counts::default()
            },
            pages: [0.5, 2.0, 1.0],
            log: 64.0,
        };
        let values: Vec<f64> =
            measured.figures().iter().map(|it| it.value.unwrap().round()).collect();
        assert_eq!(values, [90.0, 50.0, 3.0, 500.0, 2.0, 2.0]);
    }
}
