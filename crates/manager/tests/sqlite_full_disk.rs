//! The SQLite store on a disk that is full: what a commit acknowledged is there afterwards, and what it
//! refused is not.
#![cfg(all(feature = "sqlite", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use offhook_conformance::SmallDisk;
use offhook_conformance::samples::{call_id, entry, live_record};
use offhook_manager::{CallStore, Change, CommitError, OpenError, SqliteStore};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

fn new_call(number: u128, text: &str) -> Change {
    let record = live_record(call_id(number));
    let new_ids = record.ids.iter().map(|id| id.value().to_owned()).collect();
    let (record, entries) = (record.into(), vec![entry(0, text)]);
    Change { record, expected_revision: None, entries, new_ids, idempotency: None }
}

/// The live calls of a store, by number; each is to have its one entry.
async fn calls(store: &SqliteStore) -> Vec<u128> {
    let mut numbers = Vec::new();
    for record in store.load_live(None, 100_000).await.unwrap() {
        assert_eq!(store.timeline(record.id).await.unwrap().len(), 1, "{}", record.id);
        numbers.push((0..).find(|number| call_id(*number) == record.id).unwrap());
    }
    numbers
}

/// A process that is started has the locks of its parent for a moment: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A small disk, and the only one at the moment.
async fn small_disk(folder: &TempDir) -> Option<(SmallDisk, MutexGuard<'static, ()>)> {
    let alone = ONE_AT_A_TIME.lock().await;
    Some((SmallDisk::mount(folder.path())?, alone))
}

#[tokio::test]
async fn a_full_disk_refuses_commits_until_there_is_room_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let Some((disk, _alone)) = small_disk(&folder).await else { return };
    let path = folder.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
    let mut acknowledged = Vec::new();
    store.commit(&[new_call(1, "before")]).await.unwrap();
    acknowledged.push(1);
    disk.fill();
    let mut refused = 0;
    for number in 2..60 {
        match store.commit(&[new_call(number, &"while ".repeat(400))]).await {
            Ok(()) => acknowledged.push(number),
            Err(CommitError::Refused { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    assert_eq!(calls(&store).await, acknowledged, "the store can be read all the while");
    disk.free();
    store.commit(&[new_call(60, "after")]).await.unwrap();
    acknowledged.push(60);
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(calls(&store).await, acknowledged);
}

#[tokio::test]
async fn a_store_on_a_full_disk_is_told_to_be_that_and_is_whole_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some((disk, _alone)) = small_disk(&folder).await else { return };
    let path = folder.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[new_call(1, "before")]).await.unwrap();
    drop(store);
    disk.fill();
    let error = SqliteStore::open(&path).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
    disk.free();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(calls(&store).await, [1]);
}
