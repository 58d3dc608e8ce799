//! A carrier emulator: Twilio's voice API with its genuine paths, bodies,
//! signatures, retries and documents, and people who answer the phone.
//!
//! [`Emulator`] is a pure machine: requests and instants go in, answers and
//! webhooks come out. [`Carrier`] runs one, on any [`Clock`] and any
//! [`Delivery`], and serves it over HTTP.
//!
//! ```
//! use http::{HeaderMap, Method, StatusCode};
//! use offhook_carrier::{ApiRequest, Emulator, Settings};
//!
//! let mut emulator = Emulator::new(Settings::default());
//! let now = "2026-01-05T09:00:00Z".parse()?;
//! // A person calls; the emulator asks our webhook what to do.
//! let call = r#"{"provider": "twilio", "from": "+15550100009", "to": "+15550100100",
//!     "party": "says-yes", "webhook_url": "http://127.0.0.1:3334/webhooks/twilio"}"#;
//! let request = ApiRequest {
//!     method: Method::POST,
//!     path_and_query: "/emulator/calls".to_owned(),
//!     headers: HeaderMap::new(),
//!     body: call.into(),
//! };
//! let answer = emulator.request(&request, now)?;
//! assert_eq!(answer.status, StatusCode::CREATED);
//! let webhooks = emulator.poll(now);
//! assert_eq!(webhooks[0].url, "http://127.0.0.1:3334/webhooks/twilio");
//! assert!(webhooks[0].headers.contains_key("x-twilio-signature"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod control;
mod delivery;
mod emulator;
mod exchange;
mod faults;
mod outbox;
mod people;
mod random;
mod record;
mod retry_policy;
mod server;
mod settings;
mod shell;
mod twilio;

pub use clock::{Clock, SystemClock};
pub use delivery::{Delivery, HttpDelivery};
pub use emulator::Emulator;
pub use exchange::{
    Answered, ApiRequest, ApiResponse, ConnectionDropped, DeliveryFault, DeliveryId,
    OutgoingWebhook, WebhookAnswer,
};
pub use settings::{Habit, Settings, TwilioAccount};
pub use shell::Carrier;
