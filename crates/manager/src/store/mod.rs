//! Where calls are kept.

mod codec;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod stored;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};

use crate::entry::{Entry, StoredEntry};
use crate::record::CallRecord;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteStore};

/// Keeps records and entries.
///
/// A commit is all or nothing and durable when it returns: the answer to a carrier and every
/// effect wait for it. Both stores of this crate pass the same suite.
#[async_trait]
pub trait CallStore: fmt::Debug + Send + Sync + 'static {
    /// The open calls (see [`CallRecord::is_open`]) in the order of their creation, a page at a
    /// time; `after` is the last one of the page before.
    ///
    /// # Errors
    /// The store cannot be read, or a record is damaged; the error names it.
    async fn load_live(
        &self,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError>;

    /// One call, open or ended.
    ///
    /// # Errors
    /// The store cannot be read, or the record is damaged.
    async fn get(&self, id: CallId) -> Result<Option<CallRecord>, StoreError>;

    /// The call that has this carrier id, open or ended.
    ///
    /// # Errors
    /// The store cannot be read, or the record is damaged.
    async fn find(
        &self,
        provider: &ProviderName,
        carrier_id: &str,
    ) -> Result<Option<CallRecord>, StoreError>;

    /// The call that was created under this key, and the fingerprint of its request.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn find_idempotent(&self, key: &str) -> Result<Option<(CallId, [u8; 16])>, StoreError>;

    /// Writes all changes, or none.
    ///
    /// # Errors
    /// See [`CommitError`]: what is to be done depends on it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the outcome unclear.
    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError>;

    /// The same, done by the time it returns, for a thread that may be blocked: nothing is handed to
    /// another one and back. `None` if this store has no such way; nothing was written then.
    fn commit_blocking(&self, _changes: &[Change]) -> Option<Result<(), CommitError>> {
        None
    }

    /// Entries of all calls after this one, in the order of their commits.
    ///
    /// # Errors
    /// The store cannot be read, or an entry is damaged.
    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError>;

    /// The id of the newest entry; 0 if there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn last_entry(&self) -> Result<u64, StoreError>;

    /// Calls, newest first.
    ///
    /// # Errors
    /// The store cannot be read, or a record is damaged.
    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError>;

    /// All entries of one call, in order.
    ///
    /// # Errors
    /// The store cannot be read, or an entry is damaged.
    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError>;

    /// Takes one small step in forgetting the calls that are done and ended before this instant,
    /// with all that belongs to them, in an order of its own. A call is forgotten as a whole: no
    /// question finds a part of it. What is left in the store of one that is long is taken out
    /// by the next steps, also after a restart.
    ///
    /// A step takes about so many rows (a record, an id, a key and an entry are one each), and
    /// commits wait for it: whoever calls this leaves them time before the next.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn prune(&self, ended_before: Timestamp, rows: usize) -> Result<Pruned, StoreError>;
}

/// What a step of [`CallStore::prune`] came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many calls are found no longer.
    pub calls: usize,
    /// Whether there may be more to forget.
    pub more: bool,
}

/// One call's part of a commit.
#[derive(Clone, Debug)]
pub struct Change {
    /// The record as it will be; its revision is the expected one plus one.
    pub record: Arc<CallRecord>,
    /// The revision that it builds on; `None` for a new call.
    pub expected_revision: Option<u64>,
    /// What is appended to its timeline.
    pub entries: Vec<Entry>,
    /// Carrier ids that the call did not have before.
    pub new_ids: Vec<String>,
    /// The key under which a user created it.
    pub idempotency: Option<Idempotency>,
}

/// The key of a request that must not be carried out twice.
#[derive(Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, the user's own.
    pub key: String,
    /// A digest of the request, so that the same key with another body is noticed.
    pub fingerprint: [u8; 16],
}

impl fmt::Debug for Idempotency {
    /// Users make keys of what they know of a call, its number say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency").finish_non_exhaustive()
    }
}

/// Which calls a history has.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// Live, ended, or all.
    pub which: Which,
    /// The last call of the page before.
    pub before: Option<CallId>,
    /// How many at most.
    pub limit: usize,
}

/// Which calls are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those that are not over.
    #[default]
    Live,
    /// Those that are.
    Ended,
    /// All.
    All,
}

/// A store that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store itself failed.
    #[error("the store failed: {reason}")]
    Failed {
        /// The store's own words.
        reason: String,
    },
    /// Something in it cannot be understood. Nothing is skipped silently.
    #[error("the store is damaged: {what} cannot be read ({reason}); restore it from a backup")]
    Damaged {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// A commit that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Somebody else wrote; nothing of this was. Reload these calls and apply again.
    #[error("{} calls were changed by somebody else", calls.len())]
    Conflict {
        /// The calls.
        calls: Vec<CallId>,
    },
    /// Nothing was written.
    #[error("the store refused the commit, and nothing was written: {reason}")]
    Refused {
        /// The store's own words.
        reason: String,
    },
    /// Perhaps written, perhaps not (a failed fsync, say). Read the revision before going on.
    #[error("the store does not know whether the commit was written: {reason}")]
    Unclear {
        /// The store's own words.
        reason: String,
    },
}
