//! The suite that every store passes.

use std::sync::Arc;

use offhook_core::{CallId, EndReason};
use offhook_manager::{
    CallRecord, CallState, CallStore, Change, CommitError, Entry, HistoryQuery, Idempotency, Which,
};

use crate::samples::{PROVIDER, at, call_id, entry, live_record};

mod commits;
mod queries;

pub use commits::*;
pub use queries::*;

/// Makes one named test per case of the suite, for the store that `$make` gives.
///
/// `$make` is a function without arguments that gives an `Arc<dyn CallStore>` and whatever must
/// live as long as the store (a temporary folder, or `()`). The caller needs `tokio` with `macros`.
#[macro_export]
macro_rules! store_suite {
    ($make:expr) => {
        $crate::store_suite!($make;
            a_committed_call_is_found_by_its_id,
            every_field_of_a_record_survives,
            every_kind_of_entry_survives,
            a_call_is_found_by_each_of_its_carrier_ids,
            a_carrier_id_belongs_to_one_provider,
            the_same_carrier_id_under_two_kinds_is_no_conflict,
            a_later_commit_replaces_the_record_and_adds_ids,
            a_wrong_revision_is_a_conflict_and_writes_nothing,
            every_call_in_conflict_is_named,
            a_new_call_that_exists_is_a_conflict,
            a_change_of_an_unknown_call_is_a_conflict,
            a_carrier_id_of_another_call_is_a_conflict_and_writes_nothing,
            a_carrier_id_twice_in_one_commit_is_a_conflict,
            an_idempotency_key_used_twice_is_a_conflict_and_writes_nothing,
            an_idempotency_key_twice_in_one_commit_is_a_conflict,
            a_commit_after_a_conflict_succeeds,
            an_idempotency_key_leads_to_its_call_and_fingerprint,
            live_calls_are_loaded_in_pages_oldest_first,
            an_ended_call_with_something_left_to_do_is_loaded,
            history_gives_live_ended_or_all_newest_first,
            history_has_pages,
            a_timeline_has_its_entries_in_order,
            changes_come_in_the_order_of_their_commits,
            changes_go_on_after_any_entry,
            pruning_forgets_ended_calls_and_all_that_belongs_to_them,
            pruning_keeps_what_is_open_or_recent,
            pruning_frees_carrier_ids_and_keys_for_new_calls,
            entry_ids_are_never_used_again_after_pruning,
            pruning_takes_small_steps_and_whole_calls,
            a_call_that_is_done_and_has_something_to_do_again_is_kept,
            changes_go_on_across_what_was_pruned,
            nothing_is_found_in_an_empty_store
        );
    };
    ($make:expr; $($case:ident),+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (store, _keep) = $make();
                $crate::store::$case(store).await;
            }
        )+
    };
}

type Store = Arc<dyn CallStore>;

fn created(record: CallRecord, entries: Vec<Entry>) -> Change {
    let new_ids = record.ids.iter().map(|id| id.value().to_owned()).collect();
    let record = Arc::new(record);
    Change { record, expected_revision: None, entries, new_ids, idempotency: None }
}

fn new_call(number: u128) -> Change {
    created(live_record(call_id(number)), vec![entry(0, &format!("call {number}"))])
}

fn next(record: &CallRecord, edit: impl FnOnce(&mut CallRecord)) -> Change {
    let mut record = record.clone();
    let expected_revision = Some(record.revision);
    record.revision += 1;
    edit(&mut record);
    Change {
        record: Arc::new(record),
        expected_revision,
        entries: Vec::new(),
        new_ids: Vec::new(),
        idempotency: None,
    }
}

fn ended(record: &CallRecord, second: i64) -> Change {
    next(record, |record| {
        record.state = CallState::Ended(EndReason::Completed);
        record.ended_at = Some(at(second));
    })
}

fn key(key: &str, fingerprint: u8) -> Option<Idempotency> {
    Some(Idempotency { key: key.to_owned(), fingerprint: [fingerprint; 16] })
}

async fn commit(store: &Store, changes: &[Change]) {
    store.commit(changes).await.expect("the commit is taken");
}

async fn get(store: &Store, number: u128) -> Option<Arc<CallRecord>> {
    store.get(call_id(number)).await.expect("the store can be read").map(Arc::new)
}

async fn find(store: &Store, carrier_id: &str) -> Option<CallId> {
    let found = store.find(&PROVIDER, carrier_id).await.expect("the store can be read");
    found.map(|record| record.id)
}

async fn words(store: &Store, after: u64, limit: usize) -> Vec<(u64, CallId, Entry)> {
    let entries = store.changes(after, limit).await.expect("the store can be read");
    entries.into_iter().map(|stored| (stored.id, stored.call, stored.entry)).collect()
}

async fn history(store: &Store, which: Which, before: Option<CallId>, limit: usize) -> Vec<CallId> {
    let query = HistoryQuery { which, before, limit };
    let records = store.history(query).await.expect("the store can be read");
    records.into_iter().map(|record| record.id).collect()
}

/// Forgets all that ended before this second, in the smallest steps. Gives how many calls.
async fn prune(store: &Store, ended_before: i64) -> usize {
    let mut calls = 0;
    loop {
        let step = store.prune(at(ended_before), 1).await.expect("the store can be written");
        calls += step.calls;
        if !step.more {
            return calls;
        }
    }
}

async fn conflict(store: &Store, changes: &[Change]) -> Vec<CallId> {
    match store.commit(changes).await {
        Err(CommitError::Conflict { calls }) => calls,
        other => panic!("a conflict was expected, and this came: {other:?}"),
    }
}
