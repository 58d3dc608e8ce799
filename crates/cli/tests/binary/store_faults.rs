//! A store that fails while the daemon runs: it goes on, webhooks are answered 503, and when the
//! store can be written again so does all else. What was acknowledged is in the file afterwards.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use offhook_conformance::SmallDisk;
use rusqlite::Connection;
use serde_json::json;

use super::killing::stored;
use super::support::{ACCOUNT_SID, Config, Daemon, Process, Request, eventually, form, sign};

/// A carrier whose calls come in, and what it was answered.
struct Incoming {
    daemon: Daemon,
    next: u32,
    acknowledged: BTreeSet<String>,
    /// The first word of each, which is delivered again.
    refused: Vec<String>,
}

impl Incoming {
    fn to(daemon: Daemon) -> Self {
        Self { daemon, next: 0, acknowledged: BTreeSet::new(), refused: Vec::new() }
    }

    fn config() -> Config {
        // Nobody is at this API: what the carrier is told does not matter here.
        Config::with_carrier("http://127.0.0.1:1")
            .text("public_url", "https://voice.example.com")
            .text("inbound.policy", "open")
            .value("limits.max_concurrent_calls", "1000")
    }

    /// One more call comes in. Gives the status that is answered.
    fn call(&mut self) -> u16 {
        self.next += 1;
        self.deliver(format!("CA{:032}", self.next))
    }

    fn deliver(&mut self, sid: String) -> u16 {
        let parameters = [
            ("AccountSid", ACCOUNT_SID),
            ("CallSid", &sid),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
            ("From", "+15550100077"),
            ("To", "+15550100100"),
        ];
        let url = "https://voice.example.com/webhooks/twilio";
        let request = Request::post("/webhooks/twilio", form(&parameters))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("X-Twilio-Signature", &sign(url, &parameters));
        let answer = request.send(self.daemon.webhooks);
        match answer.status {
            200 => drop(self.acknowledged.insert(sid)),
            503 => self.refused.push(sid),
            _ => panic!("{answer:?}"),
        }
        answer.status
    }

    /// Calls come in until one is answered like this.
    fn until(&mut self, status: u16) {
        let found = (0..200).any(|_| self.call() == status);
        assert!(found, "no webhook of 200 is answered {status}");
    }

    /// The carrier delivers again what was refused, and all of it is taken.
    fn delivers_again(&mut self) {
        let refused = std::mem::take(&mut self.refused);
        assert!(!refused.is_empty());
        for sid in refused {
            assert_eq!(self.deliver(sid), 200);
        }
    }

    /// Users are told, and the daemon lives.
    fn users_are_refused(&self) {
        let call = json!({ "to": "+15550100011" });
        self.daemon.post("/v1/calls", &call).is_problem(503, "store_unavailable");
        assert_eq!(self.daemon.get("/healthz").status, 200);
        assert_eq!(self.daemon.get("/v1/calls").status, 200, "calls can be read");
    }

    /// Kills the daemon, and looks for every acknowledged call: exactly once, and nothing else.
    fn everything_acknowledged_is_stored(mut self) {
        self.daemon.kill();
        let (calls, _) = stored(&self.daemon.folder().join("offhook.db"));
        let ids: Vec<&String> = calls.iter().flat_map(|call| &call.carrier_ids).collect();
        let kept: BTreeSet<String> = ids.iter().map(|id| (*id).clone()).collect();
        assert_eq!(ids.len(), kept.len());
        assert_eq!(kept, self.acknowledged);
        // And the next daemon takes them up.
        let daemon = self.daemon.start_again();
        let taken_up = daemon.restore_report()["calls"].as_array().unwrap().len();
        assert_eq!(taken_up, self.acknowledged.len());
    }
}

#[test]
fn a_full_disk_is_a_503_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let mut incoming = Incoming::to(Daemon::start_in(folder, Incoming::config()));
    assert_eq!(incoming.call(), 200);
    disk.fill();
    incoming.until(503);
    incoming.users_are_refused();
    disk.free();
    incoming.delivers_again();
    assert_eq!(incoming.call(), 200);
    incoming.everything_acknowledged_is_stored();
}

#[test]
fn a_daemon_does_not_start_on_a_full_disk_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let mut incoming = Incoming::to(Daemon::start_in(folder, Incoming::config()));
    assert_eq!(incoming.call(), 200);
    incoming.daemon.kill();
    // A log that broke off in the midst of a commit has room that the next start would write into.
    let other = Connection::open(incoming.daemon.folder().join("offhook.db")).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(other);
    disk.fill();
    let ended = incoming.daemon.command(&["serve"]);
    ended.failed_with(1, &["offhook.db is full", "free some space"]);
    disk.free();
    incoming.daemon = incoming.daemon.start_again();
    incoming.everything_acknowledged_is_stored();
}

#[test]
fn another_program_that_writes_to_the_store_is_a_503_until_it_ends() {
    let mut incoming = Incoming::to(Daemon::start(Incoming::config()));
    assert_eq!(incoming.call(), 200);
    let other = Connection::open(incoming.daemon.folder().join("offhook.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(incoming.call(), 503);
    incoming.users_are_refused();
    other.execute_batch("ROLLBACK").unwrap();
    incoming.delivers_again();
    incoming.everything_acknowledged_is_stored();
}

#[test]
fn a_start_while_another_program_writes_to_the_store_says_so() {
    let mut incoming = Incoming::to(Daemon::start(Incoming::config()));
    assert_eq!(incoming.call(), 200);
    incoming.daemon.kill();
    let other = Connection::open(incoming.daemon.folder().join("offhook.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ended = incoming.daemon.command(&["serve"]);
    ended.failed_with(1, &["offhook.db", "written by another program", "end what has the file"]);
    drop(other);
    incoming.daemon = incoming.daemon.start_again();
    incoming.everything_acknowledged_is_stored();
}

/// A tracer that lets every fsync of a process fail.
struct FailingFsync(Process);

impl FailingFsync {
    fn of(daemon: &Daemon, log: &Path) -> Option<Self> {
        let found = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no fsync can be made to fail here (there is no strace)");
            return None;
        }
        let mut strace = Command::new("strace");
        let calls = "fsync,fdatasync";
        strace.args(["-f", "-e", &format!("trace={calls}")]);
        strace.args(["-e", &format!("inject={calls}:error=EIO")]);
        strace.args(["-p", &daemon.process_id().to_string()]).stdin(Stdio::null());
        let mut process = Process::start(&mut strace, log);
        let attached = eventually("strace is attached, or may not", || {
            let said = std::fs::read_to_string(log).unwrap();
            let attached = said.contains("attached");
            (attached || !process.is_running()).then_some(attached)
        });
        if !attached {
            eprintln!("skipped: no fsync can be made to fail here (a process may not be traced)");
        }
        attached.then_some(Self(process))
    }

    /// Lets go of the process, which runs on.
    fn ends(mut self) {
        self.0.signal("INT");
        self.0.ends();
    }
}

#[test]
fn a_failed_fsync_is_a_503_and_nothing_is_acknowledged_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("strace.log");
    let mut incoming = Incoming::to(Daemon::start(Incoming::config()));
    assert_eq!(incoming.call(), 200);
    let Some(fault) = FailingFsync::of(&incoming.daemon, &log) else { return };
    for _ in 0..3 {
        assert_eq!(incoming.call(), 503);
    }
    incoming.users_are_refused();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("EIO (Input/output error) (INJECTED)"), "{said}");
    fault.ends();
    incoming.delivers_again();
    assert_eq!(incoming.call(), 200);
    incoming.everything_acknowledged_is_stored();
}

#[test]
fn a_daemon_that_is_killed_while_every_fsync_fails_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("strace.log");
    let mut incoming = Incoming::to(Daemon::start(Incoming::config()));
    assert_eq!([incoming.call(), incoming.call()], [200, 200]);
    let Some(fault) = FailingFsync::of(&incoming.daemon, &log) else { return };
    assert_eq!(incoming.call(), 503);
    incoming.daemon.kill();
    drop(fault);
    incoming.daemon = incoming.daemon.start_again();
    // What was refused may have been written all the same: delivered again, it is one call.
    incoming.delivers_again();
    incoming.everything_acknowledged_is_stored();
}

#[test]
fn a_damaged_page_is_told_and_nothing_is_taken_for_the_whole() {
    let mut incoming = Incoming::to(Daemon::start(Incoming::config()));
    for _ in 0..40 {
        assert_eq!(incoming.call(), 200);
    }
    incoming.daemon.kill();
    let path = incoming.daemon.folder().join("offhook.db");
    let store = Connection::open(&path).unwrap();
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let page: u32 = store
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'call'", [], |row| row.get(0))
        .unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let end = page as usize * 4096;
    bytes[end - 4096..end].fill(0xFF);
    std::fs::write(&path, &bytes).unwrap();
    let ended = incoming.daemon.command(&["serve"]);
    ended.failed_with(1, &["damaged", "restore it from a backup"]);
}

#[test]
fn a_disk_that_is_slow_holds_an_acknowledgement_back() {
    let mut incoming = Incoming::to(Daemon::start(Incoming::config()));
    assert_eq!(incoming.call(), 200);
    let other = Connection::open(incoming.daemon.folder().join("offhook.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let released = std::thread::spawn(move || {
        super::support::idle(Duration::from_millis(300));
        other.execute_batch("ROLLBACK").unwrap();
    });
    assert_eq!(incoming.call(), 200, "it was worth waiting for");
    released.join().unwrap();
    incoming.everything_acknowledged_is_stored();
}
