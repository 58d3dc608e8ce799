//! Those who wait for a call to change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offhook_core::CallId;
use tokio::sync::watch;

use crate::record::CallRecord;

/// Those who wait for a call to change.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    calls: Mutex<HashMap<CallId, watch::Sender<Option<Arc<CallRecord>>>>>,
}

impl Watchers {
    pub(crate) fn watch(&self, call: CallId) -> watch::Receiver<Option<Arc<CallRecord>>> {
        let mut calls = self.lock();
        // Those of dials that were refused, or whose callers went away. Few wait at a time.
        calls.retain(|_, sender| sender.receiver_count() > 0);
        calls.entry(call).or_insert_with(|| watch::Sender::new(None)).subscribe()
    }

    pub(crate) fn publish(&self, record: &Arc<CallRecord>) {
        let mut calls = self.lock();
        // Nobody waits, as a rule.
        if calls.is_empty() {
            return;
        }
        if let Some(sender) = calls.get(&record.id) {
            sender.send_replace(Some(Arc::clone(record)));
            if sender.receiver_count() == 0 || !record.is_open() {
                calls.remove(&record.id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallId, watch::Sender<Option<Arc<CallRecord>>>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
