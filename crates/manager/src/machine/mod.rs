//! The call machine: pure, one call at a time.
//!
//! [`apply`] takes a record and one input and gives the next record, what happened, and what a
//! webhook is answered with. Nothing here is async, reads a clock, a file or a random number, or
//! knows a provider's name; `now` and the carrier's [`Capabilities`] are arguments.
//!
//! ```text
//! Queued ⇄ Initiated → Ringing → Answered → Active → Speaking ⇄ Listening → Ended(reason)
//! ```
//!
//! `Ended` is absorbing and the first reason wins. What is to be done at the carrier stands in the
//! record's outbox until it is done. Every call that is not over has a deadline
//! ([`next_deadline`]).

mod commands;
mod create;
mod deadline;
mod ending;
mod events;
mod look;
mod outbox;
mod script;
mod waiting;

use jiff::Timestamp;
use offhook_core::{
    CallEvent, CallPlan, CallStatus, Capabilities, DedupeKey, ProviderCallIds, ProviderError,
    Search, Speech, Step, Turn,
};

use crate::entry::{Entry, EntryKind, RepliedPlan};
use crate::record::{CallRecord, CallState, TakenWebhook};

pub use create::{NewInbound, NewOutbound, Refusal, inbound, outbound, refused};
pub use deadline::next_deadline;
pub use outbox::startable;

pub use crate::entry::{DeadlineKind, Ignored};

/// One thing that happens to a call.
#[derive(Debug)]
pub enum Input<'a> {
    /// A verified webhook that is no repeat.
    Webhook(Webhook<'a>),
    /// A user's command.
    Command(&'a Command),
    /// What became of an effect.
    EffectDone {
        /// The effect's number.
        effect: u32,
        /// The carrier's answer: its ids, where it gave any.
        result: &'a Result<ProviderCallIds, ProviderError>,
    },
    /// The carrier's answer to the question how the call stands.
    Status {
        /// The answer.
        status: &'a CallStatus,
        /// When it was asked. Newer news is not overridden.
        asked_at: Timestamp,
        /// Whether a look a little earlier found no such call either.
        second_look: bool,
    },
    /// The result of a search for a call whose dial had no clear answer.
    Search(&'a Search),
    /// A deadline has passed.
    Deadline,
    /// It is a queued call's turn.
    Admitted,
    /// The call was loaded after a restart.
    Restored,
    /// What was decided about it after the restart.
    Decided {
        /// The decision.
        decision: crate::restore::Decision,
        /// Why.
        why: String,
    },
}

/// A verified webhook, as the machine sees it.
#[derive(Debug)]
pub struct Webhook<'a> {
    /// What makes a repeat known.
    pub key: DedupeKey,
    /// The carrier's ids.
    pub ids: &'a ProviderCallIds,
    /// The step that it belongs to.
    pub step: Option<Step>,
    /// Whether a command made the carrier come for the plan of that step.
    pub pushed: bool,
    /// What it reports.
    pub events: &'a [CallEvent],
    /// Whether the carrier waits for a document.
    pub wants_document: bool,
}

/// What a user wants of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Speak, then go on as the call's mode has it.
    Speak {
        /// What.
        speech: Speech,
    },
    /// Speak, and take what the other side says or presses next as the answer.
    Ask {
        /// What.
        speech: Speech,
        /// What answers it.
        input: offhook_core::ListenFor,
        /// How long to wait; the call's own limit if `None`.
        timeout: Option<std::time::Duration>,
    },
    /// Listen.
    Listen {
        /// For which language.
        locale: offhook_core::Locale,
        /// What is listened for.
        input: offhook_core::ListenFor,
    },
    /// Stop listening.
    StopListening,
    /// Send DTMF.
    SendDigits {
        /// Which.
        digits: offhook_core::Digits,
    },
    /// Hang up.
    HangUp,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandRefusal {
    /// Nobody is on the line yet.
    #[error("the call is not answered yet; wait until it is")]
    NotAnswered,
    /// The call is over, or about to be.
    #[error("the call is over")]
    Ended,
    /// The carrier cannot do it.
    #[error("the call's carrier cannot do this")]
    Unsupported,
}

/// What an input led to.
#[derive(Debug)]
pub struct Transition {
    /// The record afterwards. Its outbox holds the effects.
    pub record: CallRecord,
    /// What happened.
    pub entries: Vec<Entry>,
    /// What a waiting carrier is answered with.
    pub reply: Option<RepliedPlan>,
    /// Why there was no effect, if there was none.
    pub ignored: Option<Ignored>,
    /// What a command led to.
    pub command: Option<Result<Turn, CommandRefusal>>,
    /// Whether there is anything to commit.
    pub changed: bool,
}

/// Applies one input to a call.
#[must_use]
pub fn apply(
    record: &CallRecord,
    input: Input<'_>,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Transition {
    let mut work = Work::on(record.clone(), *capabilities, now);
    let mut command = None;
    let mut reply = None;
    match input {
        Input::Webhook(webhook) => reply = work.webhook(&webhook),
        Input::Command(wanted) => command = Some(work.command(wanted)),
        Input::EffectDone { effect, result } => work.effect_done(effect, result),
        Input::Status { status, asked_at, second_look } => {
            work.status(status, asked_at, second_look);
        }
        Input::Search(search) => work.search(search),
        Input::Deadline => work.deadline(),
        Input::Admitted => work.admitted(),
        Input::Restored => work.restored(),
        Input::Decided { decision, why } => work.note(EntryKind::Restored { decision, why }),
    }
    let mut transition = work.finish(reply, command);
    // What is not committed did not happen: a change without an entry is one all the same.
    transition.changed = transition.changed || transition.record != *record;
    transition
}

/// A transition in the making.
struct Work {
    record: CallRecord,
    before: CallState,
    capabilities: Capabilities,
    now: Timestamp,
    entries: Vec<Entry>,
    ignored: Option<Ignored>,
    answered_turn: Option<Turn>,
}

impl Work {
    fn on(record: CallRecord, capabilities: Capabilities, now: Timestamp) -> Self {
        let before = record.state;
        Self {
            record,
            before,
            capabilities,
            now,
            entries: Vec::new(),
            ignored: None,
            answered_turn: None,
        }
    }

    fn finish(
        mut self,
        reply: Option<RepliedPlan>,
        command: Option<Result<Turn, CommandRefusal>>,
    ) -> Transition {
        if self.record.state.is_ended() {
            // Only what ends a call is still of use to one that has ended.
            self.record.outbox.retain(|effect| effect.kind.ends_the_call());
        }
        if self.record.state != self.before {
            self.record.state_since = self.now;
        }
        if !self.entries.is_empty() {
            self.record.updated_at = self.now;
        }
        Transition {
            changed: !self.entries.is_empty(),
            record: self.record,
            entries: self.entries,
            reply,
            ignored: self.ignored,
            command,
        }
    }

    /// Writes down what happened, and gives its number.
    fn note(&mut self, kind: EntryKind) {
        let number = self.record.entries;
        self.record.entries += 1;
        self.entries.push(Entry { number, at: self.now, kind });
    }

    fn ignore(&mut self, why: Ignored) {
        self.ignored = Some(why);
    }

    fn webhook(&mut self, webhook: &Webhook<'_>) -> Option<RepliedPlan> {
        let before = self.is_preview(webhook).then(|| self.record.clone());
        let limited = self.capabilities.limit_by_document && self.is_first_document();
        // The webhook's own entry comes first in the timeline; what follows from it comes after.
        let number = self.record.entries;
        self.record.entries += 1;
        self.record.recent.push(TakenWebhook { key: webhook.key, entry: number });
        self.record.news_at = self.now;

        self.contact(webhook);
        // It had an effect if one of its events had: most requests repeat the status besides.
        let (mut had_effect, mut why) = (false, self.ignored);
        for event in webhook.events {
            self.ignored = None;
            self.event(event, webhook.step);
            had_effect |= self.ignored.is_none();
            why = self.ignored.or(why);
        }
        self.ignored = why.filter(|_| !had_effect);
        let reply = webhook.wants_document.then(|| {
            let reply = self.reply(webhook);
            let is_live = !self.record.state.is_ended();
            if limited && is_live { self.limited(reply) } else { reply }
        });
        if let Some(before) = before.filter(|before| self.told_nothing(before)) {
            self.record = before;
            self.ignore(Ignored::NothingNew);
            return None;
        }

        let entry = Entry {
            number,
            at: self.now,
            kind: EntryKind::Webhook {
                events: webhook.events.to_vec(),
                step: webhook.step,
                reply: reply.clone(),
                turn: self.answered_turn,
                ignored: self.ignored,
            },
        };
        self.entries.insert(0, entry);
        reply
    }

    /// Words while they are spoken, and nothing else. They come several times a second, the final words
    /// say all of it again, and a repeat of them changes nothing: so only the first, which shows that
    /// somebody speaks, is worth a commit, and a place among the webhooks whose repeats are known. Keys
    /// that are being gathered are to their entry what these are to the final words.
    fn is_preview(&self, webhook: &Webhook<'_>) -> bool {
        let gathers =
            matches!(&self.record.script.plan, CallPlan::Listen(listen) if self.gathers(listen));
        let preview = |event: &CallEvent| match event {
            CallEvent::Transcript { is_final, .. } => !is_final,
            CallEvent::KeyPressed { .. } => gathers,
            _ => false,
        };
        !webhook.wants_document && !webhook.events.is_empty() && webhook.events.iter().all(preview)
    }

    /// Whether a webhook has left nothing but its own trace.
    fn told_nothing(&self, before: &CallRecord) -> bool {
        let bare = CallRecord {
            recent: before.recent.clone(),
            entries: before.entries,
            news_at: before.news_at,
            ..self.record.clone()
        };
        self.entries.is_empty() && bare == *before
    }

    /// The first document, with the carrier's own limit for the call.
    fn limited(&self, reply: RepliedPlan) -> RepliedPlan {
        let max_duration = self.record.limits.max_duration;
        let plan = Box::new(reply.plan);
        RepliedPlan { plan: CallPlan::Limited { max_duration, plan }, ..reply }
    }

    /// The document for a carrier that waits: the script of the moment, whatever step it asked for.
    /// While a command may be bringing it, the line is only kept open: the command replaces that
    /// document, and if it does not arrive, the end of the hold asks again.
    fn reply(&mut self, webhook: &Webhook<'_>) -> RepliedPlan {
        let refused = matches!(self.record.script.plan, CallPlan::Reject(_));
        let not_begun = self.record.state == CallState::Queued;
        if not_begun || self.record.state.is_ended() && !refused {
            let plan = CallPlan::HangUp { after: std::time::Duration::ZERO };
            return RepliedPlan { step: self.record.script.step, plan };
        }
        self.go_on_behind_late_push(webhook);
        self.go_on_behind_unclear_push(webhook);
        let step = self.record.script.step;
        if self.ends_wait_for_push(webhook) {
            self.record.pushes = self.record.pushes.saturating_add(1);
        } else if self.is_being_pushed() || self.may_be_pushed_yet(webhook) {
            // Both would be carried out, one after the other, and a sentence begun twice.
            self.answered_by_reply();
            return RepliedPlan { step, plan: CallPlan::Hold };
        } else if self.waits_for_what_answers() {
            self.record.state = CallState::Active;
            return RepliedPlan { step, plan: CallPlan::Hold };
        }
        self.delivered_by_reply();
        RepliedPlan { step, plan: self.record.script.plan.clone() }
    }
}
