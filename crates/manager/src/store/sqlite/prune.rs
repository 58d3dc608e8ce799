//! Forgetting what has been over for long enough.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::write::Writer;
use crate::store::codec;

/// How many calls one prune takes at most, so that no commit waits for long.
const PRUNE_AT_MOST: usize = 500;

impl Writer {
    pub(super) fn prune(&mut self, ended_before: Timestamp) -> rusqlite::Result<usize> {
        let mut pruned = 0;
        loop {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let old: Vec<Old> = transaction
                .prepare_cached(
                    "SELECT number, last_entry, record FROM call
                     WHERE open = 0 AND ended_at IS NOT NULL AND ended_at < ?1 LIMIT ?2",
                )?
                .query_map(params![ended_before.as_millisecond(), PRUNE_AT_MOST as i64], |row| {
                    Ok(Old { number: row.get(0)?, last_entry: row.get(1)?, record: row.get(2)? })
                })?
                .collect::<rusqlite::Result<_>>()?;
            for call in &old {
                call.forget(&transaction)?;
            }
            transaction.commit()?;
            pruned += old.len();
            if old.len() < PRUNE_AT_MOST {
                return Ok(pruned);
            }
        }
    }
}

/// A call that is to be forgotten.
struct Old {
    number: i64,
    last_entry: i64,
    record: String,
}

impl Old {
    fn forget(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let Self { number, last_entry, record } = self;
        // The numbers of entries are never used again: the highest one stays, and says nothing.
        let highest: i64 = transaction
            .prepare_cached("SELECT coalesce(max(id), 0) FROM entry")?
            .query_row([], |row| row.get(0))?;
        let mut entry = *last_entry;
        while entry != 0 {
            let previous: Option<i64> = transaction
                .prepare_cached("DELETE FROM entry WHERE id = ?1 RETURNING previous")?
                .query_row([entry], |row| row.get(0))
                .optional()?;
            entry = previous.unwrap_or(0);
        }
        if *last_entry == highest && highest != 0 {
            transaction.execute(
                "INSERT INTO entry (id, call, previous, body) VALUES (?1, 0, 0, '')",
                [highest],
            )?;
        }
        match codec::decode_record(record.as_bytes(), String::new) {
            Ok(record) => {
                let mut forget = transaction.prepare_cached(
                    "DELETE FROM carrier_id WHERE provider = ?1 AND value = ?2 AND call = ?3",
                )?;
                for id in record.ids.iter() {
                    forget.execute(params![record.provider.as_str(), id.value(), number])?;
                }
            }
            // A damaged record hides its ids, and keeps nothing from being forgotten.
            Err(_) => {
                transaction.execute("DELETE FROM carrier_id WHERE call = ?1", [number])?;
            }
        }
        transaction.prepare_cached("DELETE FROM idempotency WHERE call = ?1")?.execute([number])?;
        transaction.prepare_cached("DELETE FROM call WHERE number = ?1")?.execute([number])?;
        Ok(())
    }
}
