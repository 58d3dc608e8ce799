//! The types and the provider trait of [Offhook](https://github.com/offhook/offhook): one way to
//! place, receive and steer phone calls, whichever carrier takes them.
//!
//! ```
//! use offhook_core::{PhoneNumber, Party};
//!
//! let number: PhoneNumber = "+15550001234".parse()?;
//! assert_eq!(number.as_str(), "+15550001234");
//! // What is printed or logged is masked; only `as_str` tells the whole number.
//! assert_eq!(number.to_string(), "+15•••••••34");
//! assert!("0043 1 234".parse::<PhoneNumber>().is_err());
//! assert_eq!(Party::observed("Anonymous"), Party::Withheld);
//! # Ok::<(), offhook_core::InvalidNumber>(())
//! ```
//!
//! A carrier is a [`VoiceProvider`]. Bytes from a carrier go one way and never back:
//! [`WebhookRequest`] → [`verify`] → [`VerifiedWebhook`] → [`VoiceProvider::parse_webhook_event`]
//! → [`ParsedWebhook`]. Nothing in this crate reads a clock; `now` is an argument.
//!
//! Feature `http` (off by default) adds the guarded HTTPS client, `GuardedClient`.

mod call;
mod capabilities;
mod dial;
mod error;
mod event;
mod form;
#[cfg(feature = "http")]
mod http_client;
mod listen;
mod party;
mod plan;
mod private;
mod provider;
mod redact;
mod status;
mod transport;
mod webhook;

pub use call::{
    CallId, CallRef, Callbacks, CalledBack, ProviderCallId, ProviderCallIds, ProviderName, Step,
    Turn,
};
pub use capabilities::Capabilities;
pub use dial::{DialIntent, InitiatedCall, RunningCall, Search, carrier_limit_seconds};
pub use error::{ErrorClass, ProviderError};
pub use event::{AnsweredBy, CallEvent, Direction};
pub use form::{Form, FormPair, WebhookForm};
#[cfg(feature = "http")]
pub use http_client::{GuardedClient, HostPolicy, InvalidBaseUrl, is_public_address};
pub use listen::{DigitInput, InvalidDigitInput, Listen, ListenFor};
pub use party::{InvalidNumber, Party, PhoneNumber};
pub use plan::{
    CallPlan, Digits, InvalidText, Locale, RejectReason, Say, Speech, SpeechText, Then, Voice,
};
pub use private::PrivateText;
pub use provider::VoiceProvider;
pub use redact::mask_numbers;
pub use status::{CallStatus, Cause, EndReason, Progress};
pub use transport::{
    Connection, FaultKind, Transport, TransportFault, TransportRequest, TransportResponse,
};
pub use webhook::{
    Answer, DedupeKey, Offer, ParsedWebhook, UndecodableWebhook, VerifiedWebhook, WebhookRejection,
    WebhookReply, WebhookRequest, verify,
};
