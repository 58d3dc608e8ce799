//! The SQLite store on a disk that is full: what a commit acknowledged is there afterwards, and what it
//! refused is not.
#![cfg(all(feature = "sqlite", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stored_calls;

use offhook_conformance::SmallDisk;
use offhook_manager::{CallStore, CommitError, OpenError, SqliteStore};
use stored_calls::{calls, new_call};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

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
