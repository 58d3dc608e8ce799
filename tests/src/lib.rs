//! The world in which the assembled product is tested: the emulator as carrier behind real HTTP,
//! the daemon's own listeners and manager, a real store, and a clock that only moves when nothing
//! else does.
//!
//! Time is virtual and everything else is real. [`World::run_for`] moves the clock from one sleeper
//! to the next, and before each step waits until nothing is under way: no request, no webhook, no
//! commit.

mod clock;
mod daemon;
mod http;
mod in_process;
mod log;
mod store;
mod transport;
mod wire;
mod world;

pub use clock::VirtualClock;
pub use daemon::TOKEN;
pub use http::{Answer, form_signature};
pub use in_process::{EmulatorTransport, ManagerDelivery};
pub use log::Log;
pub use store::{Trouble, WatchedStore};
pub use wire::{signed_callback, statuses};
pub use world::{Setup, World};
