//! The real binary, as a process: what it is given, what it says, and how it exits.

mod support;

mod admin_api;
mod bad_store;
mod commands;
mod configuration;
mod restart;
mod webhooks;
