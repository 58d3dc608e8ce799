//! What was exercised.

use std::collections::BTreeMap;

use offhook_manager::{Change, EffectKind, EntryKind};

use crate::coverage;
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
    /// What became of what was to be done at the carrier.
    pub effects: BTreeMap<(&'static str, &'static str), u64>,
    /// Time limits that passed, by what they are for.
    pub deadlines: BTreeMap<&'static str, u64>,
    /// What became of questions.
    pub questions: BTreeMap<&'static str, u64>,
    /// Stops that were asked for, by how they went.
    pub stops: BTreeMap<&'static str, u64>,
    /// Calls, by how many restarts they lived through.
    pub restarts: BTreeMap<u32, u64>,
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

    pub(crate) fn question(&mut self, word: &'static str) {
        add(&mut self.questions, word);
    }

    pub(crate) fn stop(&mut self, word: &'static str) {
        add(&mut self.stops, word);
    }

    pub(crate) fn restarts(&mut self, of_a_call: u32) {
        add(&mut self.restarts, of_a_call);
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
            if let Some(became) = effect(&entry.kind) {
                add(&mut self.effects, became);
            }
            if let EntryKind::Deadline { deadline } = entry.kind {
                add(&mut self.deadlines, coverage::deadline(deadline));
            }
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
        all(&mut self.effects, &other.effects);
        all(&mut self.deadlines, &other.deadlines);
        all(&mut self.questions, &other.questions);
        all(&mut self.stops, &other.stops);
        all(&mut self.restarts, &other.restarts);
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

/// What became of an effect, if the entry tells.
const fn effect(kind: &EntryKind) -> Option<(&'static str, &'static str)> {
    match kind {
        EntryKind::Done { effect } => Some((name(*effect), "done")),
        EntryKind::NotDone { effect, again: true, .. } => Some((name(*effect), "again")),
        EntryKind::NotDone { effect, .. } => Some((name(*effect), "not done")),
        EntryKind::NotConfirmed { effect } => Some((name(*effect), "not confirmed")),
        _ => None,
    }
}

const fn name(effect: EffectKind) -> &'static str {
    match effect {
        EffectKind::Initiate => "initiate",
        EffectKind::Answer => "answer",
        EffectKind::Reject(_) => "reject",
        EffectKind::Limit => "limit",
        EffectKind::HangUp => "hang up",
        EffectKind::StopSpeech => "stop speech",
        EffectKind::StopGathering => "stop gathering",
        EffectKind::StopTranscribing => "stop transcribing",
        EffectKind::Perform(_) => "perform",
    }
}
