//! The SQLite store over months: what is forgotten leaves the file, and its room is used again.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use offhook_conformance::samples::{at, call_id, carrier_ids, entry, live_record};
use offhook_core::{CallId, EndReason};
use offhook_manager::{CallRecord, CallState, CallStore, Change, Idempotency, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    (folder, path)
}

/// A call that ended in this second, with an id of its own at its carrier and a key.
fn ended(id: CallId, second: i64, entries: u32) -> Change {
    let record = CallRecord {
        state: CallState::Ended(EndReason::Completed),
        ended_at: Some(at(second)),
        outbox: Vec::new(),
        confirm_at: None,
        ids: carrier_ids(&id.to_string()),
        ..live_record(id)
    };
    Change {
        new_ids: record.ids.iter().map(|id| id.value().to_owned()).collect(),
        record: record.into(),
        expected_revision: None,
        entries: (0..entries).map(|number| entry(number, "good morning")).collect(),
        idempotency: Some(Idempotency { key: id.to_string(), fingerprint: [7; 16] }),
    }
}

/// Rows of a table, by another connection.
fn rows(path: &Path, table: &str) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

async fn forget_all(store: &SqliteStore, ended_before: i64) -> usize {
    let mut calls = 0;
    loop {
        let step = store.prune(at(ended_before), 200).await.unwrap();
        calls += step.calls;
        if !step.more {
            return calls;
        }
    }
}

#[tokio::test]
async fn nothing_of_what_is_forgotten_stays_in_the_file() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    for number in 1..=3 {
        store.commit(&[ended(call_id(number), 1, 5)]).await.unwrap();
    }
    assert_eq!(forget_all(&store, 2).await, 3);
    for table in ["call", "carrier_id", "new_carrier_id", "idempotency"] {
        assert_eq!(rows(&path, table), 0, "{table}");
    }
    // But for the highest number of an entry, with nothing that was said.
    let connection = Connection::open(&path).unwrap();
    let kept = connection.query_row("SELECT id, previous, body FROM entry", [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    assert_eq!(kept.unwrap(), (15, 0, String::new()));
    drop(connection);

    // That goes, too, as soon as there is a higher one.
    store.commit(&[ended(call_id(4), 9, 1)]).await.unwrap();
    assert_eq!(forget_all(&store, 2).await, 0);
    assert_eq!((rows(&path, "entry"), rows(&path, "forgotten")), (1, 0));
}

#[tokio::test]
async fn a_step_takes_no_more_rows_than_it_may_however_long_the_call_was() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[ended(call_id(1), 1, 1000), ended(call_id(2), 9, 1)]).await.unwrap();
    let mut left = rows(&path, "entry");
    let mut steps = 0;
    while store.prune(at(2), 50).await.unwrap().more {
        let now = rows(&path, "entry");
        assert!((1..=50).contains(&(left - now)), "{left}, then {now}");
        left = now;
        steps += 1;
    }
    assert!(steps >= 20, "{steps}");
    assert_eq!(rows(&path, "entry"), 1);
}

#[tokio::test]
async fn a_purge_that_a_stop_interrupted_goes_on_after_the_start() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[ended(call_id(1), 1, 40)]).await.unwrap();
    let step = store.prune(at(2), 10).await.unwrap();
    assert!(step.more && step.calls == 1);
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    // What is left of the one is not taken for a part of the other.
    store.commit(&[ended(call_id(2), 9, 2)]).await.unwrap();
    assert_eq!(store.timeline(call_id(2)).await.unwrap().len(), 2);
    assert_eq!(store.changes(0, 100).await.unwrap().len(), 2);
    assert!(rows(&path, "entry") > 20);
    assert_eq!(forget_all(&store, 2).await, 0);
    assert_eq!((rows(&path, "entry"), rows(&path, "forgotten")), (2, 0));
    assert_eq!(store.timeline(call_id(2)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_ended_later_than_what_began_later_keeps_nothing_from_being_forgotten() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let calls: Vec<Change> =
        (1..=40).map(|call| ended(call_id(call), if call % 4 == 0 { 1 } else { 9 }, 1)).collect();
    store.commit(&calls).await.unwrap();
    // In the midst of the way through all of them, more are to be forgotten.
    assert!(store.prune(at(2), 20).await.unwrap().more);
    assert_eq!(rows(&path, "call"), 35);
    assert_eq!(forget_all(&store, 10).await, 35);
    assert_eq!(rows(&path, "call"), 0);
}

#[tokio::test]
async fn a_damaged_call_is_forgotten_with_its_ids() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[ended(call_id(1), 1, 2)]).await.unwrap();
    Connection::open(&path).unwrap().execute("UPDATE call SET record = '{'", []).unwrap();
    assert_eq!(forget_all(&store, 2).await, 1);
    assert_eq!((rows(&path, "call"), rows(&path, "new_carrier_id")), (0, 0));
}

/// A year in which each month is forgotten while the next but one goes on, a batch at a time.
#[tokio::test]
async fn months_of_traffic_do_not_let_the_file_grow() {
    const CALLS: u64 = 500;
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let mut sizes = Vec::new();
    for month in 1..=12 {
        let calls: Vec<Change> = (0..CALLS)
            // In the order of time before, in none behind: as ids of ours and of carriers are.
            .map(|call| {
                let number = u128::from(month * CALLS + call) << 48;
                let mixed = (month * CALLS + call).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
                let mut call = ended(call_id(number + u128::from(mixed)), month as i64, 6);
                let record = std::sync::Arc::make_mut(&mut call.record);
                record.ids = carrier_ids(&format!("CA{mixed:012x}"));
                call.new_ids = vec![format!("CA{mixed:012x}")];
                call
            })
            .collect();
        for batch in calls.chunks(50) {
            store.commit(batch).await.unwrap();
            store.prune(at(month as i64 - 1), 1_000).await.unwrap();
        }
        forget_all(&store, month as i64 - 1).await;
        let connection = Connection::open(&path).unwrap();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        sizes.push(pages);
        assert!(rows(&path, "call") <= 2 * CALLS as i64, "two months are kept");
    }
    let (third, last) = (sizes[2], sizes[11]);
    assert!(last <= third + third / 20, "pages at the end of each month: {sizes:?}");
}
