//! A store that can be watched and that can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use offhook::manager::{
    CallRecord, CallStore, Change, CommitError, HistoryQuery, Pruned, StoreError, StoredEntry,
};
use offhook_core::{CallId, ProviderName};

/// How commits fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// They do not.
    #[default]
    None,
    /// Nothing is written.
    Refused,
    /// Written, and yet reported as unclear, once.
    UnclearButWritten,
    /// Not written, and reported as unclear, once.
    UnclearAndNotWritten,
}

/// A store in front of another.
#[derive(Debug)]
pub struct WatchedStore {
    inner: Arc<dyn CallStore>,
    at_work: Arc<AtomicUsize>,
    trouble: Arc<Mutex<Trouble>>,
}

impl WatchedStore {
    /// Watches a store.
    #[must_use]
    pub fn new(
        inner: Arc<dyn CallStore>,
        at_work: Arc<AtomicUsize>,
        trouble: Arc<Mutex<Trouble>>,
    ) -> Self {
        Self { inner, at_work, trouble }
    }

    fn trouble(&self) -> Trouble {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let now = *trouble;
        if matches!(now, Trouble::UnclearButWritten | Trouble::UnclearAndNotWritten) {
            *trouble = Trouble::None;
        }
        now
    }
}

/// Something that is under way.
pub(crate) struct AtWork<'a>(&'a AtomicUsize);

impl<'a> AtWork<'a> {
    pub(crate) fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl CallStore for WatchedStore {
    async fn load_live(
        &self,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let _work = AtWork::begin(&self.at_work);
        self.inner.load_live(after, limit).await
    }

    async fn get(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        let _work = AtWork::begin(&self.at_work);
        self.inner.get(id).await
    }

    async fn find(
        &self,
        provider: &ProviderName,
        carrier_id: &str,
    ) -> Result<Option<CallRecord>, StoreError> {
        let _work = AtWork::begin(&self.at_work);
        self.inner.find(provider, carrier_id).await
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<(CallId, [u8; 16])>, StoreError> {
        let _work = AtWork::begin(&self.at_work);
        self.inner.find_idempotent(key).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        let _work = AtWork::begin(&self.at_work);
        let reason = "by order of the test".to_owned();
        match self.trouble() {
            Trouble::None => self.inner.commit(changes).await,
            Trouble::Refused => Err(CommitError::Refused { reason }),
            Trouble::UnclearButWritten => {
                self.inner.commit(changes).await?;
                Err(CommitError::Unclear { reason })
            }
            Trouble::UnclearAndNotWritten => Err(CommitError::Unclear { reason }),
        }
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.changes(after, limit).await
    }

    async fn last_entry(&self) -> Result<u64, StoreError> {
        self.inner.last_entry().await
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.history(query).await
    }

    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        let _work = AtWork::begin(&self.at_work);
        self.inner.timeline(id).await
    }

    async fn prune(&self, ended_before: Timestamp, rows: usize) -> Result<Pruned, StoreError> {
        self.inner.prune(ended_before, rows).await
    }
}
