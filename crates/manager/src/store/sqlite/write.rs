//! The one that writes.

use std::collections::HashMap;

use jiff::Timestamp;
use offhook_core::CallId;
use rusqlite::{
    CachedStatement, Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior,
    params,
};

use super::lock::Lock;
use crate::store::{Change, CommitError, codec};

/// How many calls one prune takes at most, so that no commit waits for long.
const PRUNE_AT_MOST: usize = 500;

#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    /// Where the open calls stand, so that an event touches no index.
    rows: HashMap<CallId, Row>,
    _lock: Lock,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    number: i64,
    revision: u64,
    last_entry: i64,
    /// The columns that have an index, as they were last written.
    indexed: Indexed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Indexed {
    open: bool,
    ended_at: Option<i64>,
}

/// A change in the form in which it is stored.
#[derive(Debug)]
pub(super) struct EncodedChange {
    id: CallId,
    provider: String,
    expected_revision: Option<u64>,
    revision: u64,
    indexed: Indexed,
    record: String,
    entries: Vec<String>,
    new_ids: Vec<String>,
    idempotency: Option<(String, [u8; 16])>,
}

impl From<&Change> for EncodedChange {
    fn from(change: &Change) -> Self {
        let record = &change.record;
        Self {
            id: record.id,
            provider: record.provider.as_str().to_owned(),
            expected_revision: change.expected_revision,
            revision: record.revision,
            indexed: Indexed {
                open: record.is_open(),
                ended_at: record.ended_at.map(Timestamp::as_millisecond),
            },
            record: codec::encode_record(record),
            entries: change.entries.iter().map(codec::encode_entry).collect(),
            new_ids: change.new_ids.clone(),
            idempotency: change.idempotency.as_ref().map(|key| (key.key.clone(), key.fingerprint)),
        }
    }
}

/// What stops a transaction before its commit: nothing was written.
enum Stop {
    Conflict,
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl Writer {
    pub(super) fn new(connection: Connection, lock: Lock) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { connection, rows: HashMap::new(), _lock: lock })
    }

    pub(super) fn commit(&mut self, changes: &[EncodedChange]) -> Result<(), CommitError> {
        let refused = |error: &rusqlite::Error| CommitError::Refused { reason: error.to_string() };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| refused(&error))?;
        let mut written = Vec::with_capacity(changes.len());
        // All of them are named, so that all can be read again before the next attempt.
        let mut conflicts = Vec::new();
        {
            let mut statements =
                Statements::prepare(&transaction).map_err(|error| refused(&error))?;
            for change in changes {
                match statements.write(&self.rows, change) {
                    Ok(row) => written.push((change.id, row)),
                    Err(Stop::Conflict) => conflicts.push(change.id),
                    Err(Stop::Failed(error)) => return Err(refused(&error)),
                }
            }
        }
        if !conflicts.is_empty() {
            // A dropped transaction rolls back.
            return Err(CommitError::Conflict { calls: conflicts });
        }
        if let Err(error) = transaction.commit() {
            // What is known of the rows may be out of date: it is read again.
            self.rows.clear();
            return Err(match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull | ErrorCode::ReadOnly) => {
                    refused(&error)
                }
                _ => CommitError::Unclear { reason: error.to_string() },
            });
        }
        for (id, row) in written {
            if row.indexed.open {
                self.rows.insert(id, row);
            } else {
                self.rows.remove(&id);
            }
        }
        Ok(())
    }

    pub(super) fn prune(&mut self, ended_before: Timestamp) -> rusqlite::Result<usize> {
        let mut pruned = 0;
        loop {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let old: Vec<(i64, i64)> = transaction
                .prepare_cached(
                    "SELECT number, last_entry FROM call
                     WHERE open = 0 AND ended_at IS NOT NULL AND ended_at < ?1 LIMIT ?2",
                )?
                .query_map(params![ended_before.as_millisecond(), PRUNE_AT_MOST as i64], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            for (number, last_entry) in &old {
                forget(&transaction, *number, *last_entry)?;
            }
            transaction.commit()?;
            pruned += old.len();
            if old.len() < PRUNE_AT_MOST {
                return Ok(pruned);
            }
        }
    }
}

fn forget(transaction: &Transaction<'_>, number: i64, last_entry: i64) -> rusqlite::Result<()> {
    let mut entry = last_entry;
    while entry != 0 {
        let previous: Option<i64> = transaction
            .prepare_cached("DELETE FROM entry WHERE id = ?1 RETURNING previous")?
            .query_row([entry], |row| row.get(0))
            .optional()?;
        entry = previous.unwrap_or(0);
    }
    transaction.prepare_cached("DELETE FROM carrier_id WHERE call = ?1")?.execute([number])?;
    transaction.prepare_cached("DELETE FROM idempotency WHERE call = ?1")?.execute([number])?;
    transaction.prepare_cached("DELETE FROM call WHERE number = ?1")?.execute([number])?;
    Ok(())
}

/// What a commit is written with. Looked up once for all of its changes.
struct Statements<'t> {
    connection: &'t Connection,
    insert_call: CachedStatement<'t>,
    insert_entry: CachedStatement<'t>,
    insert_carrier_id: CachedStatement<'t>,
    update_call: CachedStatement<'t>,
    update_indexed: CachedStatement<'t>,
}

impl<'t> Statements<'t> {
    fn prepare(connection: &'t Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            insert_call: connection.prepare_cached(
                "INSERT INTO call (id, open, ended_at, revision, last_entry, record)
                 VALUES (?1, ?2, ?3, 0, 0, '')",
            )?,
            insert_entry: connection
                .prepare_cached("INSERT INTO entry (call, previous, body) VALUES (?1, ?2, ?3)")?,
            // A call may have one value under two kinds: that is no conflict with itself.
            insert_carrier_id: connection.prepare_cached(
                "INSERT INTO carrier_id (provider, value, call) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET call = call WHERE call = excluded.call",
            )?,
            update_call: connection.prepare_cached(
                "UPDATE call SET revision = ?2, last_entry = ?3, record = ?4 WHERE number = ?1",
            )?,
            update_indexed: connection.prepare_cached(
                "UPDATE call SET revision = ?2, last_entry = ?3, record = ?4, open = ?5,
                 ended_at = ?6 WHERE number = ?1",
            )?,
        })
    }

    fn write(&mut self, rows: &HashMap<CallId, Row>, change: &EncodedChange) -> Result<Row, Stop> {
        let known = match rows.get(&change.id) {
            Some(row) => Some(*row),
            None => look_up(self.connection, change.id)?,
        };
        if known.map(|row| row.revision) != change.expected_revision {
            return Err(Stop::Conflict);
        }
        let number = match known {
            Some(row) => row.number,
            None => self.insert_call.insert(params![
                change.id.uuid().as_bytes(),
                change.indexed.open,
                change.indexed.ended_at
            ])?,
        };
        let mut last_entry = known.map_or(0, |row| row.last_entry);
        for entry in &change.entries {
            last_entry = self.insert_entry.insert(params![number, last_entry, entry])?;
        }
        for value in &change.new_ids {
            let owned = self.insert_carrier_id.execute(params![change.provider, value, number])?;
            if owned == 0 {
                return Err(Stop::Conflict);
            }
        }
        if let Some((key, fingerprint)) = &change.idempotency {
            self.connection
                .prepare_cached(
                    "INSERT INTO idempotency (key, call, fingerprint) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![key, number, fingerprint])
                .map_err(
                    |error| if is_duplicate(&error) { Stop::Conflict } else { error.into() },
                )?;
        }
        let revision = i64::try_from(change.revision).unwrap_or(i64::MAX);
        let Indexed { open, ended_at } = change.indexed;
        if known.is_none_or(|row| row.indexed == change.indexed) {
            let values = params![number, revision, last_entry, change.record];
            self.update_call.execute(values)?;
        } else {
            let values = params![number, revision, last_entry, change.record, open, ended_at];
            self.update_indexed.execute(values)?;
        }
        Ok(Row { number, revision: change.revision, last_entry, indexed: change.indexed })
    }
}

fn look_up(connection: &Connection, id: CallId) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached(
            "SELECT number, revision, last_entry, open, ended_at FROM call WHERE id = ?1",
        )?
        .query_row([id.uuid().as_bytes()], |row| {
            Ok(Row {
                number: row.get(0)?,
                revision: row.get::<_, i64>(1)?.unsigned_abs(),
                last_entry: row.get(2)?,
                indexed: Indexed { open: row.get(3)?, ended_at: row.get(4)? },
            })
        })
        .optional()
}

fn is_duplicate(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
