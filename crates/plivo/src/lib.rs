//! Plivo as an Offhook provider.
//!
//! ```
//! use offhook_plivo::{Plivo, PlivoConfig};
//! use offhook_core::VoiceProvider;
//!
//! # #[cfg(feature = "http")] {
//! let config = PlivoConfig::new("MAXXXXXXXXXXXXXXXXXX", "the auth token")?;
//! let plivo = Plivo::new(config)?;
//! assert_eq!(plivo.name().as_str(), "plivo");
//! // A call can be told something new by a command 70 times; see `Capabilities`.
//! assert_eq!(plivo.capabilities().pushes_per_call, Some(70));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Documents carry the script of a call; a command makes Plivo fetch the next one. The REST API's own
//! `Speak/` is not used, since nobody reports when it has ended.
//!
//! A call that was dialled is known by its `request_uuid` until a webhook brings its `CallUUID`. As long
//! as only the former is known, hanging up and asking look through the live and the queued calls for
//! the one of that request.
//!
//! For inbound calls, set the answer URL, the fallback URL and the hangup URL of the application in
//! Plivo's console to the webhook endpoint: no request can set them for a call that is there already.
//!
//! | file | holds |
//! |---|---|
//! | `provider` | [`Plivo`] and its `VoiceProvider`: the only code that awaits |
//! | `config` | [`PlivoConfig`]: account, tokens, host |
//! | `api` | REST requests, pure |
//! | `answer` | REST answers and errors, read |
//! | `signature` | the webhook signatures V3 and V2 |
//! | `explain` | what a signature was made of, for people who look for what is wrong |
//! | `webhook` | verified requests read into events |
//! | `reply` | plans rendered as Plivo XML |
//! | `voice` | which voice speaks which language |
//! | `status` | Plivo's words and codes for how a call stands and why it ended |

mod answer;
mod api;
mod config;
mod explain;
mod provider;
mod reply;
mod signature;
mod status;
mod voice;
mod webhook;

pub use config::{InvalidPlivoConfig, PlivoConfig};
pub use explain::{Explanation, SignedAs};
pub use provider::{NAME, Plivo};
