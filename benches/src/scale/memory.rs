//! What an idle call takes of memory, and that what comes beyond the limit takes none.

use std::error::Error;

use super::MANY;
use super::callers::{self, Caller};
use super::process::DaemonProcess;
use super::start::Start;
use crate::report::Figure;

/// Calls before the first look, all over by then: the daemon's own pages, threads and caches.
const BEFORE: u64 = 6_400;

/// Calls that come when the house is full.
const TOO_MANY: u64 = 50_000;

pub(crate) fn run() -> Result<Vec<Figure>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let start = Start::unhindered(MANY as usize);
    let mut daemon = DaemonProcess::start(folder.path(), &start)?;
    let mut looks = Vec::new();
    let mut next = 1;
    for (calls, webhooks) in [(BEFORE, &[0, 1, 2, 3, 4][..]), (MANY, &[0, 1]), (TOO_MANY, &[0])] {
        let callers = Caller::several(next..=next + calls - 1);
        next += calls;
        callers::drive(daemon.webhooks(), callers, webhooks)?;
        daemon.come_to_rest()?;
        looks.push(daemon.memory());
    }
    daemon.stop()?;

    let mut daemon = DaemonProcess::start(folder.path(), &start)?;
    daemon.verified()?;
    daemon.come_to_rest()?;
    looks.push(daemon.memory());
    daemon.stop()?;

    let looks: Vec<f64> = looks.into_iter().map(|it| it.unwrap_or(f64::NAN)).collect();
    let [empty, many, too_many, restarted] = looks[..] else {
        return Err("a look at the memory is missing".into());
    };
    println!("\nmemory: {MANY} idle calls, then {TOO_MANY} that are refused, then a restart");
    for (name, look) in [
        ("no call is live", empty),
        ("the house is full", many),
        ("others were refused", too_many),
        ("restarted and verified", restarted),
    ] {
        println!("  {name:<24} {:>8.1} MiB", look / 1024.0);
    }
    Ok(figures(&Looks { empty, many, too_many, restarted }))
}

/// The daemon's memory in KiB.
#[derive(Debug)]
struct Looks {
    empty: f64,
    many: f64,
    too_many: f64,
    restarted: f64,
}

fn figures(looks: &Looks) -> Vec<Figure> {
    let each = |look: f64| (look - looks.empty) / MANY as f64;
    vec![
        Figure::less("memory: an idle call", "KiB", each(looks.many)).limit(2.0),
        Figure::less("memory: an idle call, after a restart", "KiB", each(looks.restarted))
            .limit(2.0),
        Figure::less(
            "memory: growth by 50,000 calls that are refused",
            "MiB",
            (looks.too_many - looks.many) / 1024.0,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_call_is_what_the_calls_added_to_an_empty_house() {
        let looks =
            Looks { empty: 20_000.0, many: 170_000.0, too_many: 172_048.0, restarted: 220_000.0 };
        let values: Vec<f64> = figures(&looks).iter().map(|it| it.value.unwrap()).collect();
        assert_eq!(values, [1.5, 2.0, 2.0]);
        // Where the system tells nothing, nothing is known.
        let unknown = Looks { empty: f64::NAN, ..looks };
        assert_eq!(figures(&unknown)[0].value, None);
    }
}
