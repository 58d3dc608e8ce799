//! Forgetting what has been over for long enough, in small steps.
//!
//! A call disappears as a whole: with its record and its ids nothing of it is found any more. Its
//! entries, which may be thousands, leave the file in as many steps as they need. The table
//! `forgotten` names what is left of them, so that a restart goes on with it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::carrier_ids::{CarrierId, CarrierIds};
use super::write::Writer;
use crate::store::{Pruned, codec};

/// When a step is over, whatever it was allowed: commits wait for it.
const LONGEST: Duration = Duration::from_millis(2);

impl Writer {
    pub(super) fn prune(
        &mut self,
        ended_before: Timestamp,
        rows: usize,
    ) -> rusqlite::Result<Pruned> {
        let until = Instant::now() + LONGEST;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.carrier_ids.begin(&transaction)?;
        let highest = transaction
            .prepare_cached("SELECT coalesce(max(id), 0) FROM entry")?
            .query_row([], |row| row.get(0))?;
        let newest = transaction
            .prepare_cached("SELECT coalesce(max(number), 0) FROM call")?
            .query_row([], |row| row.get(0))?;
        let carrier_ids = &mut self.carrier_ids;
        let mut step =
            Step { transaction: &transaction, carrier_ids, highest, newest, rows, until };
        let mut pass = self.pass.with(ended_before);
        let mut calls = 0;
        let more = loop {
            if let Some(rest) = step.rest()? {
                step.cut(rest)?;
            } else if let Some(chain) = step.hide_next(&mut pass)? {
                calls += 1;
                step.cut(chain)?;
            } else if pass.looked_through >= newest {
                break false;
            }
            if step.is_over() {
                break true;
            }
        };
        transaction.commit().inspect_err(|_| self.carrier_ids.unclear())?;
        self.carrier_ids.committed();
        self.pass = if more { pass } else { Pass::default() };
        Ok(Pruned { calls, more })
    }
}

/// One way through all calls that are over, which takes as many steps as it needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pass {
    ended_before: Timestamp,
    /// Up to this number there is nothing that ended before.
    looked_through: i64,
}

impl Pass {
    /// Goes on, if it looks for the same.
    fn with(self, ended_before: Timestamp) -> Self {
        if self.ended_before == ended_before {
            self
        } else {
            Self { ended_before, looked_through: 0 }
        }
    }
}

/// How many calls are looked through at once, in an index.
const LOOKED_THROUGH_AT_ONCE: i64 = 10_000;

/// What a step does.
struct Step<'t> {
    transaction: &'t Transaction<'t>,
    carrier_ids: &'t mut CarrierIds,
    /// The highest number of an entry. The next one is one more, so it stays.
    highest: i64,
    /// The highest number of a call.
    newest: i64,
    /// How many rows may yet be taken.
    rows: usize,
    until: Instant,
}

/// Entries of a call that is found no longer.
struct Chain {
    call: i64,
    /// 0 if none is left.
    last_entry: i64,
}

impl Step<'_> {
    fn is_over(&self) -> bool {
        self.rows == 0 || Instant::now() >= self.until
    }

    fn count(&mut self, rows: usize) {
        self.rows = self.rows.saturating_sub(rows);
    }

    /// What an earlier step has left.
    fn rest(&mut self) -> rusqlite::Result<Option<Chain>> {
        self.transaction
            .prepare_cached(
                "DELETE FROM forgotten WHERE last_entry =
                     (SELECT min(last_entry) FROM forgotten WHERE last_entry < ?1)
                 RETURNING call, last_entry",
            )?
            .query_row([self.highest], |row| {
                Ok(Chain { call: row.get(0)?, last_entry: row.get(1)? })
            })
            .optional()
    }

    fn keep(&self, rest: &Chain) -> rusqlite::Result<()> {
        self.transaction
            .prepare_cached("INSERT INTO forgotten (call, last_entry) VALUES (?1, ?2)")?
            .execute([rest.call, rest.last_entry])?;
        Ok(())
    }

    /// Takes entries out of the file, the last first: at least one, and all if they are few.
    fn cut(&mut self, mut chain: Chain) -> rusqlite::Result<()> {
        while chain.last_entry != 0 {
            let previous: Option<i64> = self
                .transaction
                .prepare_cached("DELETE FROM entry WHERE id = ?1 RETURNING previous")?
                .query_row([chain.last_entry], |row| row.get(0))
                .optional()?;
            self.count(1);
            chain.last_entry = previous.unwrap_or(0);
            if self.is_over() && chain.last_entry != 0 {
                return self.keep(&chain);
            }
        }
        Ok(())
    }

    /// Lets the next call disappear that ended before. Gives its entries, or `None` if there is none
    /// among those that were looked through.
    fn hide_next(&mut self, pass: &mut Pass) -> rusqlite::Result<Option<Chain>> {
        let first = pass.looked_through;
        let last = first.saturating_add(LOOKED_THROUGH_AT_ONCE).min(self.newest);
        let found: Option<(i64, i64, String)> = self
            .transaction
            .prepare_cached(NEXT)?
            .query_row(params![first, last, pass.ended_before.as_millisecond()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        pass.looked_through = found.as_ref().map_or(last, |(number, ..)| *number);
        let Some((call, last_entry, record)) = found else { return Ok(None) };
        self.forget_ids(call, &record)?;
        self.transaction.prepare_cached("DELETE FROM call WHERE number = ?1")?.execute([call])?;
        self.count(1);
        let chain = Chain { call, last_entry };
        if last_entry != 0 && last_entry == self.highest {
            return self.empty_highest(&chain).map(Some);
        }
        Ok(Some(chain))
    }

    /// Leaves nothing of the entry with the highest number but the number. It goes when it is the
    /// highest no longer. Gives those before it.
    fn empty_highest(&self, chain: &Chain) -> rusqlite::Result<Chain> {
        let previous = self
            .transaction
            .prepare_cached("SELECT previous FROM entry WHERE id = ?1")?
            .query_row([chain.last_entry], |row| row.get(0))
            .optional()?;
        self.transaction
            .prepare_cached("UPDATE entry SET previous = 0, body = '' WHERE id = ?1")?
            .execute([chain.last_entry])?;
        self.keep(chain)?;
        Ok(Chain { call: chain.call, last_entry: previous.unwrap_or(0) })
    }

    fn forget_ids(&mut self, call: i64, record: &str) -> rusqlite::Result<()> {
        match codec::decode_record(record.as_bytes(), String::new) {
            Ok(record) => {
                for id in record.ids.iter() {
                    let id = CarrierId::new(&record.provider, id.value());
                    let rows = self.carrier_ids.forget(self.transaction, id, call)?;
                    self.count(rows);
                }
            }
            // A damaged record hides its ids, and keeps nothing from being forgotten.
            Err(_) => self.carrier_ids.forget_all(self.transaction, call)?,
        }
        let keys = self
            .transaction
            .prepare_cached("DELETE FROM idempotency WHERE call = ?1")?
            .execute([call])?;
        self.count(keys);
        Ok(())
    }
}

/// Rows are looked at only where the index says that a call ended before.
const NEXT: &str = "SELECT number, last_entry, record FROM call
                    WHERE number > ?1 AND number <= ?2 AND ended_at < ?3 AND open = 0
                    ORDER BY number LIMIT 1";

#[cfg(test)]
mod tests {
    use super::super::{schema, settle};
    use super::*;

    #[test]
    fn what_is_to_be_forgotten_is_found_by_an_index() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        settle(&connection).unwrap();
        schema::prepare(&mut connection, "a test").unwrap();
        let plan: String = connection
            .query_row(&format!("EXPLAIN QUERY PLAN {NEXT}"), [0, 9_000, 1], |row| row.get(3))
            .unwrap();
        assert_eq!(plan, "SEARCH call USING INDEX call_over (number>? AND number<?)");
    }
}
