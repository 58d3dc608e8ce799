//! What is to be done at the carrier, one thing after the other.

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallPlan, EndReason, ErrorClass, ProviderCallIds, ProviderError};

use super::{Ignored, Webhook, Work};
use crate::entry::{Adoption, EntryKind};
use crate::record::{CallRecord, CallState, Carried, DialOutcome, Effect, EffectKind};
use crate::time::after;

/// How often speech that provably was not sent is tried again.
const SPEECH_ATTEMPTS: u32 = 3;

/// How often a plan is sent to a call that is not connected at the carrier yet: for three seconds.
const CONNECTING_ATTEMPTS: u32 = 7;

/// The pause between them. Somebody waits for the speech.
const CONNECTING_PAUSE: Duration = Duration::from_millis(500);

impl EffectKind {
    /// Whether an ended call still wants it.
    pub(crate) const fn ends_the_call(self) -> bool {
        matches!(self, Self::HangUp | Self::Reject(_))
    }

    /// Whether it only makes room for another plan.
    pub(crate) const fn clears_the_line(self) -> bool {
        matches!(self, Self::StopSpeech | Self::StopGathering | Self::StopTranscribing)
    }

    /// Whether it may be done at any time and twice: then it waits for nothing and holds nothing
    /// up, however long the carrier refuses it.
    pub(crate) const fn runs_beside(self) -> bool {
        matches!(self, Self::Limit)
    }
}

/// The effect that may be started now: one at a time and in order, but a hangup overtakes, and what
/// is of no consequence for the others runs beside them.
#[must_use]
pub fn startable(record: &CallRecord, in_flight: &[u32], now: Timestamp) -> Option<Effect> {
    let due = |effect: &Effect| {
        !in_flight.contains(&effect.id) && effect.not_before.is_none_or(|at| at <= now)
    };
    let hangup = record.outbox.iter().find(|effect| effect.kind == EffectKind::HangUp);
    if let Some(hangup) = hangup {
        return Some(*hangup).filter(due);
    }
    // What is in flight and stands in the outbox no more was overtaken, and is waited for.
    let beside =
        |id: u32| record.outbox.iter().any(|effect| effect.id == id && effect.kind.runs_beside());
    let idle = in_flight.iter().all(|id| beside(*id));
    let first = record.outbox.iter().find(|effect| !effect.kind.runs_beside());
    let first = first.filter(|effect| idle && due(effect));
    let waits_for_nothing =
        || record.outbox.iter().find(|effect| effect.kind.runs_beside() && due(effect));
    first.or_else(waits_for_nothing).copied()
}

impl Work {
    pub(super) fn push_effect(&mut self, kind: EffectKind) {
        let id = self.record.next_effect;
        self.record.next_effect += 1;
        self.record.outbox.push(Effect { id, kind, attempts: 0, not_before: None });
    }

    /// The same unless it waits already.
    pub(super) fn push_effect_once(&mut self, kind: EffectKind) {
        if !self.record.outbox.iter().any(|effect| effect.kind == kind) {
            self.push_effect(kind);
        }
    }

    /// Whether the present script may be on its way by a command at this moment. One that waits for
    /// another attempt is not.
    pub(super) fn is_being_pushed(&self) -> bool {
        let push = EffectKind::Perform(self.record.script.step);
        self.record.outbox.iter().any(|effect| effect.kind == push && effect.not_before.is_none())
    }

    /// Whether this request ends the wait for a push: it has the step of a script that is on its way.
    /// Either the push has arrived, and the carrier fetches the script to which it was sent, perhaps
    /// before it answers the command. Or the hold that stands in for it is over. A second one would have
    /// the same URL, so that its end would be taken for a repeat of this one.
    pub(super) fn ends_wait_for_push(&self, webhook: &Webhook<'_>) -> bool {
        self.is_being_pushed() && webhook.step == Some(self.record.script.step)
    }

    pub(super) fn effect_done(&mut self, id: u32, result: &Result<ProviderCallIds, ProviderError>) {
        let Some(place) = self.record.outbox.iter().position(|effect| effect.id == id) else {
            // It was overtaken. But a late answer to a dial names a call that exists.
            return match result {
                Ok(ids) => self.dial_answered_late(ids),
                Err(_) => self.ignore(Ignored::NotWaiting),
            };
        };
        let effect = self.record.outbox.remove(place);
        match result {
            Ok(ids) => self.taken(effect.kind, ids),
            Err(error) if effect.kind == EffectKind::Initiate => self.dial_failed(error),
            Err(error) => self.not_taken(place, effect, error),
        }
    }

    fn taken(&mut self, kind: EffectKind, ids: &ProviderCallIds) {
        self.note(EntryKind::Done { effect: kind });
        match kind {
            EffectKind::Initiate => {
                self.record.ids.merge(ids);
                self.adopt(Adoption::Answer);
            }
            EffectKind::HangUp => self.hangup_taken(),
            EffectKind::Perform(step) => {
                self.record.pushes = self.record.pushes.saturating_add(1);
                if step == self.record.script.step {
                    self.delivered();
                }
            }
            EffectKind::Answer
            | EffectKind::Limit
            | EffectKind::Reject(_)
            | EffectKind::StopSpeech
            | EffectKind::StopGathering
            | EffectKind::StopTranscribing => {}
        }
    }

    fn dial_answered_late(&mut self, ids: &ProviderCallIds) {
        // The carrier itself said of any other ended call that it is over.
        let of_interest = !self.record.state.is_ended() || self.was_lost();
        if self.record.dial.is_none() || !of_interest || !self.record.ids.merge(ids) {
            return self.ignore(Ignored::NotWaiting);
        }
        self.note(EntryKind::Adopted { by: Adoption::Answer });
        if self.record.state.is_ended() {
            if !self.hangup_is_waiting() {
                self.push_effect(EffectKind::HangUp);
            }
        } else {
            self.adopt(Adoption::Answer);
        }
    }

    fn dial_failed(&mut self, error: &ProviderError) {
        let effect = EffectKind::Initiate;
        let known = self.record.dial.is_some_and(|dial| dial.outcome != DialOutcome::Pending);
        if known {
            // A webhook with our id came first, and proves that the call exists.
            return self.note_failure(effect, error, false);
        }
        if self.waits_again(error) {
            return self.wait_again(error);
        }
        let outcome = match error.class() {
            // After the first byte nothing is sure: a time-out, a 5xx, an answer without an id.
            ErrorClass::Ambiguous | ErrorClass::Undecodable => {
                DialOutcome::Unknown { since: self.now }
            }
            _ => DialOutcome::Refused,
        };
        if let Some(dial) = &mut self.record.dial {
            dial.outcome = outcome;
        }
        self.record.cause = Some(error.cause());
        if outcome == DialOutcome::Refused {
            self.note_failure(effect, error, false);
            // It never existed at the carrier: what a user asked for meanwhile is moot.
            self.record.ending = None;
            self.end(EndReason::Failed, Some(error.cause()));
        } else {
            self.note(EntryKind::DialUnknown { cause: error.cause() });
        }
    }

    fn not_taken(&mut self, place: usize, effect: Effect, error: &ProviderError) {
        let class = error.class();
        if class == ErrorClass::NotFound && effect.kind.ends_the_call() {
            self.note_failure(effect.kind, error, false);
            let was_live = !self.record.state.is_ended();
            self.gone();
            // A carrier may not know a young call for a moment, and a live call must not be
            // forgotten: one look later, as after a hangup that was taken.
            if was_live && effect.kind == EffectKind::HangUp {
                self.record.confirm_at = Some(after(self.now, super::ending::CONFIRM_AFTER));
            }
            return;
        }
        if matches!(class, ErrorClass::Rejected | ErrorClass::WrongState)
            && effect.kind == EffectKind::HangUp
            && self.record.state.is_ended()
        {
            // It may be over by now: a look tells, and asks for another hangup if it is not.
            self.record.confirm_at = Some(self.now);
            return self.note_failure(effect.kind, error, false);
        }
        let attempts = effect.attempts.saturating_add(1);
        let again = match effect.kind {
            EffectKind::HangUp => true,
            // Not connected yet, or over: if it is over the effect goes with the call.
            EffectKind::Limit => class == ErrorClass::WrongState || Self::says_nothing(class),
            // The carrier says that it cannot be refused or answered any more: a look will tell.
            EffectKind::Reject(_)
            | EffectKind::Answer
            | EffectKind::StopSpeech
            | EffectKind::StopGathering
            | EffectKind::StopTranscribing => Self::says_nothing(class),
            // Nothing was carried out, and a call that is just being connected will take it.
            EffectKind::Perform(_) if class == ErrorClass::WrongState => {
                attempts < CONNECTING_ATTEMPTS
            }
            EffectKind::Perform(_) => match self.record.script.plan {
                CallPlan::Say(_) | CallPlan::SendDigits { .. } => {
                    matches!(class, ErrorClass::Transient | ErrorClass::Throttled)
                        && attempts < SPEECH_ATTEMPTS
                }
                _ => Self::says_nothing(class),
            },
            EffectKind::Initiate => false,
        };
        // Of the present script: another takes those before it out of the outbox.
        let is_plan = matches!(effect.kind, EffectKind::Perform(_));
        if again {
            let wait = match (effect.kind, class) {
                (EffectKind::Perform(_), ErrorClass::WrongState) => CONNECTING_PAUSE,
                _ => error.retry_after().unwrap_or_else(|| backoff(attempts)),
            };
            // In its old place: what stands behind it waits for it.
            let again = Effect { attempts, not_before: Some(after(self.now, wait)), ..effect };
            self.record.outbox.insert(place, again);
            self.note_failure(effect.kind, error, true);
        } else if class == ErrorClass::Ambiguous {
            // It may be playing. The playback deadline decides; it is not said twice.
            if let EffectKind::Perform(step) = effect.kind {
                self.record.pushes = self.record.pushes.saturating_add(1);
                self.record.script.unclear_push = Some(step);
            }
            self.note(EntryKind::NotConfirmed { effect: effect.kind });
            if is_plan {
                self.delivered();
            }
        } else {
            self.record.cause = Some(error.cause());
            self.note_failure(effect.kind, error, false);
            if is_plan {
                self.go_on_without();
            }
        }
    }

    /// The plan could not be carried out. With documents, the old document still runs and will
    /// come back for the next one; without, what follows is told by a command.
    fn go_on_without(&mut self) {
        let next = self.record.script.plan.after();
        let retries_itself = next == self.record.script.plan;
        self.set_script(next);
        if !self.capabilities.documents && !retries_itself {
            self.perform_script();
        }
        self.record.state = CallState::Active;
    }

    pub(super) fn note_failure(&mut self, effect: EffectKind, error: &ProviderError, again: bool) {
        self.note(EntryKind::NotDone { effect, class: error.class(), cause: error.cause(), again });
    }

    /// After a restart: what may have been under way when we stopped.
    pub(super) fn settle_interrupted(&mut self) {
        let in_order = |effect: &Effect| !effect.kind.runs_beside();
        let Some(place) = self.record.outbox.iter().position(in_order) else { return };
        let first = self.record.outbox[place];
        match first.kind {
            EffectKind::Initiate => {
                self.record.outbox.remove(place);
                let cause = offhook_core::Cause::new(
                    "interrupted",
                    "we stopped while the call was being dialled; it may exist",
                );
                match &mut self.record.dial {
                    Some(dial) if dial.outcome == DialOutcome::Pending => {
                        dial.outcome = DialOutcome::Unknown { since: self.now };
                        self.note(EntryKind::DialUnknown { cause });
                    }
                    // A webhook had adopted the call before we stopped. Without an entry the
                    // removal would not be committed, and the dial would be sent again.
                    _ => self.note(EntryKind::NotConfirmed { effect: first.kind }),
                }
            }
            EffectKind::Perform(step)
                if step == self.record.script.step
                    && matches!(
                        self.record.script.plan,
                        CallPlan::Say(_) | CallPlan::SendDigits { .. }
                    ) =>
            {
                self.record.outbox.remove(place);
                self.record.script.carried = Carried::PerhapsByPush;
                self.record.script.unclear_push = Some(step);
                self.note(EntryKind::NotConfirmed { effect: first.kind });
                self.delivered();
            }
            _ => {}
        }
    }

    /// A failed effect may be tried again now.
    pub(super) fn release_retries(&mut self) {
        for effect in &mut self.record.outbox {
            if effect.not_before.is_some_and(|at| at <= self.now) {
                effect.not_before = None;
            }
        }
    }
}

/// 1, 2, 4 … at most 30 s.
pub(super) fn backoff(attempts: u32) -> Duration {
    Duration::from_secs(1_u64 << attempts.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}
