//! The emulator against what Telnyx documents, in virtual time.

mod commands;
mod control;
mod endings;
mod keys;
mod lifecycle;
mod line;
mod listening;
mod lists;
mod rest;
mod speech;
mod transfer;
mod webhooks;
