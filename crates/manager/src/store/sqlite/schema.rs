//! The tables, and how older ones become today's.
//!
//! Locality decides the speed: integer keys in order of creation, one append per event, and
//! indexes that are touched once per call. So the entries of a call are a chain (each names the
//! one before) and not an index.

use rusqlite::Connection;

use super::OpenError;

/// "OFHK": tells our file from any other SQLite database.
const APPLICATION_ID: i32 = 0x4F46_484B;

/// One step per version; a released step is never edited.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE call (
    number     INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    open       INTEGER NOT NULL,
    ended_at   INTEGER,
    revision   INTEGER NOT NULL,
    last_entry INTEGER NOT NULL,
    record     TEXT    NOT NULL
) STRICT;
CREATE INDEX call_open  ON call (number)   WHERE open = 1;
CREATE INDEX call_live  ON call (number)   WHERE ended_at IS NULL;
CREATE INDEX call_ended ON call (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE carrier_id (
    provider TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    call     INTEGER NOT NULL,
    PRIMARY KEY (provider, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX carrier_id_call ON carrier_id (call);

CREATE TABLE idempotency (
    key         TEXT    NOT NULL PRIMARY KEY,
    call        INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_call ON idempotency (call);

CREATE TABLE entry (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    call     INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    body     TEXT    NOT NULL
) STRICT;
",
    "
-- Each of these was one more page in every commit, and is found without it.
DROP INDEX call_live;
DROP INDEX carrier_id_call;
CREATE TABLE entry_in_order (
    id       INTEGER PRIMARY KEY,
    call     INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    body     TEXT    NOT NULL
) STRICT;
INSERT INTO entry_in_order SELECT id, call, previous, body FROM entry;
DROP TABLE entry;
ALTER TABLE entry_in_order RENAME TO entry;
",
    "
-- What is done, in the order in which it is forgotten, and what is over, in that of the history.
DROP INDEX call_ended;
CREATE INDEX call_done ON call (ended_at) WHERE open = 0;
CREATE INDEX call_over ON call (number)   WHERE ended_at IS NOT NULL;
-- Entries that are left of calls that are found no longer, each with those before it.
CREATE TABLE forgotten (
    last_entry INTEGER PRIMARY KEY,
    call       INTEGER NOT NULL
) STRICT;
INSERT INTO forgotten SELECT id, call FROM entry WHERE call = 0;
",
    "
-- Three indexes of a call become one. What is open is what is not over; and what was over for long
-- enough is found without looking at rows.
DROP INDEX call_open;
DROP INDEX call_done;
DROP INDEX call_over;
CREATE INDEX call_over   ON call (number, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX call_ending ON call (number)           WHERE ended_at IS NOT NULL AND open = 1;
-- Carrier ids that are not yet in their places, as they came.
CREATE TABLE new_carrier_id (
    id       INTEGER PRIMARY KEY,
    provider TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    call     INTEGER NOT NULL
) STRICT;
",
];

/// Sets a fresh connection to write up, and brings the tables up to date.
pub(super) fn prepare(connection: &mut Connection, path: &str) -> Result<(), OpenError> {
    let classify = |error: rusqlite::Error| OpenError::from_sqlite(path, &error);
    let version: u32 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(classify)?;
    let application: i32 =
        connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(classify)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(classify)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(OpenError::NotOurs { path: path.to_owned() });
    }
    let (version, known) = (version as usize, MIGRATIONS.len());
    if version > known {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known });
    }
    // FULL: a commit is on the disk when it returns, and only then do we acknowledge. The log is
    // written back into the file at 64 MB and not at SQLite's 4: the commit that does it waits for
    // a second fsync, and a page that changed many times is written back once. The cache is kept
    // at 4 MB: a commit that splits a page looks through all of it (the carriers' ids come in no
    // order, and outgrow any cache in time).
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -4000;",
        )
        .map_err(classify)?;
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(classify)?;
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration).map_err(classify)?;
    }
    // Written at every start: a read-only file or a full disk is found now and not in mid-call.
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(classify)?;
    transaction.pragma_update(None, "user_version", known as i64).map_err(classify)?;
    transaction.commit().map_err(classify)
}
