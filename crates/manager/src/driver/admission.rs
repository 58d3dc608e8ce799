//! Who may call whom, and how many at once: one counter for both directions.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, Locale, Party, ProviderName, Speech, SpeechText};

use super::Driver;
use super::batch::Batch;
use crate::machine::{self, Input, NewOutbound};
use crate::record::{CallLimits, CallState, Mode};
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
    pub voice: Option<String>,
    /// The language; the policy's if `None`.
    pub locale: Option<Locale>,
    /// The user's own notes.
    pub metadata: BTreeMap<String, String>,
    /// How long it may last; the policy's if `None`.
    pub max_duration: Option<Duration>,
    /// How long it may ring; the policy's if `None`.
    pub ring_timeout: Option<Duration>,
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

impl Driver {
    pub(super) fn free_slots(&self, batch: &Batch) -> usize {
        let taken = self.slots.saturating_add_signed(batch.slots);
        self.policy.max_concurrent_calls.saturating_sub(taken)
    }

    pub(super) fn limits(
        &self,
        provider: &ProviderName,
        max_duration: Option<Duration>,
        ring_timeout: Option<Duration>,
    ) -> CallLimits {
        CallLimits {
            max_duration: max_duration.unwrap_or(self.policy.max_duration),
            ring_timeout: ring_timeout.unwrap_or(self.policy.ring_timeout),
            transcript_timeout: self.policy.transcript_timeout,
            notify_hangup_delay: self.policy.notify_hangup_delay,
            dial_slack: self.capabilities_of(provider).dial_slack,
        }
    }

    pub(super) fn apply_initiate(
        &mut self,
        batch: &mut Batch,
        request: &InitiateRequest,
        now: Timestamp,
    ) -> Result<CallId, InitiateError> {
        if let Some(earlier) = same_key(batch, request)? {
            return Ok(earlier);
        }
        let name = request.provider.as_ref().unwrap_or(&self.policy.default_provider).clone();
        let Some(policy) = self.policy.providers.get(&name) else {
            return Err(InitiateError::UnknownProvider { name });
        };
        let from = request.from.clone().or_else(|| policy.from.clone());
        let from = from.ok_or(InitiateError::NoCaller)?;
        let capabilities = self.capabilities_of(&name);
        match &request.to {
            Party::Number(_) => {}
            Party::Sip(_) if capabilities.sip => {}
            _ => return Err(InitiateError::CannotDial { name }),
        }
        if !self.policy.permits(&request.to) {
            return Err(InitiateError::DestinationNotAllowed);
        }
        if let Some(call) = self.fencing(batch, &request.to) {
            return Err(InitiateError::DestinationFenced { call });
        }
        let full = self.free_slots(batch) == 0;
        if full && !self.policy.queue {
            let limit = self.policy.max_concurrent_calls;
            return Err(InitiateError::ConcurrencyLimit { limit });
        }
        let mut queued = full;
        if !full && let Some(pace) = self.dial_pace.get_mut(&name) {
            match pace.take(now) {
                Ok(()) => {}
                Err(_) if self.policy.queue => queued = true,
                Err(retry_after) => return Err(InitiateError::RateLimit { retry_after }),
            }
        }
        let locale = request.locale.clone().unwrap_or_else(|| self.policy.locale.clone());
        let message = request.message.clone().map(|text| Speech {
            text,
            voice: request.voice.clone().or_else(|| self.policy.voice.clone()),
            locale: locale.clone(),
        });
        let new = NewOutbound {
            id: request.id,
            from,
            to: request.to.clone(),
            mode: request.mode.unwrap_or(self.policy.mode),
            message,
            locale,
            limits: self.limits(&name, request.max_duration, request.ring_timeout),
            metadata: request.metadata.clone(),
            queued,
            provider: name,
        };
        batch.create(machine::outbound(new, &capabilities, now));
        if let Some(working) = batch.working_mut(request.id) {
            working.idempotency.clone_from(&request.idempotency);
        }
        Ok(request.id)
    }

    /// The call whose unknown outcome keeps this destination from being dialled.
    fn fencing(&self, batch: &Batch, to: &Party) -> Option<CallId> {
        let open = self.open.keys().filter_map(|call| batch.record(&self.open, *call));
        open.filter(|record| record.outcome_unknown() && record.to == *to)
            .map(|record| record.id)
            .next()
    }

    /// Lets queued calls have the slots that are free, oldest first.
    pub(super) fn admit_queued(&mut self, batch: &mut Batch, now: Timestamp) {
        if !self.policy.queue || self.free_slots(batch) == 0 {
            return;
        }
        let mut queued: Vec<CallId> = self
            .open
            .values()
            .filter(|open| open.record.state == CallState::Queued)
            .map(|open| open.record.id)
            .collect();
        queued.sort_unstable();
        for call in queued {
            let Some(record) = batch.record(&self.open, call) else { continue };
            if record.state != CallState::Queued || self.fencing(batch, &record.to).is_some() {
                continue;
            }
            if self.free_slots(batch) == 0 {
                return;
            }
            let provider = record.provider.clone();
            if let Some(pace) = self.dial_pace.get_mut(&provider)
                && let Err(wait) = pace.take(now)
            {
                let at = crate::time::after(now, wait);
                self.admit_at = Some(self.admit_at.map_or(at, |other| other.min(at)));
                continue;
            }
            self.apply(batch, call, Input::Admitted, now);
        }
    }
}

/// The call that this batch already places under the same key.
fn same_key(batch: &Batch, request: &InitiateRequest) -> Result<Option<CallId>, InitiateError> {
    let Some(wanted) = &request.idempotency else { return Ok(None) };
    for working in &batch.working {
        if let Some(key) = working.idempotency.as_ref().filter(|key| key.key == wanted.key) {
            return if key.fingerprint == wanted.fingerprint {
                Ok(Some(working.record.id))
            } else {
                Err(InitiateError::KeyReused)
            };
        }
    }
    Ok(None)
}
