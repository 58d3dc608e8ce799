//! How a script goes on, and how the carrier gets it.

use std::time::Duration;

use offhook_core::{CallEvent, CallPlan, Digits, Direction, EndReason, Listen, ListenFor, Then};

use super::{Webhook, Work};
use crate::entry::EntryKind;
use crate::record::{CallState, Carried, Effect, EffectKind, Script};
use crate::time::after;

/// After a document that hangs up by itself, how long we wait before we do it by a command.
const DOCUMENT_HANGUP_GRACE: Duration = Duration::from_secs(5);

/// How long the end of gathering may be overdue: an entry that comes late is better than one that is lost
/// because another gather has begun.
const GATHERING_GRACE: Duration = Duration::from_secs(20);

/// Pushes that are held back, for those that were sent and not counted.
const PUSH_RESERVE: u32 = 5;

impl Work {
    /// A new plan, and with it a new step.
    pub(super) fn set_script(&mut self, plan: CallPlan) {
        let step = self.record.script.step.next();
        let unclear_push = self.record.script.unclear_push;
        self.record.script = Script { unclear_push, ..Script::new(plan, step) };
        self.record.hangup_at = None;
        // A plan that was not begun yet is out of date. One that may be on its way counts as a push:
        // its answer will find nothing that waits for it.
        let overtaken = |effect: &Effect| matches!(effect.kind, EffectKind::Perform(_));
        let on_its_way = self.record.outbox.iter().filter(|effect| overtaken(effect));
        let on_its_way = on_its_way.filter(|effect| effect.not_before.is_none()).count();
        self.record.pushes =
            self.record.pushes.saturating_add(u32::try_from(on_its_way).unwrap_or(u32::MAX));
        self.record.outbox.retain(|effect| !overtaken(effect));
    }

    /// Another plan takes the place of a speech, whether it has begun or not. A document does that
    /// by itself, and so does another speech.
    pub(super) fn cut_off_speech(&mut self) {
        let is_speech = matches!(self.record.script.plan, CallPlan::Say(_));
        if is_speech && self.capabilities.stop_tts {
            self.push_effect_once(EffectKind::StopSpeech);
        }
    }

    /// Another plan takes the place of one that gathers digits. A document does that by itself.
    pub(super) fn stop_gathering(&mut self) {
        let gathers =
            matches!(&self.record.script.plan, CallPlan::Listen(listen) if self.gathers(listen));
        if gathers && self.capabilities.stop_gathering {
            self.push_effect_once(EffectKind::StopGathering);
        }
    }

    /// Digits are asked for where speech was: nothing that is said meanwhile is to be written down. A
    /// document that asks for digits transcribes nothing.
    pub(super) fn stop_transcribing(&mut self) {
        let transcribes = matches!(
            self.record.script.plan.after(),
            CallPlan::Listen(listen) if listen.input.takes_speech()
        );
        if transcribes && !self.capabilities.documents {
            self.push_effect_once(EffectKind::StopTranscribing);
        }
    }

    /// Whether digits are listened for by a command, which ends with their entry or with its time.
    /// Transcription goes on by itself.
    pub(super) const fn gathers(&self, listen: &Listen) -> bool {
        !self.capabilities.documents && matches!(listen.input, ListenFor::Digits(_))
    }

    /// The plan was carried out: what follows it? With documents the answer to the request says
    /// it; otherwise a command.
    pub(super) fn go_on(&mut self) {
        self.trouble_over();
        let next = self.record.script.plan.after();
        self.set_script(next);
        if !self.capabilities.documents {
            self.perform_script();
        }
    }

    /// The carrier does what it is told. What it could not do before stands in the timeline, and is
    /// the cause of nothing that comes.
    pub(super) fn trouble_over(&mut self) {
        self.record.cause = None;
    }

    /// Sends the script by a command.
    pub(super) fn perform_script(&mut self) {
        if let CallPlan::HangUp { after: wait } = self.record.script.plan {
            // No carrier has a command that waits: the timer is ours.
            self.record.script.delivered_at = Some(self.now);
            self.record.hangup_at = Some(after(self.now, wait));
            self.record.state = CallState::Active;
            return;
        }
        // Near the carrier's limit nothing is pushed: the document that runs comes back for the
        // next one, and gets the script then.
        if self.is_out_of_pushes() {
            return;
        }
        let step = self.record.script.step;
        self.push_effect(EffectKind::Perform(step));
    }

    /// Whether the carrier's limit of pushes is near.
    fn is_out_of_pushes(&self) -> bool {
        let limit = self.capabilities.pushes_per_call.filter(|_| self.capabilities.documents);
        limit.is_some_and(|limit| self.record.pushes.saturating_add(PUSH_RESERVE) >= limit)
    }

    /// Whether the line is held for a moment where listening would begin anew: somebody has just said
    /// something, and what answers it cannot be pushed. A hold comes back for it soon, an element that
    /// listens only when it has waited its time.
    pub(super) fn waits_for_what_answers(&self) -> bool {
        self.answered_turn.is_some()
            && self.is_out_of_pushes()
            && matches!(self.record.script.plan, CallPlan::Listen(_))
    }

    /// The answer to a webhook carries the script out: no command is needed any more.
    pub(super) fn delivered_by_reply(&mut self) {
        let step = self.record.script.step;
        self.record.outbox.retain(|effect| effect.kind != EffectKind::Perform(step));
        self.record.script.carried = Carried::ByReply;
        self.answered_by_reply();
        self.delivered();
    }

    /// A push has come late and has broken off what another reply had begun: nothing of it is said
    /// again. How much of it was heard nobody knows.
    pub(super) fn go_on_behind_late_push(&mut self, webhook: &Webhook<'_>) {
        let next = self.record.script.plan.after();
        let said = self.record.script.carried == Carried::ByReply;
        if webhook.pushed && said && next != self.record.script.plan {
            let effect = EffectKind::Perform(self.record.script.step);
            self.note(EntryKind::NotConfirmed { effect });
            self.set_script(next);
        }
    }

    /// A push that may have been lost has arrived, since the document that it brought asks what follows.
    /// If another plan was begun meanwhile, this push has replaced it: nothing of that is said again. How
    /// much of it was heard nobody knows. The step stays: should the request have been on its way before
    /// that plan came, the carrier drops the answer, and what was begun comes back with its step.
    pub(super) fn go_on_behind_unclear_push(&mut self, webhook: &Webhook<'_>) {
        let Script { plan, step, delivered_at, unclear_push, .. } = &mut self.record.script;
        // The hold that stood in for the push has its step too, and its fetch is another matter.
        let is_of_hold = webhook.events.contains(&CallEvent::HoldEnded);
        if unclear_push.is_none() || webhook.step != *unclear_push || is_of_hold || webhook.pushed {
            return;
        }
        *unclear_push = None;
        let says = matches!(plan, CallPlan::Say(_) | CallPlan::SendDigits { .. });
        if says && delivered_at.is_some() && webhook.step != Some(*step) {
            let effect = EffectKind::Perform(*step);
            *plan = plan.after();
            self.note(EntryKind::NotConfirmed { effect });
        }
    }

    /// Whether a push that a restart has interrupted may arrive yet: what the carrier ran before asks
    /// what follows it.
    pub(super) fn may_be_pushed_yet(&self, webhook: &Webhook<'_>) -> bool {
        let Script { plan, step, carried, .. } = &self.record.script;
        *carried == Carried::PerhapsByPush
            && webhook.step != Some(*step)
            && matches!(plan, CallPlan::Say(_) | CallPlan::SendDigits { .. })
    }

    /// The first document that does not reject answers the call; no webhook will say so.
    pub(super) fn answered_by_reply(&mut self) {
        if self.is_first_document() {
            self.answered();
        }
    }

    /// Whether the next document answers an inbound call.
    pub(super) fn is_first_document(&self) -> bool {
        self.record.direction == Direction::Inbound
            && self.record.answered_at.is_none()
            && !self.record.state.is_ended()
            && !matches!(self.record.script.plan, CallPlan::Reject(_))
    }

    /// The carrier has the script.
    pub(super) fn delivered(&mut self) {
        self.record.script.delivered_at = Some(self.now);
        if !self.record.state.is_connected() {
            return;
        }
        self.record.state = match &self.record.script.plan {
            CallPlan::Say(_) => CallState::Speaking,
            CallPlan::Listen(listen) => {
                if self.gathers(listen) {
                    let longest = self.capabilities.longest_gathering;
                    let until = after(self.now, longest.saturating_add(GATHERING_GRACE));
                    self.record.script.gathers_until = Some(until);
                }
                CallState::Listening
            }
            CallPlan::HangUp { after: wait } => {
                let wait = wait.saturating_add(DOCUMENT_HANGUP_GRACE);
                self.record.hangup_at = Some(after(self.now, wait));
                CallState::Active
            }
            _ => CallState::Active,
        };
        self.go_on_behind_digits();
    }

    /// Digits that were sent by a command come back with no event: what follows them follows at
    /// once, but a hangup not before they can have been heard.
    fn go_on_behind_digits(&mut self) {
        let CallPlan::SendDigits { digits, then } = &mut self.record.script.plan else { return };
        if self.capabilities.documents {
            return;
        }
        if let Then::HangUp { after } = then {
            *after = after.saturating_add(longest_tones(digits));
        }
        self.go_on();
    }

    /// The reason for an end that the carrier reports without one of ours.
    pub(super) fn scripted_reason(&self, reported: EndReason) -> EndReason {
        let script_hung_up = matches!(self.record.script.plan, CallPlan::HangUp { .. })
            && self.record.script.delivered_at.is_some();
        if script_hung_up && reported == EndReason::Completed {
            EndReason::HangupBot
        } else {
            reported
        }
    }
}

/// The longest that digits take to be sent: half a second each with the gap behind it, and `W` a
/// second.
fn longest_tones(digits: &Digits) -> Duration {
    digits
        .as_str()
        .chars()
        .map(|digit| Duration::from_millis(if digit == 'W' { 1000 } else { 500 }))
        .sum()
}
