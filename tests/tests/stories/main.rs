//! What the product does, one file per part of the story.

mod calls;
mod conversation;
mod crash_effects;
mod dialling;
mod first_contact;
mod restart;
mod steering;
mod webhooks;
