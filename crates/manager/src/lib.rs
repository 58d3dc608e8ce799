//! Keeps the truth of every phone call: persisted before it is acknowledged, verified with the
//! provider after a restart, bounded by timers that survive it.
//!
//! ```no_run
//! use std::sync::Arc;
//! use offhook_manager::{InitiateRequest, Manager, Policy, SqliteStore};
//! # use offhook_core::{Party, VoiceProvider};
//! # async fn run(provider: Arc<dyn VoiceProvider>) -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::new(provider.name());
//! let manager = Manager::builder(policy)
//!     .provider(provider)
//!     .store(Arc::new(SqliteStore::open("offhook.db")?))
//!     .start();
//! let to = Party::dialled("+15550001234")?;
//! let call = manager.initiate(InitiateRequest::new(manager.draw_id(), to)).await?;
//! println!("{} is {}", call.id, call.state.as_str());
//! # Ok(())
//! # }
//! ```
//!
//! From the inside out: a pure call [`machine`]; the sync [`Driver`] around it, which batches,
//! indexes, admits and schedules; a task that commits and *then* releases answers and effects; and
//! the [`Manager`], its handle. Stores are [`MemoryStore`] and `SqliteStore` (feature `sqlite`,
//! on by default).

mod clock;
mod driver;
mod entry;
mod events;
mod executor;
mod handle;
mod hashing;
mod logging;
pub mod machine;
mod policy;
mod record;
mod restore;
mod store;
mod task;
mod time;
mod turn;
mod watchers;

pub use clock::{Clock, SystemClock};
pub use driver::{
    Answer, Arrival, CallJob, CommandError, Counters, Driver, InitiateError, InitiateRequest, Job,
    JobKind, Released, Submission, Ticket, WebhookAnswer,
};
pub use entry::{Adoption, CommandWord, Entry, EntryKind, FoundStatus, RepliedPlan, StoredEntry};
pub use events::Events;
pub use handle::{Manager, ManagerBuilder, WebhookError};
pub use policy::{InboundPolicy, Policy, ProviderPolicy};
pub use record::{
    CallLimits, CallRecord, CallState, Carried, Dial, DialOutcome, Effect, EffectKind, Ending,
    Mode, Question, RecentWebhooks, Script, TakenWebhook, Throttled,
};
pub use restore::{Decision, RestoreReport, RestoredCall};
pub use store::{
    CallStore, Change, CommitError, HistoryQuery, Idempotency, MemoryStore, Pruned, StoreError,
    Which, stored,
};
#[cfg(feature = "sqlite")]
pub use store::{OpenError, SqliteStore};
pub use turn::{Asked, TurnOutcome};
