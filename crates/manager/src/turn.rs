//! What became of a turn, read from committed entries alone.

use jiff::Timestamp;
use offhook_core::{CallEvent, EndReason, PrivateText, Turn};

use crate::entry::{CommandWord, EntryKind, StoredEntry};
use crate::record::CallRecord;

/// What became of a turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnOutcome {
    /// Nothing yet: it is still the present one.
    Open,
    /// The other side said something.
    Heard {
        /// Its words.
        text: PrivateText,
        /// When they were committed.
        at: Timestamp,
    },
    /// The other side entered digits that it was asked for.
    Entered {
        /// What it pressed, without the key that finishes an entry.
        digits: PrivateText,
        /// When they were committed.
        at: Timestamp,
    },
    /// Its question was not answered in time. What is said later belongs to no turn, or to a later
    /// one.
    TimedOut,
    /// Something else was said, asked or ordered before an answer came.
    Superseded,
    /// The call is over, or about to be.
    Ended {
        /// Why, once it is over.
        reason: Option<EndReason>,
    },
}

/// What a question led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// Its turn.
    pub turn: Turn,
    /// What became of it; never [`TurnOutcome::Open`].
    pub outcome: TurnOutcome,
}

impl TurnOutcome {
    /// What became of this turn. `None` if the call never came to it.
    ///
    /// The record must have been read before the timeline: what it says is over has then an entry.
    #[must_use]
    pub fn of(record: &CallRecord, timeline: &[StoredEntry], turn: Turn) -> Option<Self> {
        if turn == Turn(0) || turn > record.turn {
            return None;
        }
        // A call's first turn begins with the call, any other with a command or with the end of the
        // one before.
        let mut begun = turn == Turn(1);
        for stored in timeline {
            let at = stored.entry.at;
            match &stored.entry.kind {
                EntryKind::Webhook { events, turn: Some(answered), .. } if *answered == turn => {
                    let answer = events.iter().find_map(|event| match event {
                        CallEvent::Transcript { text, is_final: true } => {
                            Some(Self::Heard { text: text.clone(), at })
                        }
                        CallEvent::Digits { digits } => {
                            Some(Self::Entered { digits: digits.clone(), at })
                        }
                        _ => None,
                    });
                    let nothing = || Self::Heard { text: PrivateText::default(), at };
                    return Some(answer.unwrap_or_else(nothing));
                }
                EntryKind::TurnTimedOut { turn: over } if *over == turn => {
                    return Some(Self::TimedOut);
                }
                EntryKind::Command { turn: Some(other), .. } if *other == turn => begun = true,
                EntryKind::Command { turn: Some(other), .. } if *other > turn => {
                    return Some(Self::Superseded);
                }
                EntryKind::Command { command: CommandWord::StopListening, .. } if begun => {
                    return Some(Self::Superseded);
                }
                EntryKind::Webhook { turn: Some(before), .. }
                | EntryKind::TurnTimedOut { turn: before }
                    if before.next() == turn =>
                {
                    begun = true;
                }
                EntryKind::Ended { reason, .. } => {
                    return Some(Self::Ended { reason: Some(*reason) });
                }
                _ => {}
            }
        }
        // A hangup that was asked for may take its time, and nothing is heard meanwhile.
        let ending = record.ending.is_some() || record.state.is_ended();
        Some(if ending { Self::Ended { reason: record.end_reason() } } else { Self::Open })
    }
}
