//! What the product does, one file per part of the story. Each is
//! played on every provider.

#![expect(clippy::unwrap_used, reason = "a story is a test, though `stories!` makes it one")]

mod calls;
mod conversation;
mod crash_effects;
mod dialling;
mod digits;
mod first_contact;
mod guarded_client;
mod lists;
mod queue;
mod restart;
mod steering;
mod webhooks;
