//! Who knows the truth: what was committed, beside what the carrier's ledger says.

mod questions;
mod truth;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, DedupeKey, EndReason, Turn};
use offhook_manager::{CallRecord, Change, DialOutcome, EffectKind, machine};

use crate::invariant::{Invariant, Violation};
use crate::process::{WaitingHook, short};
use crate::story::Terms;

use questions::Pressed;
pub(crate) use truth::SeenLine;
use turns::Rate;

/// A call as it was last committed.
#[derive(Debug)]
struct Kept {
    record: Arc<CallRecord>,
    /// When it began, as it was first committed.
    began: Timestamp,
    deadline: Option<Timestamp>,
    /// Since when its hangup is asked for.
    ending_since: Option<Timestamp>,
    /// Since when it holds a slot.
    holds_since: Timestamp,
}

/// What must hold, and all that is needed to know whether it does.
#[derive(Debug)]
pub(crate) struct Oracle {
    began: Timestamp,
    terms: Terms,
    kept: BTreeMap<CallId, Kept>,
    /// The calls by their carrier's ids.
    by_line: BTreeMap<String, CallId>,
    pub(crate) lines: Vec<SeenLine>,
    /// The placing that each of our calls came from.
    placings: BTreeMap<CallId, usize>,
    applied: BTreeSet<[u8; 16]>,
    first_answers: BTreeMap<[u8; 16], (u16, Vec<u8>)>,
    /// What people have said, by line.
    said: BTreeSet<(usize, String)>,
    /// The turn that words have answered.
    answers: BTreeMap<(CallId, String), Turn>,
    /// The keys that people have pressed, by line.
    pressed: BTreeMap<usize, Pressed>,
    /// How many restarts each call has lived through.
    restarts: BTreeMap<CallId, u32>,
    /// Whether the carrier ever denied a call that it has: then a call may be taken for ended, until
    /// the carrier speaks of it.
    pub(crate) forgotten: bool,
    /// When the carrier first told something of a call that had ended for us.
    told_after_end: BTreeMap<CallId, Timestamp>,
    rate: Rate,
    /// Since when it is the turn of somebody who waits.
    turn_since: Option<Timestamp>,
    /// When the last thing went wrong. Bounds are counted from there.
    disturbed: Timestamp,
    pub(crate) violation: Option<Violation>,
}

impl Oracle {
    pub(crate) fn new(began: Timestamp, terms: Terms) -> Self {
        Self {
            began,
            terms,
            kept: BTreeMap::new(),
            by_line: BTreeMap::new(),
            lines: Vec::new(),
            placings: BTreeMap::new(),
            applied: BTreeSet::new(),
            first_answers: BTreeMap::new(),
            said: BTreeSet::new(),
            answers: BTreeMap::new(),
            pressed: BTreeMap::new(),
            restarts: BTreeMap::new(),
            forgotten: false,
            told_after_end: BTreeMap::new(),
            rate: Rate::of(&terms, began),
            turn_since: None,
            disturbed: began,
            violation: None,
        }
    }

    /// Something goes wrong now, or its consequences end.
    pub(crate) fn disturb(&mut self, now: Timestamp) {
        self.disturbed = self.disturbed.max(now);
    }

    /// A sentence is refuted. The first counts.
    pub(crate) fn refute(&mut self, invariant: Invariant, now: Timestamp, detail: String) {
        if self.violation.is_none() {
            let at = now.duration_since(self.began).as_millis();
            let at = u64::try_from(at).unwrap_or_default();
            self.violation = Some(Violation { invariant, at, detail });
        }
    }

    /// So long after both this and the last thing that went wrong?
    fn is_overdue(&self, since: Timestamp, bound: Duration, now: Timestamp) -> bool {
        let from = since.max(self.disturbed);
        now.duration_since(from) > jiff::SignedDuration::try_from(bound).unwrap_or_default()
    }

    /// A user wants a call, under an id of ours.
    pub(crate) fn placed(&mut self, call: CallId, placing: usize) {
        self.placings.insert(call, placing);
    }

    pub(crate) fn record(&self, call: CallId) -> Option<&Arc<CallRecord>> {
        self.kept.get(&call).map(|kept| &kept.record)
    }

    /// The process was started again.
    pub(crate) fn restarted(&mut self) {
        self.rate.fill();
        for (call, _) in self.kept.iter().filter(|(_, kept)| !kept.record.state.is_ended()) {
            *self.restarts.entry(*call).or_default() += 1;
        }
    }

    /// How many restarts each call has lived through, of those that were ever committed.
    pub(crate) fn restarts(&self) -> impl Iterator<Item = u32> {
        self.kept.keys().map(|call| self.restarts.get(call).copied().unwrap_or_default())
    }

    /// The calls that were ever committed, oldest first.
    pub(crate) fn calls(&self) -> impl Iterator<Item = CallId> {
        self.kept.keys().copied()
    }

    /// Whether no call is open, and none lives at the carrier but those that it has denied.
    pub(crate) fn all_over(&self) -> bool {
        self.kept.values().all(|kept| !kept.record.is_open())
            && self.living().all(|line| self.is_denied_line(line))
    }

    /// Whether any call lives at the carrier, which has denied it.
    pub(crate) fn any_denied(&self) -> bool {
        self.living().any(|line| self.is_denied_line(line))
    }

    fn living(&self) -> impl Iterator<Item = &SeenLine> {
        self.lines.iter().filter(|line| line.ended.is_none())
    }

    fn is_denied_line(&self, line: &SeenLine) -> bool {
        let record = line.call.and_then(|call| self.record(call));
        record.is_some_and(|record| self.is_denied(record))
    }

    /// Whether the deadline of any call has come.
    pub(crate) fn any_due(&self, now: Timestamp) -> bool {
        self.kept.values().any(|kept| kept.deadline.is_some_and(|at| at <= now))
    }

    fn holding(&self) -> usize {
        self.kept.values().filter(|kept| kept.record.holds_slot()).count()
    }

    /// What was written, by a turn that had these webhooks before it.
    pub(crate) fn committed<'a>(
        &mut self,
        changes: &[Change],
        hooks: impl Iterator<Item = &'a WaitingHook>,
        now: Timestamp,
    ) {
        // Two deliveries of one webhook may wait for the same commit.
        let hooks: BTreeMap<[u8; 16], &WaitingHook> =
            hooks.map(|hook| (hook.told_key.0, hook)).collect();
        for hook in hooks.into_values() {
            let is_new = |change: &&Change| {
                let entry = change.record.recent.entry_of(hook.told_key);
                entry.is_some_and(|entry| change.entries.iter().any(|new| new.number == entry))
            };
            let Some(change) = changes.iter().find(is_new) else { continue };
            let had_ended = |call| self.record(call).is_some_and(|record| record.state.is_ended());
            if had_ended(change.record.id) {
                self.told_after_end.entry(change.record.id).or_insert(now);
            }
            if !self.applied.insert(hook.key.0) {
                let detail = format!(
                    "webhook {} is applied again to {}",
                    hook.hook,
                    short(change.record.id)
                );
                self.refute(Invariant::AppliedOnce, now, detail);
            }
        }
        let before = self.before_turns(changes);
        for change in changes {
            self.written(change, now);
        }
        if let Some(before) = before {
            self.try_turns(&before, changes, now);
        }
        let holding = self.holding();
        if holding > self.terms.limit {
            let detail = format!("{holding} hold a slot, {} may", self.terms.limit);
            self.refute(Invariant::WithinLimit, now, detail);
        }
    }

    fn written(&mut self, change: &Change, now: Timestamp) {
        let record = &change.record;
        self.try_origin(record, now);
        let before = self.kept.get(&record.id);
        if let Some(before) = before {
            let (was, is) = (&before.record, record);
            // Instants are stored in milliseconds.
            let ended_at = |record: &CallRecord| record.ended_at.map(Timestamp::as_millisecond);
            let reason_changed = was.end_reason().is_some()
                && (was.end_reason() != is.end_reason() || ended_at(was) != ended_at(is));
            let wanted = was.ending.map(|ending| ending.reason);
            let dial_refused = is.dial.is_some_and(|dial| dial.outcome == DialOutcome::Refused)
                || wanted.is_none();
            let other_end = is.end_reason().filter(|reason| {
                was.end_reason().is_none() && !dial_refused && *reason != EndReason::Lost
            });
            let overridden = other_end.is_some_and(|reason| Some(reason) != wanted);
            if reason_changed || overridden {
                let detail = format!(
                    "{} was {:?} (asked for: {wanted:?}) and is {:?}",
                    short(record.id),
                    was.state,
                    is.state
                );
                self.refute(Invariant::EndedIsFinal, now, detail);
            }
        }
        if let Some(was) = self.record(record.id).map(Arc::clone) {
            self.try_exit(&was, record, now);
        }
        let before = self.kept.get(&record.id);
        let began = before.map_or(record.started_at, |before| before.began);
        let since = |is: bool, was: Option<Timestamp>| if is { was.or(Some(now)) } else { None };
        let ending_since =
            since(is_to_be_hung_up(record), before.and_then(|before| before.ending_since));
        let held = before.filter(|before| before.record.holds_slot());
        let holds_since = held.map_or(now, |before| before.holds_since);
        let deadline = machine::next_deadline(record).map(|(at, _)| at);
        if deadline.is_none() && !record.state.is_ended() {
            let detail = format!("{} is {:?} and has none", short(record.id), record.state);
            self.refute(Invariant::HasDeadline, now, detail);
        }
        for id in record.ids.iter() {
            self.by_line.insert(id.value().to_owned(), record.id);
        }
        let kept = Kept { record: Arc::clone(record), began, deadline, ending_since, holds_since };
        self.kept.insert(record.id, kept);
    }

    /// Whether there is something that a new call comes of.
    fn try_origin(&mut self, record: &CallRecord, now: Timestamp) {
        if self.kept.contains_key(&record.id) || self.placings.contains_key(&record.id) {
            return;
        }
        let is_line =
            |value: &str| self.lines.iter().any(|line| line.is_inbound && line.id == value);
        let is_taken = |value: &str| self.by_line.contains_key(value);
        let mut ids = record.ids.iter().map(offhook_core::ProviderCallId::value);
        if !ids.any(|value| is_line(value) && !is_taken(value)) {
            let detail = format!("{} was neither wanted nor placed", short(record.id));
            self.refute(Invariant::NoneOfNothing, now, detail);
        }
    }

    /// A webhook is answered.
    pub(crate) fn answered(
        &mut self,
        hook: &WaitingHook,
        status: u16,
        body: &[u8],
        now: Timestamp,
    ) {
        if !(200..300).contains(&status) {
            return;
        }
        let known = hook.call.filter(|call| self.kept.contains_key(call)).is_some()
            || hook.ids.iter().any(|id| self.by_line.contains_key(id));
        let missing = if known { !self.applied.contains(&hook.key.0) } else { hook.has_call };
        if hook.counts && missing {
            let detail = format!("webhook {} got {status}, and the store has no trace", hook.hook);
            self.refute(Invariant::AcknowledgedIsStored, now, detail);
        }
        let answer = (status, body.to_vec());
        match self.first_answers.get(&hook.key.0) {
            None => {
                self.first_answers.insert(hook.key.0, answer);
            }
            Some(first) if *first == answer => {}
            Some(first) => {
                let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
                let detail = format!(
                    "webhook {}: first {} {}, then {status} {}",
                    hook.hook,
                    first.0,
                    text(&first.1),
                    text(body)
                );
                self.refute(Invariant::RepeatEqualsFirst, now, detail);
            }
        }
    }

    /// A key that no other webhook has, for one that was not read.
    pub(crate) fn is_applied(&self, key: DedupeKey) -> bool {
        self.applied.contains(&key.0)
    }
}

/// Whether a hangup was asked for, of a call that is not over or of one that was taken for it.
fn is_to_be_hung_up(record: &CallRecord) -> bool {
    let is_waiting = || record.outbox.iter().any(|effect| effect.kind == EffectKind::HangUp);
    record.ending.is_some() && !record.state.is_ended() || is_waiting()
}
