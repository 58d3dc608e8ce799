//! What happened to a call, in the order in which it was committed.

use jiff::Timestamp;
use offhook_core::{
    CallEvent, CallId, CallPlan, Cause, Direction, EndReason, ErrorClass, Party, PrivateText,
    Progress, ProviderName, Step, Turn,
};
use serde::{Deserialize, Serialize};

use crate::record::{EffectKind, Mode};

/// One thing that happened to a call. Never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number within the call, from 0.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EntryKind,
}

/// An entry as it stands in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEntry {
    /// Its place in the order of all commits.
    pub id: u64,
    /// The call.
    pub call: CallId,
    /// The entry.
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// The call began to exist here, before anything was sent.
    Created {
        /// Its carrier.
        provider: ProviderName,
        /// Who placed it.
        direction: Direction,
        /// The calling side.
        from: Party,
        /// The called side.
        to: Party,
        /// What it is for.
        mode: Mode,
        /// What it says first: the message, or the greeting.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opening: Option<PrivateText>,
    },
    /// It left the queue: its dial is due.
    Admitted,
    /// The carrier told us something.
    Webhook {
        /// What.
        events: Vec<CallEvent>,
        /// The step that it belongs to.
        step: Option<Step>,
        /// The plan that it was answered with, so that a repeat gets the same bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply: Option<RepliedPlan>,
        /// The turn that the words in it answered, if they answered one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<Turn>,
        /// Why it had no effect, if it had none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ignored: Option<Ignored>,
    },
    /// A user told us something.
    Command {
        /// What.
        command: CommandWord,
        /// What is said, where something is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<PrivateText>,
        /// The turn, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<Turn>,
    },
    /// The carrier took something that we asked for.
    Done {
        /// What.
        effect: EffectKind,
    },
    /// The carrier did not take it.
    NotDone {
        /// What.
        effect: EffectKind,
        /// Whose fault it was.
        class: ErrorClass,
        /// The carrier's words.
        cause: Cause,
        /// Whether it is tried again.
        again: bool,
    },
    /// What was asked for may or may not have happened, and is not done again.
    NotConfirmed {
        /// What.
        effect: EffectKind,
    },
    /// The dial had no clear answer: the call may exist at the carrier.
    DialUnknown {
        /// Why nothing is known.
        cause: Cause,
    },
    /// The call exists at the carrier after all.
    Adopted {
        /// By what it is known.
        by: Adoption,
    },
    /// The carrier was searched for the call.
    Searched {
        /// Ids of calls that may be it; they are not touched.
        candidates: Vec<String>,
    },
    /// The carrier was asked how the call stands, and the answer changed something.
    Status {
        /// How it stands.
        found: FoundStatus,
    },
    /// A time limit passed.
    Deadline {
        /// Which.
        deadline: DeadlineKind,
    },
    /// The question of a turn was not answered in time.
    TurnTimedOut {
        /// The turn.
        turn: Turn,
    },
    /// The call was taken up again after a restart.
    Restored {
        /// What was decided.
        decision: crate::restore::Decision,
        /// Why.
        why: String,
    },
    /// The call is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// The carrier's own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
}

/// A plan that a webhook was answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepliedPlan {
    /// Its step.
    pub step: Step,
    /// The plan.
    pub plan: CallPlan,
}

/// What a user can tell a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CommandWord {
    /// Speak.
    Speak,
    /// Speak, and wait for the answer.
    Ask,
    /// Listen.
    Listen,
    /// Stop listening.
    StopListening,
    /// Send DTMF.
    SendDigits,
    /// Hang up.
    HangUp,
}

/// By what a call with an unclear dial is known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adoption {
    /// A webhook with our id.
    Webhook,
    /// A search that finds by our id.
    Search,
    /// The carrier's answer to the dial, which came late.
    Answer,
}

/// How a call stands at the carrier, for the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundStatus {
    /// Live.
    Live {
        /// How far.
        progress: Option<Progress>,
    },
    /// Over.
    Ended,
    /// Unknown to the carrier.
    NotFound,
    /// The carrier could not tell, or could not be asked.
    Unknown,
}

/// Why an input had no effect. Counted, and never an error to the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ignored {
    /// The call is over.
    AlreadyEnded,
    /// It is a fact that we knew, or one from before where the call is now.
    NothingNew,
    /// It belongs to an older script.
    OlderStep,
    /// The effect is not waiting any more.
    NotWaiting,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadlineKind {
    /// A queued call's turn never came.
    Queue,
    /// The outcome of a dial never became known.
    Dial,
    /// It has rung for too long: the carrier is asked.
    Ring,
    /// It has rung for too long, and the carrier could not be asked.
    RingOverdue,
    /// The call has lasted long enough.
    MaxDuration,
    /// A question got no answer.
    Transcript,
    /// Nobody told that the speech ended.
    Playback,
    /// Nobody told what came of gathering digits.
    Gathering,
    /// The script hangs up.
    ScriptedHangup,
    /// A hangup that was asked for must be under way.
    HangupCheck,
    /// A failed effect may be tried again.
    Retry,
}
