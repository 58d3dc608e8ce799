//! What the emulator asks of a carrier, and the carriers that it can be.

use std::fmt::Debug;

use jiff::Timestamp;

use crate::emulator::{Reply, Shared};
use crate::exchange::ApiRequest;
use crate::outbox::Finished;
use crate::people::Manner;
use crate::plivo::Plivo;
use crate::telnyx::Telnyx;
use crate::twilio::Twilio;

/// A person calls us.
#[derive(Debug)]
pub(crate) struct InboundCall {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) manner: Manner,
    /// Where the called number points to; without one the carrier's own setting holds.
    pub(crate) webhook_url: Option<String>,
    pub(crate) fallback_url: Option<String>,
    pub(crate) status_callback: Option<String>,
}

/// What the control API makes a person do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed<'a> {
    Say(&'a str),
    Press(&'a str),
    HangUp,
}

/// One carrier: its API, its calls, its webhooks. Pure: time is an argument.
pub(crate) trait Dialect: Debug + Send + Sync {
    /// Its name in the control API, in faults and in URLs.
    fn provider(&self) -> &'static str;

    /// What the paths of its API begin with.
    fn root(&self) -> &'static str;

    /// Carries out a request to its API.
    fn request(&mut self, request: &ApiRequest, now: Timestamp, shared: &mut Shared) -> Reply;

    /// The call that a path names, be it known or not.
    fn call_in_path(&self, path: &str) -> Option<String>;

    /// Lets a person call; gives the call's id, or says what is missing.
    fn receive(
        &mut self,
        call: InboundCall,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<String, String>;

    /// Lets the person on the line do something; whether anything noticed. `None` if there is
    /// no such call or it is over.
    fn person(
        &mut self,
        id: &str,
        deed: Deed<'_>,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Option<bool>;

    /// When one of its calls next changes by itself.
    fn next_due(&self) -> Option<Timestamp>;

    /// Does the first thing that is due by `now`; whether there was one.
    fn step(&mut self, now: Timestamp, shared: &mut Shared) -> bool;

    /// Takes the last word on a webhook of one of its calls.
    fn webhook_finished(&mut self, finished: Finished, now: Timestamp, shared: &mut Shared);
}

/// The carriers that the emulator can be. A further one is a module, a row here, and its account
/// in the settings.
pub(crate) fn all() -> Vec<Box<dyn Dialect>> {
    vec![Box::<Twilio>::default(), Box::<Plivo>::default(), Box::<Telnyx>::default()]
}
