//! The call machine, told what happens and when: no carrier, no clock, no store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conversation;
mod dialling;
mod digits;
mod ending;
mod inbound;
mod invariants;
mod line;
mod notify;
mod order;
mod outbox;
mod pushes;
mod reports;
mod restart;
mod sending;
mod timeline;
mod timers;
