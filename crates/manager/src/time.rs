//! Arithmetic with instants that cannot fail: it stops at the ends of time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The instant so much later.
pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long from one instant to a later one; zero if it is not later.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    let gap: SignedDuration = to.duration_since(from);
    gap.try_into().unwrap_or(Duration::ZERO)
}
