//! The carrier's ledger beside our records, as time passes.

use std::time::Duration;

use jiff::Timestamp;
use offhook_carrier::Line;
use offhook_core::CallId;
use offhook_manager::{CallRecord, CallState, machine};

use super::Oracle;
use crate::invariant::Invariant;
use crate::process::{Process, short};

/// After the last fault, how long a call that is over may count as live. A call without news is
/// asked about after 60 s; a look that failed just before waits for up to 38 s and takes 30 s; a
/// call that the carrier does not know is looked at twice. A dial without any trace is given up
/// after its ring, the queue's slack and the time for a search.
const RECONCILED: Duration = Duration::from_secs(150);

/// After the last fault, how long a call may live at the carrier without being known to us.
const ADOPTED: Duration = Duration::from_secs(75);

/// After the last fault, how long a hangup may take: it is repeated at least every 30 s.
const HUNG_UP: Duration = Duration::from_secs(45);

/// How much longer than it may a call lasts at most: the carrier's own limit is 30 s above ours.
const SLACK: Duration = Duration::from_secs(35);

/// The carrier with the coarsest limit has none below a minute.
const LEAST_LIMIT: Duration = Duration::from_secs(65);

/// How much later than its deadline a call is seen to.
const PUNCTUAL: Duration = Duration::from_secs(3);

/// How long somebody waits for an answer, after the last fault.
const ANSWERED: Duration = Duration::from_secs(20);

/// How much longer than its own time a question waits: for as long as it takes to be asked (a
/// sentence has 24 characters, and the slowest speech three a second), and to be seen to.
const ASKED: Duration = Duration::from_secs(12);

/// Characters a second of the emulator's voice.
const VOICE: f64 = 15.0;

/// A call of the carrier, as far as it was looked at.
#[derive(Debug)]
pub(crate) struct SeenLine {
    pub(crate) id: String,
    /// Whose it is: known from the request that made it, or by its ids.
    pub(crate) call: Option<CallId>,
    pub(super) is_inbound: bool,
    connected: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    heard: Vec<String>,
    heard_until: Option<Timestamp>,
}

impl Oracle {
    /// Looks at the carrier's calls. Those that are new were made for `made_for`.
    pub(crate) fn look<'a>(
        &mut self,
        lines: impl Iterator<Item = Line<'a>>,
        connected: &str,
        made_for: Option<CallId>,
        now: Timestamp,
    ) {
        for (place, line) in lines.enumerate() {
            if place == self.lines.len() {
                let call = made_for.filter(|_| !line.is_inbound);
                self.lines.push(SeenLine {
                    id: line.id.to_owned(),
                    call,
                    is_inbound: line.is_inbound,
                    connected: None,
                    ended: None,
                    heard: Vec::new(),
                    heard_until: None,
                });
                self.count_dials(call, now);
            }
            self.follow(place, line, connected, now);
        }
    }

    fn count_dials(&mut self, call: Option<CallId>, now: Timestamp) {
        let Some(placing) = call.and_then(|call| self.placings.get(&call)).copied() else { return };
        let same = |line: &&SeenLine| {
            line.call.and_then(|call| self.placings.get(&call)) == Some(&placing)
        };
        let dials = self.lines.iter().filter(same).count();
        if dials > 1 {
            let detail = format!("placing {placing} made {dials} calls at the carrier");
            self.refute(Invariant::OneDial, now, detail);
        }
    }

    fn follow(&mut self, place: usize, line: Line<'_>, connected: &str, now: Timestamp) {
        let by_id = self.by_line.get(line.id).copied();
        let Some(seen) = self.lines.get_mut(place) else { return };
        seen.call = seen.call.or(by_id);
        if seen.connected.is_none() && line.status == connected {
            seen.connected = Some(now);
        }
        if seen.ended.is_none() {
            seen.ended = line.ended_at.map(|at| at.parse().unwrap_or(now));
        }
        for heard in line.heard.get(seen.heard.len()..).unwrap_or_default() {
            let again = seen.heard.contains(&heard.text);
            seen.heard.push(heard.text.clone());
            let took = heard.text.chars().filter(|letter| !letter.is_ascii_digit()).count();
            let began = heard
                .at
                .checked_sub(Duration::from_secs_f64(took as f64 / VOICE * 0.9))
                .unwrap_or(heard.at);
            let both = heard.complete && seen.heard_until.is_some_and(|until| began < until);
            seen.heard_until = Some(heard.at);
            if again || both {
                let what = if again { "twice" } else { "beside another" };
                let detail = format!("{:?} was heard {what} on line {place}", heard.text);
                self.refute(Invariant::HeardOnce, now, detail);
                return;
            }
        }
    }

    /// What time brings to light. Nothing is asked of a process that is away.
    pub(crate) fn try_all(&mut self, process: Option<&Process>, now: Timestamp) {
        self.try_limits(now);
        let since = self.turn_since.unwrap_or(now);
        self.turn_since = self.is_someones_turn(now).then_some(since);
        let sees_to_it = |process: &&Process| process.is_open() && !process.waits_for_store();
        let Some(process) = process.filter(sees_to_it) else {
            return self.disturb(now);
        };
        self.try_records(process, now);
        self.try_lines(now);
        if self.turn_since.is_some_and(|since| self.is_overdue(since, PUNCTUAL, now)) {
            let detail = "it is somebody's turn, and nobody is dialled".to_owned();
            return self.refute(Invariant::QueuedIsNotLost, now, detail);
        }
        for (asked_at, waiter) in process.waiting.values() {
            if self.is_overdue(*asked_at, ANSWERED, now) {
                let detail = format!("{waiter:?} has no answer");
                return self.refute(Invariant::WaitersSettled, now, detail);
            }
        }
        let question = Duration::from_secs(self.terms.transcript_timeout).saturating_add(ASKED);
        if let Some(asker) =
            process.askers.iter().find(|asker| self.is_overdue(asker.asked_at, question, now))
        {
            let detail = format!("{asker:?} has no answer");
            return self.refute(Invariant::WaitersSettled, now, detail);
        }
        if process.committing.is_none()
            && process.messages.is_empty()
            && process.driver.slots() != self.holding()
        {
            let (counted, holding) = (process.driver.slots(), self.holding());
            let detail = format!("{counted} slots are counted, {holding} calls hold one");
            self.refute(Invariant::WithinLimit, now, detail);
        }
    }

    /// These hold also while nobody of ours is there: the carrier's own limit ends the call.
    fn try_limits(&mut self, now: Timestamp) {
        let most = Duration::from_secs(self.terms.max_duration).saturating_add(SLACK);
        let most = most.max(LEAST_LIMIT);
        let too_long = |line: &&SeenLine| {
            let lasts = |since: Timestamp| {
                now.duration_since(since) > jiff::SignedDuration::try_from(most).unwrap_or_default()
            };
            let Some(since) = line.connected.filter(|_| line.ended.is_none()) else {
                return false;
            };
            let since = if line.is_inbound { since.max(self.disturbed) } else { since };
            let record = line.call.and_then(|call| self.kept.get(&call)).map(|kept| &kept.record);
            lasts(since) && !record.is_some_and(|record| self.is_denied(record))
        };
        if let Some(line) = self.lines.iter().find(too_long) {
            let record = line.call.and_then(|call| self.kept.get(&call)).map(|kept| &kept.record);
            let detail = format!("line {} still lives", line.id);
            let refuted = match record {
                Some(record) if record.state.is_ended() => Invariant::NoOrphan,
                Some(record) if record.ending.is_some() => Invariant::HangupGetsThrough,
                _ => Invariant::MaxDuration,
            };
            self.refute(refuted, now, detail);
        }
    }

    /// Whether the carrier itself has denied a call that lives, and has not spoken of it since.
    pub(super) fn is_denied(&self, record: &CallRecord) -> bool {
        self.forgotten && record.state.is_ended() && !self.told_after_end.contains_key(&record.id)
    }

    /// A path about a call, as one about a call that nobody has.
    pub(crate) fn of_nobody(&self, path: &str) -> String {
        let Some(line) = self.lines.iter().find(|line| path.contains(&line.id)) else {
            return path.to_owned();
        };
        let mut other = line.id.clone();
        let last = if other.pop() == Some('0') { '1' } else { '0' };
        other.push(last);
        path.replace(&line.id, &other)
    }

    fn try_records(&mut self, process: &Process, now: Timestamp) {
        let mut refuted = None;
        for (call, kept) in &self.kept {
            let record = &kept.record;
            let line = self.lines.iter().find(|line| line.call == Some(*call));
            if record.holds_slot() {
                let over_since = match line {
                    Some(line) => line.ended,
                    None => Some(kept.holds_since),
                };
                if over_since.is_some_and(|since| self.is_overdue(since, RECONCILED, now)) {
                    let detail = format!(
                        "{} counts as {}, and is over",
                        short(*call),
                        record.state.as_str()
                    );
                    refuted = Some((Invariant::NoPhantom, detail));
                }
            }
            if let Some(line) = line.filter(|line| line.ended.is_none())
                && !record.ids.is_empty()
                && kept.ending_since.is_some_and(|since| self.is_overdue(since, HUNG_UP, now))
            {
                let detail = format!("{} lives on as line {}", short(*call), line.id);
                refuted = Some((Invariant::HangupGetsThrough, detail));
            }
            let is_idle = process.committing.is_none() && process.messages.is_empty();
            if is_idle
                && record.is_open()
                && record.state != CallState::Queued
                && let Some(effect) = machine::startable(record, &process.in_flight(*call), now)
                && self.is_overdue(
                    effect.not_before.map_or(record.updated_at, |at| at.max(record.updated_at)),
                    PUNCTUAL,
                    now,
                )
            {
                let detail = format!("{:?} of {} is not", effect.kind, short(*call));
                refuted = Some((Invariant::EffectsAreStarted, detail));
            }
            if kept.deadline.is_some_and(|at| self.is_overdue(at, PUNCTUAL, now)) {
                let detail = format!("that of {} ({:?}) has passed", short(*call), record.state);
                let refutes = match record.state {
                    CallState::Queued => Invariant::QueuedIsNotLost,
                    _ => Invariant::HasDeadline,
                };
                refuted = Some((refutes, detail));
            }
        }
        if let Some((invariant, detail)) = refuted {
            self.refute(invariant, now, detail);
        }
    }

    /// Calls that live at the carrier: does anybody here see to them?
    fn try_lines(&mut self, now: Timestamp) {
        let mut refuted = None;
        for line in self.lines.iter().filter(|line| line.ended.is_none()) {
            let record = line.call.and_then(|call| self.kept.get(&call)).map(|kept| &kept.record);
            let (since, unknown) = match record {
                // Nobody has taken it, and it will not wait forever.
                None if line.is_inbound => continue,
                None => (self.began, "is unknown"),
                Some(record) if self.is_denied(record) => continue,
                Some(record) if record.state.is_ended() => {
                    let told_at = self.told_after_end.get(&record.id).copied();
                    let ended_at = record.ended_at.unwrap_or(self.began);
                    (told_at.filter(|_| self.forgotten).unwrap_or(ended_at), "is taken for ended")
                }
                Some(record) if record.ids.is_empty() => {
                    let sent_at = record.dial.map_or(record.started_at, |dial| dial.sent_at);
                    (sent_at, "is not recognised")
                }
                Some(_) => continue,
            };
            if self.is_overdue(since, ADOPTED, now) {
                refuted = Some(format!("line {} lives and {unknown}", line.id));
            }
        }
        if let Some(detail) = refuted {
            self.refute(Invariant::NoOrphan, now, detail);
        }
    }
}
