//! The record of a call: everything that must survive a crash, and nothing that grows.

mod recent;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    AnsweredBy, CallId, CallPlan, Cause, Direction, EndReason, Party, PrivateText, ProviderCallIds,
    ProviderName, RejectReason, Step, Turn,
};
use serde::{Deserialize, Serialize};

use crate::time::{instant, milliseconds};

pub use recent::{RecentWebhooks, TakenWebhook};

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Waits for its turn: nothing was sent, or the carrier took nothing of it.
    Queued,
    /// The dial is persisted, and perhaps sent.
    Initiated,
    /// It rings.
    Ringing,
    /// Connected; the script has not begun.
    Answered,
    /// Connected, neither speaking nor listening.
    Active,
    /// We speak.
    Speaking,
    /// We listen.
    Listening,
    /// Over, and why. Nothing leads out of here.
    Ended(EndReason),
}

impl CallState {
    /// Whether the call is over.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// Whether somebody is on the line.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Answered | Self::Active | Self::Speaking | Self::Listening)
    }

    /// The word of our API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Active => "active",
            Self::Speaking => "speaking",
            Self::Listening => "listening",
            Self::Ended(_) => "ended",
        }
    }
}

/// What an outbound call is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Say the message and hang up when it was heard.
    #[default]
    Notify,
    /// Say the message, if there is one, and listen.
    Conversation,
}

impl Mode {
    /// The word of our API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Conversation => "conversation",
        }
    }
}

/// The limits of one call, copied from the policy when it was created: a changed configuration
/// ends no running call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLimits {
    /// How long it may last, counted from the answer.
    #[serde(with = "milliseconds")]
    pub max_duration: Duration,
    /// How long it may ring.
    #[serde(with = "milliseconds")]
    pub ring_timeout: Duration,
    /// How long a question waits for its answer.
    #[serde(with = "milliseconds")]
    pub transcript_timeout: Duration,
    /// How long a notify call stays on the line after the message was heard.
    #[serde(with = "milliseconds")]
    pub notify_hangup_delay: Duration,
    /// How long the carrier's own queue may hold the dial back.
    #[serde(with = "milliseconds")]
    pub dial_slack: Duration,
    /// How long it may wait for its turn, counted from its beginning. `None` for a call that does not
    /// wait: what cannot be dialled at once is refused.
    #[serde(with = "milliseconds::option", default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout: Option<Duration>,
}

/// The dial of an outbound call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// When its intent was committed; it was sent at that moment or just after, or never.
    #[serde(with = "instant")]
    pub sent_at: Timestamp,
    /// What became of it.
    pub outcome: DialOutcome,
}

/// What became of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialOutcome {
    /// The carrier has not answered yet.
    Pending,
    /// Nobody knows: it is never sent again, holds its slot and fences its destination.
    Unknown {
        /// Since when.
        #[serde(with = "instant")]
        since: Timestamp,
    },
    /// The carrier has the call.
    Accepted {
        /// Since when, as far as we know.
        #[serde(with = "instant")]
        at: Timestamp,
    },
    /// The carrier does not have it.
    Refused,
}

/// A dial that the carrier did not take, as one too many for the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled {
    /// How often it was not taken.
    pub times: u32,
    /// Before then nothing is dialled at this carrier.
    #[serde(with = "instant")]
    pub not_before: Timestamp,
}

/// A hangup that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Why: the call will end with this reason, whatever comes later.
    pub reason: EndReason,
    /// When it is seen to that a hangup is still under way.
    #[serde(with = "instant")]
    pub check_at: Timestamp,
}

/// The plan of the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// What the call is to do.
    pub plan: CallPlan,
    /// Its number.
    pub step: Step,
    /// When the carrier got it, if it has.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// What may have brought it to the carrier, besides a push whose outcome is known.
    #[serde(default, skip_serializing_if = "Carried::is_by_none")]
    pub carried: Carried,
    /// The step of the last push of which nobody knows what became of it: it may arrive yet, even after
    /// a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear_push: Option<Step>,
    /// When what gathers digits by a command is over at the latest, and its end was told.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub gathers_until: Option<Timestamp>,
}

impl Script {
    /// A plan that the carrier has not got.
    #[must_use]
    pub const fn new(plan: CallPlan, step: Step) -> Self {
        Self {
            plan,
            step,
            delivered_at: None,
            carried: Carried::ByNone,
            unclear_push: None,
            gathers_until: None,
        }
    }
}

/// What may have brought a plan to the carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carried {
    /// Nothing.
    #[default]
    ByNone,
    /// A push that a restart has interrupted. It may arrive yet.
    PerhapsByPush,
    /// The answer to a request: what it says may have begun.
    ByReply,
}

impl Carried {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    const fn is_by_none(&self) -> bool {
        matches!(self, Self::ByNone)
    }
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The turn of the answer.
    pub turn: Turn,
    /// How long it waits.
    #[serde(with = "instant")]
    pub deadline: Timestamp,
}

/// Something that is to be done at the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Dial. Never done twice.
    Initiate,
    /// Answer an inbound call.
    Answer,
    /// Refuse an inbound call.
    Reject(RejectReason),
    /// Give an inbound call the carrier's own limits, should we be gone.
    Limit,
    /// End the call.
    HangUp,
    /// Cut off what is being spoken, before another plan is carried out.
    StopSpeech,
    /// Stop gathering digits, before another plan is carried out.
    StopGathering,
    /// Stop transcribing, before digits are asked for.
    StopTranscribing,
    /// Carry out the plan of this step by a command.
    Perform(Step),
}

/// An effect with its number; in the outbox until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Its number within the call.
    pub id: u32,
    /// What to do.
    pub kind: EffectKind,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Not before then: set after a failure.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// Everything about a call that must survive a crash. Of bounded size: what was said and what
/// happened stand in its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Our id.
    pub id: CallId,
    /// How often it was committed. A commit names the revision that it builds on.
    pub revision: u64,
    /// The carrier.
    pub provider: ProviderName,
    /// The carrier's ids.
    pub ids: ProviderCallIds,
    /// Who placed it.
    pub direction: Direction,
    /// The calling side.
    pub from: Party,
    /// The called side.
    pub to: Party,
    /// What it is for.
    pub mode: Mode,
    /// How far it has come.
    pub state: CallState,
    /// Since when it is in this state.
    #[serde(with = "instant")]
    pub state_since: Timestamp,
    /// The hangup that was asked for, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// What it is to do.
    pub script: Script,
    /// When the script hangs up, if it does.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub hangup_at: Option<Timestamp>,
    /// The turn of the conversation.
    pub turn: Turn,
    /// The question that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// The dial, of an outbound call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial: Option<Dial>,
    /// That the carrier did not take its dial, if it has not taken it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<Throttled>,
    /// Since when it has been ringing for too long.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub ring_overdue_at: Option<Timestamp>,
    /// After a hangup was accepted: when to look whether it was done.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub confirm_at: Option<Timestamp>,
    /// How often a hangup was accepted and not done.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub confirmations: u32,
    /// Its limits.
    pub limits: CallLimits,
    /// The last webhooks.
    pub recent: RecentWebhooks,
    /// What is still to be done at the carrier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbox: Vec<Effect>,
    /// The number of the next effect.
    pub next_effect: u32,
    /// How many entries it has.
    pub entries: u32,
    /// How many commands replaced its document.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pushes: u32,
    /// Who answered, where detection was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<AnsweredBy>,
    /// The carrier's own words for its end, or for the last thing that went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The user's own notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, PrivateText>,
    /// When it began.
    #[serde(with = "instant")]
    pub started_at: Timestamp,
    /// When it was answered.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "instant::option", default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When the record last changed.
    #[serde(with = "instant")]
    pub updated_at: Timestamp,
    /// When the carrier last told us something.
    #[serde(with = "instant")]
    pub news_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl CallRecord {
    /// Why it ended, if it has.
    #[must_use]
    pub const fn end_reason(&self) -> Option<EndReason> {
        if let CallState::Ended(reason) = self.state { Some(reason) } else { None }
    }

    /// Whether it takes a slot: everything that is not over and not waiting for one.
    #[must_use]
    pub const fn holds_slot(&self) -> bool {
        !matches!(self.state, CallState::Ended(_) | CallState::Queued)
    }

    /// Whether anything is left to do: it is not over, or its end is still to be carried out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.state.is_ended() || !self.outbox.is_empty() || self.confirm_at.is_some()
    }

    /// Whether nobody knows if the carrier has it; its destination is fenced as long.
    #[must_use]
    pub const fn outcome_unknown(&self) -> bool {
        !self.state.is_ended()
            && matches!(self.dial, Some(Dial { outcome: DialOutcome::Unknown { .. }, .. }))
    }

    /// Until when it waits for its turn, at most.
    #[must_use]
    pub fn waits_until(&self) -> Timestamp {
        // A call that was queued before it had a limit of its own has that of a call.
        let wait = self.limits.queue_timeout.unwrap_or(self.limits.max_duration);
        crate::time::after(self.started_at, wait)
    }

    /// How much of the maximum duration is left, for a call that was answered.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Option<Duration> {
        let deadline = crate::time::after(self.answered_at?, self.limits.max_duration);
        Some(crate::time::between(now, deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_word_of_an_effect_stays() {
        for (kind, word) in [
            (EffectKind::Answer, r#""answer""#),
            (EffectKind::Limit, r#""limit""#),
            (EffectKind::HangUp, r#""hang_up""#),
            (EffectKind::StopSpeech, r#""stop_speech""#),
            (EffectKind::StopGathering, r#""stop_gathering""#),
            (EffectKind::StopTranscribing, r#""stop_transcribing""#),
            (EffectKind::Perform(Step(9)), r#"{"perform":9}"#),
        ] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), word);
            assert_eq!(serde_json::from_str::<EffectKind>(word).unwrap(), kind);
        }
        let class = serde_json::to_string(&offhook_core::ErrorClass::WrongState).unwrap();
        assert_eq!(class, r#""wrong_state""#);
    }
}
