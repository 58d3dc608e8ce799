//! The real binary, as a process: what it is given, what it says, and how it exits.

#![expect(clippy::unwrap_used, reason = "what helps tests fails like a test")]

mod support;

mod admin_api;
mod bad_store;
mod check;
mod commands;
mod configuration;
mod description;
mod explain;
mod failures;
mod killing;
mod proxies;
mod readme;
mod restart;
mod secrets;
mod steering;
mod store_faults;
mod webhooks;
