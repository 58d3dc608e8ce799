//! Who may call whom, and how many at once: one counter for both directions.

use jiff::Timestamp;
use offhook_core::{CallId, Party, ProviderName, Speech};

use super::Driver;
use super::batch::Batch;
use super::request::{InitiateError, InitiateRequest};
use crate::machine::{self, NewOutbound};
use crate::record::{CallLimits, CallRecord};

impl Driver {
    pub(super) fn free_slots(&self, batch: &Batch) -> usize {
        let taken = self.slots.saturating_add_signed(batch.counted.slots);
        self.policy.max_concurrent_calls.saturating_sub(taken)
    }

    /// The limits of a call that nobody wants others for.
    pub(super) fn limits(&self, provider: &ProviderName) -> CallLimits {
        CallLimits {
            max_duration: self.policy.max_duration,
            ring_timeout: self.policy.ring_timeout,
            transcript_timeout: self.policy.transcript_timeout,
            notify_hangup_delay: self.policy.notify_hangup_delay,
            dial_slack: self.capabilities_of(provider).dial_slack,
            queue_timeout: None,
        }
    }

    fn limits_of(&self, provider: &ProviderName, request: &InitiateRequest) -> CallLimits {
        let limits = self.limits(provider);
        let wait = request.queue_timeout.unwrap_or(self.policy.queue_timeout);
        CallLimits {
            max_duration: request.max_duration.unwrap_or(limits.max_duration),
            ring_timeout: request.ring_timeout.unwrap_or(limits.ring_timeout),
            queue_timeout: self.policy.queue.then_some(wait),
            ..limits
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
        self.may_place(batch, &name, now)?;
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
            limits: self.limits_of(&name, request),
            metadata: request.metadata.clone(),
            queued: self.policy.queue,
            provider: name,
        };
        batch.create(machine::outbound(new, &capabilities, now));
        if let Some(working) = batch.working_mut(request.id) {
            working.idempotency.clone_from(&request.idempotency);
        }
        Ok(request.id)
    }

    /// The call whose unknown outcome keeps this destination from being dialled.
    pub(super) fn fencing(&self, batch: &Batch, to: &Party) -> Option<CallId> {
        let mut known = self.fences.of(to).chain(batch.counted.fences.of(to));
        known.find(|call| batch.record(&self.open, *call).is_some_and(CallRecord::outcome_unknown))
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
