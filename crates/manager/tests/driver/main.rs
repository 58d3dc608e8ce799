//! The driver around the machine, in virtual time, with a store that can refuse.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod commits;
mod listing;
mod looks;
mod queue;
mod queue_restarts;
mod restoring;
mod slots;
mod starting;
mod throttled;
mod two_carriers;
mod webhooks;
mod world;
