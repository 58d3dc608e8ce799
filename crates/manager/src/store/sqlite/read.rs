//! The queries.

use offhook_core::CallId;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, params};

use super::carrier_ids::{CarrierId, Newest};
use super::open_calls::OpenCalls;
use crate::entry::StoredEntry;
use crate::record::CallRecord;
use crate::store::{HistoryQuery, StoreError, Which, codec};

pub(super) fn failed(error: &rusqlite::Error) -> StoreError {
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { what: "a page of the file".to_owned(), reason }
        }
        // A value of the wrong type, or text that is not UTF-8.
        None if matches!(error, rusqlite::Error::FromSqlConversionFailure(..)) => {
            StoreError::Damaged { what: "a value".to_owned(), reason }
        }
        _ => StoreError::Failed { reason },
    }
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Records as they are stored, each with the number of its call.
#[derive(Debug)]
pub(super) struct Undecoded(Vec<(i64, String)>);

impl Undecoded {
    pub(super) fn decode(self) -> Result<Vec<CallRecord>, StoreError> {
        let records = self.0.into_iter().map(|(number, text)| {
            codec::decode_record(text.as_bytes(), || format!("call number {number}"))
        });
        records.collect()
    }
}

fn records(
    connection: &Connection,
    sql: &str,
    arguments: impl Params,
) -> Result<Vec<CallRecord>, StoreError> {
    undecoded(connection, sql, arguments)?.decode()
}

fn undecoded(
    connection: &Connection,
    sql: &str,
    arguments: impl Params,
) -> Result<Undecoded, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(&error))?;
    let rows = statement
        .query_map(arguments, |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|error| failed(&error))?;
    rows.map(|row| row.map_err(|error| failed(&error))).collect::<Result<_, _>>().map(Undecoded)
}

pub(super) fn load_live(
    connection: &Connection,
    open: &OpenCalls,
    after: Option<CallId>,
    limit: usize,
) -> Result<Undecoded, StoreError> {
    let after = number_of(connection, after)?.unwrap_or(0);
    let numbers = std::iter::successors(open.after(after), |number| open.after(*number));
    let sql = "SELECT record FROM call WHERE number = ?1 AND open = 1";
    one_by_one(connection, sql, numbers, limit)
}

/// The records of calls, each by its number. Those that are not there, or not wanted, are left out.
fn one_by_one(
    connection: &Connection,
    sql: &str,
    numbers: impl Iterator<Item = i64>,
    limit: usize,
) -> Result<Undecoded, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(&error))?;
    let found = numbers.filter_map(|number| {
        let record = statement.query_row([number], |row| row.get(0)).optional();
        record.map(|record| Some((number, record?))).transpose()
    });
    let found = found.take(limit).collect::<Result<_, _>>();
    found.map(Undecoded).map_err(|error| failed(&error))
}

fn number_of(connection: &Connection, id: Option<CallId>) -> Result<Option<i64>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    connection
        .prepare_cached("SELECT number FROM call WHERE id = ?1")
        .and_then(|mut statement| {
            statement.query_row([id.uuid().as_bytes()], |row| row.get(0)).optional()
        })
        .map_err(|error| failed(&error))
}

pub(super) fn get(connection: &Connection, id: CallId) -> Result<Option<CallRecord>, StoreError> {
    let sql = "SELECT number, record FROM call WHERE id = ?1";
    records(connection, sql, [id.uuid().as_bytes()]).map(|mut found| found.pop())
}

pub(super) fn find(
    connection: &Connection,
    newest: &Newest,
    id: &CarrierId,
) -> Result<Option<CallRecord>, StoreError> {
    let owner = newest.find(connection, id).map_err(|error| failed(&error))?;
    let Some(number) = owner else { return Ok(None) };
    let sql = "SELECT number, record FROM call WHERE number = ?1";
    records(connection, sql, [number]).map(|mut found| found.pop())
}

pub(super) fn find_idempotent(
    connection: &Connection,
    key: &str,
) -> Result<Option<(CallId, [u8; 16])>, StoreError> {
    let sql = "SELECT call.id, idempotency.fingerprint FROM idempotency
               JOIN call ON call.number = idempotency.call WHERE idempotency.key = ?1";
    let found: Option<([u8; 16], [u8; 16])> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(|error| failed(&error))?;
    Ok(found.map(|(id, fingerprint)| (CallId::new(uuid::Uuid::from_bytes(id)), fingerprint)))
}

pub(super) fn changes(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<StoredEntry>, StoreError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let sql = "SELECT entry.id, call.id, entry.body FROM entry
               JOIN call ON call.number = entry.call
               WHERE entry.id > ?1 ORDER BY entry.id LIMIT ?2";
    entries(connection, sql, params![after, sql_limit(limit)])
}

pub(super) fn last_entry(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .prepare_cached("SELECT coalesce(max(id), 0) FROM entry")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
        .map(i64::unsigned_abs)
        .map_err(|error| failed(&error))
}

pub(super) fn timeline(
    connection: &Connection,
    id: CallId,
) -> Result<Vec<StoredEntry>, StoreError> {
    // The chain, from the last entry to the first.
    let sql = "WITH RECURSIVE chain (id, previous, body) AS (
                   SELECT entry.id, entry.previous, entry.body
                   FROM call JOIN entry ON entry.id = call.last_entry WHERE call.id = ?1
                   UNION ALL
                   SELECT entry.id, entry.previous, entry.body
                   FROM chain JOIN entry ON entry.id = chain.previous
               )
               SELECT id, ?1, body FROM chain ORDER BY id";
    entries(connection, sql, [id.uuid().as_bytes()])
}

fn entries(
    connection: &Connection,
    sql: &str,
    arguments: impl Params,
) -> Result<Vec<StoredEntry>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| failed(&error))?;
    let rows = statement
        .query_map(arguments, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?, row.get::<_, String>(2)?))
        })
        .map_err(|error| failed(&error))?;
    rows.map(|row| {
        let (id, call, text) = row.map_err(|error| failed(&error))?;
        let entry = codec::decode_entry(text.as_bytes(), || format!("entry {id}"))?;
        let call = CallId::new(uuid::Uuid::from_bytes(call));
        Ok(StoredEntry { id: id.unsigned_abs(), call, entry })
    })
    .collect()
}

pub(super) fn history(
    connection: &Connection,
    open: &OpenCalls,
    query: HistoryQuery,
) -> Result<Vec<CallRecord>, StoreError> {
    let before = match query.before {
        Some(id) => number_of(connection, Some(id))?.unwrap_or(0),
        None => i64::MAX,
    };
    let along = |sql| records(connection, sql, params![before, sql_limit(query.limit)]);
    match query.which {
        // Where a call is over and not yet done, the live ones pass over it.
        Which::Live => {
            let numbers = std::iter::successors(open.before(before), |number| open.before(*number));
            let sql = "SELECT record FROM call WHERE number = ?1 AND ended_at IS NULL";
            one_by_one(connection, sql, numbers, query.limit)?.decode()
        }
        Which::Ended => along(ENDED),
        Which::All => along(ALL),
    }
}

/// Each goes along an index of those that are wanted, so that a page costs what stands on it.
const ENDED: &str = "SELECT number, record FROM call WHERE number < ?1 AND ended_at IS NOT NULL
                     ORDER BY number DESC LIMIT ?2";
const ALL: &str = "SELECT number, record FROM call WHERE number < ?1 ORDER BY number DESC LIMIT ?2";

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::store::sqlite::{schema, settle};

    /// So many calls, some of which are over: by turns, the first half, or the second.
    fn store(calls: i64, is_over: &str) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        settle(&connection).unwrap();
        schema::prepare(&mut connection, "a test").unwrap();
        let fill = format!(
            "WITH RECURSIVE one (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < ?1)
             INSERT INTO call SELECT n, randomblob(16), NOT ({is_over}), iif({is_over}, n, NULL),
                 1, 0, 'a record' FROM one"
        );
        connection.execute(&fill, [calls]).unwrap();
        connection
    }

    /// What the program of a query did for a page of ten: its steps, and how many rows it gave.
    fn page(connection: &Connection, sql: &str, from: i64) -> (i32, usize) {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([from, 10], |row| row.get::<_, i64>(0)).unwrap().count();
        (statement.get_status(StatementStatus::VmStep), rows)
    }

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = explained.query_map([1, 1], |row| row.get::<_, String>(3)).unwrap();
        lines.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
    }

    #[test]
    fn a_page_of_history_costs_what_stands_on_it_whatever_the_size_of_the_store() {
        for is_over in ["n % 2", "n <= ?1 / 2", "n > ?1 / 2"] {
            let (small, large) = (store(100, is_over), store(20_000, is_over));
            for sql in [ENDED, ALL] {
                let (of_small, of_large) =
                    (page(&small, sql, i64::MAX), page(&large, sql, i64::MAX));
                assert_eq!(of_large.1, 10, "{sql}");
                assert_eq!(of_small, of_large, "{sql}, where {is_over}");
            }
        }
    }

    #[test]
    fn every_page_is_found_by_an_index_in_the_order_in_which_it_is_wanted() {
        let store = store(10, "n % 2");
        for (sql, expected) in [
            (ENDED, "SEARCH call USING INDEX call_over (number<?)"),
            (ALL, "SEARCH call USING INTEGER PRIMARY KEY (rowid<?)"),
        ] {
            assert_eq!(plan(&store, sql), expected);
        }
    }
}
