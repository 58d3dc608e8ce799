//! A store that forgets everything when the process ends: for tests and for trying things out.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};

use super::{CallStore, Change, CommitError, HistoryQuery, StoreError, Which, codec};
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
    calls: Vec<CallId>,
    records: HashMap<CallId, Kept>,
    carrier_ids: HashMap<(ProviderName, String), CallId>,
    keys: HashMap<String, (CallId, [u8; 16])>,
    entries: Vec<(CallId, Vec<u8>)>,
}

struct Kept {
    revision: u64,
    open: bool,
    ended: Option<Timestamp>,
    record: Vec<u8>,
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

    fn entries_where(
        &self,
        wanted: impl Fn(u64, CallId) -> bool,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let numbered = (1..)
            .zip(&self.entries)
            .filter(|(id, (call, text))| !text.is_empty() && wanted(*id, *call));
        numbered
            .take(limit)
            .map(|(id, (call, text))| {
                let entry = codec::decode_entry(text, || format!("entry {id}"))?;
                Ok(StoredEntry { id, call: *call, entry })
            })
            .collect()
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
        let start = match after {
            Some(after) => inner.calls.iter().position(|id| *id == after).map_or(0, |at| at + 1),
            None => 0,
        };
        let open = inner.calls[start..].iter().filter(|id| inner.records[*id].open).take(limit);
        open.filter_map(|id| inner.decode(*id).transpose()).collect()
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
            let record = &change.record;
            let mut text = Vec::new();
            codec::encode_record(record, &mut text);
            if change.expected_revision.is_none() {
                inner.calls.push(record.id);
            }
            let kept = Kept {
                revision: record.revision,
                open: record.is_open(),
                ended: record.ended_at,
                record: text,
            };
            inner.records.insert(record.id, kept);
            for carrier_id in &change.new_ids {
                let key = (record.provider.clone(), carrier_id.clone());
                inner.carrier_ids.insert(key, record.id);
            }
            if let Some(key) = &change.idempotency {
                inner.keys.insert(key.key.clone(), (record.id, key.fingerprint));
            }
            for entry in &change.entries {
                let mut text = Vec::new();
                codec::encode_entry(entry, &mut text);
                inner.entries.push((record.id, text));
            }
        }
        Ok(())
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.lock().entries_where(|id, _| id > after, limit)
    }

    async fn last_entry(&self) -> Result<u64, StoreError> {
        Ok(self.lock().entries.len() as u64)
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        let inner = self.lock();
        let end = match query.before {
            Some(before) => inner.calls.iter().position(|id| *id == before).unwrap_or(0),
            None => inner.calls.len(),
        };
        let wanted = |id: &&CallId| match query.which {
            Which::Live => inner.records[*id].ended.is_none(),
            Which::Ended => inner.records[*id].ended.is_some(),
            Which::All => true,
        };
        let newest_first = inner.calls[..end].iter().rev().filter(wanted).take(query.limit);
        newest_first.filter_map(|id| inner.decode(*id).transpose()).collect()
    }

    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        self.lock().entries_where(|_, call| call == id, usize::MAX)
    }

    async fn prune(&self, ended_before: Timestamp) -> Result<usize, StoreError> {
        let mut inner = self.lock();
        let old: Vec<CallId> = inner
            .records
            .iter()
            .filter(|(_, kept)| !kept.open && kept.ended.is_some_and(|at| at < ended_before))
            .map(|(id, _)| *id)
            .collect();
        let gone = |id: &CallId| old.contains(id);
        inner.calls.retain(|id| !gone(id));
        inner.records.retain(|id, _| !gone(id));
        inner.carrier_ids.retain(|_, id| !gone(id));
        inner.keys.retain(|_, (id, _)| !gone(id));
        // Entries keep their places: their ids are positions in a log.
        for (call, text) in &mut inner.entries {
            if gone(call) {
                text.clear();
            }
        }
        Ok(old.len())
    }
}
