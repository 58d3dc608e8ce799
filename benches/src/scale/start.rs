//! With what a daemon is started.

use serde::{Deserialize, Serialize};

/// What differs between the daemons that are measured. Goes to the process as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Start {
    /// How many calls may live at once.
    pub(super) most_calls: usize,
    /// By how many seconds its clock is slow: what it writes is as old after the next start.
    pub(super) slow_by: u64,
    pub(super) requests_per_second: f64,
    pub(super) carrier: Carrier,
}

/// How the carrier answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Carrier {
    /// It lists as live the calls with the numbers up to this one, if it lists any.
    pub(super) lists: Option<u64>,
    /// How long it takes for each answer, in milliseconds.
    pub(super) latency: u64,
}

impl Start {
    /// Nothing holds it up, and its carrier answers at once.
    pub(super) const fn unhindered(most_calls: usize) -> Self {
        Self {
            most_calls,
            slow_by: 0,
            requests_per_second: 100_000.0,
            carrier: Carrier { lists: None, latency: 0 },
        }
    }
}
