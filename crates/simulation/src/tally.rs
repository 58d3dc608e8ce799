//! What was exercised.

use std::collections::BTreeMap;
use std::fmt;

use offhook_manager::{Change, EntryKind};

use crate::point::Point;

/// How often what happened, over many stories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Stories that were told.
    pub stories: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Points at which the process could have died.
    pub points: BTreeMap<Point, u64>,
    /// Points at which it did.
    pub crashes: BTreeMap<Point, u64>,
    /// Changes of state that were committed.
    pub transitions: BTreeMap<(&'static str, &'static str), u64>,
    /// Ends, by reason.
    pub ends: BTreeMap<&'static str, u64>,
    /// Entries that were committed, by kind.
    pub entries: BTreeMap<&'static str, u64>,
    /// Requests to carriers, and webhooks from there.
    pub exchanges: BTreeMap<&'static str, u64>,
}

fn add<K: Ord>(to: &mut BTreeMap<K, u64>, what: K) {
    *to.entry(what).or_default() += 1;
}

impl Tally {
    pub(crate) fn fault(&mut self, word: &'static str) {
        add(&mut self.faults, word);
    }

    pub(crate) fn point(&mut self, point: Point) {
        add(&mut self.points, point);
    }

    pub(crate) fn crash(&mut self, point: Point) {
        add(&mut self.crashes, point);
    }

    pub(crate) fn exchange(&mut self, word: &'static str) {
        add(&mut self.exchanges, word);
    }

    pub(crate) fn change(&mut self, before: Option<&'static str>, change: &Change) {
        let state = change.record.state.as_str();
        if before != Some(state) {
            add(&mut self.transitions, (before.unwrap_or("-"), state));
            if let Some(reason) = change.record.end_reason() {
                add(&mut self.ends, reason.as_str());
            }
        }
        for entry in &change.entries {
            add(&mut self.entries, word(&entry.kind));
        }
    }

    /// Adds what others exercised.
    pub fn merge(&mut self, other: &Self) {
        fn all<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (what, count) in from {
                *to.entry(*what).or_default() += count;
            }
        }
        self.stories += other.stories;
        self.steps += other.steps;
        all(&mut self.faults, &other.faults);
        all(&mut self.points, &other.points);
        all(&mut self.crashes, &other.crashes);
        all(&mut self.transitions, &other.transitions);
        all(&mut self.ends, &other.ends);
        all(&mut self.entries, &other.entries);
        all(&mut self.exchanges, &other.exchanges);
    }
}

fn word(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Created { .. } => "created",
        EntryKind::Admitted => "admitted",
        EntryKind::Webhook { ignored: None, .. } => "webhook",
        EntryKind::Webhook { .. } => "webhook without effect",
        EntryKind::Command { .. } => "command",
        EntryKind::Done { .. } => "done",
        EntryKind::NotDone { .. } => "not done",
        EntryKind::NotConfirmed { .. } => "not confirmed",
        EntryKind::DialUnknown { .. } => "dial unknown",
        EntryKind::Adopted { .. } => "adopted",
        EntryKind::Searched { .. } => "searched",
        EntryKind::Status { .. } => "status",
        EntryKind::Deadline { .. } => "deadline",
        EntryKind::TurnTimedOut { .. } => "turn timed out",
        EntryKind::Restored { .. } => "restored",
        EntryKind::Ended { .. } => "ended",
        _ => "other",
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, title: &str, words: Vec<String>| {
            let words = if words.is_empty() { "none".to_owned() } else { words.join(" · ") };
            writeln!(f, "{title:<12} {words}")
        };
        let counted = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(word, count)| format!("{word} {count}")).collect()
        };
        list(f, "faults", counted(&self.faults))?;
        let points = self.points.iter().map(|(point, count)| {
            let died = self.crashes.get(point).copied().unwrap_or_default();
            format!("{} {died} of {count}", point.word())
        });
        list(f, "crashes", points.collect())?;
        let transitions = self.transitions.iter();
        let transitions = transitions.map(|((from, to), count)| format!("{from}→{to} {count}"));
        list(f, "transitions", transitions.collect())?;
        list(f, "ends", counted(&self.ends))?;
        list(f, "entries", counted(&self.entries))?;
        list(f, "exchanges", counted(&self.exchanges))
    }
}
