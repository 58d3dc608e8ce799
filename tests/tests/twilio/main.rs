//! What is Twilio's own.

mod fallback;
mod inbound_limits;
