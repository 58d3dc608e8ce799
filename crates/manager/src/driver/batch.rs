//! One turn's work: copies of the calls that it touches, and what they lead to.

use std::collections::BTreeMap;
use std::sync::Arc;

use offhook_core::{CallId, ProviderName, Turn};

use super::listing::Listing;
use super::open::Open;
use super::pace::Pace;
use super::queue::{Fences, Queue, waits};
use super::submission::{Answer, Submission, Ticket};
use super::watch::Watch;
use crate::entry::{Entry, EntryKind, RepliedPlan};
use crate::hashing::HashMap;
use crate::machine::{CommandRefusal, Transition};
use crate::record::CallRecord;
use crate::restore::Decision;
use crate::store::{Change, Idempotency};

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) submissions: Vec<Submission>,
    pub(super) working: Vec<Working>,
    places: HashMap<CallId, usize>,
    carrier_ids: HashMap<(ProviderName, String), CallId>,
    pub(super) answers: Vec<(Ticket, Answer)>,
    /// Commands that were carried out. Their answer is the call as it is committed.
    pub(super) obeyed: Vec<(Ticket, CallId, Turn)>,
    pub(super) finished: Vec<(CallId, u32)>,
    pub(super) touched: Vec<CallId>,
    pub(super) verdicts: Vec<(CallId, Decision, String)>,
    /// Calls from before a restart whose interrupted effects are settled.
    pub(super) settled: Vec<CallId>,
    /// How many looks have come back, and what is known after them.
    pub(super) looks: usize,
    pub(super) watches: Vec<(CallId, Watch)>,
    /// What comes after the lists that have come back.
    pub(super) listings: Vec<(ProviderName, Option<Listing>)>,
    /// Calls that are to be asked about one by one, and why.
    pub(super) asking: Vec<(CallId, String)>,
    pub(super) pace_before: BTreeMap<ProviderName, Pace>,
    pub(super) counted: Counted,
    /// How many records were looked at.
    #[cfg(test)]
    pub(super) records_read: std::cell::Cell<usize>,
    /// Whether it was applied before and met a conflict.
    pub(super) again: bool,
}

/// What the batch changes of all that admission goes by.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// How many slots it takes (or frees, below zero).
    pub(super) slots: isize,
    /// Calls that wait since.
    pub(super) queue: Queue,
    /// How many more wait for each provider than before (or fewer, below zero).
    waiting: BTreeMap<ProviderName, isize>,
    /// Destinations that are fenced since.
    pub(super) fences: Fences,
}

impl Counted {
    fn change(&mut self, before: Option<&CallRecord>, after: &CallRecord) {
        let was = |what: fn(&CallRecord) -> bool| before.is_some_and(what);
        self.slots += isize::from(after.holds_slot()) - isize::from(was(CallRecord::holds_slot));
        if after.outcome_unknown() && !was(CallRecord::outcome_unknown) {
            self.fences.insert(after);
        }
        let (waited, waits) = (was(waits), waits(after));
        if waited != waits {
            let waiting = self.waiting.entry(after.provider.clone()).or_default();
            *waiting += isize::from(waits) - isize::from(waited);
            if waits {
                self.queue.insert(after);
            }
        }
    }

    /// How many more wait for this provider.
    pub(super) fn waiting(&self, provider: &ProviderName) -> isize {
        self.waiting.get(provider).copied().unwrap_or_default()
    }
}

/// One call in the batch.
#[derive(Debug)]
pub(super) struct Working {
    pub(super) record: Arc<CallRecord>,
    base: Option<u64>,
    pub(super) entries: Vec<Entry>,
    new_ids: Vec<String>,
    pub(super) idempotency: Option<Idempotency>,
    pub(super) news: bool,
    pub(super) changed: bool,
}

impl Working {
    fn on(record: CallRecord, base: Option<u64>) -> Self {
        Self {
            record: Arc::new(record),
            base,
            entries: Vec::new(),
            new_ids: Vec::new(),
            idempotency: None,
            news: false,
            changed: false,
        }
    }

    /// The plan that an earlier webhook of this batch was answered with.
    pub(super) fn replied(&self, number: u32) -> Option<&RepliedPlan> {
        let entry = self.entries.iter().find(|entry| entry.number == number)?;
        match &entry.kind {
            EntryKind::Webhook { reply, .. } => reply.as_ref(),
            _ => None,
        }
    }
}

/// What an input led to, besides the change itself.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) reply: Option<RepliedPlan>,
    pub(super) command: Option<Result<Turn, CommandRefusal>>,
}

impl Batch {
    pub(super) fn new(pace_before: BTreeMap<ProviderName, Pace>) -> Self {
        Self {
            submissions: Vec::new(),
            working: Vec::new(),
            places: HashMap::default(),
            carrier_ids: HashMap::default(),
            answers: Vec::new(),
            obeyed: Vec::new(),
            finished: Vec::new(),
            touched: Vec::new(),
            verdicts: Vec::new(),
            settled: Vec::new(),
            looks: 0,
            watches: Vec::new(),
            listings: Vec::new(),
            asking: Vec::new(),
            pace_before,
            counted: Counted::default(),
            #[cfg(test)]
            records_read: std::cell::Cell::default(),
            again: false,
        }
    }

    /// Takes in a call that was read from the store because it is not open here.
    pub(super) fn adopt(
        &mut self,
        open: &HashMap<CallId, Open>,
        call: CallId,
        found: Option<&CallRecord>,
    ) {
        if let Some(found) = found
            && found.id == call
            && !open.contains_key(&call)
            && !self.places.contains_key(&call)
        {
            self.insert(found.clone(), Some(found.revision));
        }
    }

    /// A call that is new with this batch.
    pub(super) fn create(&mut self, transition: Transition) {
        let place = self.insert(transition.record, None);
        let Some(working) = self.working.get_mut(place) else { return };
        working.entries = transition.entries;
        working.changed = true;
        let provider = working.record.provider.clone();
        for id in working.record.ids.iter() {
            working.new_ids.push(id.value().to_owned());
            self.carrier_ids.insert((provider.clone(), id.value().to_owned()), working.record.id);
        }
        self.counted.change(None, &working.record);
    }

    fn insert(&mut self, record: CallRecord, base: Option<u64>) -> usize {
        let place = self.working.len();
        self.places.insert(record.id, place);
        self.working.push(Working::on(record, base));
        place
    }

    /// The call as it stands in this batch.
    pub(super) fn record<'a>(
        &'a self,
        open: &'a HashMap<CallId, Open>,
        call: CallId,
    ) -> Option<&'a CallRecord> {
        self.shared(open, call).map(|record| &**record)
    }

    /// The same, to be shared.
    pub(super) fn shared<'a>(
        &'a self,
        open: &'a HashMap<CallId, Open>,
        call: CallId,
    ) -> Option<&'a Arc<CallRecord>> {
        #[cfg(test)]
        self.records_read.set(self.records_read.get() + 1);
        match self.working(call) {
            Some(working) => Some(&working.record),
            None => open.get(&call).map(|open| &open.record),
        }
    }

    pub(super) fn working(&self, call: CallId) -> Option<&Working> {
        self.places.get(&call).and_then(|place| self.working.get(*place))
    }

    pub(super) fn working_mut(&mut self, call: CallId) -> Option<&mut Working> {
        self.places.get(&call).and_then(|place| self.working.get_mut(*place))
    }

    pub(super) fn known_by(&self, provider: &ProviderName, carrier_id: &str) -> Option<CallId> {
        self.carrier_ids.get(&(provider.clone(), carrier_id.to_owned())).copied()
    }

    /// Takes over what an input led to.
    pub(super) fn take(&mut self, open: &HashMap<CallId, Open>, transition: Transition) -> Applied {
        let applied = Applied { reply: transition.reply, command: transition.command };
        if !transition.changed {
            return applied;
        }
        let call = transition.record.id;
        let place = self.places.get(&call).copied();
        // The record that it was applied to, which it replaces: here, or committed.
        let before = match place.and_then(|place| self.working.get(place)) {
            Some(working) => &working.record,
            None => match open.get(&call) {
                Some(open) => &*open.record,
                None => return applied,
            },
        };
        let base = before.revision;
        self.counted.change(Some(before), &transition.record);
        let ids = transition.record.ids.iter();
        let new_ids: Vec<String> = ids
            .filter(|id| !before.ids.iter().any(|known| known == *id))
            .map(|id| id.value().to_owned())
            .collect();
        for value in &new_ids {
            self.carrier_ids.insert((transition.record.provider.clone(), value.clone()), call);
        }
        let place = match place {
            Some(place) => {
                if let Some(working) = self.working.get_mut(place) {
                    working.record = Arc::new(transition.record);
                }
                place
            }
            None => self.insert(transition.record, Some(base)),
        };
        let Some(working) = self.working.get_mut(place) else { return applied };
        working.new_ids.extend(new_ids);
        working.changed = true;
        working.entries.extend(transition.entries);
        applied
    }

    /// What is to be committed. Nothing is applied to the batch after that.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        let changed = self.working.iter_mut().filter(|working| working.changed);
        changed
            .map(|working| {
                Arc::make_mut(&mut working.record).revision =
                    working.base.map_or(1, |base| base + 1);
                Change {
                    record: Arc::clone(&working.record),
                    expected_revision: working.base,
                    entries: std::mem::take(&mut working.entries),
                    new_ids: std::mem::take(&mut working.new_ids),
                    idempotency: working.idempotency.take(),
                }
            })
            .collect()
    }
}
