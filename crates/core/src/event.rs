//! What a carrier reports of a call, in one vocabulary.

use serde::{Deserialize, Serialize};

use crate::{Cause, EndReason, PrivateText};

/// Who placed the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody called us.
    Inbound,
    /// We called somebody.
    Outbound,
}

/// Who or what answered, by answering-machine detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// A voicemail greeting or another machine.
    Machine,
    /// A fax.
    Fax,
    /// The carrier could not tell.
    Unknown,
}

/// One fact that a carrier reports of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallEvent {
    /// The carrier has begun to dial.
    Initiated,
    /// The other side rings.
    Ringing,
    /// The call was answered.
    Answered,
    /// Answering-machine detection has decided.
    AnsweredBy(AnsweredBy),
    /// Speech began to play.
    SpeechStarted,
    /// Speech ended: heard to its end, or cut off.
    SpeechEnded {
        /// Whether all of it was played.
        completed: bool,
    },
    /// Words that the other side said.
    Transcript {
        /// The words.
        text: PrivateText,
        /// False for a preview that a final text will follow.
        is_final: bool,
    },
    /// Listening ended and nothing was heard.
    NothingHeard,
    /// Digits with which listening ended: a whole entry.
    Digits {
        /// What was entered, without the key that finished it.
        digits: PrivateText,
    },
    /// One key that the other side pressed, told by itself. Where digits are asked for, their entry
    /// tells it again.
    KeyPressed {
        /// Which.
        key: PrivateText,
    },
    /// All digits of a plan were sent.
    DigitsSent,
    /// A hold ran out and asks for more.
    HoldEnded,
    /// The carrier could not carry out what it was told; the call goes on.
    Fault(Cause),
    /// The call is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// The carrier's own words for it.
        cause: Option<Cause>,
    },
    /// An event of a type that we do not know: kept in the timeline, without effect.
    Unknown {
        /// The carrier's name of it.
        name: String,
    },
}

impl CallEvent {
    /// The word for it, without what it tells.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::AnsweredBy(_) => "answered_by",
            Self::SpeechStarted => "speech_started",
            Self::SpeechEnded { .. } => "speech_ended",
            Self::Transcript { .. } => "transcript",
            Self::NothingHeard => "nothing_heard",
            Self::Digits { .. } => "digits",
            Self::KeyPressed { .. } => "key_pressed",
            Self::DigitsSent => "digits_sent",
            Self::HoldEnded => "hold_ended",
            Self::Fault(_) => "fault",
            Self::Ended { .. } => "ended",
            Self::Unknown { .. } => "unknown",
        }
    }
}
