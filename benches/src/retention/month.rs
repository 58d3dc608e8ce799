//! A database with a month of traffic in it: calls as they come out of a daemon, over for long.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, ProviderCallId, ProviderCallIds};
use offhook_manager::{
    CallRecord, CallStore, Change, Entry, HistoryQuery, SqliteStore, StoredEntry, Which,
};
use uuid::Uuid;

use crate::carrier::Carrier;
use crate::webhooks::{Connection, Daemon};

/// Numbers of calls that no round of the benchmark has.
const FIRST: u64 = 1 << 40;

const MONTH: Duration = Duration::from_hours(24 * 30);

/// How many calls one commit has: many, since each touches most of the index of carrier ids.
const BATCH: u64 = 10_000;

/// A call that is over, and all its entries.
#[derive(Debug)]
struct Sample {
    record: CallRecord,
    entries: Vec<Entry>,
}

/// Fills the database of a daemon in this folder with so many calls, the last of which ended at
/// `until`.
pub(super) async fn fill(
    carrier: &Arc<dyn Carrier>,
    folder: &Path,
    calls: u64,
    until: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let sample = sample(carrier).await?;
    let store = SqliteStore::open(folder.join("calls.db"))?;
    let apart = MONTH / u32::try_from(calls)?;
    for batch in 0..calls / BATCH {
        let changes: Vec<Change> = (batch * BATCH..(batch + 1) * BATCH)
            .map(|number| {
                let before = apart.saturating_mul(u32::try_from(calls - number).unwrap_or(0));
                sample.at(&**carrier, FIRST + number, until - before)
            })
            .collect();
        store.commit(&changes).await?;
    }
    Ok(())
}

/// Takes one call through a daemon.
async fn sample(carrier: &Arc<dyn Carrier>) -> Result<Sample, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let daemon = Daemon::start(carrier, folder.path()).await?;
    let mut connection = Connection::open(daemon.webhooks()).await?;
    let id = carrier.id(FIRST);
    let offer = carrier.request(&id, 0, "");
    daemon.load().call(&id, &offer, &mut connection, &mut Vec::new()).await?;
    drop(connection);
    daemon.stop().await?;
    let store = SqliteStore::open(folder.path().join("calls.db"))?;
    let query = HistoryQuery { which: Which::Ended, before: None, limit: 1 };
    let record = store.history(query).await?.pop().ok_or("the sample call has not ended")?;
    if record.is_open() {
        return Err("the sample call is not done".into());
    }
    let entries = store.timeline(record.id).await?;
    let entries = entries.into_iter().map(|StoredEntry { entry, .. }| entry).collect();
    Ok(Sample { record, entries })
}

impl Sample {
    /// The same call under a name of its own, ended at this instant.
    fn at(&self, carrier: &dyn Carrier, number: u64, ended_at: Timestamp) -> Change {
        let then = self.record.ended_at.unwrap_or(ended_at);
        let moved = |at: Timestamp| ended_at - then.duration_since(at);
        let record = &self.record;
        let kind = record.ids.current().map_or("", ProviderCallId::kind).to_owned();
        let value = carrier.id(number);
        let record = CallRecord {
            id: id_of(ended_at, number),
            ids: ProviderCallIds::of(ProviderCallId::new(kind, 0, value.as_str())),
            started_at: moved(record.started_at),
            answered_at: record.answered_at.map(moved),
            ended_at: Some(ended_at),
            updated_at: moved(record.updated_at),
            news_at: moved(record.news_at),
            state_since: moved(record.state_since),
            ..record.clone()
        };
        let entries =
            self.entries.iter().map(|entry| Entry { at: moved(entry.at), ..entry.clone() });
        Change {
            record: Arc::new(record),
            expected_revision: None,
            entries: entries.collect(),
            new_ids: vec![value],
            idempotency: None,
        }
    }
}

/// An id in order of time, as ours are (UUID version 7).
fn id_of(at: Timestamp, number: u64) -> CallId {
    let milliseconds = u128::try_from(at.as_millisecond()).unwrap_or_default();
    let mixed = u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 2);
    CallId::new(Uuid::from_u128(milliseconds << 80 | 7 << 76 | 2 << 62 | mixed))
}
