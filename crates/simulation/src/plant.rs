//! Faults that are planted into the simulation's own shell, to show that each invariant bites.

/// Something that a careless shell, store or carrier could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plant {
    /// No look at a live call tells anything, and no webhook that tells an end comes through.
    EndsUnheard,
    /// Hangups are reported as taken and never sent, and each look says that it worked.
    HangupsPretended,
    /// The first word of a call names another call, which the carrier has not.
    CallsInvented,
    /// Requests that place a call are sent twice.
    DialsTwice,
    /// The driver is told of a higher limit.
    LimitRaised,
    /// A webhook is acknowledged when it arrives, and not taken in.
    AcknowledgedUnread,
    /// The webhook's key is not the carrier's.
    WrongKey,
    /// A repeat has another key.
    KeysDiffer,
    /// The store gives an ended call another reason.
    ReasonRewritten,
    /// The driver is told of a longer maximum duration.
    DurationRaised,
    /// The driver is not woken while a deadline is due.
    NeverWoken,
    /// Effects of the script are not started.
    EffectsForgotten,
    /// A repeat is answered with nothing.
    RepeatAnsweredBare,
    /// Answers to users get lost.
    AnswersLost,
    /// Who has asked something is never woken.
    AskersForgotten,
    /// A question is answered with other words.
    AnswersMixed,
    /// A question is answered with other digits.
    EntriesMixed,
    /// Hangups are never sent, and never come back.
    HangupsForgotten,
    /// Requests that speak are sent twice.
    SpeaksTwice,
    /// The driver is told of a higher rate of dials.
    RateRaised,
    /// A restart turns the order of those that wait around.
    QueueReversed,
    /// A restart ends those that wait, as calls that no carrier knows.
    QueueDropped,
    /// The driver is told of a lower limit.
    SlotsWithheld,
    /// The manager is woken again and again.
    NeverRests,
}
