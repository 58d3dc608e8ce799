//! What a user asks for when a call is to be placed, and why it may be refused.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_core::{CallId, Locale, Party, PrivateText, ProviderName, SpeechText, Voice};

use crate::record::Mode;
use crate::store::Idempotency;

/// A call that a user wants placed.
#[derive(Clone, Debug)]
pub struct InitiateRequest {
    /// Its id, drawn by the caller.
    pub id: CallId,
    /// Who is called.
    pub to: Party,
    /// The provider; the policy's default if `None`.
    pub provider: Option<ProviderName>,
    /// Who calls; the provider's own number if `None`.
    pub from: Option<Party>,
    /// What it is for; the policy's if `None`.
    pub mode: Option<Mode>,
    /// What it says first.
    pub message: Option<SpeechText>,
    /// The voice; the policy's if `None`.
    pub voice: Option<Voice>,
    /// The language; the policy's if `None`.
    pub locale: Option<Locale>,
    /// The user's own notes.
    pub metadata: BTreeMap<String, PrivateText>,
    /// How long it may last; the policy's if `None`.
    pub max_duration: Option<Duration>,
    /// How long it may ring; the policy's if `None`.
    pub ring_timeout: Option<Duration>,
    /// How long it may wait for its turn, where calls wait; the policy's if `None`.
    pub queue_timeout: Option<Duration>,
    /// The key under which it is placed once.
    pub idempotency: Option<Idempotency>,
}

impl InitiateRequest {
    /// A call to this party, all else as the policy has it.
    #[must_use]
    pub const fn new(id: CallId, to: Party) -> Self {
        Self {
            id,
            to,
            provider: None,
            from: None,
            mode: None,
            message: None,
            voice: None,
            locale: None,
            metadata: BTreeMap::new(),
            max_duration: None,
            ring_timeout: None,
            queue_timeout: None,
            idempotency: None,
        }
    }
}

/// Why a call was not placed. There is no record of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitiateError {
    /// No such provider is configured.
    #[error("the provider {name} is not configured")]
    UnknownProvider {
        /// Its name.
        name: ProviderName,
    },
    /// Nobody says who calls.
    #[error("no calling number: give `from`, or set from_number in the configuration")]
    NoCaller,
    /// The carrier takes phone numbers only.
    #[error("the provider {name} cannot dial this kind of address; give a number in E.164")]
    CannotDial {
        /// The provider.
        name: ProviderName,
    },
    /// The policy does not permit this destination.
    #[error("this destination is not permitted by outbound.allow_to")]
    DestinationNotAllowed,
    /// A dial to the same destination has an unknown outcome.
    #[error(
        "nobody knows yet whether call {call} reached this destination; dialling again could ring a person twice. Wait until it is decided"
    )]
    DestinationFenced {
        /// The call that fences it.
        call: CallId,
    },
    /// Every slot is taken.
    #[error("{limit} calls are live, as many as limits.max_concurrent_calls permits")]
    ConcurrencyLimit {
        /// The limit.
        limit: usize,
    },
    /// As many calls wait for this provider as may.
    #[error(
        "{limit} calls wait for this provider already, as many as limits.max_queued_calls permits"
    )]
    QueueFull {
        /// The limit.
        limit: usize,
        /// How long to wait, where only the rate keeps them from being dialled; `None` where it is
        /// the slots, which nobody can tell.
        retry_after: Option<Duration>,
    },
    /// Too many calls in a short time.
    #[error("too many calls in a short time; try again in {} s", retry_after.as_secs() + 1)]
    RateLimit {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The same key came with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// It could not be committed; nothing happened.
    #[error("the store is not available; nothing was dialled, try again")]
    StoreUnavailable,
    /// The manager is shutting down, or starting.
    #[error("the manager is not running; nothing was dialled, try again")]
    NotRunning,
}
