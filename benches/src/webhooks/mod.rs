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
use daemon::Counts;
use generator::{CONNECTIONS, Round};

pub(crate) use daemon::Daemon;
pub(crate) use generator::Connection;

/// Pairs of rounds, the empty handler first. A multiple of three, for the thirds.
const ROUNDS: usize = 9;

/// Calls of one connection in one round.
const OURS: u64 = 60;
const BASELINE: u64 = 150;

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
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
    let fsync = fsync_time(folder.path())?;
    report(pairs, before, counts, fsync);
    Ok(())
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

fn report(pairs: Vec<(Side, Side)>, before: Counts, after: Counts, fsync: f64) {
    let ratios: Vec<f64> =
        pairs.iter().map(|(base, ours)| ours.round.rate() / base.round.rate()).collect();
    let third = pairs.len() / 3;
    let rate_in = |pairs: &[(Side, Side)]| median(pairs.iter().map(|pair| pair.1.round.rate()));
    let (first, last) = (rate_in(&pairs[..third]), rate_in(&pairs[pairs.len() - third..]));
    let first_ratio = median(ratios[..third].iter().copied());
    let last_ratio = median(ratios[ratios.len() - third..].iter().copied());
    let webhooks: usize = pairs.iter().map(|pair| pair.1.round.webhooks).sum();

    let (base, ours): (Vec<Side>, Vec<Side>) = pairs.into_iter().unzip();
    println!(
        "  {:<18} {:>10} {:>9} {:>9} {:>9} {:>12} {:>12}",
        "", "webhooks/s", "p50 ms", "p99 ms", "max ms", "server µs", "generator µs"
    );
    for (name, sides) in [("an empty handler", base), ("offhook", ours)] {
        let rate = median(sides.iter().map(|side| side.round.rate()));
        let own = median(sides.iter().map(|side| side.cost().0));
        let server = median(sides.iter().map(|side| side.cost().1));
        let all = Latencies::of(sides.into_iter().flat_map(|it| it.round.latencies).collect());
        println!(
            "  {name:<18} {rate:>10.0} {:>9.2} {:>9.2} {:>9.2} {server:>12.1} {own:>12.1}",
            all.quantile(0.5),
            all.quantile(0.99),
            all.quantile(1.0),
        );
    }
    let commits = after.commits - before.commits;
    let commit = (after.commit_time - before.commit_time) as f64 / 1e6 / commits.max(1) as f64;
    let share = median(ratios) * 100.0;
    println!(
        "  share of the empty handler   {share:.1} %   (wanted: at least 35 %; p99 below 15 ms)"
    );
    println!(
        "  first third, last third      {first:.0}/s = {:.1} %, {last:.0}/s = {:.1} %",
        first_ratio * 100.0,
        last_ratio * 100.0
    );
    println!(
        "  commits                      {commits}, {:.1} webhooks each, {commit:.2} ms each \
         (an fsync here: {fsync:.2} ms)",
        webhooks as f64 / commits.max(1) as f64
    );
    println!("  carrier commands             {}", after.commands - before.commands);
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
