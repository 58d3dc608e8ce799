//! Processes, HTTP by hand, and carriers that sign.

mod carrier;
mod config;
mod daemon;
mod http;
mod process;

use std::time::{Duration, Instant};

pub(crate) use carrier::{ACCOUNT_SID, Carrier, HtmlServer, form, sign, sign_with};
pub(crate) use config::{Config, PLIVO_ID, PLIVO_TOKEN};
pub(crate) use daemon::Daemon;
pub(crate) use http::{Answer, Request};
pub(crate) use process::{Ended, Process, offhook, run, run_into};

/// How long a fact may take to come true: the demo plays on every provider.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Looks until there is something to see.
///
/// # Panics
/// Nothing is there in time.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// Like [`eventually`], with another patience.
pub(crate) fn within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        pause();
    }
}

/// Between two looks of a wait that is bounded.
fn pause() {
    idle(Duration::from_millis(20));
}

/// Lets time pass: between two looks, or up to a moment that chance has chosen. No fact is waited
/// for in this way.
#[expect(clippy::disallowed_methods, reason = "other processes have no virtual clock")]
pub(crate) fn idle(time: Duration) {
    std::thread::sleep(time);
}
