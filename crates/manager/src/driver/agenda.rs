//! When a look is due at which call, by carrier.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};

/// The looks of each carrier in order of time. They are kept apart, so that those of a carrier that
/// may not be asked now are not gone through to find one of another.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeMap<ProviderName, BTreeSet<(Timestamp, CallId)>>);

impl Looks {
    /// When the first of all is due.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.0.values().filter_map(BTreeSet::first).map(|(at, _)| *at).min()
    }

    /// The first that is due, of all carriers but these.
    pub(super) fn next(
        &self,
        now: Timestamp,
        without: &[ProviderName],
    ) -> Option<(&ProviderName, Timestamp, CallId)> {
        let firsts = self.0.iter().filter(|(provider, _)| !without.contains(provider));
        let firsts = firsts.filter_map(|(provider, of)| of.first().map(|first| (first, provider)));
        let due = firsts.filter(|((at, _), _)| *at <= now);
        due.min().map(|((at, call), provider)| (provider, *at, *call))
    }

    pub(super) fn insert(&mut self, provider: &ProviderName, at: Timestamp, call: CallId) {
        match self.0.get_mut(provider) {
            Some(of) => {
                of.insert((at, call));
            }
            None => {
                self.0.insert(provider.clone(), [(at, call)].into());
            }
        }
    }

    pub(super) fn remove(&mut self, provider: &ProviderName, at: Timestamp, call: CallId) {
        if let Some(of) = self.0.get_mut(provider) {
            of.remove(&(at, call));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::after;

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
        assert_eq!(looks.next(at(9), &[one.clone()]), Some((&other, at(2), call(2))));
        assert_eq!(looks.next(at(9), &[one.clone(), other.clone()]), None);
        looks.remove(&one, at(1), call(3));
        assert_eq!(looks.next(at(9), &[]), Some((&other, at(2), call(2))));
    }
}
