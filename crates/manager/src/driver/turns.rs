//! Whose turn it is to be dialled: in order for each provider, within the slots, the rates, and what
//! carriers have asked us to wait.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::ProviderName;

use super::Driver;
use super::batch::Batch;
use super::queue::{Place, waits};
use super::request::InitiateError;
use crate::machine::Input;
use crate::time::{after, between};

impl Driver {
    /// Whether a new call may be placed for this provider. Where calls wait, it takes its place behind
    /// them, and this turn may still be its own; where they do not, it takes its rate token here.
    pub(super) fn may_place(
        &mut self,
        batch: &mut Batch,
        provider: &ProviderName,
        now: Timestamp,
    ) -> Result<(), InitiateError> {
        if self.policy.queue {
            return self.may_wait(batch, provider, now);
        }
        if self.closing {
            return Err(InitiateError::NotRunning);
        }
        // Who waits since the queue was on comes first.
        self.admit_queued(batch, now);
        if self.free_slots(batch) == 0 {
            let limit = self.policy.max_concurrent_calls;
            return Err(InitiateError::ConcurrencyLimit { limit });
        }
        self.take_turn(batch, provider, now).map_err(|at| {
            let retry_after = between(now, at);
            InitiateError::RateLimit { retry_after }
        })
    }

    fn may_wait(
        &mut self,
        batch: &mut Batch,
        provider: &ProviderName,
        now: Timestamp,
    ) -> Result<(), InitiateError> {
        let limit = self.policy.max_queued_calls.max(1);
        if self.waiting(batch, provider) < limit {
            return Ok(());
        }
        // Perhaps it is somebody's turn by now.
        self.admit_queued(batch, now);
        if self.waiting(batch, provider) < limit {
            return Ok(());
        }
        let retry_after = (self.free_slots(batch) > 0).then(|| {
            let next = self.next_turn(batch, provider, now).unwrap_or(now);
            between(now, next)
        });
        Err(InitiateError::QueueFull { limit, retry_after })
    }

    fn waiting(&self, batch: &Batch, provider: &ProviderName) -> usize {
        self.queue.len(provider).saturating_add_signed(batch.counted.waiting(provider))
    }

    /// Dials those whose turn it is: of each provider the one that waits longest, and where slots are
    /// short, the one that waits longest of all. One provider's rate holds no other's calls back.
    pub(super) fn admit_queued(&mut self, batch: &mut Batch, now: Timestamp) {
        if self.closing || self.free_slots(batch) == 0 {
            return;
        }
        let providers: BTreeSet<ProviderName> =
            self.queue.providers().chain(batch.counted.queue.providers()).cloned().collect();
        let mut firsts: BTreeSet<(Place, ProviderName)> = BTreeSet::new();
        for provider in providers {
            let first = self.next_waiting(batch, &provider, None);
            firsts.extend(first.map(|place| (place, provider)));
        }
        while let Some((place, provider)) = firsts.pop_first() {
            if self.free_slots(batch) == 0 {
                return;
            }
            if let Err(at) = self.take_turn(batch, &provider, now) {
                self.admit_at = Some(self.admit_at.map_or(at, |other| other.min(at)));
                continue;
            }
            self.apply(batch, place.call, Input::Admitted, now);
            let next = self.next_waiting(batch, &provider, Some(place));
            firsts.extend(next.map(|place| (place, provider)));
        }
    }

    /// The next call behind this place, or the first, that nothing but a slot and the rate keeps from
    /// being dialled. Who cannot be dialled, since nobody is configured to do it, has no turn.
    fn next_waiting(
        &mut self,
        batch: &Batch,
        provider: &ProviderName,
        behind: Option<Place>,
    ) -> Option<Place> {
        if !self.configured(provider) {
            return None;
        }
        let mut behind = behind;
        loop {
            let queues = [&self.queue, &batch.counted.queue];
            let next = queues.into_iter().filter_map(|queue| queue.next(provider, behind)).min()?;
            behind = Some(next);
            // It may have left the queue in this batch.
            let record = batch.record(&self.open, next.call).filter(|record| waits(record));
            let Some(to) = record.map(|record| record.to.clone()) else { continue };
            if self.fencing(batch, &to).is_none() {
                return Some(next);
            }
            // It is looked at again when its destination is free, and not before.
            if self.fences.any(&to) {
                self.queue.fence(next, provider, &to);
            }
        }
    }

    /// Takes a token of the provider's rate, or says when there will be one.
    fn take_turn(
        &mut self,
        batch: &Batch,
        provider: &ProviderName,
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        if let Some(held_until) = self.held_until(batch, provider).filter(|at| *at > now) {
            return Err(held_until);
        }
        let Some(pace) = self.dial_pace.get_mut(provider) else { return Ok(()) };
        pace.take(now).map_err(|wait| after(now, wait))
    }

    /// When it is the provider's turn again, as far as the time decides.
    fn next_turn(
        &self,
        batch: &Batch,
        provider: &ProviderName,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut pace = self.dial_pace.get(provider).copied()?;
        let paced = pace.take(now).err().map(|wait: Duration| after(now, wait));
        paced.max(self.held_until(batch, provider))
    }

    fn held_until(&self, batch: &Batch, provider: &ProviderName) -> Option<Timestamp> {
        self.queue.held_until(provider).max(batch.counted.queue.held_until(provider))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, HashMap};

    use offhook_core::{CallId, Callbacks, Capabilities, Locale, Party};
    use uuid::Uuid;

    use super::super::queue::Fences;
    use super::*;
    use crate::machine::{self, NewOutbound};
    use crate::policy::{Policy, ProviderPolicy};
    use crate::record::{CallRecord, CallState, DialOutcome, Mode};

    const PROVIDER: ProviderName = ProviderName::new("test");

    /// A call to one of a thousand numbers, or to the one whose outcome is unknown.
    pub(in crate::driver) fn call(
        driver: &Driver,
        number: u128,
        to: u128,
        queued: bool,
    ) -> CallRecord {
        let new = NewOutbound {
            id: CallId::new(Uuid::from_u128(number)),
            provider: PROVIDER,
            from: Party::Withheld,
            to: Party::observed(&format!("+1555{to:07}")),
            mode: Mode::Notify,
            message: None,
            locale: Locale::en_us(),
            limits: driver.limits(&PROVIDER),
            metadata: BTreeMap::new(),
            queued,
        };
        let transition = machine::outbound(new, &Capabilities::none(), Timestamp::UNIX_EPOCH);
        CallRecord { revision: 1, ..transition.record }
    }

    /// How many records and places a turn looks at that admits so many of `waiting` calls, beside
    /// `live` ones; half of those that wait are behind a fence.
    fn looks(live: u128, waiting: u128, admits: usize) -> usize {
        let mut policy = Policy::new(PROVIDER);
        policy.queue = true;
        policy.max_concurrent_calls = usize::try_from(live).unwrap() + admits;
        let of_provider = ProviderPolicy {
            callbacks: Callbacks::to("https://voice.example.com/webhooks/test".parse().unwrap()),
            from: None,
            calls_per_second: 10_000.0,
            requests_per_second: 10_000.0,
        };
        policy.providers.insert(PROVIDER, of_provider);
        let capabilities = HashMap::from([(PROVIDER, Capabilities::none())]);
        let now = after(Timestamp::UNIX_EPOCH, Duration::from_secs(1));
        let mut driver = Driver::new(policy, capabilities, now);
        for number in 0..live {
            let mut record = call(&driver, number, number, false);
            record.outbox.clear();
            if let Some(dial) = record.dial.as_mut().filter(|_| number == 0) {
                dial.outcome = DialOutcome::Unknown { since: Timestamp::UNIX_EPOCH };
            }
            driver.put(record.into(), false);
        }
        for number in 0..waiting {
            let to = if number % 2 == 0 { 0 } else { 1 + number };
            driver.put(call(&driver, 1_000_000 + number, to, true).into(), false);
        }
        // Those behind the fence are set aside by the first turn that meets them.
        let none = driver.policy.max_concurrent_calls;
        driver.policy.max_concurrent_calls = none - admits + usize::try_from(waiting).unwrap();
        let mut batch = Batch::new(driver.dial_pace.clone());
        driver.admit_queued(&mut batch, now);
        driver.policy.max_concurrent_calls = none;
        drop(batch);

        let mut batch = Batch::new(driver.dial_pace.clone());
        driver.queue.searches.set(0);
        driver.admit_queued(&mut batch, now);
        let admitted =
            batch.working.iter().filter(|it| it.record.state == CallState::Initiated).count();
        assert_eq!(admitted, admits);
        batch.records_read.get() + driver.queue.searches.get()
    }

    #[test]
    fn a_destination_is_fenced_until_the_last_call_that_fences_it_is_gone() {
        let driver = Driver::new(Policy::new(PROVIDER), HashMap::new(), Timestamp::UNIX_EPOCH);
        let (one, other) = (call(&driver, 1, 7, false), call(&driver, 2, 7, false));
        let mut fences = Fences::default();
        fences.insert(&one);
        fences.insert(&other);
        assert!(!fences.remove(&one) && fences.any(&one.to));
        assert!(fences.remove(&other) && !fences.any(&one.to));
    }

    #[test]
    fn a_turn_looks_at_those_that_it_admits_and_not_at_all_that_wait_or_live() {
        let few = looks(10, 10, 3);
        assert_eq!(looks(2_000, 2_000, 3), few, "200 times as many change nothing");
        assert!(few < 20, "{few} looks for three calls");
        assert!(looks(2_000, 2_000, 0) <= 1, "where there is no slot nobody is looked at");
    }
}
