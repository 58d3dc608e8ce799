//! The default store: one SQLite file, one writer and one thread that reads. The writer works on a
//! thread of its own, or on that of a caller who may be blocked.

mod carrier_ids;
mod lock;
mod open_calls;
mod prune;
mod read;
mod schema;
mod thread;
mod write;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::{CallStore, Change, CommitError, HistoryQuery, Pruned, StoreError};
use crate::entry::StoredEntry;
use crate::record::CallRecord;
use carrier_ids::{CarrierId, CarrierIds, Newest};
use lock::Lock;
use open_calls::OpenCalls;
use thread::Worker;
use write::{EncodedChanges, Writer};

/// Keeps calls in an SQLite file (WAL, fsync on commit, mode 0600, one owner at a time).
#[derive(Debug)]
pub struct SqliteStore {
    // Closed in this order: the last to close writes the log back into the file, and a reader may
    // not.
    reader: Worker<Connection>,
    writing: Worker<Shared>,
    writer: Shared,
    open_calls: OpenCalls,
    newest_ids: Newest,
    /// What the last changes were encoded in: its memory is used again.
    room: Mutex<EncodedChanges>,
}

/// The one writer: of its own thread, and of whoever may be blocked.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<Writer>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the store {path} is in use by {owner}; stop that daemon, or give this one a store of its own"
    )]
    Locked {
        /// The file.
        path: String,
        /// Who has it.
        owner: String,
    },
    /// It cannot be written.
    #[error(
        "the store {path} cannot be written ({reason}); check the owner and mode of the file and its folder"
    )]
    NotWritable {
        /// The file.
        path: String,
        /// The system's own words.
        reason: String,
    },
    /// There is no room to write.
    #[error("the disk of the store {path} is full ({reason}); free some space on it")]
    Full {
        /// The file.
        path: String,
        /// The system's own words.
        reason: String,
    },
    /// Another program is in the midst of writing to it.
    #[error(
        "the store {path} is being written by another program ({reason}); end what has the file open, an SQLite shell say"
    )]
    Busy {
        /// The file.
        path: String,
        /// SQLite's own words.
        reason: String,
    },
    /// There is no folder for it.
    #[error("the folder of the store {path} does not exist; create it")]
    NoFolder {
        /// The file.
        path: String,
    },
    /// It is damaged.
    #[error(
        "the store {path} is damaged ({reason}); restore it from a backup, or move it away to start anew. Calls that it held may still be live at the carrier"
    )]
    Damaged {
        /// The file.
        path: String,
        /// SQLite's own words.
        reason: String,
    },
    /// It is a database of something else.
    #[error("{path} is an SQLite database of another program; choose another path for the store")]
    NotOurs {
        /// The file.
        path: String,
    },
    /// It was written by a newer version.
    #[error(
        "the store {path} has version {found}, and this program knows versions up to {known}; run the newer one"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: usize,
        /// The newest that is known here.
        known: usize,
    },
    /// Something else.
    #[error("the store {path} cannot be opened: {reason}")]
    Failed {
        /// The file.
        path: String,
        /// The system's own words.
        reason: String,
    },
}

impl OpenError {
    fn from_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.display().to_string();
        match error.kind() {
            ErrorKind::NotFound => Self::NoFolder { path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, reason: error.to_string() }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::Full { path, reason: error.to_string() }
            }
            _ => Self::Failed { path, reason: error.to_string() },
        }
    }

    fn from_sqlite(path: &str, error: &rusqlite::Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        // The memory that its connections share is a file, too, and this says only that it cannot
        // grow.
        if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::Full { path, reason };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::NotWritable { path, reason }
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, reason }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path, reason },
            Some(ErrorCode::DatabaseBusy) => Self::Busy { path, reason },
            _ => Self::Failed { path, reason },
        }
    }
}

/// What holds for every connection of ours.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(2))?;
    // Otherwise each new value that is bound compiles the statement anew, in case that statistics
    // (of which we keep none) know a better plan for it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

impl SqliteStore {
    /// Opens a store, or creates it, and brings its tables up to date.
    ///
    /// Blocks on the disk for a moment.
    ///
    /// # Errors
    /// See [`OpenError`]; each says what to do.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let lock = Lock::take(path)?;
        lock::private_file()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|file| lock::keep_private(&file))
            .map_err(|error| OpenError::from_io(path, &error))?;

        let name = path.display().to_string();
        let classify = |error: rusqlite::Error| OpenError::from_sqlite(&name, &error);
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(classify)?;
        settle(&connection).map_err(classify)?;
        schema::prepare(&mut connection, &name)?;

        let reader = Self::reader(path).map_err(classify)?;
        let open_calls = OpenCalls::read(&connection).map_err(classify)?;
        let carrier_ids = CarrierIds::read(&connection).map_err(classify)?;
        let newest_ids = carrier_ids.newest();
        let writer = Writer::new(connection, open_calls.clone(), carrier_ids, lock);
        let writer = Shared(Arc::new(Mutex::new(writer)));
        let spawned = |error: std::io::Error| OpenError::Failed {
            path: name.clone(),
            reason: error.to_string(),
        };
        Ok(Self {
            writing: Worker::spawn("offhook-store-writer", writer.clone()).map_err(spawned)?,
            writer,
            open_calls,
            newest_ids,
            reader: Worker::spawn("offhook-store-reader", reader).map_err(spawned)?,
            room: Mutex::default(),
        })
    }

    fn encode(&self, changes: &[Change]) -> EncodedChanges {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        EncodedChanges::encode(std::mem::take(&mut *room), changes)
    }

    fn keep_room(&self, mut encoded: EncodedChanges) {
        encoded.clear();
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = encoded;
    }

    fn reader(path: &Path) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        settle(&connection)?;
        Ok(connection)
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reader.run(|connection| query(connection)).await.unwrap_or(Err(StoreError::Closed))
    }
}

#[async_trait]
impl CallStore for SqliteStore {
    async fn load_live(
        &self,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        // Decoded by whoever keeps them: memory that one thread takes and another gives back is not
        // free for anybody before the first takes some again.
        let open = self.open_calls.clone();
        self.read(move |connection| read::load_live(connection, &open, after, limit))
            .await?
            .decode()
    }

    async fn get(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.read(move |connection| read::get(connection, id)).await
    }

    async fn find(
        &self,
        provider: &ProviderName,
        carrier_id: &str,
    ) -> Result<Option<CallRecord>, StoreError> {
        let (newest, id) = (self.newest_ids.clone(), CarrierId::new(provider, carrier_id));
        self.read(move |connection| read::find(connection, &newest, &id)).await
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<(CallId, [u8; 16])>, StoreError> {
        let key = key.to_owned();
        self.read(move |connection| read::find_idempotent(connection, &key)).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        // Encoded here, so that the writer's thread does nothing but write.
        let encoded = self.encode(changes);
        let write = move |writer: &mut Shared| (writer.lock().commit(&encoded), encoded);
        let closed = || CommitError::Refused { reason: "the store is closed".to_owned() };
        let (result, encoded) = self.writing.run(write).await.ok_or_else(closed)?;
        self.keep_room(encoded);
        result
    }

    fn commit_blocking(&self, changes: &[Change]) -> Option<Result<(), CommitError>> {
        let encoded = self.encode(changes);
        let result = self.writer.lock().commit(&encoded);
        self.keep_room(encoded);
        Some(result)
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(move |connection| read::changes(connection, after, limit)).await
    }

    async fn last_entry(&self) -> Result<u64, StoreError> {
        self.read(read::last_entry).await
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, StoreError> {
        let open = self.open_calls.clone();
        self.read(move |connection| read::history(connection, &open, query)).await
    }

    async fn timeline(&self, id: CallId) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(move |connection| read::timeline(connection, id)).await
    }

    async fn prune(&self, ended_before: Timestamp, rows: usize) -> Result<Pruned, StoreError> {
        let done = self.writing.run(move |writer| writer.lock().prune(ended_before, rows)).await;
        match done {
            Some(Ok(pruned)) => Ok(pruned),
            Some(Err(error)) => Err(read::failed(&error)),
            None => Err(StoreError::Closed),
        }
    }
}
