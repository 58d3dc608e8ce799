//! Inbound calls of signed webhooks, of each carrier: verified, applied and committed with fsync
//! before they are answered, beside a handler that reads the same bodies and does nothing that could
//! be left out.

mod baseline;
mod daemon;
mod generator;

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use offhook_core::ProviderName;

use crate::carrier::{self, Baseline, Carrier};
use crate::figures::{Latencies, median, process_time};
use crate::report::Figure;

pub(crate) use daemon::{Counts, Daemon};
pub(crate) use generator::{CONNECTIONS, Connection, Load, Round};

/// Pairs of rounds, the baseline first. A multiple of three, for the thirds. Many and short, so that
/// a machine whose speed changes is as fast for the one side as for the other.
pub(crate) const ROUNDS: usize = 27;

/// Calls of one connection in one round of ours.
pub(crate) const OURS: u64 = 24;

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut figures = Vec::new();
    for carrier in carrier::all() {
        let measured = measure(&carrier)?;
        measured.print();
        figures.extend(measured.figures());
    }
    Ok(figures)
}

fn measure(carrier: &Arc<dyn Carrier>) -> Result<Measured, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let runtime = runtime()?;
    let handler = runtime.block_on(baseline::start(carrier.baseline()))?;
    let daemon = runtime.block_on(Daemon::start(carrier, folder.path()))?;
    let handler = Load { carrier: Arc::clone(carrier), commands: None, address: handler };
    let ours = daemon.load();
    let baseline = carrier.baseline();

    let mut next = 1;
    let mut round = |load: &Load, calls: u64| {
        let from = next;
        next += calls * CONNECTIONS;
        let load = load.clone();
        side(move || load.drive(from, calls))
    };
    // Once each, so that neither side's first pages and connections are measured.
    round(&handler, 10)?;
    round(&ours, 10)?;

    let before = daemon.counts();
    let mut pairs = Vec::new();
    for _ in 0..ROUNDS {
        pairs.push((round(&handler, baseline.calls)?, round(&ours, OURS)?));
    }
    let after = daemon.counts();
    let live = runtime.block_on(daemon.live_calls());
    runtime.block_on(daemon.stop())?;
    if live > 0 {
        return Err(format!("{live} calls are live after their ends were reported").into());
    }
    let (name, steps) = (carrier.name(), carrier.steps());
    let fsync = fsync_time(folder.path())?;
    Ok(Measured { name, steps, baseline, pairs, before, after, fsync })
}

/// Our side alone, of the carrier with this name, for a profiler. Nothing is compared.
pub(crate) fn ours(name: &str) -> Result<(), Box<dyn Error>> {
    let carrier = carrier::all().into_iter().find(|it| it.name().as_str() == name);
    let carrier = carrier.ok_or_else(|| format!("{name} is no carrier"))?;
    let folder = tempfile::tempdir()?;
    let runtime = runtime()?;
    let daemon = runtime.block_on(Daemon::start(&carrier, folder.path()))?;
    let load = daemon.load();
    let before = daemon.counts();
    let side = side(move || load.drive(1, OURS * ROUNDS as u64))?;
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
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().global_queue_interval(2).build()
}

/// A round, with the processor time of the whole process.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) round: Round,
    pub(crate) whole_time: Option<Duration>,
}

pub(crate) fn side(
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
    pub(crate) fn cost(&self) -> (f64, f64) {
        let webhooks = self.round.webhooks as f64;
        let each = |time: Option<Duration>| {
            time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e6 / webhooks)
        };
        let own = each(self.round.own_time);
        (own, each(self.whole_time) - own)
    }
}

/// What a run with one carrier came to.
struct Measured {
    name: ProviderName,
    /// Webhooks of a call.
    steps: usize,
    baseline: Baseline,
    /// The baseline and offhook.
    pairs: Vec<(Side, Side)>,
    /// Before the first pair, and after the last.
    before: Counts,
    after: Counts,
    /// In milliseconds.
    fsync: f64,
}

impl Measured {
    fn ours(&self) -> impl Iterator<Item = &Side> {
        self.pairs.iter().map(|pair| &pair.1)
    }

    /// The share of the baseline's rate, in per cent.
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

    fn print(&self) {
        println!(
            "\n{}: calls of {} webhooks, {CONNECTIONS} connections, {} cores with the generator, \
             {ROUNDS} pairs of rounds",
            self.name,
            self.steps,
            std::thread::available_parallelism().map_or(0, usize::from),
        );
        println!(
            "  {:<22} {:>10} {:>9} {:>9} {:>9} {:>12} {:>12}",
            "", "webhooks/s", "p50 ms", "p99 ms", "max ms", "server µs", "generator µs"
        );
        let base: Vec<&Side> = self.pairs.iter().map(|pair| &pair.0).collect();
        for (name, sides) in [(self.baseline.name, base), ("offhook", self.ours().collect())] {
            let of = |figure: &dyn Fn(&Side) -> f64| median(sides.iter().map(|side| figure(side)));
            let all = latencies(sides.iter().copied());
            println!(
                "  {name:<22} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1} {:>12.1}",
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
             (an fsync here: {:.2} ms)",
            self.commits(),
            self.webhooks_a_commit(),
            self.time_a_commit(),
            self.fsync
        );
        println!("  carrier commands             {}", self.after.commands - self.before.commands);
    }

    fn figures(&self) -> Vec<Figure> {
        let shares = self.shares();
        let rates = || self.ours().map(|side| side.round.rate());
        let costs = || self.ours().map(|side| side.cost().1);
        let p99 = latencies(self.ours()).quantile(0.99);
        let each_p99 = self.ours().map(|side| latencies([side]).quantile(0.99));
        let Baseline { name, limit, goal, time_limit, .. } = &self.baseline;
        let named = |what: &str| format!("webhooks: {}, {what}", self.name);
        let share = Figure::more(named(&format!("share of {name}")), "%", median(shares.clone()))
            .rounds(shares)
            .limit(*limit);
        let time = |what: &str| Figure::less(named(what), "µs", median(costs())).rounds(costs());
        vec![
            match goal {
                Some(goal) => share.goal(*goal),
                None => share,
            },
            Figure::more(named("rate"), "a second", median(rates())).rounds(rates()),
            Figure::less(named("p99"), "ms", p99).rounds(each_p99).limit(10.0),
            // The limit is for what is beyond the crypto; only the whole can be measured.
            match time_limit {
                Some(limit) => time("server, crypto too (limit: without)").limit(*limit),
                None => time("server, crypto too"),
            },
            Figure::more(named("in one commit"), "webhooks", self.webhooks_a_commit()),
            Figure::less(named("one commit"), "ms", self.time_a_commit()),
        ]
    }
}

pub(crate) fn latencies<'a>(sides: impl IntoIterator<Item = &'a Side>) -> Latencies {
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
        let counts =
            |commits| Counts { commits, commit_time: commits * 2_000_000, ..Counts::default() };
        let pairs = vec![
            (side(40, 1), side(100, 4)),
            (side(42, 1), side(100, 8)),
            (side(45, 1), side(100, 6)),
        ];
        let mut measured = Measured {
            name: ProviderName::new("any"),
            steps: 5,
            baseline: carrier::Twilio::new().baseline(),
            pairs,
            before: counts(10),
            after: counts(40),
            fsync: 0.2,
        };
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
