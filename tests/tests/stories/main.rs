//! What the product does, one file per part of the story. Each is
//! played on every provider.

mod calls;
mod conversation;
mod crash_effects;
mod dialling;
mod first_contact;
mod guarded_client;
mod restart;
mod steering;
mod webhooks;
