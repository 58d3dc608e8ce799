//! Calls that are put into a store, and looked for there again.

use offhook_conformance::samples::{call_id, entry, live_record};
use offhook_manager::{CallStore, Change, SqliteStore};

/// A live call that is new with this change, and has this one entry.
pub(crate) fn new_call(number: u128, text: &str) -> Change {
    let record = live_record(call_id(number));
    let new_ids = record.ids.iter().map(|id| id.value().to_owned()).collect();
    let (record, entries) = (record.into(), vec![entry(0, text)]);
    Change { record, expected_revision: None, entries, new_ids, idempotency: None }
}

/// The live calls of a store, by number; each is to have its one entry.
pub(crate) async fn calls(store: &SqliteStore) -> Vec<u128> {
    let mut numbers = Vec::new();
    for record in store.load_live(None, 100_000).await.unwrap() {
        assert_eq!(store.timeline(record.id).await.unwrap().len(), 1, "{}", record.id);
        numbers.push((0..).find(|number| call_id(*number) == record.id).unwrap());
    }
    numbers
}
