//! What only the SQLite store does: files, locks, damage, and the shapes that are stored.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Unit;
use offhook_conformance::samples::{
    at, call_id, entries_of_every_kind, entry, full_record, live_record,
};
use offhook_core::{CallId, EndReason};
use offhook_manager::{
    CallRecord, CallState, CallStore, Change, CommitError, Entry, HistoryQuery, OpenError,
    SqliteStore, StoreError, Which,
};
use rusqlite::Connection;
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    (folder, path)
}

fn new_call(record: CallRecord, entries: Vec<Entry>) -> Change {
    let new_ids = record.ids.iter().map(|id| id.value().to_owned()).collect();
    let record = record.into();
    Change { record, expected_revision: None, entries, new_ids, idempotency: None }
}

async fn fill(path: &Path, calls: u128) {
    let store = SqliteStore::open(path).unwrap();
    for number in 1..=calls {
        let words = vec![entry(0, "a"), entry(1, "b")];
        store.commit(&[new_call(live_record(call_id(number)), words)]).await.unwrap();
    }
}

fn edit(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn open_error(path: &Path) -> OpenError {
    SqliteStore::open(path).map(drop).unwrap_err()
}

/// Opening fails, and the file is what it was.
fn refused_unchanged(path: &Path) -> OpenError {
    let before = fs::read(path).unwrap();
    let error = open_error(path);
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    error
}

#[tokio::test]
async fn what_was_committed_survives_closing_and_opening() {
    let (_keep, path) = folder();
    let record = full_record(call_id(1));
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[new_call(record.clone(), entries_of_every_kind())]).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.get(record.id).await.unwrap(), Some(record.clone()));
    assert_eq!(store.timeline(record.id).await.unwrap().len(), entries_of_every_kind().len());
    // The next commit builds on what the file says and not on what the process remembered.
    let later = CallRecord { revision: 2, pushes: 44, ..record.clone() };
    let change = Change {
        expected_revision: Some(1),
        entries: vec![entry(17, "later")],
        new_ids: Vec::new(),
        ..new_call(later.clone(), Vec::new())
    };
    store.commit(&[change]).await.unwrap();
    assert_eq!(store.get(record.id).await.unwrap(), Some(later));
    assert_eq!(store.timeline(record.id).await.unwrap().len(), entries_of_every_kind().len() + 1);
}

#[test]
fn a_second_owner_is_refused_and_told_who_has_it() {
    let (_keep, path) = folder();
    let first = SqliteStore::open(&path).unwrap();
    let owned_by = format!("process {}", std::process::id());
    for _ in 0..2 {
        match open_error(&path) {
            OpenError::Locked { owner, .. } => assert_eq!(owner, owned_by),
            other => panic!("{other}"),
        }
    }
    drop(first);
    assert!(SqliteStore::open(&path).is_ok());
}

#[test]
fn a_folder_that_does_not_exist_is_named_as_such() {
    let (keep, _) = folder();
    let error = open_error(&keep.path().join("nowhere/calls.db"));
    assert!(matches!(error, OpenError::NoFolder { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_damaged_and_stays_as_it_was() {
    for content in ["hello".repeat(1000), "short".to_owned()] {
        let (_keep, path) = folder();
        fs::write(&path, content).unwrap();
        let error = refused_unchanged(&path);
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_database_of_another_program_stays_as_it_was() {
    let (_keep, path) = folder();
    edit(&path, "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');");
    let error = refused_unchanged(&path);
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_version_is_refused_with_both_versions() {
    let (_keep, path) = folder();
    fill(&path, 1).await;
    edit(&path, "PRAGMA user_version = 99;");
    match refused_unchanged(&path) {
        OpenError::Newer { found: 99, known: 4, .. } => {}
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_truncated_file_is_damaged_and_stays_as_it_was() {
    let (_keep, path) = folder();
    fill(&path, 200).await;
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = refused_unchanged(&path);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_page_is_reported_as_damage() {
    let (_keep, path) = folder();
    fill(&path, 200).await;
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[4096 * 10..] {
        *byte = 0xFF;
    }
    fs::write(&path, bytes).unwrap();
    // Where live calls stand, it is found at the start.
    let error = open_error(&path);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_record_is_named_and_never_skipped() {
    for damage in ["'{\"v\":1,\"call\":{}}'", "'{\"v\":1,'", "'{\"v\":77,\"call\":{}}'"] {
        let (_keep, path) = folder();
        fill(&path, 3).await;
        edit(&path, &format!("UPDATE call SET record = {damage} WHERE number = 2;"));
        let store = SqliteStore::open(&path).unwrap();
        let all = HistoryQuery { which: Which::All, before: None, limit: 9 };
        for result in [store.load_live(None, 9).await, store.history(all).await] {
            match result.unwrap_err() {
                StoreError::Damaged { what, .. } => assert_eq!(what, "call number 2"),
                other => panic!("{other}"),
            }
        }
        assert!(store.get(call_id(2)).await.is_err());
        assert!(store.get(call_id(3)).await.is_ok(), "the others can be read");
    }
}

#[tokio::test]
async fn a_record_of_a_newer_version_says_so() {
    let (_keep, path) = folder();
    fill(&path, 1).await;
    edit(&path, "UPDATE call SET record = replace(record, '\"v\":4', '\"v\":5');");
    let store = SqliteStore::open(&path).unwrap();
    let error = store.get(call_id(1)).await.unwrap_err().to_string();
    assert!(error.contains("newer version (record version 5)"), "{error}");
}

#[tokio::test]
async fn a_damaged_entry_is_named_and_never_skipped() {
    let (_keep, path) = folder();
    fill(&path, 2).await;
    edit(&path, "UPDATE entry SET body = '{\"number\":1' WHERE id = 2;");
    let store = SqliteStore::open(&path).unwrap();
    for result in [store.timeline(call_id(1)).await, store.changes(0, 9).await] {
        match result.unwrap_err() {
            StoreError::Damaged { what, .. } => assert_eq!(what, "entry 2"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(store.timeline(call_id(2)).await.unwrap().len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn invariant_18_store_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[new_call(full_record(call_id(1)), Vec::new())]).await.unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(keep.path()).unwrap() {
        let file = file.unwrap();
        names.push(file.file_name().into_string().unwrap());
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
    names.sort();
    assert_eq!(names, ["calls.db", "calls.db-shm", "calls.db-wal", "calls.db.lock"]);
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compact(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).unwrap().to_string()
}

/// A fixture was written by its version and is never edited: a store of that version may exist.
#[tokio::test]
async fn the_record_of_each_version_is_read_for_ever() {
    for version in ["record-v1.json", "record-v2.json", "record-v3.json", "record-v4.json"] {
        let (_keep, path) = folder();
        fill(&path, 1).await;
        let connection = Connection::open(&path).unwrap();
        connection.execute("UPDATE call SET record = ?1", [fixture(version)]).unwrap();
        drop(connection);
        let store = SqliteStore::open(&path).unwrap();
        let mut record = store.get(call_id(1)).await.unwrap().unwrap();
        // Versions 1 and 2 had nanoseconds.
        record.news_at = record.news_at.round(Unit::Millisecond).unwrap();
        assert_eq!(record, full_record(call_id(1)), "{version}");
    }
}

#[tokio::test]
async fn the_entries_of_version_1_are_read_for_ever() {
    let (_keep, path) = folder();
    fill(&path, 1).await;
    let entries: Vec<serde_json::Value> =
        serde_json::from_str(&fixture("entries-v1.json")).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute("DELETE FROM entry", []).unwrap();
    for (id, body) in (1_i64..).zip(&entries) {
        let sql = "INSERT INTO entry (id, call, previous, body) VALUES (?1, 1, ?2, ?3)";
        connection.execute(sql, (id, id - 1, body.to_string())).unwrap();
    }
    connection.execute("UPDATE call SET last_entry = ?1", [entries.len() as i64]).unwrap();
    drop(connection);
    let store = SqliteStore::open(&path).unwrap();
    let kept = store.timeline(call_id(1)).await.unwrap();
    let kept: Vec<Entry> = kept.into_iter().map(|stored| stored.entry).collect();
    assert_eq!(kept, entries_of_every_kind());
}

/// What today's program writes for the samples is what version 4 of the record and version 1 of the
/// entries are. If this fails, a shape was changed: give the new one a version and fixtures of its
/// own, and keep these.
#[tokio::test]
async fn todays_encoding_is_the_one_of_the_fixtures() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let change = new_call(full_record(call_id(1)), entries_of_every_kind());
    store.commit(&[change]).await.unwrap();
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let record: String =
        connection.query_row("SELECT record FROM call", [], |row| row.get(0)).unwrap();
    let mut statement = connection.prepare("SELECT body FROM entry ORDER BY id").unwrap();
    let entries: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let entries = format!("[{}]", entries.join(","));
    if let Some(folder) = std::env::var_os("OFFHOOK_WRITE_FIXTURES") {
        let pretty = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            serde_json::to_string_pretty(&value).unwrap() + "\n"
        };
        fs::write(Path::new(&folder).join("record-v4.json"), pretty(&record)).unwrap();
        fs::write(Path::new(&folder).join("entries-v1.json"), pretty(&entries)).unwrap();
    }
    assert_eq!(compact(&record), compact(&fixture("record-v4.json")));
    assert_eq!(compact(&entries), compact(&fixture("entries-v1.json")));
}

/// A store of version 1 of the tables, as that version made it.
#[tokio::test]
async fn the_tables_of_version_1_are_brought_up_to_date() {
    let (_keep, path) = folder();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&fixture("schema-v1.sql")).unwrap();
    let sql = "INSERT INTO call VALUES (1, ?1, 1, NULL, 1, 2, ?2)";
    let record = fixture("record-v1.json");
    connection.execute(sql, (call_id(1).uuid().as_bytes(), record)).unwrap();
    for (id, entry) in [(1, entry(0, "first")), (2, entry(1, "second"))] {
        let sql = "INSERT INTO entry (id, call, previous, body) VALUES (?1, 1, ?2, ?3)";
        let body = serde_json::to_string(&entry).unwrap();
        connection.execute(sql, (id, id - 1, body)).unwrap();
    }
    drop(connection);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.get(call_id(1)).await.unwrap().unwrap().ids, full_record(call_id(1)).ids);
    assert_eq!(store.load_live(None, 9).await.unwrap().len(), 1);
    assert_eq!(store.timeline(call_id(1)).await.unwrap().len(), 2);
    store.commit(&[new_call(live_record(call_id(2)), vec![entry(0, "third")])]).await.unwrap();
    assert_eq!(store.last_entry().await.unwrap(), 3);
}

#[tokio::test]
async fn the_number_of_an_entry_is_not_used_again_when_its_call_is_forgotten() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let ended = CallRecord {
        state: CallState::Ended(EndReason::Completed),
        ended_at: Some(at(1)),
        outbox: Vec::new(),
        confirm_at: None,
        ..live_record(call_id(1))
    };
    store.commit(&[new_call(ended, vec![entry(0, "first"), entry(1, "last")])]).await.unwrap();
    assert_eq!(store.prune(at(100), 9).await.unwrap().calls, 1);
    assert_eq!(store.last_entry().await.unwrap(), 2);
    assert_eq!(store.changes(0, 9).await.unwrap(), []);
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[new_call(live_record(call_id(2)), vec![entry(0, "next")])]).await.unwrap();
    assert_eq!(store.changes(2, 9).await.unwrap()[0].id, 3);
}

#[tokio::test]
async fn the_size_of_a_record_does_not_grow_with_what_happened() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let id: CallId = call_id(1);
    store.commit(&[new_call(live_record(id), Vec::new())]).await.unwrap();
    for revision in 1..=100_u32 {
        let record = store.get(id).await.unwrap().unwrap();
        let record = CallRecord { revision: u64::from(revision) + 1, updated_at: at(1), ..record };
        let change = Change {
            expected_revision: Some(u64::from(revision)),
            new_ids: Vec::new(),
            ..new_call(record, vec![entry(revision, &"long ".repeat(100))])
        };
        store.commit(&[change]).await.unwrap();
    }
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let size: i64 =
        connection.query_row("SELECT length(record) FROM call", [], |row| row.get(0)).unwrap();
    assert!(size < 4096, "{size}");
}

#[tokio::test]
async fn a_thread_that_may_be_held_up_writes_by_the_same_rules() {
    let (_keep, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let record = live_record(call_id(1));
    let first = new_call(record.clone(), vec![entry(0, "a")]);
    assert_eq!(store.commit_blocking(std::slice::from_ref(&first)), Some(Ok(())));
    assert_eq!(store.get(record.id).await.unwrap(), Some(record.clone()));
    let conflict = CommitError::Conflict { calls: vec![record.id] };
    assert_eq!(store.commit_blocking(&[first]), Some(Err(conflict)), "it is there already");
    // The two ways know of each other: the later revision by one, the next by the other.
    let later = CallRecord { revision: 2, pushes: 44, ..record.clone() };
    let change = |record: CallRecord, revision| Change {
        expected_revision: Some(revision),
        new_ids: Vec::new(),
        ..new_call(record, vec![entry(1, "b")])
    };
    store.commit(&[change(later.clone(), 1)]).await.unwrap();
    let last = CallRecord { revision: 3, pushes: 45, ..later };
    assert_eq!(store.commit_blocking(&[change(last.clone(), 2)]), Some(Ok(())));
    assert_eq!(store.get(record.id).await.unwrap(), Some(last));
    assert_eq!(store.timeline(record.id).await.unwrap().len(), 3);
}
