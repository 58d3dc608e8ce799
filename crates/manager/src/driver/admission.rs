//! Who may call whom, and how many at once: one counter for both directions.

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, Party, ProviderName, Speech};

use super::Driver;
use super::batch::Batch;
use super::request::{InitiateError, InitiateRequest};
use crate::machine::{self, Input, NewOutbound};
use crate::record::{CallLimits, CallState};

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
