//! Words of the API for what the layers below have types for. A word that is missing here does not
//! compile.

use offhook_core::{AnsweredBy, Cause, Direction};
use offhook_manager::{CallState, DialOutcome, Mode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who placed the call.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Direction)]
#[serde(rename_all = "snake_case")]
pub(super) enum DirectionView {
    Inbound,
    Outbound,
}

impl From<Direction> for DirectionView {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
        }
    }
}

/// How far the call has come.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CallState)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateView {
    Queued,
    Initiated,
    Ringing,
    Answered,
    Active,
    Speaking,
    Listening,
    Ended,
}

impl From<CallState> for StateView {
    fn from(state: CallState) -> Self {
        match state {
            CallState::Queued => Self::Queued,
            CallState::Initiated => Self::Initiated,
            CallState::Ringing => Self::Ringing,
            CallState::Answered => Self::Answered,
            CallState::Active => Self::Active,
            CallState::Speaking => Self::Speaking,
            CallState::Listening => Self::Listening,
            CallState::Ended(_) => Self::Ended,
        }
    }
}

/// What became of the dial.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Dial)]
#[serde(rename_all = "snake_case")]
pub(super) enum DialView {
    Pending,
    Unknown,
    Accepted,
    Refused,
}

impl From<DialOutcome> for DialView {
    fn from(outcome: DialOutcome) -> Self {
        match outcome {
            DialOutcome::Pending => Self::Pending,
            DialOutcome::Unknown { .. } => Self::Unknown,
            DialOutcome::Accepted { .. } => Self::Accepted,
            DialOutcome::Refused => Self::Refused,
        }
    }
}

/// What the call is for: to say a message and hang up, or to talk.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Mode)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModeView {
    Notify,
    Conversation,
}

impl From<Mode> for ModeView {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Notify => Self::Notify,
            Mode::Conversation => Self::Conversation,
        }
    }
}

impl From<ModeView> for Mode {
    fn from(mode: ModeView) -> Self {
        match mode {
            ModeView::Notify => Self::Notify,
            ModeView::Conversation => Self::Conversation,
        }
    }
}

/// Who or what answered.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = AnsweredBy)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnsweredByView {
    Human,
    Machine,
    Fax,
    Unknown,
}

impl From<AnsweredBy> for AnsweredByView {
    fn from(by: AnsweredBy) -> Self {
        match by {
            AnsweredBy::Human => Self::Human,
            AnsweredBy::Machine => Self::Machine,
            AnsweredBy::Fax => Self::Fax,
            _ => Self::Unknown,
        }
    }
}

/// The carrier's own words.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Cause)]
pub(super) struct CauseView {
    /// Empty where it has no code.
    code: String,
    text: String,
}

impl From<Cause> for CauseView {
    fn from(Cause { code, text }: Cause) -> Self {
        Self { code, text }
    }
}

/// Who says something: we, or the other side.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speaker {
    Bot,
    User,
}
