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
use attackers::{ATTACKS, Attack};
use genuine::Outcome;
use process::DaemonProcess;

pub(crate) use process::serve;

/// How many attackers' connections are wanted: more than the listener takes.
const CONNECTIONS: usize = 4000;

/// How long after an attack its memory is looked at once more.
const AFTERWARDS: Duration = Duration::from_secs(1);

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
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
        "  {:<34} {:>8} {:>5} {:>8} {:>8} {:>8} {:>9} {:>9}",
        "", "answered", "lost", "p50 ms", "p99 ms", "max ms", "MB, most", "MB, after"
    );
    let mut from = 1;
    let mut round = |name: &str, attack: Option<&Attack>| -> Result<f64, Box<dyn Error>> {
        let begun = from;
        from += genuine::CALLS;
        let Outcome { latencies, lost, why } = under(attack, connections, &daemon, begun)?;
        let megabytes = |it: Option<f64>| it.map_or("unknown".to_owned(), |it| format!("{it:.0}"));
        let most = megabytes(daemon.most_memory());
        pause(AFTERWARDS)?;
        let after = megabytes(daemon.memory());
        let (answered, all) = (latencies.len(), Latencies::of(latencies));
        println!(
            "  {name:<34} {answered:>8} {lost:>5} {:>8.2} {:>8.2} {:>8.2} {most:>9} {after:>9}",
            all.quantile(0.5),
            all.quantile(0.99),
            all.quantile(1.0)
        );
        if let Some(why) = why {
            println!("    the first was lost because: {why}");
        }
        Ok(all.quantile(0.99))
    };
    // Once for the daemon's first pages.
    round("(warming up)", None)?;
    let peace = round("at peace", None)?;
    let mut worst = ("", peace);
    for attack in ATTACKS {
        let p99 = round(attack.name, Some(attack))?;
        if p99 > worst.1 {
            worst = (attack.name, p99);
        }
    }
    round("at peace again", None)?;
    println!(
        "  p99 at peace {peace:.2} ms, under the worst attack {:.2} ms{}",
        worst.1,
        if worst.0.is_empty() { String::new() } else { format!(" ({})", worst.0) }
    );
    if daemon.memory().is_none() {
        println!("  MEMORY NOT KNOWN: this system has no /proc to read it from");
    }
    daemon.stop()
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
