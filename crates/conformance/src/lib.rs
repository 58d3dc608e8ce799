//! What every store must do, as one named test per case ([`store_suite!`]), and likewise every
//! provider ([`provider_suite!`]). Two carriers for tests: [`DocumentProvider`], which fetches
//! documents, and [`CommandProvider`], which is told step by step. [`Secrets`] searches what was
//! printed for what must not be. [`SmallDisk`] is soon full. [`Vocabulary`] reads documents back.
//!
//! Nothing here is published; the crates of the product use it as a development dependency.

mod document;
mod provider;
pub mod provider_suite;
pub mod samples;
mod secrets;
mod small_disk;
pub mod store;

pub use document::{Document, Vocabulary};
pub use secrets::Secrets;
pub use small_disk::SmallDisk;

pub use provider::{
    API_KEY, CommandProvider, DocumentProvider, Request, SECRET, SIGNATURE_HEADER, Scripted, Sent,
    TIMESTAMP_HEADER, TestProvider, signed, signed_as,
};
