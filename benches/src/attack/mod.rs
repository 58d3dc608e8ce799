//! Genuine webhooks while others attack, beside the same webhooks at peace. The daemon is a process
//! of its own, so that its memory can be read and its files are its own.
//!
//! All come from this machine, so the bound on the requests of one source does not help: this is
//! what remains when it does not. Attackers, carrier and daemon share its processors, too: what
//! the attackers burn is missing to the daemon. So a latency under attack is the worst that this
//! machine can show, not what an attacker from afar would reach.

mod attackers;
mod genuine;
mod process;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::figures::Latencies;
use crate::report::Figure;
use attackers::{ATTACKS, Attack};
use genuine::Outcome;
use process::DaemonProcess;

pub(crate) use process::serve;

/// How many attackers' connections are wanted: more than the listener takes.
const CONNECTIONS: usize = 4000;

/// How long after an attack its memory is looked at once more.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// What a round came to.
#[derive(Debug)]
struct Round {
    name: &'static str,
    latencies: Latencies,
    answered: usize,
    lost: usize,
    /// Why the first of those that were lost was.
    why: Option<String>,
    /// The daemon's memory in mebibytes, where the system tells it: the most that it had, and what
    /// it has [`AFTERWARDS`].
    most_memory: Option<f64>,
    memory_after: Option<f64>,
}

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    offhook_server::raise_open_files();
    let folder = tempfile::tempdir()?;
    let daemon = DaemonProcess::start(folder.path())?;
    let connections = CONNECTIONS.min(process::open_files().map_or(CONNECTIONS, |it| it / 2));
    println!(
        "\nattack: {} calls of five webhooks, one each {} ms, each call on a fresh connection; \
         no webhook is sent twice",
        genuine::CALLS,
        genuine::PACE.as_millis()
    );
    if connections < CONNECTIONS {
        println!("  only {connections} of {CONNECTIONS} connections: the limit on open files");
    }
    println!(
        "  {:<34} {:>8} {:>5} {:>8} {:>8} {:>8} {:>9} {:>10}",
        "", "answered", "lost", "p50 ms", "p99 ms", "max ms", "MiB, most", "MiB, after"
    );
    let mut from = 1;
    let mut round = |name, attack: Option<&Attack>| -> Result<Round, Box<dyn Error>> {
        let begun = from;
        from += genuine::CALLS;
        let Outcome { latencies, lost, why } = under(attack, connections, &daemon, begun)?;
        let most_memory = daemon.most_memory();
        pause(AFTERWARDS)?;
        let memory_after = daemon.memory();
        let (answered, latencies) = (latencies.len(), Latencies::of(latencies));
        let round = Round { name, latencies, answered, lost, why, most_memory, memory_after };
        round.print();
        Ok(round)
    };
    // Once for the daemon's first pages.
    round("(warming up)", None)?;
    let mut rounds = vec![round("at peace", None)?];
    for attack in ATTACKS {
        rounds.push(round(attack.name, Some(attack))?);
    }
    rounds.push(round("at peace again", None)?);
    daemon.stop()?;
    Ok(figures(&rounds))
}

impl Round {
    fn print(&self) {
        let mebibytes = |it: Option<f64>| it.map_or("unknown".to_owned(), |it| format!("{it:.0}"));
        println!(
            "  {:<34} {:>8} {:>5} {:>8.2} {:>8.2} {:>8.2} {:>9} {:>10}",
            self.name,
            self.answered,
            self.lost,
            self.latencies.quantile(0.5),
            self.latencies.quantile(0.99),
            self.latencies.quantile(1.0),
            mebibytes(self.most_memory),
            mebibytes(self.memory_after)
        );
        if let Some(why) = &self.why {
            println!("    the first was lost because: {why}");
        }
    }
}

fn figures(rounds: &[Round]) -> Vec<Figure> {
    let name = |what: &str, round: &Round| format!("attack: {what}, {}", round.name);
    let p99 = rounds
        .iter()
        .map(|round| Figure::less(name("p99", round), "ms", round.latencies.quantile(0.99)));
    let memory = rounds.iter().map(|round| {
        Figure::less(name("memory", round), "MiB", round.most_memory.unwrap_or(f64::NAN))
    });
    let lost = rounds.iter().map(|round| round.lost).sum::<usize>() as f64;
    p99.chain(memory).chain([Figure::less("attack: lost, of all", "webhooks", lost)]).collect()
}

/// Lets the daemon come to rest.
fn pause(time: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async { tokio::time::sleep(time).await });
    Ok(())
}

/// Genuine calls while this attack goes on.
fn under(
    attack: Option<&Attack>,
    connections: usize,
    daemon: &DaemonProcess,
    from: u64,
) -> Result<Outcome, Box<dyn Error>> {
    let address = daemon.webhooks();
    let stop = Arc::new(AtomicBool::new(false));
    daemon.forget_most_memory();
    let attackers = attack
        .map(|attack| attackers::begin(*attack, address, connections, Arc::clone(&stop)))
        .transpose()?;
    let outcome = genuine::drive(address, from);
    stop.store(true, Ordering::Relaxed);
    if let Some(attackers) = attackers {
        attackers.join().map_err(|_| "an attacker panicked")?;
    }
    Ok(outcome?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attack_has_its_latency_and_memory_and_what_was_lost_is_one_sum() {
        let round = |name, p99, lost, most_memory| {
            let latencies = Latencies::of(vec![Duration::from_millis(p99); 4]);
            let why = None;
            Round { name, latencies, answered: 4, lost, why, most_memory, memory_after: None }
        };
        let figures = figures(&[round("at peace", 2, 0, Some(25.0)), round("junk", 30, 3, None)]);
        let told: Vec<_> = figures.iter().map(|it| (it.name.as_str(), it.value)).collect();
        assert_eq!(
            told,
            [
                ("attack: p99, at peace", Some(2.0)),
                ("attack: p99, junk", Some(30.0)),
                ("attack: memory, at peace", Some(25.0)),
                ("attack: memory, junk", None),
                ("attack: lost, of all", Some(3.0)),
            ]
        );
    }
}
