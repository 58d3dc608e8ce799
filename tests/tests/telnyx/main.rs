//! What is Telnyx' own.

mod commands;
mod deliveries;
mod dialling;
mod inbound;
mod listening;
mod support;
