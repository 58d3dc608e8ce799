//! What must hold, whatever happens.

use std::fmt;

/// One of the sentences that a simulation tries to refute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// No call counts as live long after it is over at the carrier, or never came about there.
    NoPhantom,
    /// No call of ours lives at the carrier, unknown to us or taken for ended.
    NoOrphan,
    /// No call of ours comes of nothing: each is a user's wish, or the first word of a carrier's call
    /// that none of ours is.
    NoneOfNothing,
    /// One wish of a user makes one call at the carrier at most.
    OneDial,
    /// No more calls hold a slot than the operator permits, and the driver counts them right.
    WithinLimit,
    /// What a webhook said is in the store before it is acknowledged.
    AcknowledgedIsStored,
    /// A genuine webhook is taken for one, and can be read.
    GenuineIsTaken,
    /// No webhook has an effect twice.
    AppliedOnce,
    /// A call that has ended stays so, and the first reason wins.
    EndedIsFinal,
    /// No call lasts much longer than it may.
    MaxDuration,
    /// Every call that is not over has a deadline, and it is kept.
    HasDeadline,
    /// What can be started at the carrier is started.
    EffectsAreStarted,
    /// A repeated webhook is answered with the bytes of the first answer.
    RepeatEqualsFirst,
    /// Whoever waits is answered, once.
    WaitersSettled,
    /// What answers a question was said on its call, and answers no other.
    AnswersAreHeard,
    /// A hangup that was asked for gets through, or the call turns out to be over.
    HangupGetsThrough,
    /// Nobody hears a sentence twice, or two voices at once.
    HeardOnce,
    /// Calls are dialled in the order in which they came, as fast as the operator permits, and not
    /// before the carrier wants them again.
    TurnsAreKept,
    /// A call that waits is dialled when its turn comes, or called off by a user or by its deadline.
    QueuedIsNotLost,
    /// The manager comes to rest, and a story to its end.
    ComesToRest,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::NoPhantom,
        Self::NoOrphan,
        Self::NoneOfNothing,
        Self::OneDial,
        Self::WithinLimit,
        Self::AcknowledgedIsStored,
        Self::GenuineIsTaken,
        Self::AppliedOnce,
        Self::EndedIsFinal,
        Self::MaxDuration,
        Self::HasDeadline,
        Self::EffectsAreStarted,
        Self::RepeatEqualsFirst,
        Self::WaitersSettled,
        Self::AnswersAreHeard,
        Self::HangupGetsThrough,
        Self::HeardOnce,
        Self::TurnsAreKept,
        Self::QueuedIsNotLost,
        Self::ComesToRest,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPhantom => "no phantom",
            Self::NoOrphan => "no orphan",
            Self::NoneOfNothing => "no call comes of nothing",
            Self::OneDial => "no second dial",
            Self::WithinLimit => "no more calls than permitted",
            Self::AcknowledgedIsStored => "what is acknowledged is stored",
            Self::GenuineIsTaken => "what is genuine is taken",
            Self::AppliedOnce => "no webhook has an effect twice",
            Self::EndedIsFinal => "an end is final and the first reason wins",
            Self::MaxDuration => "no call outlives its maximum duration",
            Self::HasDeadline => "every call has a deadline that is kept",
            Self::EffectsAreStarted => "what can be started is started",
            Self::RepeatEqualsFirst => "a repeat is answered as the first was",
            Self::WaitersSettled => "whoever waits is answered, once",
            Self::AnswersAreHeard => "an answer was heard, and answers once",
            Self::HangupGetsThrough => "a hangup gets through",
            Self::HeardOnce => "nothing is heard twice",
            Self::TurnsAreKept => "no dial before its turn",
            Self::QueuedIsNotLost => "a queued call is dialled, cancelled or expired",
            Self::ComesToRest => "everything comes to rest",
        })
    }
}

/// A sentence that was refuted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When, in milliseconds of the story.
    pub at: u64,
    /// By what.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, at, detail } = self;
        write!(f, "{invariant}: {detail} (at {:.3} s)", *at as f64 / 1000.0)
    }
}
