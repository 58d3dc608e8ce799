//! Telnyx (Call Control, API v2) as an Offhook provider.
//!
//! ```
//! use offhook_telnyx::{Telnyx, TelnyxConfig};
//! use offhook_core::VoiceProvider;
//!
//! # #[cfg(feature = "http")] {
//! let config = TelnyxConfig::new(
//!     "KEY0123456789ABCDEF",
//!     "1494404757140276705",
//!     "ilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=",
//! )?;
//! let telnyx = Telnyx::new(config)?;
//! assert_eq!(telnyx.name().as_str(), "telnyx");
//! // Telnyx fetches no documents: it is told every step by a command.
//! assert!(!telnyx.capabilities().documents);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The application at Telnyx must have webhook API version 2 and send its webhooks by POST. What
//! decides is signed: our call id comes back as `client_state` in the signed body, and a repeated
//! delivery is known by its `data.id`, since Telnyx signs each attempt anew. The URL of a webhook is
//! not signed, and nothing of weight is read from it.
//!
//! What the other side says is transcribed until that is stopped; digits are reported at any time,
//! unasked. `gather` takes digits only and is not used.
//!
//! | file | holds |
//! |---|---|
//! | `provider` | [`Telnyx`] and its `VoiceProvider`: the only code that awaits |
//! | `config` | [`TelnyxConfig`]: key, connection, public keys, host |
//! | `public_key` | the forms in which a public key is written |
//! | `api` | REST requests built, pure |
//! | `answer` | REST answers and errors read, pure |
//! | `signature` | the Ed25519 signature of webhooks, and what may be wrong with one |
//! | `webhook` | verified requests read into events |
//! | `client_state` | our id on its way to Telnyx and back |
//! | `language` | languages and voices in Telnyx' words |
//! | `status` | Telnyx' words for how a call stands and why it ended |

mod answer;
mod api;
mod client_state;
mod config;
mod language;
mod provider;
mod public_key;
mod signature;
mod status;
mod webhook;

pub use config::{InvalidTelnyxConfig, TelnyxConfig};
pub use provider::{NAME, Telnyx};
pub use signature::{Explanation, SignedAs};
