//! What many calls cost: in an event, at a restart, in memory. The daemon is a process of its own, so
//! that its memory and its processor time are nobody else's, and so that it can start anew.

mod callers;
mod carrier;
mod daemon;
mod process;
mod start;

pub(crate) mod flat;
pub(crate) mod memory;
pub(crate) mod restart;

use std::error::Error;
use std::path::Path;

use callers::Caller;
use process::DaemonProcess;
use start::Start;

pub(crate) use daemon::serve;

/// How many calls are many.
const MANY: u64 = 100_000;

/// Calls that have come and been spoken on once, and live on. They are all there is in this folder.
fn prepare(folder: &Path, calls: u64, start: &Start) -> Result<Vec<Caller>, Box<dyn Error>> {
    let mut daemon = DaemonProcess::start(folder, start)?;
    let callers = callers::drive(daemon.webhooks(), Caller::several(1..=calls), &[0, 1])?.callers;
    daemon.come_to_rest()?;
    daemon.stop()?;
    Ok(callers)
}
