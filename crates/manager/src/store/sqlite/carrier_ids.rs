//! Which call has a carrier's id.
//!
//! These ids come in no order: in an index each new one is a page of its own, in every commit. So the
//! newest are appended to a table without one (`new_carrier_id`) and stand in memory, and later they are
//! placed into the index (`carrier_id`) in its own order, many of them on each page. A commit places
//! twice as many as it brings, so that none has to wait for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offhook_core::ProviderName;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::hashing::HashMap;

/// How many come together before they are placed.
const GATHERED: usize = 4096;

/// An id, as a carrier gave it. In the order of the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CarrierId {
    provider: ProviderName,
    value: String,
}

impl CarrierId {
    pub(super) fn new(provider: &ProviderName, value: &str) -> Self {
        Self { provider: provider.clone(), value: value.to_owned() }
    }
}

/// The owners of those that are not placed yet. Shared by who writes and who reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest(Arc<Mutex<Owners>>);

#[derive(Debug, Default)]
struct Owners {
    calls: HashMap<CarrierId, i64>,
    /// Whether nobody knows what the last commit wrote: the table has to be read.
    unclear: bool,
}

impl Newest {
    fn lock(&self) -> MutexGuard<'_, Owners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the call that has this id.
    pub(super) fn find(
        &self,
        connection: &Connection,
        id: &CarrierId,
    ) -> rusqlite::Result<Option<i64>> {
        let (owner, unclear) = {
            let owners = self.lock();
            (owners.calls.get(id).copied(), owners.unclear)
        };
        let owner_by = |sql: &str| {
            let mut statement = connection.prepare_cached(sql)?;
            let arguments = params![id.provider.as_str(), id.value];
            statement.query_row(arguments, |row| row.get(0)).optional()
        };
        if unclear && let Some(owner) = owner_by(AMONG_NEWEST)? {
            return Ok(Some(owner));
        }
        match owner {
            Some(owner) if !unclear => Ok(Some(owner)),
            _ => owner_by(PLACED),
        }
    }
}

const PLACED: &str = "SELECT call FROM carrier_id WHERE provider = ?1 AND value = ?2";
/// Goes through all of them.
const AMONG_NEWEST: &str = "SELECT call FROM new_carrier_id WHERE provider = ?1 AND value = ?2";

/// The ids, for the one who writes.
#[derive(Debug)]
pub(super) struct CarrierIds {
    newest: Newest,
    /// Those that come together, as they came.
    gathered: Vec<CarrierId>,
    /// Those that are being placed, the next at the end.
    placing: Vec<CarrierId>,
    /// The last row that is one of `placing`.
    last_placing: i64,
    /// What the commit under way brings.
    brought: HashMap<CarrierId, i64>,
    /// The last row that it wrote.
    last_row: i64,
    /// How many it places.
    placed: usize,
    /// Those that it takes from calls that are forgotten.
    forgotten: Vec<CarrierId>,
    gather: usize,
}

/// What new ids are written with.
pub(super) struct Claim<'t> {
    placed: CachedStatement<'t>,
    append: CachedStatement<'t>,
}

impl<'t> Claim<'t> {
    pub(super) fn prepare(connection: &'t Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            placed: connection.prepare_cached(PLACED)?,
            append: connection.prepare_cached(
                "INSERT INTO new_carrier_id (provider, value, call) VALUES (?1, ?2, ?3)",
            )?,
        })
    }
}

impl CarrierIds {
    /// Reads what an earlier run has not placed.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut ids = Self {
            newest: Newest::default(),
            gathered: Vec::new(),
            placing: Vec::new(),
            last_placing: 0,
            brought: HashMap::default(),
            last_row: 0,
            placed: 0,
            forgotten: Vec::new(),
            gather: GATHERED,
        };
        ids.read_again(connection)?;
        Ok(ids)
    }

    fn read_again(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut rows = connection
            .prepare("SELECT id, provider, value, call FROM new_carrier_id ORDER BY id")?;
        let mut rows = rows.query([])?;
        let (mut calls, mut gathered, mut last_row) = (HashMap::default(), Vec::new(), 0);
        while let Some(row) = rows.next()? {
            last_row = row.get(0)?;
            let provider = ProviderName::from(row.get::<_, String>(1)?);
            let id = CarrierId { provider, value: row.get(2)? };
            calls.insert(id.clone(), row.get(3)?);
            gathered.push(id);
        }
        *self.newest.lock() = Owners { calls, unclear: false };
        (self.gathered, self.last_row) = (gathered, last_row);
        self.placing.clear();
        self.place_what_was_gathered();
        Ok(())
    }

    /// What the reader sees of it.
    pub(super) fn newest(&self) -> Newest {
        self.newest.clone()
    }

    /// Begins a commit. What an earlier one left unclear is read.
    pub(super) fn begin(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.brought.clear();
        self.forgotten.clear();
        self.placed = 0;
        let unclear = self.newest.lock().unclear;
        if unclear { self.read_again(connection) } else { Ok(()) }
    }

    /// Gives an id to a call. `false` if another one has it.
    pub(super) fn claim(
        &mut self,
        statements: &mut Claim<'_>,
        id: CarrierId,
        call: i64,
    ) -> rusqlite::Result<bool> {
        let newest = self.newest.lock().calls.get(&id).copied();
        let owner = match self.brought.get(&id).copied().or(newest) {
            Some(owner) => Some(owner),
            None => {
                let arguments = params![id.provider.as_str(), id.value];
                statements.placed.query_row(arguments, |row| row.get(0)).optional()?
            }
        };
        if let Some(owner) = owner {
            return Ok(owner == call);
        }
        self.last_row = statements.append.insert(params![id.provider.as_str(), id.value, call])?;
        self.brought.insert(id, call);
        Ok(true)
    }

    /// Places some of the earlier ones, as the last thing before a commit.
    pub(super) fn place(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.placed = self.placing.len().min(2 * self.brought.len());
        if self.placed == 0 {
            return Ok(());
        }
        {
            let owners = self.newest.lock();
            // One that was read after a restart may have been placed before it.
            let mut insert = connection.prepare_cached(
                "INSERT INTO carrier_id (provider, value, call) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?;
            for id in self.placing.iter().rev().take(self.placed) {
                // One that is not there was forgotten with its call.
                if let Some(call) = owners.calls.get(id) {
                    insert.execute(params![id.provider.as_str(), id.value, call])?;
                }
            }
        }
        if self.placed == self.placing.len() {
            connection
                .prepare_cached("DELETE FROM new_carrier_id WHERE id <= ?1")?
                .execute([self.last_placing])?;
        }
        Ok(())
    }

    /// The commit was written.
    pub(super) fn committed(&mut self) {
        {
            let mut owners = self.newest.lock();
            for id in self.placing.drain(self.placing.len() - self.placed..) {
                owners.calls.remove(&id);
            }
            for (id, call) in self.brought.drain() {
                self.gathered.push(id.clone());
                owners.calls.insert(id, call);
            }
            for id in self.forgotten.drain(..) {
                owners.calls.remove(&id);
            }
        }
        self.placed = 0;
        self.place_what_was_gathered();
    }

    /// Nobody knows whether it was.
    pub(super) fn unclear(&mut self) {
        self.newest.lock().unclear = true;
    }

    fn place_what_was_gathered(&mut self) {
        if self.placing.is_empty() && self.gathered.len() >= self.gather {
            self.placing = std::mem::take(&mut self.gathered);
            self.placing.sort_unstable_by(|one, other| other.cmp(one));
            self.last_placing = self.last_row;
        }
    }

    /// Takes an id from a call that is forgotten. Gives how many rows that were.
    pub(super) fn forget(
        &mut self,
        connection: &Connection,
        id: CarrierId,
        call: i64,
    ) -> rusqlite::Result<usize> {
        let arguments = params![id.provider.as_str(), id.value, call];
        let mut rows = connection
            .prepare_cached(
                "DELETE FROM carrier_id WHERE provider = ?1 AND value = ?2 AND call = ?3",
            )?
            .execute(arguments)?;
        let is_new = self.newest.lock().calls.get(&id) == Some(&call);
        if is_new {
            rows += connection
                .prepare_cached(
                    "DELETE FROM new_carrier_id WHERE provider = ?1 AND value = ?2 AND call = ?3",
                )?
                .execute(arguments)?;
            self.forgotten.push(id);
        }
        Ok(rows)
    }

    /// Takes all ids from a call of which nobody knows which it has.
    pub(super) fn forget_all(
        &mut self,
        connection: &Connection,
        call: i64,
    ) -> rusqlite::Result<()> {
        for sql in
            ["DELETE FROM carrier_id WHERE call = ?1", "DELETE FROM new_carrier_id WHERE call = ?1"]
        {
            connection.execute(sql, [call])?;
        }
        let owners = self.newest.lock();
        let its = owners.calls.iter().filter(|(_, owner)| **owner == call);
        self.forgotten.extend(its.map(|(id, _)| id.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{schema, settle};
    use super::*;

    const PROVIDER: ProviderName = ProviderName::new("sample");

    fn file() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        settle(&connection).unwrap();
        schema::prepare(&mut connection, "a test").unwrap();
        connection
    }

    fn id(value: &str) -> CarrierId {
        CarrierId::new(&PROVIDER, value)
    }

    /// One that places as soon as ten are together.
    fn read(file: &Connection) -> CarrierIds {
        let mut ids = CarrierIds::read(file).unwrap();
        ids.gather = 10;
        ids.place_what_was_gathered();
        ids
    }

    #[derive(Clone, Copy)]
    enum End {
        Committed,
        RolledBack,
        /// Written or not, and nobody knows.
        Unclear(bool),
    }

    /// One commit; which ids their calls were given.
    fn commit(
        ids: &mut CarrierIds,
        file: &Connection,
        calls: &[(CarrierId, i64)],
        end: End,
    ) -> Vec<bool> {
        let transaction = file.unchecked_transaction().unwrap();
        ids.begin(&transaction).unwrap();
        let mut claim = Claim::prepare(&transaction).unwrap();
        let given =
            calls.iter().map(|(id, call)| ids.claim(&mut claim, id.clone(), *call).unwrap());
        let given = given.collect();
        drop(claim);
        ids.place(&transaction).unwrap();
        match end {
            End::Committed | End::Unclear(true) => transaction.commit().unwrap(),
            End::RolledBack | End::Unclear(false) => transaction.rollback().unwrap(),
        }
        match end {
            End::Committed => ids.committed(),
            End::RolledBack => {}
            End::Unclear(_) => ids.unclear(),
        }
        given
    }

    fn rows(file: &Connection, table: &str) -> i64 {
        file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    /// Every id is found with its call, and no other is.
    fn assert_found(ids: &CarrierIds, file: &Connection, expected: &BTreeMap<String, i64>) {
        for (value, call) in expected {
            assert_eq!(ids.newest().find(file, &id(value)).unwrap(), Some(*call), "{value}");
        }
        assert_eq!(ids.newest().find(file, &id("of nobody")).unwrap(), None);
    }

    /// In no order, as carriers' ids are.
    fn value(number: i64) -> String {
        format!("CA{:016x}", number.wrapping_mul(0x1E37_79B9_7F4A_7C15))
    }

    #[test]
    fn every_id_is_found_and_belongs_to_one_call_whatever_becomes_of_commits() {
        let file = file();
        let mut ids = read(&file);
        let mut expected = BTreeMap::new();
        for call in 1..=400_i64 {
            let new = (id(&value(call)), call);
            let taken = (id(&value((call + 1) / 2)), 1_000 + call);
            let own = new.clone();
            let (end, written) = match call % 31 {
                3 => (End::RolledBack, false),
                4 => (End::Unclear(true), true),
                5 => (End::Unclear(false), false),
                _ => (End::Committed, true),
            };
            let was_taken = expected.contains_key(&value((call + 1) / 2)) || call == 1;
            let given = commit(&mut ids, &file, &[new], end);
            assert_eq!(given, [true], "call {call}");
            if written {
                expected.insert(value(call), call);
            }
            assert_found(&ids, &file, &expected);
            if was_taken && written {
                let given = commit(&mut ids, &file, &[own, taken], End::RolledBack);
                assert_eq!(given, [true, false], "its own once more, and another's");
            }
            if call % 50 == 0 {
                // The process was killed and started.
                ids = read(&file);
                assert_found(&ids, &file, &expected);
            }
        }
        assert!(rows(&file, "carrier_id") > 200, "most are in their places");
        assert!(rows(&file, "new_carrier_id") < 40, "those that are leave the other table");
    }

    #[test]
    fn what_is_forgotten_is_found_no_longer_wherever_it_stands_and_may_be_given_again() {
        let file = file();
        let mut ids = read(&file);
        for call in 1..=27 {
            commit(&mut ids, &file, &[(id(&value(call)), call)], End::Committed);
        }
        let stand = [rows(&file, "carrier_id"), rows(&file, "new_carrier_id")];
        assert!(
            stand.iter().all(|rows| (5..=22).contains(rows)),
            "some here, some there: {stand:?}"
        );
        let mut expected: BTreeMap<_, _> = (1..=27).map(|call| (value(call), call)).collect();
        for call in 1..=27 {
            ids.begin(&file).unwrap();
            if call % 5 == 0 {
                ids.forget_all(&file, call).unwrap();
            } else {
                assert!(ids.forget(&file, id(&value(call)), call).unwrap() >= 1);
            }
            ids.committed();
            expected.remove(&value(call));
            assert_eq!(ids.newest().find(&file, &id(&value(call))).unwrap(), None, "{call}");
            assert_found(&ids, &file, &expected);
        }
        assert_eq!((rows(&file, "carrier_id"), rows(&file, "new_carrier_id")), (0, 0));
        for call in 1..=27 {
            let given = commit(&mut ids, &file, &[(id(&value(call)), 100 + call)], End::Committed);
            assert_eq!(given, [true]);
            expected.insert(value(call), 100 + call);
        }
        assert_found(&ids, &file, &expected);
        assert_found(&read(&file), &file, &expected);
    }

    #[test]
    fn two_calls_of_one_commit_do_not_get_one_id() {
        let file = file();
        let mut ids = read(&file);
        let both = [(id("CA1"), 1), (id("CA1"), 1), (id("CA1"), 2)];
        assert_eq!(commit(&mut ids, &file, &both, End::RolledBack), [true, true, false]);
    }
}
