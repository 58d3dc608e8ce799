//! What a carrier reports.

use offhook_core::{CallEvent, CallPlan, ErrorClass, Listen, Step, Then};

use super::{Ignored, Webhook, Work};
use crate::entry::{Adoption, EntryKind};
use crate::record::{CallState, DialOutcome, EffectKind};

impl Work {
    /// What any webhook of a call proves, whatever it reports: that the carrier has the call.
    pub(super) fn contact(&mut self, webhook: &Webhook<'_>) {
        if self.record.state == CallState::Queued {
            return self.ignore(Ignored::NothingNew);
        }
        let new_ids = self.record.ids.merge(webhook.ids);
        let over = webhook.events.iter().any(|event| matches!(event, CallEvent::Ended { .. }));
        if self.record.state.is_ended() {
            self.ignore(Ignored::AlreadyEnded);
            // The carrier has a call that nobody saw end: somebody may be on the line. A document
            // that hangs up is the answer to a request that waits for one; any other needs a command.
            if self.ended_unseen() && !over && !webhook.wants_document && !self.hangup_is_waiting()
            {
                self.push_effect(EffectKind::HangUp);
            }
            return;
        }
        self.adopt(Adoption::Webhook);
        if new_ids {
            self.hangup_if_ending();
        }
    }

    /// The carrier has the call whose dial was pending or unclear.
    pub(super) fn adopt(&mut self, by: Adoption) {
        let Some(dial) = &mut self.record.dial else { return };
        let unclear = matches!(dial.outcome, DialOutcome::Unknown { .. });
        if unclear || dial.outcome == DialOutcome::Pending {
            dial.outcome = DialOutcome::Accepted { at: self.now };
            self.record.throttled = None;
            // The first news of it, however long it had to wait for its slot: a carrier that does not
            // know so young a call is asked once more before that ends it.
            self.record.news_at = self.now;
            if unclear && by != Adoption::Answer {
                self.note(EntryKind::Adopted { by });
            }
            self.trouble_over();
            self.hangup_if_ending();
        }
    }

    pub(super) fn was_lost(&self) -> bool {
        self.record.end_reason() == Some(offhook_core::EndReason::Lost)
    }

    pub(super) fn event(&mut self, event: &CallEvent, step: Option<Step>) {
        if self.record.state.is_ended() {
            return self.ignore(Ignored::AlreadyEnded);
        }
        if self.record.state == CallState::Queued {
            // No carrier has taken it: none can tell anything of it.
            return self.ignore(Ignored::NothingNew);
        }
        // What no step is known of belongs to the present one.
        let current = step.is_none_or(|step| step == self.record.script.step);
        match event {
            CallEvent::Ringing => self.ringing(),
            CallEvent::Answered => self.answered(),
            CallEvent::AnsweredBy(by) => self.record.answered_by = Some(*by),
            CallEvent::SpeechStarted => self.began_to_speak(current),
            CallEvent::SpeechEnded { completed } => self.speech_ended(current, *completed),
            CallEvent::Transcript { is_final, .. } => self.heard(current, *is_final),
            CallEvent::Digits { .. } => self.entered(current),
            CallEvent::NothingHeard => self.listening_came_back(current, step),
            CallEvent::DigitsSent => self.digits_sent(current),
            CallEvent::HoldEnded => self.hold_ended(current),
            CallEvent::Fault(cause) => self.record.cause = Some(cause.clone()),
            CallEvent::Ended { reason, cause } => {
                if let Some(dial) = &mut self.record.dial {
                    dial.outcome = DialOutcome::Accepted { at: self.now };
                }
                self.end(*reason, cause.clone());
            }
            // Of the dial we know, and a key that is pressed ends nothing: speech and listening go on.
            _ => self.ignore(Ignored::NothingNew),
        }
    }

    fn ringing(&mut self) {
        match self.record.state {
            CallState::Initiated => self.record.state = CallState::Ringing,
            _ => self.ignore(Ignored::NothingNew),
        }
    }

    /// Connected. The first time counts: a repeat moves no clock.
    pub(super) fn answered(&mut self) {
        if self.record.answered_at.is_some() {
            return self.ignore(Ignored::NothingNew);
        }
        self.record.answered_at = Some(self.now);
        self.record.ring_overdue_at = None;
        self.record.state = CallState::Answered;
        // A carrier with documents fetches the first one by itself, and perhaps it has.
        if !self.capabilities.documents {
            self.perform_script();
        } else if self.record.script.delivered_at.is_some() {
            self.delivered();
        }
    }

    fn began_to_speak(&mut self, current: bool) {
        if !current {
            return self.ignore(Ignored::OlderStep);
        }
        if self.record.state.is_connected() && matches!(self.record.script.plan, CallPlan::Say(_)) {
            self.record.state = CallState::Speaking;
        } else {
            self.ignore(Ignored::NothingNew);
        }
    }

    fn speech_ended(&mut self, current: bool, completed: bool) {
        if !current {
            return self.ignore(Ignored::OlderStep);
        }
        // Telephone silence after a speech that was cut off is as good a reason to go on.
        let _ = completed;
        if matches!(self.record.script.plan, CallPlan::Say(_)) {
            self.go_on();
        } else {
            self.ignore(Ignored::NothingNew);
        }
    }

    fn digits_sent(&mut self, current: bool) {
        if current && matches!(self.record.script.plan, CallPlan::SendDigits { .. }) {
            self.go_on();
        } else {
            self.ignore(Ignored::OlderStep);
        }
    }

    fn hold_ended(&mut self, current: bool) {
        if current && self.record.script.plan == CallPlan::Hold {
            self.trouble_over();
            // A new step, so that the next fetch is not taken for a repeat of this one.
            self.set_script(CallPlan::Hold);
        } else {
            self.ignore(Ignored::OlderStep);
        }
    }

    /// Words. Those of an older step stand in the timeline and answer nothing.
    fn heard(&mut self, current: bool, is_final: bool) {
        // Where digits alone are asked for, words come from a transcription of before.
        let listening = self.listening().filter(|listen| current && listen.input.takes_speech());
        let Some(listen) = listening.cloned() else {
            return self.ignore(Ignored::OlderStep);
        };
        if !is_final {
            self.record.state = CallState::Listening;
            return;
        }
        self.turn_answered(listen);
    }

    /// Digits. Where they are not asked for they have ended the listening, and answer nothing.
    fn entered(&mut self, current: bool) {
        match self.listening().filter(|_| current).cloned() {
            Some(listen) if listen.input.digits().is_some() => self.turn_answered(listen),
            Some(listen) => self.renew_listening(listen),
            None => self.ignore(Ignored::OlderStep),
        }
    }

    /// What was asked for came. It is listened for the same in the turn that follows.
    fn turn_answered(&mut self, listen: Listen) {
        self.answered_turn = Some(listen.turn);
        self.record.question = self.record.question.filter(|asked| asked.turn != listen.turn);
        self.record.turn = self.record.turn.max(listen.turn).next();
        self.renew_listening(Listen { turn: self.record.turn, ..listen });
    }

    /// What listened is over with nothing heard: it is renewed, for the same turn.
    fn listening_came_back(&mut self, current: bool, step: Option<Step>) {
        // A gather has its step; what has none was told by a transcription of before.
        let listening =
            self.listening().filter(|listen| current && (step.is_some() || !self.gathers(listen)));
        match listening.cloned() {
            Some(listen) => self.renew_listening(listen),
            None => self.ignore(Ignored::OlderStep),
        }
    }

    /// What the present script listens for: alone, or during and after its speech.
    fn listening(&self) -> Option<&Listen> {
        match &self.record.script.plan {
            CallPlan::Listen(listen) => Some(listen),
            CallPlan::Say(say) => match &say.then {
                Then::Listen(listen) => Some(listen),
                _ => None,
            },
            _ => None,
        }
    }

    fn renew_listening(&mut self, listen: Listen) {
        self.trouble_over();
        if self.capabilities.documents {
            // The element came back and its successor is the answer: a new step.
            self.set_script(CallPlan::Listen(listen));
        } else if self.gathers(&listen) {
            self.set_script(CallPlan::Listen(listen));
            self.perform_script();
        } else {
            // Transcription goes on by itself.
            self.record.script.plan = CallPlan::Listen(listen);
            self.record.state = CallState::Listening;
        }
    }

    /// An error that says nothing about the call itself.
    pub(super) const fn says_nothing(class: ErrorClass) -> bool {
        matches!(
            class,
            ErrorClass::Unauthenticated
                | ErrorClass::Undecodable
                | ErrorClass::Transient
                | ErrorClass::Throttled
                | ErrorClass::Ambiguous
        )
    }
}
