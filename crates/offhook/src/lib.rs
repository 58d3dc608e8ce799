//! Phone calls through Twilio, Plivo and Telnyx behind one Rust trait, and a manager that keeps the
//! truth of every call.
//!
//! ```
//! # #[cfg(feature = "twilio")] {
//! use offhook::twilio::{Twilio, TwilioConfig};
//! use offhook::VoiceProvider;
//!
//! let config = TwilioConfig::new("AC00000000000000000000000000000001", "the auth token")?;
//! let provider = Twilio::new(config)?;
//! assert_eq!(provider.name().as_str(), "twilio");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate has no logic: it re-exports what its features ask for.
//!
//! | feature | gives |
//! |---|---|
//! | `twilio` | [`twilio`], the provider |
//! | `plivo` | [`plivo`], the provider |
//! | `telnyx` | [`telnyx`], the provider |
//! | `manager` | [`manager`], which keeps calls true, and its memory store |
//! | `sqlite` | the manager's SQLite store |
//! | `full` | all of them |
//!
//! None is on by default. The types and the trait ([`VoiceProvider`]) are always there.

pub use offhook_core::*;
#[cfg(feature = "manager")]
pub use offhook_manager as manager;
#[cfg(feature = "plivo")]
pub use offhook_plivo as plivo;
#[cfg(feature = "telnyx")]
pub use offhook_telnyx as telnyx;
#[cfg(feature = "twilio")]
pub use offhook_twilio as twilio;

/// The snippets of the README are compiled as they stand there.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
