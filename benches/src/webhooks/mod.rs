//! Inbound calls of five signed webhooks each: verified, applied and committed with fsync before
//! they are answered, beside an empty handler that reads the same bodies.

mod baseline;
mod daemon;
mod generator;

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::figures::{Latencies, median, process_time};
use crate::report::Figure;
use daemon::Counts;
use generator::{CONNECTIONS, Round};

pub(crate) use daemon::Daemon;
pub(crate) use generator::Connection;

/// Pairs of rounds, the empty handler first. A multiple of three, for the thirds. Many and short, so
/// that a machine whose speed changes is as fast for the one side as for the other.
const ROUNDS: usize = 27;

/// Calls of one connection in one round.
const OURS: u64 = 36;
const BASELINE: u64 = 90;

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let cores = std::thread::available_parallelism()?.get();
    let runtime = runtime()?;
    let handler = runtime.block_on(baseline::start())?;
    let daemon = runtime.block_on(Daemon::start(folder.path()))?;

    let mut next = 1;
    let mut round = |address: SocketAddr, calls: u64| {
        let from = next;
        next += calls * CONNECTIONS;
        side(move || generator::drive(address, from, calls))
    };
    // Once each, so that neither side's first pages and connections are measured.
    round(handler, 10)?;
    round(daemon.webhooks(), 10)?;

    let before = daemon.counts();
    let mut pairs = Vec::new();
    for _ in 0..ROUNDS {
        pairs.push((round(handler, BASELINE)?, round(daemon.webhooks(), OURS)?));
    }
    let counts = daemon.counts();
    let live = daemon.live_calls();
    runtime.block_on(daemon.stop())?;
    if live > 0 {
        return Err(format!("{live} calls are live after their ends were reported").into());
    }

    println!(
        "\nwebhooks: calls of five, {CONNECTIONS} connections, {cores} cores with the generator, \
         {ROUNDS} pairs of rounds"
    );
    let measured = Measured { pairs, before, after: counts };
    measured.print(fsync_time(folder.path())?);
    Ok(measured.figures())
}

/// Our side alone, for a profiler. Nothing is compared.
pub(crate) fn ours() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let runtime = runtime()?;
    let daemon = runtime.block_on(Daemon::start(folder.path()))?;
    let address = daemon.webhooks();
    let before = daemon.counts();
    let calls = OURS * ROUNDS as u64;
    let side = side(move || generator::drive(address, 1, calls))?;
    let after = daemon.counts();
    runtime.block_on(daemon.stop())?;
    let (generator, server) = side.cost();
    println!(
        "webhooks: {:.0} a second, {server:.1} µs of the server, {generator:.1} µs of the generator, \
         {} commits",
        side.round.rate(),
        after.commits - before.commits,
    );
    Ok(())
}

/// As the daemon builds it.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().global_queue_interval(2).build()
}

/// A round, with the processor time of the whole process.
#[derive(Debug)]
struct Side {
    round: Round,
    whole_time: Option<Duration>,
}

fn side(
    drive: impl FnOnce() -> std::io::Result<Round> + Send + 'static,
) -> Result<Side, Box<dyn Error>> {
    let generator = std::thread::Builder::new().name("generator".to_owned());
    let (tell, told) = std::sync::mpsc::channel();
    let before = process_time();
    let thread = generator.spawn(move || {
        let round = drive();
        // Before the thread goes, and its processor time with it.
        let _ = tell.send((round, process_time()));
    })?;
    let (round, after) = told.recv()?;
    thread.join().map_err(|_| "the generator panicked")?;
    Ok(Side { round: round?, whole_time: after.zip(before).map(|(after, before)| after - before) })
}

impl Side {
    /// Microseconds of processor time for one webhook: the generator's, and the server's.
    fn cost(&self) -> (f64, f64) {
        let webhooks = self.round.webhooks as f64;
        let each = |time: Option<Duration>| {
            time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e6 / webhooks)
        };
        let own = each(self.round.own_time);
        (own, each(self.whole_time) - own)
    }
}

/// What a run came to.
#[derive(Debug)]
struct Measured {
    /// The empty handler and offhook.
    pairs: Vec<(Side, Side)>,
    /// Before the first pair, and after the last.
    before: Counts,
    after: Counts,
}

impl Measured {
    fn ours(&self) -> impl Iterator<Item = &Side> {
        self.pairs.iter().map(|pair| &pair.1)
    }

    /// The share of the empty handler's rate, in per cent.
    fn shares(&self) -> Vec<f64> {
        let share = |(base, ours): &(Side, Side)| ours.round.rate() / base.round.rate() * 100.0;
        self.pairs.iter().map(share).collect()
    }

    fn commits(&self) -> u64 {
        self.after.commits - self.before.commits
    }

    fn webhooks_a_commit(&self) -> f64 {
        let webhooks: usize = self.ours().map(|side| side.round.webhooks).sum();
        webhooks as f64 / self.commits() as f64
    }

    /// In milliseconds.
    fn time_a_commit(&self) -> f64 {
        let nanoseconds = self.after.commit_time - self.before.commit_time;
        nanoseconds as f64 / 1e6 / self.commits() as f64
    }

    fn print(&self, fsync: f64) {
        println!(
            "  {:<18} {:>10} {:>9} {:>9} {:>9} {:>12} {:>12}",
            "", "webhooks/s", "p50 ms", "p99 ms", "max ms", "server µs", "generator µs"
        );
        let base: Vec<&Side> = self.pairs.iter().map(|pair| &pair.0).collect();
        for (name, sides) in [("an empty handler", base), ("offhook", self.ours().collect())] {
            let of = |figure: &dyn Fn(&Side) -> f64| median(sides.iter().map(|side| figure(side)));
            let all = latencies(sides.iter().copied());
            println!(
                "  {name:<18} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1} {:>12.1}",
                of(&|side| side.round.rate()),
                all.quantile(0.5),
                all.quantile(0.99),
                all.quantile(1.0),
                of(&|side| side.cost().1),
                of(&|side| side.cost().0),
            );
        }
        let shares = self.shares();
        let third = shares.len() / 3;
        let last = shares.len() - third;
        let rates: Vec<f64> = self.ours().map(|side| side.round.rate()).collect();
        let middle = |figures: &[f64]| median(figures.iter().copied());
        println!(
            "  first third, last third      {:.0}/s = {:.1} %, {:.0}/s = {:.1} %",
            middle(&rates[..third]),
            middle(&shares[..third]),
            middle(&rates[last..]),
            middle(&shares[last..])
        );
        println!(
            "  commits                      {}, {:.1} webhooks each, {:.2} ms each \
             (an fsync here: {fsync:.2} ms)",
            self.commits(),
            self.webhooks_a_commit(),
            self.time_a_commit()
        );
        println!("  carrier commands             {}", self.after.commands - self.before.commands);
    }

    fn figures(&self) -> Vec<Figure> {
        let shares = self.shares();
        let rates = || self.ours().map(|side| side.round.rate());
        let costs = || self.ours().map(|side| side.cost().1);
        let p99 = latencies(self.ours()).quantile(0.99);
        let each_p99 = self.ours().map(|side| latencies([side]).quantile(0.99));
        vec![
            Figure::more("webhooks: share of the empty handler", "%", median(shares.clone()))
                .rounds(shares)
                .limit(40.0)
                .goal(50.0),
            Figure::more("webhooks: rate", "a second", median(rates())).rounds(rates()),
            Figure::less("webhooks: p99", "ms", p99).rounds(each_p99).limit(10.0),
            // The limit is for what is beyond the crypto; only the whole can be measured.
            Figure::less("webhooks: server, crypto too (limit: without)", "µs", median(costs()))
                .rounds(costs())
                .limit(25.0),
            Figure::more("webhooks: in one commit", "webhooks", self.webhooks_a_commit()),
            Figure::less("webhooks: one commit", "ms", self.time_a_commit()),
        ]
    }
}

fn latencies<'a>(sides: impl IntoIterator<Item = &'a Side>) -> Latencies {
    Latencies::of(sides.into_iter().flat_map(|it| it.round.latencies.iter().copied()).collect())
}

/// What an append of one page and its fsync takes in this folder, in milliseconds.
fn fsync_time(folder: &Path) -> std::io::Result<f64> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round of 100 webhooks.
    fn side(milliseconds: u64, p99: u64) -> Side {
        let mut latencies = vec![Duration::from_millis(1); 98];
        latencies.extend([Duration::from_millis(p99); 2]);
        let took = Duration::from_millis(milliseconds);
        let own_time = Some(Duration::from_micros(300));
        let round = Round { webhooks: 100, took, own_time, latencies };
        Side { round, whole_time: Some(Duration::from_micros(2300)) }
    }

    #[test]
    fn the_figures_are_those_of_our_side_and_its_share_of_the_other() {
        let counts = |commits| Counts { commits, commit_time: commits * 2_000_000, commands: 0 };
        let pairs = vec![
            (side(40, 1), side(100, 4)),
            (side(42, 1), side(100, 8)),
            (side(45, 1), side(100, 6)),
        ];
        let mut measured = Measured { pairs, before: counts(10), after: counts(40) };
        let figures = measured.figures();
        let values: Vec<f64> = figures.iter().map(|it| it.value.unwrap().round()).collect();
        assert_eq!(values, [42.0, 1000.0, 6.0, 20.0, 10.0, 2.0]);
        let spread = figures[2].spread.unwrap();
        assert_eq!((spread.lowest, spread.highest), (4.0, 8.0));

        // Where the system does not tell the time of a processor, that alone is not known.
        measured.pairs[0].1.whole_time = None;
        measured.pairs.truncate(1);
        let known: Vec<bool> = measured.figures().iter().map(|it| it.value.is_some()).collect();
        assert_eq!(known, [true, true, true, false, true, true]);
    }
}
