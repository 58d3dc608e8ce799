//! What the operator decided.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_core::{Callbacks, Locale, Party, PhoneNumber, ProviderName, SpeechText, Voice};

use crate::record::Mode;

/// The rules by which calls are admitted and limited.
///
/// A running call keeps the limits that it was created with.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many calls may be live at once, in both directions together.
    pub max_concurrent_calls: usize,
    /// Whether an outbound call waits for its turn instead of being refused, where every slot is taken
    /// or the rate does not permit it yet.
    pub queue: bool,
    /// How many calls may wait for each provider, at least one.
    pub max_queued_calls: usize,
    /// How long a call may wait for its turn.
    pub queue_timeout: Duration,
    /// How many status requests may be under way at once.
    pub verify_concurrency: usize,
    /// How long a call may last, counted from the answer.
    pub max_duration: Duration,
    /// How long it may ring.
    pub ring_timeout: Duration,
    /// How long a question waits for its answer.
    pub transcript_timeout: Duration,
    /// How long a notify call stays on the line after its message was heard.
    pub notify_hangup_delay: Duration,
    /// What an outbound call is for, unless it says so itself.
    pub mode: Mode,
    /// Prefixes in E.164 that may be called; empty permits all.
    pub allow_to: Vec<String>,
    /// Who may call us.
    pub inbound: InboundPolicy,
    /// What an inbound call is greeted with.
    pub greeting: Option<SpeechText>,
    /// The voice; `None` takes the carrier's default.
    pub voice: Option<Voice>,
    /// The language.
    pub locale: Locale,
    /// The provider of new calls that name none.
    pub default_provider: ProviderName,
    /// What differs by provider.
    pub providers: BTreeMap<ProviderName, ProviderPolicy>,
}

/// What differs by provider.
#[derive(Clone, Debug)]
pub struct ProviderPolicy {
    /// Where its webhooks arrive.
    pub callbacks: Callbacks,
    /// The caller of new calls that name none.
    pub from: Option<Party>,
    /// How many calls may be placed in a second.
    pub calls_per_second: f64,
    /// How many REST requests may be sent in a second.
    pub requests_per_second: f64,
}

/// Who may call us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InboundPolicy {
    /// Nobody.
    #[default]
    Disabled,
    /// These numbers, compared whole. A caller can claim any number: this keeps strangers out by
    /// courtesy, it identifies nobody.
    Allowlist(Vec<PhoneNumber>),
    /// Everybody.
    Open,
}

impl InboundPolicy {
    /// Whether this caller is let in.
    #[must_use]
    pub fn admits(&self, caller: &Party) -> bool {
        match self {
            Self::Disabled => false,
            Self::Open => true,
            Self::Allowlist(numbers) => {
                caller.number().is_some_and(|number| numbers.contains(number))
            }
        }
    }
}

impl Policy {
    /// The defaults: one call at a time, five minutes, nobody may call us.
    #[must_use]
    pub fn new(default_provider: ProviderName) -> Self {
        Self {
            max_concurrent_calls: 1,
            queue: false,
            max_queued_calls: 1000,
            queue_timeout: Duration::from_secs(300),
            verify_concurrency: 32,
            max_duration: Duration::from_secs(300),
            ring_timeout: Duration::from_secs(30),
            transcript_timeout: Duration::from_secs(180),
            notify_hangup_delay: Duration::from_secs(3),
            mode: Mode::Notify,
            allow_to: Vec::new(),
            inbound: InboundPolicy::Disabled,
            greeting: None,
            voice: None,
            locale: Locale::en_us(),
            default_provider,
            providers: BTreeMap::new(),
        }
    }

    /// Whether this party may be called.
    #[must_use]
    pub fn permits(&self, to: &Party) -> bool {
        self.allow_to.is_empty()
            || to.number().is_some_and(|number| {
                self.allow_to.iter().any(|prefix| number.as_str().starts_with(prefix.as_str()))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowlist_compares_whole_numbers_and_lets_no_withheld_caller_in() {
        let policy = InboundPolicy::Allowlist(vec!["+15550001234".parse().unwrap()]);
        assert!(policy.admits(&Party::observed("+15550001234")));
        for stranger in ["+155500012345", "+5550001234", "Anonymous", "sip:+15550001234@x"] {
            assert!(!policy.admits(&Party::observed(stranger)), "{stranger}");
        }
    }

    #[test]
    fn destinations_outside_of_allow_to_are_refused() {
        let mut policy = Policy::new(ProviderName::new("test"));
        assert!(policy.permits(&Party::observed("sip:bob@example.com")));
        policy.allow_to = vec!["+4366".to_owned()];
        assert!(policy.permits(&Party::observed("+4366012345")));
        assert!(!policy.permits(&Party::observed("+4367012345")));
        assert!(!policy.permits(&Party::observed("sip:bob@example.com")));
    }
}
