//! A carrier emulator: the voice APIs of Twilio, Plivo and Telnyx with their genuine
//! paths, bodies, signatures, retries and documents, and people who answer the
//! phone.
//!
//! [`Emulator`] is a pure machine: requests and instants go in, answers and
//! webhooks come out. [`Carrier`] runs one, on any [`Clock`] and any
//! [`Delivery`], and serves it over HTTP.
//!
//! | carrier | its paths | whom it knows |
//! |---|---|---|
//! | Twilio | `/2010-04-01/Accounts/{sid}/Calls…` | [`TwilioAccount`] |
//! | Plivo | `/v1/Account/{auth_id}/Call/…`, `/v1/Account/{auth_id}/Request/{request_uuid}/` | [`PlivoAccount`], whose tokens sign webhooks |
//! | Telnyx | `/v2/calls…`, `/v2/connections/{id}/active_calls` | [`TelnyxAccount`], whose key signs webhooks |
//!
//! # Control
//!
//! Paths below `/emulator/` are no carrier's. They need no credentials.
//!
//! | request | does |
//! |---|---|
//! | `POST calls` `{from, to, provider?, party?, webhook_url?, fallback_url?, status_callback?}` | lets a person call at `twilio` (default), `plivo` or `telnyx`; 201 with the call |
//! | `GET calls` | lists all calls: id, provider, parties, direction, status |
//! | `GET calls/{id}` | all about one: what was heard, digits, documents, requests, webhooks |
//! | `POST calls/{id}/say` `{text}`, `…/dtmf` `{digits}` | the person speaks, presses keys; `noticed` tells whether anything listened |
//! | `POST calls/{id}/hangup` | the person hangs up |
//! | `POST faults` | orders a fault; `GET` lists those still to strike, `DELETE` clears them |
//! | `GET telnyx-public-key` | the key that Telnyx' webhooks verify with, as base64 text |
//!
//! Without a `webhook_url` the carrier's own setting holds. A `fallback_url` is
//! what Telnyx calls a failover URL; it has no status callback. Plivo's is the
//! hangup URL. The status of a call is in the carrier's words; an ended one at
//! Telnyx is `hangup`, and `cause` says why, as it does at Plivo. An outbound call
//! at Plivo answers to the id of its request as well as to its own.
//!
//! A `party` is `silent` (default), `says-yes`, `hangs-up` or
//! `answering-machine`. Called numbers decide by themselves: `+15550100001`
//! says yes, `…02` is busy, `…03` does not answer, `…04` fails, `…05` is an
//! answering machine, `…06` hangs up in mid-sentence, any other is silent.
//!
//! A fault is `{provider?, on?, match?, count?}` and at least one of these; it
//! befalls every carrier unless one is named:
//!
//! | key | `on: request` | `on: webhook` |
//! |---|---|---|
//! | `drop` | not carried out, connection closed | not sent, as if the connection failed |
//! | `drop_after_taking` | carried out, connection closed | sent, as if the answer never came |
//! | `http_status`, `body`, `content_type` | answered instead of being carried out | sent, as if it was answered so |
//! | `delay_ms` | carried out, answered later | sent later |
//! | `duplicate` | – | sent twice, the second answer is ignored |
//! | `reorder` | – | sent after the call's next webhook, or after 3 s |
//!
//! `on` is `webhook` for `duplicate` and `reorder`, else `request`; `match` is a
//! part of `METHOD path`, or of `KIND URL` of a webhook, whose kind is the one
//! that the call's `webhooks` show (at Telnyx the type of the event); `count`
//! is 1, or 0 for "until cleared".
//!
//! # Example
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

mod agenda;
mod basic_auth;
mod clock;
mod content;
mod control;
mod delivery;
mod dialect;
mod emulator;
mod exchange;
mod faults;
mod outbox;
mod overrides;
mod people;
mod plivo;
mod random;
mod record;
mod retry_policy;
mod server;
mod settings;
mod shell;
mod sound;
mod telnyx;
mod twilio;
mod xml;

pub use clock::{Clock, SystemClock};
pub use delivery::{Delivery, HttpDelivery};
pub use emulator::Emulator;
pub use exchange::{
    Answered, ApiRequest, ApiResponse, ConnectionDropped, DeliveryFault, DeliveryId,
    OutgoingWebhook, WebhookAnswer,
};
pub use record::{Heard, Line};
pub use settings::{Habit, PlivoAccount, Settings, TelnyxAccount, TwilioAccount};
pub use shell::Carrier;
