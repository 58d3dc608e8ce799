//! Calls that wait for their turn: an index, by provider and in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use jiff::Timestamp;
use offhook_core::{CallId, Party, ProviderName};

use crate::record::{CallRecord, CallState};

/// Where a call stands among those that wait: the older goes first. Both parts are persisted, so that
/// the order is the same after a restart. Records are stored with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    since: i64,
    pub(super) call: CallId,
}

impl Place {
    pub(super) fn of(record: &CallRecord) -> Self {
        Self { since: record.started_at.as_millisecond(), call: record.id }
    }

    /// That of a call which is not known to wait any more.
    pub(super) fn at(since: Timestamp, call: CallId) -> Self {
        Self { since: since.as_millisecond(), call }
    }
}

/// Those that wait for one provider.
#[derive(Debug, Default)]
struct Lane {
    in_order: BTreeSet<Place>,
    /// Those of them whose destination is fenced. They keep their places, and have no turn.
    behind_fences: BTreeSet<Place>,
    /// The carrier has asked us to dial nothing before then.
    held_until: Option<Timestamp>,
}

/// All that wait. Nothing in it takes longer for more of them, but by the depth of a tree.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: BTreeMap<ProviderName, Lane>,
    fenced: HashMap<Party, BTreeMap<Place, ProviderName>>,
    /// How often a call was looked for.
    #[cfg(test)]
    pub(super) searches: std::cell::Cell<usize>,
}

impl Queue {
    pub(super) fn insert(&mut self, record: &CallRecord) {
        let lane = self.lanes.entry(record.provider.clone()).or_default();
        lane.in_order.insert(Place::of(record));
        let held_until = record.throttled.map(|throttled| throttled.not_before);
        lane.held_until = lane.held_until.max(held_until);
    }

    pub(super) fn remove(&mut self, record: &CallRecord) {
        let place = Place::of(record);
        let Some(lane) = self.lanes.get_mut(&record.provider) else { return };
        if lane.in_order.remove(&place) || !lane.behind_fences.remove(&place) {
            return;
        }
        if let Some(fenced) = self.fenced.get_mut(&record.to) {
            fenced.remove(&place);
            if fenced.is_empty() {
                self.fenced.remove(&record.to);
            }
        }
    }

    /// The providers for which anybody may wait.
    pub(super) fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.lanes.iter().filter(|(_, lane)| !lane.in_order.is_empty()).map(|(name, _)| name)
    }

    /// The next one behind this place, or the first.
    pub(super) fn next(&self, provider: &ProviderName, behind: Option<Place>) -> Option<Place> {
        #[cfg(test)]
        self.searches.set(self.searches.get() + 1);
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        self.lanes.get(provider)?.in_order.range((from, Bound::Unbounded)).next().copied()
    }

    /// Until when the provider's carrier wants nothing dialled.
    pub(super) fn held_until(&self, provider: &ProviderName) -> Option<Timestamp> {
        self.lanes.get(provider)?.held_until
    }

    /// How many wait for this provider.
    pub(super) fn len(&self, provider: &ProviderName) -> usize {
        let of = |lane: &Lane| lane.in_order.len() + lane.behind_fences.len();
        self.lanes.get(provider).map_or(0, of)
    }

    /// Sets a call aside until its destination is free.
    pub(super) fn fence(&mut self, place: Place, provider: &ProviderName, to: &Party) {
        let Some(lane) = self.lanes.get_mut(provider) else { return };
        if lane.in_order.remove(&place) {
            lane.behind_fences.insert(place);
            self.fenced.entry(to.clone()).or_default().insert(place, provider.clone());
        }
    }

    /// This destination is free: who was set aside is back in its place. Gives whether there is one.
    pub(super) fn unfence(&mut self, to: &Party) -> bool {
        let Some(fenced) = self.fenced.remove(to) else { return false };
        for (place, provider) in fenced {
            if let Some(lane) = self.lanes.get_mut(&provider) {
                lane.behind_fences.remove(&place);
                lane.in_order.insert(place);
            }
        }
        true
    }

    /// Those that wait, the newest first, from before this place on.
    pub(super) fn newest_first(&self, before: Option<Place>, limit: usize) -> Vec<CallId> {
        let to = before.map_or(Bound::Unbounded, Bound::Excluded);
        let newest = |places: &BTreeSet<Place>| -> Vec<Place> {
            places.range((Bound::Unbounded, to)).rev().take(limit).copied().collect()
        };
        let lanes = self.lanes.values();
        let mut all: Vec<Place> = lanes
            .flat_map(|lane| [newest(&lane.in_order), newest(&lane.behind_fences)])
            .flatten()
            .collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.into_iter().take(limit).map(|place| place.call).collect()
    }
}

/// Destinations of dials whose outcome is unknown, with the calls that fence them.
#[derive(Debug, Default)]
pub(super) struct Fences(HashMap<Party, BTreeSet<CallId>>);

impl Fences {
    pub(super) fn insert(&mut self, record: &CallRecord) {
        self.0.entry(record.to.clone()).or_default().insert(record.id);
    }

    /// Gives whether the destination is free now.
    pub(super) fn remove(&mut self, record: &CallRecord) -> bool {
        let Some(calls) = self.0.get_mut(&record.to) else { return true };
        calls.remove(&record.id);
        let is_free = calls.is_empty();
        if is_free {
            self.0.remove(&record.to);
        }
        is_free
    }

    /// The calls that fence it.
    pub(super) fn of(&self, to: &Party) -> impl Iterator<Item = CallId> + '_ {
        self.0.get(to).into_iter().flatten().copied()
    }

    pub(super) fn any(&self, to: &Party) -> bool {
        self.0.contains_key(to)
    }
}

/// Whether a call waits for its turn.
pub(super) const fn waits(record: &CallRecord) -> bool {
    matches!(record.state, CallState::Queued)
}
