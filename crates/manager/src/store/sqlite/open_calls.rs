//! Which calls are open, in memory. An index of them in the file would be two more pages in each commit
//! in which a call begins or is done.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// The numbers of all open calls, and perhaps of some that are open no longer: whoever reads their
/// rows looks. Shared by who writes and who reads.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenCalls(Arc<Mutex<BTreeSet<i64>>>);

impl OpenCalls {
    /// Finds them in the file: open is what is not over, and what has still to be carried out at its
    /// end. Goes through the index of what is over, and looks at no row of it.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut open = BTreeSet::new();
        let mut between = connection
            .prepare("SELECT number FROM call WHERE number > ?1 AND number < ?2 ORDER BY number")?;
        let mut take_between = |first: i64, last: i64| -> rusqlite::Result<()> {
            let mut rows = between.query([first, last])?;
            while let Some(row) = rows.next()? {
                open.insert(row.get(0)?);
            }
            Ok(())
        };
        let mut over = connection.prepare(OVER)?;
        let mut over = over.query([])?;
        let mut last = 0;
        while let Some(row) = over.next()? {
            let number: i64 = row.get(0)?;
            if number > last + 1 {
                take_between(last, number)?;
            }
            last = number;
        }
        take_between(last, i64::MAX)?;
        let mut ending = connection.prepare(ENDING)?;
        let mut ending = ending.query([])?;
        while let Some(row) = ending.next()? {
            open.insert(row.get(0)?);
        }
        Ok(Self(Arc::new(Mutex::new(open))))
    }

    /// Takes in what was written: numbers of calls, and whether each is open. To be done before the
    /// commit is acknowledged.
    pub(super) fn take(&self, written: impl Iterator<Item = (i64, bool)>) {
        let mut open = self.lock();
        for (number, is_open) in written {
            match is_open {
                true => open.insert(number),
                false => open.remove(&number),
            };
        }
    }

    /// Adds calls that may be open.
    pub(super) fn add(&self, numbers: impl Iterator<Item = i64>) {
        self.lock().extend(numbers);
    }

    /// The next after this one.
    pub(super) fn after(&self, number: i64) -> Option<i64> {
        self.lock().range((Bound::Excluded(number), Bound::Unbounded)).next().copied()
    }

    /// The last before this one.
    pub(super) fn before(&self, number: i64) -> Option<i64> {
        self.lock().range(..number).next_back().copied()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const OVER: &str = "SELECT number FROM call WHERE ended_at IS NOT NULL ORDER BY number";
const ENDING: &str = "SELECT number FROM call WHERE open = 1 AND ended_at IS NOT NULL";

#[cfg(test)]
mod tests {
    use super::super::{schema, settle};
    use super::*;

    /// Calls by their numbers: over or not, and open or not.
    fn store(calls: &[(i64, bool, bool)]) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        settle(&connection).unwrap();
        schema::prepare(&mut connection, "a test").unwrap();
        for (number, is_over, open) in calls {
            let sql =
                "INSERT INTO call VALUES (?1, randomblob(16), ?3, iif(?2, 7, NULL), 1, 0, '')";
            connection.execute(sql, (number, is_over, open)).unwrap();
        }
        connection
    }

    fn all(open: &OpenCalls) -> Vec<i64> {
        std::iter::successors(open.after(0), |number| open.after(*number)).collect()
    }

    #[test]
    fn what_is_open_is_found_among_what_is_over() {
        const LIVE: (bool, bool) = (false, true);
        const ENDING: (bool, bool) = (true, true);
        const DONE: (bool, bool) = (true, false);
        for (calls, expected) in [
            (&[][..], &[][..]),
            (&[LIVE], &[1]),
            (&[DONE, DONE], &[]),
            (&[LIVE, LIVE, DONE, LIVE, DONE, ENDING, DONE, LIVE], &[1, 2, 4, 6, 8]),
            (&[DONE, LIVE, LIVE], &[2, 3]),
        ] {
            let calls: Vec<_> = (1..)
                .zip(calls)
                .map(|(number, (is_over, open))| (number, *is_over, *open))
                .collect();
            let open = OpenCalls::read(&store(&calls)).unwrap();
            assert_eq!(all(&open), expected, "{calls:?}");
        }
        // Calls were forgotten before, between and behind.
        let forgotten = [(900, true, false), (950, false, true), (1_000_000, true, false)];
        assert_eq!(all(&OpenCalls::read(&store(&forgotten)).unwrap()), [950]);
    }

    #[test]
    fn no_row_of_what_is_over_is_looked_at() {
        let store = store(&[]);
        for (sql, expected) in [
            (OVER, "SCAN call USING COVERING INDEX call_over"),
            (ENDING, "SCAN call USING INDEX call_ending"),
        ] {
            let plan: String = store
                .query_row(&format!("EXPLAIN QUERY PLAN {sql}"), [], |row| row.get(3))
                .unwrap();
            assert_eq!(plan, expected);
        }
    }
}
