//! How a call ends.

use std::time::Duration;

use offhook_core::{CallPlan, Cause, EndReason};

use super::Work;
use crate::entry::EntryKind;
use crate::record::{CallState, DialOutcome, EffectKind, Ending};
use crate::time::after;

/// How long after an accepted hangup the carrier is asked whether it was done.
pub(super) const CONFIRM_AFTER: Duration = Duration::from_secs(10);

/// How often it is seen to that a hangup that was asked for is under way.
const HANGUP_CHECK: Duration = Duration::from_secs(30);

/// The code of the cause of an end that rests on the carrier not knowing the call.
const NOT_KNOWN: &str = "not-found";

impl Work {
    /// Asks for the end of a call. The first reason wins; asking again changes nothing.
    ///
    /// The slot is kept until the carrier takes the hangup, says that the call is over, or
    /// reports its end.
    pub(super) fn ask_hangup(&mut self, reason: EndReason) {
        if self.record.ending.is_some() {
            return;
        }
        if self.record.state == CallState::Queued {
            return self.end(EndReason::Canceled, None);
        }
        let check_at = after(self.now, HANGUP_CHECK);
        self.record.ending = Some(Ending { reason, check_at });
        self.record.question = None;
        self.set_script(CallPlan::HangUp { after: Duration::ZERO });
        self.record.outbox.retain(|effect| !effect.kind.clears_the_line());
        self.hangup_if_ending();
    }

    /// Puts the hangup into the outbox as soon as there is an id that it can name.
    pub(super) fn hangup_if_ending(&mut self) {
        let due = self.record.ending.is_some() && !self.record.ids.is_empty();
        if due && !self.hangup_is_waiting() {
            self.push_effect(EffectKind::HangUp);
        }
    }

    pub(super) fn hangup_is_waiting(&self) -> bool {
        self.record.outbox.iter().any(|effect| effect.kind == EffectKind::HangUp)
    }

    pub(super) fn hangup_check(&mut self) {
        if let Some(ending) = &mut self.record.ending {
            ending.check_at = after(self.now, HANGUP_CHECK);
        }
        self.hangup_if_ending();
    }

    /// The carrier took the hangup: the slot is free. One look later catches a hangup that was
    /// taken and not done.
    pub(super) fn hangup_taken(&mut self) {
        self.record.confirm_at = Some(after(self.now, CONFIRM_AFTER));
        let reason = self.record.ending.map_or(EndReason::HangupBot, |ending| ending.reason);
        if !self.record.state.is_ended() {
            self.end(reason, None);
        }
    }

    /// Whether the call was taken for ended without any word of its end: it was given up as lost, its
    /// dial was refused, or the carrier did not know it.
    pub(super) fn ended_unseen(&self) -> bool {
        let refused = self.record.dial.is_some_and(|dial| dial.outcome == DialOutcome::Refused);
        let unknown = self.record.cause.as_ref().is_some_and(|cause| cause.code == NOT_KNOWN);
        self.record.state.is_ended() && (self.was_lost() || refused || unknown)
    }

    /// The carrier knows the call no more.
    pub(super) fn gone(&mut self) {
        self.record.confirm_at = None;
        if self.record.state.is_ended() {
            return;
        }
        let reason = match self.record.answered_at {
            Some(_) => EndReason::Completed,
            None => EndReason::Failed,
        };
        self.end(
            reason,
            Some(Cause::new(NOT_KNOWN, "the carrier does not know the call any more")),
        );
    }

    /// The call is over. A reason that was asked for before wins over the one that is reported.
    pub(super) fn end(&mut self, reported: EndReason, cause: Option<Cause>) {
        if self.record.state.is_ended() {
            return self.ignore(super::Ignored::AlreadyEnded);
        }
        let reason = match self.record.ending {
            Some(ending) if reported != EndReason::Lost => ending.reason,
            _ => self.scripted_reason(reported),
        };
        self.record.state = CallState::Ended(reason);
        self.record.ended_at = Some(self.now);
        self.record.question = None;
        self.record.hangup_at = None;
        self.record.ring_overdue_at = None;
        if cause.is_some() {
            self.record.cause.clone_from(&cause);
        }
        // The call is known to be over: nothing is left to hang up. (A hangup that was taken has
        // left the outbox already; a rejection is still to be carried out.)
        self.record.outbox.retain(|effect| matches!(effect.kind, EffectKind::Reject(_)));
        self.note(EntryKind::Ended { reason, cause });
    }
}
