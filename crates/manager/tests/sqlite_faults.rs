//! The SQLite store when other programs and crashes are in its way: what a commit
//! acknowledged is there afterwards, and what it refused is not.
#![cfg(all(feature = "sqlite", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stored_calls;

use std::fs;
use std::path::{Path, PathBuf};

use offhook_manager::{CallStore, CommitError, OpenError, SqliteStore};
use rusqlite::Connection;
use stored_calls::{calls, new_call};

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[tokio::test]
async fn another_program_that_writes_holds_commits_up_and_then_they_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[new_call(1, "before")]).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.commit(&[new_call(2, "while")]).await.unwrap_err();
    assert!(matches!(refused, CommitError::Refused { .. }), "{refused}");
    assert_eq!(calls(&store).await, [1], "it is read all the while");
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(&[new_call(3, "after")]).await.unwrap();
    drop(store);
    assert_eq!(calls(&SqliteStore::open(&path).unwrap()).await, [1, 3]);

    // And at the start, the same program is named as what is in the way.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = SqliteStore::open(&path).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Busy { .. }), "{error}");
}

/// A log that breaks off anywhere, as a crash of the machine may leave it.
#[tokio::test]
async fn a_torn_log_loses_nothing_that_was_committed_before_the_tear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = beside(&path, "-wal");
    let store = SqliteStore::open(&path).unwrap();
    let mut ends = Vec::new();
    for number in 1..=12 {
        store.commit(&[new_call(number, &"words ".repeat(300))]).await.unwrap();
        ends.push(fs::metadata(&log).unwrap().len());
    }
    // Copied while it is open: this is what a kill leaves. The last commits are in the log alone.
    let (database, whole) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    assert!(ends.is_sorted() && ends[0] > 32);
    let mut cuts: Vec<u64> = ends.iter().flat_map(|end| [end - 1, *end, end + 100]).collect();
    // In the midst of a frame's page, and of its head.
    cuts.extend(ends.iter().flat_map(|end| [end - 2_000, end - 4_100]));
    for cut in cuts {
        let cut = cut.min(whole.len() as u64);
        let torn = tempfile::tempdir().unwrap();
        let path = torn.path().join("calls.db");
        fs::write(&path, &database).unwrap();
        fs::write(beside(&path, "-wal"), &whole[..cut as usize]).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let kept: Vec<u128> =
            (1..).zip(&ends).filter(|(_, end)| **end <= cut).map(|it| it.0).collect();
        assert_eq!(calls(&store).await, kept, "cut at {cut}");
        // And it goes on from there.
        store.commit(&[new_call(77, "next")]).await.unwrap();
        assert_eq!(calls(&store).await.last(), Some(&77));
    }
}

#[tokio::test]
async fn a_log_with_a_flipped_bit_loses_nothing_that_was_committed_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = beside(&path, "-wal");
    let store = SqliteStore::open(&path).unwrap();
    let mut ends = Vec::new();
    for number in 1..=4 {
        store.commit(&[new_call(number, "words")]).await.unwrap();
        ends.push(fs::metadata(&log).unwrap().len() as usize);
    }
    let (database, whole) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    for (flipped, kept) in [(ends[3] - 1, 3), (ends[2] - 2_000, 2), (ends[0] - 1, 0)] {
        let torn = tempfile::tempdir().unwrap();
        let path = torn.path().join("calls.db");
        let mut bytes = whole.clone();
        bytes[flipped] ^= 1;
        fs::write(&path, &database).unwrap();
        fs::write(beside(&path, "-wal"), bytes).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(calls(&store).await.len(), kept, "flipped at {flipped}");
    }
}

#[tokio::test]
async fn a_store_that_others_can_read_is_made_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    drop(SqliteStore::open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[new_call(1, "words")]).await.unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}
