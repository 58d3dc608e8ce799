//! How a call stands, and why it ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ProviderError;

/// Why a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// It was connected and ended; the carrier does not tell by whom.
    Completed,
    /// The other side hung up.
    HangupUser,
    /// We hung up: by command, or because the script was done.
    HangupBot,
    /// It reached its maximum duration.
    Timeout,
    /// The carrier could not go on with it.
    Error,
    /// It could not be connected.
    Failed,
    /// Nobody answered in time.
    NoAnswer,
    /// The line was busy; for an inbound call, ours was.
    Busy,
    /// A machine answered, and the call was ended because of that.
    Voicemail,
    /// It was called off before it was answered.
    Canceled,
    /// It was refused.
    Rejected,
    /// The outcome of its dial never became known.
    Lost,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Completed,
        Self::HangupUser,
        Self::HangupBot,
        Self::Timeout,
        Self::Error,
        Self::Failed,
        Self::NoAnswer,
        Self::Busy,
        Self::Voicemail,
        Self::Canceled,
        Self::Rejected,
        Self::Lost,
    ];

    /// The word of our API: `hangup-bot`, `no-answer`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::HangupUser => "hangup-user",
            Self::HangupBot => "hangup-bot",
            Self::Timeout => "timeout",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::Voicemail => "voicemail",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The carrier's own code and words for something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The carrier's code, `21211` or `486`; empty where it has none.
    pub code: String,
    /// The carrier's text, numbers masked.
    pub text: String,
}

impl Cause {
    /// A cause; numbers in it are masked, since causes are logged.
    pub fn new(code: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        let masked = crate::mask_numbers;
        Self { code: masked(code.as_ref()), text: masked(text.as_ref()) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.is_empty(), self.text.is_empty()) {
            (false, false) => write!(f, "{} ({})", self.text, self.code),
            (false, true) => f.write_str(&self.code),
            _ => f.write_str(&self.text),
        }
    }
}

/// How far a live call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Taken by the carrier, perhaps waiting in its queue.
    Initiated,
    /// The other side rings.
    Ringing,
    /// Connected.
    Answered,
}

/// What a carrier answers when it is asked how a call stands.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallStatus {
    /// It is not over.
    Live {
        /// How far it has come, where the carrier tells.
        progress: Option<Progress>,
    },
    /// It is over: a terminal word, an end time, a call detail record.
    Ended {
        /// Why.
        reason: EndReason,
        /// The carrier's own words for it.
        cause: Option<Cause>,
    },
    /// The carrier knows no such call, or says that it is not alive and no more. Weaker than
    /// `Ended`: a call can be missing for a moment after it was dialled.
    NotFound,
    /// Nothing is known: the network, a 5xx, a time-out, a refused key, an answer that cannot be
    /// read. The call is kept.
    Unknown {
        /// Why nothing is known.
        cause: ProviderError,
    },
}
