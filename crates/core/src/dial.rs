//! Placing a call, and finding one whose placing had no clear answer.

use std::time::Duration;

use jiff::Timestamp;

use crate::{CallPlan, CallRef, Party, ProviderCallIds, ProviderError};

/// A call that is to be placed. It is persisted before anything is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DialIntent {
    /// Our id, the step of the first plan, and the callback URLs.
    pub call: CallRef,
    /// Who calls.
    pub from: Party,
    /// Who is called: a number or a SIP URI.
    pub to: Party,
    /// What the call does when it is answered.
    pub plan: CallPlan,
    /// How long it may ring. The carrier gets it as a limit of its own, in whole seconds, rounded up.
    pub ring_timeout: Duration,
    /// How long it may last. The carrier gets 30 s more, so that our reason comes first.
    pub max_duration: Duration,
    /// When the intent was committed; nothing of it can be at the carrier before.
    pub at: Timestamp,
}

impl DialIntent {
    /// A call to place.
    #[must_use]
    pub const fn new(
        call: CallRef,
        from: Party,
        to: Party,
        plan: CallPlan,
        ring_timeout: Duration,
        max_duration: Duration,
        at: Timestamp,
    ) -> Self {
        Self { call, from, to, plan, ring_timeout, max_duration, at }
    }

    /// The ring limit for the carrier, in whole seconds.
    #[must_use]
    pub fn carrier_ring_seconds(&self) -> u64 {
        whole_seconds(self.ring_timeout).max(1)
    }

    /// The duration limit for the carrier, in whole seconds: ours and 30 s.
    #[must_use]
    pub fn carrier_limit_seconds(&self) -> u64 {
        carrier_limit_seconds(self.max_duration)
    }
}

/// The carrier's own limit for a call that we end after `max_duration`, in whole seconds: 30 s
/// more, so that our reason comes first.
#[must_use]
pub fn carrier_limit_seconds(max_duration: Duration) -> u64 {
    whole_seconds(max_duration).saturating_add(30)
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A call that the carrier has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitiatedCall {
    /// The carrier's ids; at least one.
    pub ids: ProviderCallIds,
}

/// The result of a search for a call whose dial had no clear answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Search {
    /// This is the call: the carrier echoed our id.
    Found(ProviderCallIds),
    /// These may be it, or a colleague's calls. They are watched and never commanded.
    Candidates(Vec<ProviderCallIds>),
    /// None. That proves nothing: the call may not be listed yet.
    Nothing,
    /// The search itself failed.
    Unknown {
        /// Why.
        cause: ProviderError,
    },
}

/// A call that a carrier lists as live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningCall {
    /// The carrier's ids.
    pub ids: ProviderCallIds,
    /// Ours, where the carrier tells: it carries an id that only we can have given.
    pub call: Option<crate::CallId>,
    /// How far it has come, where the carrier tells.
    pub progress: Option<crate::Progress>,
}

#[cfg(test)]
mod tests {
    use super::whole_seconds;
    use std::time::Duration;

    #[test]
    fn limits_for_the_carrier_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(30)), 30);
    }
}
