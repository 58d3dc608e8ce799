//! The emulator against what Twilio documents, in virtual time.

mod documents;
mod endings;
mod faults;
mod lifecycle;
mod line;
mod people;
mod rest;
mod shell;
mod webhooks;
