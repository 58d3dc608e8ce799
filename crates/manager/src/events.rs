//! What happens to all calls, for those who watch.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use crate::entry::StoredEntry;
use crate::store::{CallStore, StoreError};

/// What happens to all calls, in the order of its commits.
///
/// It is read from the store as fast as it is asked for: a slow reader holds nobody up, and needs
/// no memory of ours.
#[derive(Debug)]
pub struct Events {
    store: Arc<dyn CallStore>,
    commits: watch::Receiver<u64>,
    after: u64,
    page: VecDeque<StoredEntry>,
}

/// How many events are read at once.
const EVENTS: usize = 100;

impl Events {
    pub(crate) const fn after(
        after: u64,
        store: Arc<dyn CallStore>,
        commits: watch::Receiver<u64>,
    ) -> Self {
        Self { store, commits, after, page: VecDeque::new() }
    }

    /// The next event; waits for it. `None` when the manager has stopped.
    ///
    /// # Errors
    /// The store cannot be read.
    ///
    /// # Cancel safety
    /// No event is lost.
    pub async fn next(&mut self) -> Result<Option<StoredEntry>, StoreError> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                self.after = entry.id;
                return Ok(Some(entry));
            }
            self.commits.mark_unchanged();
            self.page = self.store.changes(self.after, EVENTS).await?.into();
            if self.page.is_empty() && self.commits.changed().await.is_err() {
                return Ok(None);
            }
        }
    }
}
