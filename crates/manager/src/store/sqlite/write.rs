//! The one that writes.

use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::CallId;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{
    CachedStatement, Connection, ErrorCode, OptionalExtension, TransactionBehavior, params,
};

use super::carrier_ids::{CarrierId, CarrierIds, Claim};
use super::lock::Lock;
use super::open_calls::OpenCalls;
use super::prune::Pass;
use crate::hashing::HashMap;
use crate::record::CallRecord;
use crate::store::{Change, CommitError, codec};

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// Where the open calls stand, so that an event touches no index.
    rows: HashMap<CallId, Row>,
    /// The number of the next call; `None` where it has to be read.
    next_number: Option<i64>,
    open_calls: OpenCalls,
    pub(super) carrier_ids: CarrierIds,
    /// How far the calls were looked through for what is to be forgotten.
    pub(super) pass: Pass,
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

/// Changes in the form in which they are stored.
#[derive(Debug, Default)]
pub(super) struct EncodedChanges {
    changes: Vec<EncodedChange>,
    /// All of their texts in one piece, which is cheaper to make and to hand over than many: of
    /// each change the record, then its entries.
    texts: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
}

/// What room of earlier changes is kept for the next, in bytes.
const KEPT_ROOM: usize = 1024 * 1024;

#[derive(Debug)]
struct EncodedChange {
    record: Arc<CallRecord>,
    expected_revision: Option<u64>,
    entries: usize,
    new_ids: Vec<String>,
    idempotency: Option<(String, [u8; 16])>,
}

impl EncodedChanges {
    /// Encodes changes, in the room of earlier ones.
    pub(super) fn encode(mut room: Self, changes: &[Change]) -> Self {
        room.clear();
        let Self { changes: encoded, texts, ends } = &mut room;
        encoded.extend(changes.iter().map(|change| {
            codec::encode_record(&change.record, texts);
            ends.push(texts.len());
            for entry in &change.entries {
                codec::encode_entry(entry, texts);
                ends.push(texts.len());
            }
            let key = change.idempotency.as_ref();
            EncodedChange {
                record: Arc::clone(&change.record),
                expected_revision: change.expected_revision,
                entries: change.entries.len(),
                new_ids: change.new_ids.clone(),
                idempotency: key.map(|key| (key.key.clone(), key.fingerprint)),
            }
        }));
        room
    }

    /// Keeps the room and nothing else.
    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.ends.clear();
        self.texts.clear();
        self.texts.shrink_to(KEPT_ROOM);
    }

    /// The texts, in their order.
    fn texts(&self) -> impl Iterator<Item = Text<'_>> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| Text(&self.texts[begin..*end]))
    }
}

/// JSON, and so UTF-8, which need not be looked at again.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

impl Indexed {
    fn of(record: &CallRecord) -> Self {
        Self { open: record.is_open(), ended_at: record.ended_at.map(Timestamp::as_millisecond) }
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
    pub(super) fn new(
        connection: Connection,
        open_calls: OpenCalls,
        carrier_ids: CarrierIds,
        lock: Lock,
    ) -> Self {
        connection.set_prepared_statement_cache_capacity(32);
        Self {
            connection,
            rows: HashMap::default(),
            next_number: None,
            open_calls,
            carrier_ids,
            pass: Pass::default(),
            _lock: lock,
        }
    }

    pub(super) fn commit(&mut self, encoded: &EncodedChanges) -> Result<(), CommitError> {
        let refused = |error: &rusqlite::Error| CommitError::Refused { reason: error.to_string() };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| refused(&error))?;
        self.carrier_ids.begin(&transaction).map_err(|error| refused(&error))?;
        let mut written = Vec::with_capacity(encoded.changes.len());
        // All of them are named, so that all can be read again before the next attempt.
        let mut conflicts = Vec::new();
        let mut next_number = match self.next_number {
            Some(number) => number,
            None => next_number(&transaction).map_err(|error| refused(&error))?,
        };
        {
            let mut statements =
                Statements::prepare(&transaction).map_err(|error| refused(&error))?;
            let mut texts = encoded.texts();
            for change in &encoded.changes {
                let call = change.record.id;
                let texts: Vec<_> = texts.by_ref().take(1 + change.entries).collect();
                let ids = &mut self.carrier_ids;
                match statements.write(&self.rows, ids, &mut next_number, change, &texts) {
                    Ok(row) => written.push((call, row)),
                    Err(Stop::Conflict) => conflicts.push(call),
                    Err(Stop::Failed(error)) => return Err(refused(&error)),
                }
            }
        }
        if !conflicts.is_empty() {
            // A dropped transaction rolls back.
            return Err(CommitError::Conflict { calls: conflicts });
        }
        self.carrier_ids.place(&transaction).map_err(|error| refused(&error))?;
        if let Err(error) = transaction.commit() {
            // What is known of the rows may be out of date: it is read again. Calls that are not there
            // do no harm among the open ones.
            self.rows.clear();
            self.next_number = None;
            self.carrier_ids.unclear();
            self.open_calls.add(written.iter().map(|(_, row)| row.number));
            return Err(match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull | ErrorCode::ReadOnly) => {
                    refused(&error)
                }
                _ => CommitError::Unclear { reason: error.to_string() },
            });
        }
        self.next_number = Some(next_number);
        for (id, row) in &written {
            if row.indexed.open {
                self.rows.insert(*id, *row);
            } else {
                self.rows.remove(id);
            }
        }
        self.carrier_ids.committed();
        self.open_calls.take(written.iter().map(|(_, row)| (row.number, row.indexed.open)));
        Ok(())
    }
}

/// What a commit is written with. Looked up once for all of its changes.
struct Statements<'t> {
    connection: &'t Connection,
    insert_call: CachedStatement<'t>,
    insert_entry: CachedStatement<'t>,
    claim: Claim<'t>,
    update_call: CachedStatement<'t>,
    update_indexed: CachedStatement<'t>,
}

impl<'t> Statements<'t> {
    fn prepare(connection: &'t Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            insert_call: connection.prepare_cached(
                "INSERT INTO call (number, id, open, ended_at, revision, last_entry, record)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            insert_entry: connection
                .prepare_cached("INSERT INTO entry (call, previous, body) VALUES (?1, ?2, ?3)")?,
            claim: Claim::prepare(connection)?,
            update_call: connection.prepare_cached(
                "UPDATE call SET revision = ?2, last_entry = ?3, record = ?4 WHERE number = ?1",
            )?,
            update_indexed: connection.prepare_cached(
                "UPDATE call SET revision = ?2, last_entry = ?3, record = ?4, open = ?5,
                 ended_at = ?6 WHERE number = ?1",
            )?,
        })
    }

    fn write(
        &mut self,
        rows: &HashMap<CallId, Row>,
        carrier_ids: &mut CarrierIds,
        next_number: &mut i64,
        change: &EncodedChange,
        texts: &[Text<'_>],
    ) -> Result<Row, Stop> {
        let [record, entries @ ..] = texts else { return Err(Stop::Conflict) };
        let id = change.record.id;
        let indexed = Indexed::of(&change.record);
        let known = match rows.get(&id) {
            Some(row) => Some(*row),
            None => look_up(self.connection, id)?,
        };
        if known.map(|row| row.revision) != change.expected_revision {
            return Err(Stop::Conflict);
        }
        let number = match known {
            Some(row) => row.number,
            None => {
                let number = *next_number;
                *next_number += 1;
                number
            }
        };
        let mut last_entry = known.map_or(0, |row| row.last_entry);
        for entry in entries {
            last_entry = self.insert_entry.insert(params![number, last_entry, entry])?;
        }
        for value in &change.new_ids {
            // A call may have one value under two kinds: that is no conflict with itself.
            let id = CarrierId::new(&change.record.provider, value);
            if !carrier_ids.claim(&mut self.claim, id, number)? {
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
        let revision = change.record.revision;
        let stored = i64::try_from(revision).unwrap_or(i64::MAX);
        let Indexed { open, ended_at } = indexed;
        match known {
            // Whole at once: a row that grows later does not fit into its page.
            None => {
                let uuid = id.uuid();
                let uuid = uuid.as_bytes();
                let values = params![number, uuid, open, ended_at, stored, last_entry, record];
                self.insert_call.execute(values)?;
            }
            Some(row) if row.indexed == indexed => {
                self.update_call.execute(params![number, stored, last_entry, record])?;
            }
            Some(_) => {
                let values = params![number, stored, last_entry, record, open, ended_at];
                self.update_indexed.execute(values)?;
            }
        }
        Ok(Row { number, revision, last_entry, indexed })
    }
}

fn next_number(connection: &Connection) -> rusqlite::Result<i64> {
    // A call of which entries are left keeps its number: they must not become another's.
    let sql = "SELECT 1 + max(coalesce((SELECT max(number) FROM call), 0),
                              coalesce((SELECT max(call) FROM forgotten), 0))";
    connection.query_row(sql, [], |row| row.get(0))
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
