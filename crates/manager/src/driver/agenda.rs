//! When a look is due at which call, by carrier.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};

/// The looks of each carrier in order of time. They are kept apart, so that those of a carrier that
/// may not be asked now are not gone through to find one of another.
#[derive(Debug, Default)]
pub(super) struct Looks {
    of: BTreeMap<ProviderName, BTreeSet<(Timestamp, CallId)>>,
    /// How often one was looked for.
    #[cfg(test)]
    searches: std::cell::Cell<usize>,
}

impl Looks {
    /// When the first of all is due.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.of.values().filter_map(BTreeSet::first).map(|(at, _)| *at).min()
    }

    /// The first that is due, of all carriers but these.
    pub(super) fn next(
        &self,
        now: Timestamp,
        without: &[ProviderName],
    ) -> Option<(&ProviderName, Timestamp, CallId)> {
        #[cfg(test)]
        self.searches.set(self.searches.get() + 1);
        let firsts = self.of.iter().filter(|(provider, _)| !without.contains(provider));
        let firsts = firsts.filter_map(|(provider, of)| of.first().map(|first| (first, provider)));
        let due = firsts.filter(|((at, _), _)| *at <= now);
        due.min().map(|((at, call), provider)| (provider, *at, *call))
    }

    pub(super) fn insert(&mut self, provider: &ProviderName, at: Timestamp, call: CallId) {
        match self.of.get_mut(provider) {
            Some(of) => {
                of.insert((at, call));
            }
            None => {
                self.of.insert(provider.clone(), [(at, call)].into());
            }
        }
    }

    pub(super) fn remove(&mut self, provider: &ProviderName, at: Timestamp, call: CallId) {
        if let Some(of) = self.of.get_mut(provider) {
            of.remove(&(at, call));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use offhook_core::{Callbacks, Capabilities, ProviderCallId, ProviderCallIds};

    use super::*;
    use crate::driver::Driver;
    use crate::driver::turns::tests::call;
    use crate::policy::{Policy, ProviderPolicy};
    use crate::record::{CallState, Dial, DialOutcome};
    use crate::time::after;

    /// How many looks a start goes through that starts one, where so many calls are due at one carrier
    /// that may be asked about one at a time, and none at another that may be asked.
    fn searches(calls: u128) -> usize {
        let (busy, idle) = (ProviderName::new("test"), ProviderName::new("other"));
        let mut policy = Policy::new(busy.clone());
        for name in [&busy, &idle] {
            let callbacks = Callbacks::to("https://voice.example.com/w".parse().unwrap());
            let of = ProviderPolicy {
                callbacks,
                from: None,
                calls_per_second: 1.0,
                requests_per_second: 1.0,
            };
            policy.providers.insert(name.clone(), of);
        }
        let capabilities = [busy, idle].map(|name| (name, Capabilities::none()));
        let start = Timestamp::UNIX_EPOCH;
        let mut driver = Driver::new(policy, HashMap::from(capabilities), start);
        for number in 0..calls {
            let mut record = call(&driver, number, number, false);
            record.outbox.clear();
            record.ids = ProviderCallIds::of(ProviderCallId::new("id", 1, number.to_string()));
            let outcome = DialOutcome::Accepted { at: start };
            record.dial = Some(Dial { sent_at: start, outcome });
            (record.state, record.answered_at) = (CallState::Active, Some(start));
            driver.put(record.into(), true);
        }
        let jobs = driver.start(after(start, std::time::Duration::from_secs(61)));
        assert_eq!(jobs.len(), 1);
        driver.looks.searches.get()
    }

    #[test]
    fn a_start_goes_through_the_looks_that_it_starts_and_not_through_all_that_are_due() {
        assert_eq!(searches(2_000), searches(10), "200 times as many change nothing");
    }

    #[test]
    fn the_next_look_is_the_first_of_those_who_may_be_asked() {
        let at = |second| after(Timestamp::UNIX_EPOCH, std::time::Duration::from_secs(second));
        let call = |number| CallId::new(uuid::Uuid::from_u128(number));
        let (one, other) = (ProviderName::new("one"), ProviderName::new("other"));
        let mut looks = Looks::default();
        for (provider, second, number) in [(&one, 3, 1), (&other, 2, 2), (&one, 1, 3)] {
            looks.insert(provider, at(second), call(number));
        }
        assert_eq!(looks.first(), Some(at(1)));
        assert_eq!(looks.next(at(0), &[]), None);
        assert_eq!(looks.next(at(9), &[]), Some((&one, at(1), call(3))));
        assert_eq!(looks.next(at(9), std::slice::from_ref(&one)), Some((&other, at(2), call(2))));
        assert_eq!(looks.next(at(9), &[one.clone(), other.clone()]), None);
        looks.remove(&one, at(1), call(3));
        assert_eq!(looks.next(at(9), &[]), Some((&other, at(2), call(2))));
    }
}
