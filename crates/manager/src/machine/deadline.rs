//! Time limits. They follow from the record: there is nothing to set, to cancel or to restore.

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallPlan, EndReason, Listen, Say, Speech, Then};

use super::Work;
use crate::entry::{DeadlineKind, EntryKind};
use crate::record::{CallRecord, CallState, Dial, DialOutcome};
use crate::time::after;

/// The carrier's own limit on ringing is to fire before ours.
const RING_GRACE: Duration = Duration::from_secs(10);

/// How long the carrier is asked about a call that has rung for too long before it is hung up
/// unasked.
const OVERDUE_GRACE: Duration = Duration::from_secs(20);

/// After an unclear dial, the least time for a search and for a webhook to come (after a restart
/// the dial's own deadline may have passed).
const SEARCH_GRACE: Duration = Duration::from_secs(10);

/// How long the end of speech may be overdue. It is told by the carrier as a rule; this is for when
/// it is not, and being late then costs less than cutting somebody off.
const PLAYBACK_GRACE: Duration = Duration::from_secs(20);

/// Characters a second of the slowest speech there is: Chinese and Japanese have four or five, and
/// digits and abbreviations that are spelled have three.
const SLOWEST_SPEECH: u32 = 3;

/// The next time limit of a call and what it is for. Every call that is not over has one.
#[must_use]
pub fn next_deadline(record: &CallRecord) -> Option<(Timestamp, DeadlineKind)> {
    let retry = record.outbox.iter().filter_map(|effect| effect.not_before).min();
    let retry = retry.map(|at| (at, DeadlineKind::Retry));
    if record.state.is_ended() {
        return retry;
    }
    let limits = &record.limits;
    let ending = record.ending.map(|ending| (ending.check_at, DeadlineKind::HangupCheck));
    let phase = if record.state == CallState::Queued {
        Some((record.waits_until(), DeadlineKind::Queue))
    } else if let Some(dial) = record.dial.filter(|_| record.answered_at.is_none()) {
        dial_deadline(record, dial)
    } else {
        let from = record.answered_at.unwrap_or(record.started_at);
        Some((after(from, limits.max_duration), DeadlineKind::MaxDuration))
    };
    // Once a hangup is asked for only the fate of an unclear dial can come before it.
    let phase = phase.filter(|(_, kind)| ending.is_none() || *kind == DeadlineKind::Dial);
    let of_script = if ending.is_some() { [None; 4] } else { script_deadlines(record) };
    of_script.into_iter().chain([retry, ending, phase]).flatten().min()
}

fn dial_deadline(record: &CallRecord, dial: Dial) -> Option<(Timestamp, DeadlineKind)> {
    let ring = record.limits.ring_timeout;
    let queue = record.limits.dial_slack;
    match dial.outcome {
        DialOutcome::Refused => None,
        DialOutcome::Pending => {
            Some((after(dial.sent_at, ring.saturating_add(queue)), DeadlineKind::Dial))
        }
        DialOutcome::Unknown { since } => {
            let own = after(dial.sent_at, ring.saturating_add(queue));
            Some((own.max(after(since, SEARCH_GRACE)), DeadlineKind::Dial))
        }
        DialOutcome::Accepted { at } => Some(match record.ring_overdue_at {
            Some(overdue) => (after(overdue, OVERDUE_GRACE), DeadlineKind::RingOverdue),
            // Not ringing yet: it may wait in the carrier's queue.
            None if record.state == CallState::Initiated => {
                (after(at, ring.saturating_add(queue)), DeadlineKind::Ring)
            }
            None => {
                (after(record.state_since, ring.saturating_add(RING_GRACE)), DeadlineKind::Ring)
            }
        }),
    }
}

fn script_deadlines(record: &CallRecord) -> [Option<(Timestamp, DeadlineKind)>; 4] {
    let question = record.question.map(|asked| (asked.deadline, DeadlineKind::Transcript));
    let scripted = record.hangup_at.map(|at| (at, DeadlineKind::ScriptedHangup));
    let playback = match (&record.script.plan, record.script.delivered_at) {
        (CallPlan::Say(say), Some(at)) if record.state == CallState::Speaking => {
            let bound = longest_playback(&say.speech).saturating_add(PLAYBACK_GRACE);
            Some((after(at, bound), DeadlineKind::Playback))
        }
        _ => None,
    };
    let gathering = record.script.gathers_until.map(|at| (at, DeadlineKind::Gathering));
    [question, scripted, playback, gathering]
}

/// The longest that a text takes to be spoken, in whatever language.
pub(super) fn longest_playback(speech: &Speech) -> Duration {
    let characters = u32::try_from(speech.text.as_str().chars().count()).unwrap_or(u32::MAX);
    Duration::from_secs(1).saturating_mul(characters) / SLOWEST_SPEECH
}

impl Work {
    pub(super) fn deadline(&mut self) {
        let Some((at, deadline)) = next_deadline(&self.record) else {
            return self.ignore(super::Ignored::NothingNew);
        };
        if at > self.now {
            return self.ignore(super::Ignored::NothingNew);
        }
        self.note(EntryKind::Deadline { deadline });
        match deadline {
            DeadlineKind::Queue => self.wait_is_over(),
            DeadlineKind::Dial => self.lose(),
            DeadlineKind::Ring => self.record.ring_overdue_at = Some(self.now),
            DeadlineKind::RingOverdue => self.ask_hangup(EndReason::NoAnswer),
            DeadlineKind::MaxDuration => self.ask_hangup(EndReason::Timeout),
            DeadlineKind::Transcript => self.question_unanswered(),
            DeadlineKind::Playback => self.playback_unconfirmed(),
            DeadlineKind::Gathering => self.gathering_unconfirmed(),
            DeadlineKind::ScriptedHangup => self.ask_hangup(EndReason::HangupBot),
            DeadlineKind::HangupCheck => self.hangup_check(),
            DeadlineKind::Retry => self.release_retries(),
        }
    }

    /// The turn is over without an answer. What is said later belongs to the next one.
    fn question_unanswered(&mut self) {
        let Some(question) = self.record.question.take() else { return };
        self.note(EntryKind::TurnTimedOut { turn: question.turn });
        let turn = self.record.turn.next();
        self.record.turn = turn;
        let CallPlan::Listen(listen) = self.record.script.plan.after() else { return };
        if self.capabilities.documents && self.record.script.delivered_at.is_some() {
            // The element that listens will come back, and gets the new turn then.
            self.set_script(CallPlan::Listen(Listen { turn, ..listen }));
            return;
        }
        // What is not heard yet is still to be said; only the turn behind it is another.
        match &mut self.record.script.plan {
            CallPlan::Listen(listen) => listen.turn = turn,
            CallPlan::Say(Say { then: Then::Listen(listen), .. })
            | CallPlan::SendDigits { then: Then::Listen(listen), .. } => listen.turn = turn,
            _ => {}
        }
    }

    /// Nobody told that the speech ended. A bound is a bound: the call goes on.
    fn playback_unconfirmed(&mut self) {
        let next = self.record.script.plan.after();
        let step = self.record.script.step;
        self.note(EntryKind::NotConfirmed { effect: crate::record::EffectKind::Perform(step) });
        match next {
            CallPlan::HangUp { .. } => self.ask_hangup(EndReason::HangupBot),
            _ if self.capabilities.documents => {
                self.record.state = match next {
                    CallPlan::Listen(_) => CallState::Listening,
                    _ => CallState::Active,
                };
            }
            _ => self.go_on(),
        }
    }

    /// Nobody told what came of gathering digits, and it is over: nothing would hear what is pressed now.
    fn gathering_unconfirmed(&mut self) {
        self.record.script.gathers_until = None;
        if let CallPlan::Listen(listen) = &self.record.script.plan {
            let listen = listen.clone();
            self.set_script(CallPlan::Listen(listen));
            self.perform_script();
        }
    }

    /// The call was loaded after a restart. Its deadlines run on by themselves; what may have been
    /// under way is settled, and a call that is older than it may become is hung up.
    pub(super) fn restored(&mut self) {
        self.settle_interrupted();
        // A search, and a webhook that was refused while we were away, get their time.
        if let Some(Dial { outcome: DialOutcome::Unknown { since }, .. }) = &mut self.record.dial
            && *since < self.now
        {
            *since = self.now;
            let cause = offhook_core::Cause::new("restarted", "the carrier is searched once more");
            self.note(EntryKind::DialUnknown { cause });
        }
        if self.record.state.is_ended() || self.record.ending.is_some() {
            return;
        }
        if self.record.state == CallState::Queued {
            if self.record.waits_until() <= self.now {
                self.deadline();
            }
            return;
        }
        if self.outlived() <= self.now {
            self.note(EntryKind::Deadline { deadline: DeadlineKind::MaxDuration });
            return self.ask_hangup(EndReason::Timeout);
        }
        // The end of a speech may have been told while we were away. Where it is followed by
        // listening, that may begin before the speech is over, and nobody talks to deaf ears.
        let is_followed =
            matches!(&self.record.script.plan, CallPlan::Say(Say { then: Then::Listen(_), .. }));
        let is_told = self.record.script.delivered_at.is_some();
        let is_speaking = self.record.state == CallState::Speaking;
        if !self.capabilities.documents && is_speaking && is_told && is_followed {
            self.playback_unconfirmed();
        }
    }

    /// From when on a call is too old to be taken up after a restart.
    fn outlived(&self) -> Timestamp {
        let limits = &self.record.limits;
        if let Some(answered_at) = self.record.answered_at {
            return after(answered_at, limits.max_duration);
        }
        match self.record.dial {
            None => after(self.record.started_at, limits.max_duration),
            // Nobody knows whether it exists: its dial deadline decides.
            Some(_) if self.record.ids.is_empty() => Timestamp::MAX,
            // As long as it may last, and at least as long as it may take to be answered. A call
            // that had to wait for its turn is as old as its dial.
            Some(dial) => {
                let ring = limits.ring_timeout.saturating_add(limits.dial_slack);
                after(dial.sent_at, limits.max_duration.max(ring.saturating_add(RING_GRACE)))
            }
        }
    }
}
