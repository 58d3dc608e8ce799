//! The world in which the assembled product is tested: the emulator as carrier behind real HTTP,
//! the daemon's own listeners and manager, a real store, and a clock that only moves when nothing
//! else does.
//!
//! Time is virtual and everything else is real. [`World::run_for`] moves the clock from one sleeper
//! to the next, and before each step waits until nothing is under way: no request, no webhook, no
//! commit.
//!
//! The daemon of a [`World`] has all providers that there are ([`PROVIDERS`]); [`Setup`] says on
//! which of them, and on which store, a story plays, and [`stories!`] makes a test of it for each
//! provider.

mod clock;
mod daemon;
mod http;
mod in_process;
mod log;
mod providers;
mod setup;
mod store;
mod transport;
mod wire;
mod world;

pub use clock::VirtualClock;
pub use daemon::TOKEN;
pub use http::Answer;
pub use in_process::{EmulatorTransport, ManagerDelivery};
pub use log::Log;
pub use providers::{
    Credentials, PROVIDERS, Provider, Refusal, Report, Request, Sender, Way, form_signature,
    provider,
};
pub use setup::{Setup, Store};
pub use store::{Trouble, WatchedStore};
pub use wire::{signed_callback, statuses};
pub use world::World;
