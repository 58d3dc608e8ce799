//! Which of a carrier's calls is due when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// The calls that will change by themselves, by their place in the carrier's list.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    due: BTreeSet<(Timestamp, usize)>,
    /// The instant under which each call stands in `due`.
    noted: BTreeMap<usize, Timestamp>,
    /// The latest instant that anything has happened at.
    reached: Timestamp,
}

impl Agenda {
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The call that is due first by `now`, and when it happens: never before
    /// what has happened already. A limit that is set below the time that has
    /// passed was never due.
    pub(crate) fn first_due(&mut self, now: Timestamp) -> Option<(Timestamp, usize)> {
        let (at, index) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.reach(at);
        Some((self.reached, index))
    }

    /// Something happened at this instant.
    pub(crate) fn reach(&mut self, at: Timestamp) {
        self.reached = self.reached.max(at);
    }

    /// Notes when this call is due now.
    pub(crate) fn set(&mut self, index: usize, due: Option<Timestamp>) {
        if let Some(old) = self.noted.remove(&index) {
            self.due.remove(&(old, index));
        }
        if let Some(due) = due {
            self.noted.insert(index, due);
            self.due.insert((due, index));
        }
    }
}
