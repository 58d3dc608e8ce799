//! Stores that cannot be used: exit 1, what to do, and not a byte is changed.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use tempfile::TempDir;

use super::support::{Config, Daemon, Ended, offhook, run};

fn serve(folder: &Path) -> Ended {
    Config::new().write(folder);
    run(&mut offhook(folder, &["serve"]))
}

/// A folder with the store of a daemon that placed a call and ended.
fn used_store() -> TempDir {
    let mut daemon = Daemon::start(Config::new());
    let call = daemon.place("+15550100011");
    daemon.call_when(&call["id"], "was answered", |call| !call["answered_at"].is_null());
    assert!(daemon.terminate().success());
    daemon.into_folder()
}

#[test]
fn a_store_that_a_running_daemon_holds_names_the_process() {
    let daemon = Daemon::start(Config::new());
    let owner = format!("in use by process {}", daemon.process_id());
    Config::new().write(daemon.folder());
    let second = run(&mut offhook(daemon.folder(), &["serve"]));
    second.failed_with(1, &["offhook.db", &owner, "a store of its own"]);
    // The first one does not notice.
    assert_eq!(daemon.get("/v1/calls").status, 200);
    daemon.place("+15550100001");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offhook.db");
    let mut word: u32 = 1;
    let noise = std::iter::repeat_with(|| {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        word.to_le_bytes()[3]
    });
    let noise: Vec<u8> = noise.take(20_000).collect();
    std::fs::write(&path, &noise).unwrap();
    serve(folder.path()).failed_with(1, &["offhook.db", "is damaged", "backup", "still be live"]);
    assert_eq!(std::fs::read(&path).unwrap(), noise);
}

#[test]
fn a_truncated_database_is_refused_and_left_alone() {
    for keep in [0.5, 0.9] {
        let folder = used_store();
        let path = folder.path().join("offhook.db");
        // All of it is to be in the file itself.
        let store = Connection::open(&path).unwrap();
        store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(store);
        let whole = std::fs::read(&path).unwrap();
        let part = &whole[..(whole.len() as f64 * keep) as usize / 4096 * 4096];
        assert!(part.len() >= 4096 && part.len() < whole.len());
        std::fs::write(&path, part).unwrap();
        serve(folder.path()).failed_with(1, &["damaged"]);
        assert_eq!(std::fs::read(&path).unwrap(), part, "at {keep}");
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offhook.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE note (text); INSERT INTO note VALUES ('milk');").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    serve(folder.path()).failed_with(1, &["offhook.db", "another program", "another path"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let folder = used_store();
    let path = folder.path().join("offhook.db");
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    drop(newer);
    let before = std::fs::read(&path).unwrap();
    serve(folder.path()).failed_with(1, &["version 999", "run the newer one"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_folder_in_the_place_of_the_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("offhook.db")).unwrap();
    serve(folder.path()).failed_with(1, &["offhook.db", "directory"]);
}

#[test]
fn a_store_in_a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    Config::new().text("store.url", "sqlite:missing/offhook.db").write(folder.path());
    let ended = run(&mut offhook(folder.path(), &["serve"]));
    ended.failed_with(1, &["missing/offhook.db", "does not exist; create it"]);
}

/// Makes a file or folder unchangeable while this lives.
struct Immutable<'a>(&'a Path);

impl<'a> Immutable<'a> {
    fn make(path: &'a Path) -> Option<Self> {
        // For root only this counts, for others the mode is enough.
        let made = Self(path);
        run_quietly("chattr", "+i", path);
        run_quietly("chmod", "a-w", path);
        let is_made = match path.is_dir() {
            true => tempfile::tempfile_in(path).is_err(),
            false => File::options().append(true).open(path).is_err(),
        };
        is_made.then_some(made)
    }
}

impl Drop for Immutable<'_> {
    fn drop(&mut self) {
        run_quietly("chattr", "-i", self.0);
        run_quietly("chmod", "u+w", self.0);
    }
}

/// What it does is seen by what can be written afterwards.
fn run_quietly(program: &str, change: &str, path: &Path) {
    let _ = Command::new(program).arg(change).arg(path).output();
}

#[test]
fn a_read_only_database_or_folder_is_told_and_left_alone() {
    for of_folder in [false, true] {
        let folder = used_store();
        let path = folder.path().join("offhook.db");
        Config::new().write(folder.path());
        let before = std::fs::read(&path).unwrap();
        if of_folder {
            // The lock's file stands there already; SQLite's own would have to be made.
            for name in ["offhook.db-wal", "offhook.db-shm"] {
                let _ = std::fs::remove_file(folder.path().join(name));
            }
        }
        let Some(_lock) = Immutable::make(if of_folder { folder.path() } else { &path }) else {
            eprintln!("skipped: nothing can be made read-only here for root (chattr +i failed)");
            return;
        };
        let ended = run(&mut offhook(folder.path(), &["serve"]));
        ended.failed_with(1, &["cannot be written", "owner and mode of the file and its folder"]);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
