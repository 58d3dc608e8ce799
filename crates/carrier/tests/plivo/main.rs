//! The emulator against what Plivo documents, in virtual time.

mod commands;
mod control;
mod detection;
mod documents;
mod endings;
mod input;
mod lifecycle;
mod line;
mod lists;
mod rest;
mod runs;
mod webhooks;
