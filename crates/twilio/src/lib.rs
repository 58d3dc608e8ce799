//! Twilio as an Offhook provider.
//!
//! ```
//! use offhook_twilio::{Twilio, TwilioConfig};
//! use offhook_core::VoiceProvider;
//!
//! # #[cfg(feature = "http")] {
//! let config = TwilioConfig::new("AC00000000000000000000000000000001", "the auth token")?;
//! let twilio = Twilio::new(config)?;
//! assert_eq!(twilio.name().as_str(), "twilio");
//! assert!(twilio.capabilities().documents);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Status callbacks are taken in whatever order they come; `SequenceNumber` is not needed for it, since
//! progress only goes forward and an end is an end.
//!
//! | file | holds |
//! |---|---|
//! | `provider` | [`Twilio`] and its `VoiceProvider`: the only code that awaits |
//! | `config` | [`TwilioConfig`]: account, tokens, hosts |
//! | `api` | REST requests built and answers read, both pure |
//! | `signature` | the webhook signature in all its variants |
//! | `webhook` | verified requests read into events |
//! | `reply` | plans rendered as TwiML |
//! | `status` | Twilio's status words |

mod api;
mod config;
mod provider;
mod reply;
mod signature;
mod status;
mod webhook;

pub use config::{InvalidTwilioConfig, TwilioConfig};
pub use provider::{NAME, Twilio};
pub use signature::{Explanation, SignedAs};
