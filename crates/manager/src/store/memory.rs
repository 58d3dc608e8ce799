//! A store that forgets everything when the process ends: for tests and for trying things out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};

use super::{CallStore, Change, CommitError, HistoryQuery, Pruned, StoreError, Which, codec};
use crate::entry::StoredEntry;
use crate::record::CallRecord;

/// Keeps calls in memory. What it keeps is the encoded form, so that it and a file hold the same.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

impl fmt::Debug for MemoryStore {
    /// Not what it keeps: that is whole numbers, and what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inner {
    /// Numbered in the order of their creation. No number is given twice; so are entries.
    calls: BTreeMap<u64, CallId>,
    records: HashMap<CallId, Kept>,
    /// The numbers of the calls that are not done, and of those that are over or not.
    open: BTreeSet<u64>,
    live: BTreeSet<u64>,
    over: BTreeSet<u64>,
    /// Those that are done, by when they ended.
    done: BTreeSet<(Timestamp, CallId)>,
    carrier_ids: HashMap<(ProviderName, String), CallId>,
    keys: HashMap<String, (CallId, [u8; 16])>,
    entries: BTreeMap<u64, (CallId, Vec<u8>)>,
    last_call: u64,
    last_entry: u64,
}

struct Kept {
    number: u64,
    revision: u64,
    record: Vec<u8>,
    /// What else belongs to the call.
    entries: Vec<u64>,
    carrier_ids: Vec<(ProviderName, String)>,
    key: Option<String>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every method leaves the maps whole: a panic elsewhere does not spoil them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn decode(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.records
            .get(&id)
            .map(|kept| codec::decode_record(&kept.record, || format!("call {id}")))
            .transpose()
    }

    fn numbered<'a>(
        &self,
        numbers: impl Iterator<Item = &'a u64>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let calls = numbers.take(limit).map(|number| self.decode(self.calls[number]));
        calls.filter_map(Result::transpose).collect()
    }

    fn entry(id: u64, (call, text): &(CallId, Vec<u8>)) -> Result<StoredEntry, StoreError> {
        let entry = codec::decode_entry(text, || format!("entry {id}"))?;
        Ok(StoredEntry { id, call: *call, entry })
    }

    /// Writes what has no conflict.
    fn write(&mut self, change: &Change) {
        let record = &change.record;
        let mut text = Vec::new();
        codec::encode_record(record, &mut text);
        let kept = self.records.entry(record.id).or_insert_with(|| {
            self.last_call += 1;
            self.calls.insert(self.last_call, record.id);
            Kept {
                number: self.last_call,
                revision: 0,
                record: Vec::new(),
                entries: Vec::new(),
                carrier_ids: Vec::new(),
                key: None,
            }
        });
        kept.revision = record.revision;
        kept.record = text;
        for carrier_id in &change.new_ids {
            let id = (record.provider.clone(), carrier_id.clone());
            if self.carrier_ids.insert(id.clone(), record.id).is_none() {
                kept.carrier_ids.push(id);
            }
        }
        if let Some(key) = &change.idempotency {
            self.keys.insert(key.key.clone(), (record.id, key.fingerprint));
            kept.key = Some(key.key.clone());
        }
        for entry in &change.entries {
            let mut text = Vec::new();
            codec::encode_entry(entry, &mut text);
            self.last_entry += 1;
            kept.entries.push(self.last_entry);
            self.entries.insert(self.last_entry, (record.id, text));
        }
        let number = kept.number;
        let place = |set: &mut BTreeSet<u64>, belongs| match belongs {
            true => set.insert(number),
            false => set.remove(&number),
        };
        place(&mut self.open, record.is_open());
        place(&mut self.live, record.ended_at.is_none());
        place(&mut self.over, record.ended_at.is_some());
        // What is done may have something to do once more.
        if let Some(ended_at) = record.ended_at {
            let done = (ended_at, record.id);
            match record.is_open() {
                true => self.done.remove(&done),
                false => self.done.insert(done),
            };
        }
    }

    /// Forgets a call that is done. Gives how many rows it had.
    fn forget(&mut self, id: CallId) -> usize {
        let Some(kept) = self.records.remove(&id) else { return 0 };
        self.calls.remove(&kept.number);
        self.over.remove(&kept.number);
        for id in &kept.carrier_ids {
            self.carrier_ids.remove(id);
        }
        for entry in &kept.entries {
            self.entries.remove(entry);
        }
        let keys = usize::from(kept.key.is_some_and(|key| self.keys.remove(&key).is_some()));
        1 + kept.carrier_ids.len() + kept.entries.len() + keys
    }
}

#[async_trait]
impl CallStore for MemoryStore {
    async fn load_live(
        &self,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let inner = self.lock();
        let after = after.and_then(|id| inner.records.get(&id)).map_or(0, |kept| kept.number);
        inner.numbered(inner.open.range(after + 1..), limit)
    }

    async fn get(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.lock().decode(id)
    }

    async fn find(
        &self,
        provider: &ProviderName,
        carrier_id: &str,
    ) -> Result<Option<CallRecord>, StoreError> {
        let inner = self.lock();
        match inner.carrier_ids.get(&(provider.clone(), carrier_id.to_owned())) {
            Some(id) => inner.decode(*id),
            None => Ok(None),
        }
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<(CallId, [u8; 16])>, StoreError> {
        Ok(self.lock().keys.get(key).copied())
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let mut inner = self.lock();
        // Who takes an id or a key within this very commit counts too.
        let (mut taken_ids, mut taken_keys) = (HashMap::new(), HashSet::new());
        let mut calls = Vec::new();
        for change in changes {
            let id = change.record.id;
            let provider = &change.record.provider;
            let mut conflict =
                inner.records.get(&id).map(|kept| kept.revision) != change.expected_revision;
            for carrier_id in &change.new_ids {
                let known = inner.carrier_ids.get(&(provider.clone(), carrier_id.clone()));
                let first = *taken_ids.entry((provider, carrier_id)).or_insert(id);
                conflict |= first != id || known.is_some_and(|owner| *owner != id);
            }
            if let Some(key) = &change.idempotency {
                conflict |= inner.keys.contains_key(&key.key) || !taken_keys.insert(&key.key);
            }
            if conflict {
                calls.push(id);
            }
        }
        if !calls.is_empty() {
            return Err(CommitError::Conflict { calls });
        }
        for change in changes {
            inner.write(change);
        }
        Ok(())
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let inner = self.lock();
        let later = inner.entries.range((Bound::Excluded(after), Bound::Unbounded)).take(limit);
        later.map(|(id, entry)| Inner::entry(*id, entry)).collect()
    }

    async fn last_entry(&self) -> Result<u64, StoreError> {
        Ok(self.lock().last_entry)
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        let inner = self.lock();
        let end = match query.before {
            Some(before) => inner.records.get(&before).map_or(0, |kept| kept.number),
            None => u64::MAX,
        };
        match query.which {
            Which::Live => inner.numbered(inner.live.range(..end).rev(), query.limit),
            Which::Ended => inner.numbered(inner.over.range(..end).rev(), query.limit),
            Which::All => {
                let newest_first = inner.calls.range(..end).rev();
                inner.numbered(newest_first.map(|(number, _)| number), query.limit)
            }
        }
    }

    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        let inner = self.lock();
        let entries = inner.records.get(&id).into_iter().flat_map(|kept| &kept.entries);
        entries.map(|id| Inner::entry(*id, &inner.entries[id])).collect()
    }

    async fn prune(&self, ended_before: Timestamp, rows: usize) -> Result<Pruned, StoreError> {
        let mut inner = self.lock();
        let (mut calls, mut taken) = (0, 0);
        while let Some(&(ended_at, id)) = inner.done.first()
            && ended_at < ended_before
        {
            if taken >= rows.max(1) {
                return Ok(Pruned { calls, more: true });
            }
            inner.done.pop_first();
            taken += inner.forget(id);
            calls += 1;
        }
        Ok(Pruned { calls, more: false })
    }
}
