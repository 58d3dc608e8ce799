//! What is Twilio's own.

mod callbacks;
mod dialling;
mod documents;
mod fallback;
mod inbound_limits;
mod proxy;
mod support;
