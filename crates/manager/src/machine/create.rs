//! How a call begins.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallId, CallPlan, Capabilities, Direction, EndReason, Listen, Locale, Party, PrivateText,
    ProviderCallIds, ProviderName, RejectReason, Say, Speech, Step, Then, Turn,
};

use super::{Transition, Work};
use crate::entry::EntryKind;
use crate::record::{CallLimits, CallRecord, CallState, EffectKind, Mode, RecentWebhooks, Script};

/// An outbound call that was admitted.
#[derive(Clone, Debug)]
pub struct NewOutbound {
    /// Its id.
    pub id: CallId,
    /// Its carrier.
    pub provider: ProviderName,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// What it is for.
    pub mode: Mode,
    /// What it says first.
    pub message: Option<Speech>,
    /// The language of what follows.
    pub locale: Locale,
    /// Its limits.
    pub limits: CallLimits,
    /// The user's own notes.
    pub metadata: BTreeMap<String, PrivateText>,
    /// Whether it has to wait for its turn.
    pub queued: bool,
}

/// An inbound call that was admitted.
#[derive(Clone, Debug)]
pub struct NewInbound {
    /// Its id.
    pub id: CallId,
    /// Its carrier.
    pub provider: ProviderName,
    /// The carrier's ids.
    pub ids: ProviderCallIds,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// What it is greeted with.
    pub greeting: Option<Speech>,
    /// The language of what follows.
    pub locale: Locale,
    /// Its limits.
    pub limits: CallLimits,
}

/// Why an inbound call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The policy does not let the caller in.
    Policy,
    /// Every slot is taken.
    Limit,
}

/// The first record of an outbound call, its dial in the outbox.
#[must_use]
pub fn outbound(new: NewOutbound, capabilities: &Capabilities, now: Timestamp) -> Transition {
    let listen = Listen::for_speech(Turn(1), new.locale);
    let after = new.limits.notify_hangup_delay;
    let plan = match (new.mode, new.message) {
        (Mode::Notify, Some(speech)) => CallPlan::Say(Say { speech, then: Then::HangUp { after } }),
        (Mode::Notify, None) => CallPlan::HangUp { after },
        (Mode::Conversation, Some(speech)) => {
            CallPlan::Say(Say { speech, then: Then::Listen(listen) })
        }
        (Mode::Conversation, None) => CallPlan::Listen(listen),
    };
    let mut record = blank(new.id, new.provider, Direction::Outbound, plan, new.limits, now);
    record.from = new.from;
    record.to = new.to;
    record.mode = new.mode;
    record.metadata = new.metadata;
    record.state = CallState::Queued;
    let mut work = begun(record, *capabilities, now);
    if !new.queued {
        work.admitted();
    }
    work.finish(None, None)
}

/// The first record of an inbound call. Apply the webhook that brought it next.
#[must_use]
pub fn inbound(new: NewInbound, capabilities: &Capabilities, now: Timestamp) -> Transition {
    let listen = Listen::for_speech(Turn(1), new.locale);
    let plan = match new.greeting {
        Some(speech) => CallPlan::Say(Say { speech, then: Then::Listen(listen) }),
        None => CallPlan::Listen(listen),
    };
    let mut record = blank(new.id, new.provider, Direction::Inbound, plan, new.limits, now);
    record.from = new.from;
    record.to = new.to;
    record.ids = new.ids;
    record.mode = Mode::Conversation;
    record.state = CallState::Ringing;
    let mut work = begun(record, *capabilities, now);
    if capabilities.answer_call {
        work.push_effect(EffectKind::Answer);
    }
    if capabilities.limit_call {
        work.push_effect(EffectKind::Limit);
    }
    work.finish(None, None)
}

/// The record of an inbound call that is refused: ended from the start, so that late callbacks
/// find it. Apply the webhook that brought it next; a waiting carrier gets the rejection.
#[must_use]
pub fn refused(
    new: NewInbound,
    refusal: Refusal,
    capabilities: &Capabilities,
    now: Timestamp,
) -> Transition {
    let (reason, reject) = match refusal {
        Refusal::Policy => (EndReason::Rejected, RejectReason::Declined),
        Refusal::Limit => (EndReason::Busy, RejectReason::Busy),
    };
    let plan = CallPlan::Reject(reject);
    let mut record = blank(new.id, new.provider, Direction::Inbound, plan, new.limits, now);
    record.from = new.from;
    record.to = new.to;
    record.ids = new.ids;
    record.state = CallState::Ringing;
    let mut work = begun(record, *capabilities, now);
    if capabilities.reject_call {
        work.push_effect(EffectKind::Reject(reject));
    }
    work.end(reason, None);
    work.finish(None, None)
}

fn begun(record: CallRecord, capabilities: Capabilities, now: Timestamp) -> Work {
    let mut work = Work::on(record, capabilities, now);
    let opening = match &work.record.script.plan {
        CallPlan::Say(say) => Some(say.speech.text.as_str().into()),
        _ => None,
    };
    work.note(EntryKind::Created {
        provider: work.record.provider.clone(),
        direction: work.record.direction,
        from: work.record.from.clone(),
        to: work.record.to.clone(),
        mode: work.record.mode,
        opening,
    });
    work
}

fn blank(
    id: CallId,
    provider: ProviderName,
    direction: Direction,
    plan: CallPlan,
    limits: CallLimits,
    now: Timestamp,
) -> CallRecord {
    CallRecord {
        id,
        revision: 0,
        provider,
        ids: ProviderCallIds::none(),
        direction,
        from: Party::Withheld,
        to: Party::Withheld,
        mode: Mode::Notify,
        state: CallState::Queued,
        state_since: now,
        ending: None,
        script: Script::new(plan, Step(1)),
        hangup_at: None,
        turn: Turn(1),
        question: None,
        dial: None,
        throttled: None,
        ring_overdue_at: None,
        confirm_at: None,
        confirmations: 0,
        limits: CallLimits {
            // A ring or a wait that outlasts the call itself would never end it in time.
            ring_timeout: limits.ring_timeout.min(limits.max_duration),
            transcript_timeout: limits.transcript_timeout.min(limits.max_duration),
            notify_hangup_delay: limits.notify_hangup_delay.min(limits.max_duration),
            dial_slack: limits.dial_slack.max(Duration::from_secs(10)),
            ..limits
        },
        recent: RecentWebhooks::default(),
        outbox: Vec::new(),
        next_effect: 0,
        entries: 0,
        pushes: 0,
        answered_by: None,
        cause: None,
        metadata: BTreeMap::new(),
        started_at: now,
        answered_at: None,
        ended_at: None,
        updated_at: now,
        news_at: now,
    }
}
