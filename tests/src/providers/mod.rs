//! The providers that there are: a row each. Another provider is another row, and a line in
//! [`stories!`](crate::stories).

mod plivo;
pub(crate) mod telnyx;
mod twilio;

use std::sync::Arc;

use offhook_carrier::Settings;
use offhook_core::{InvalidBaseUrl, ProviderName, Transport, VoiceProvider};
use serde_json::Value;
use url::Url;

pub use twilio::form_signature;

/// One provider: how it is built, how its carrier speaks, and what differs by nature.
#[derive(Debug)]
pub struct Provider {
    /// Its name, in our paths and in the emulator's control API.
    pub name: ProviderName,
    /// Builds it for the emulator's account.
    pub build: fn(&Settings, Credentials, Way) -> Arc<dyn VoiceProvider>,
    /// Builds it for a carrier out there, by its own client.
    pub guarded: fn(Url) -> Result<Arc<dyn VoiceProvider>, InvalidBaseUrl>,
    /// What the carrier sends to report this, signed.
    pub webhook: fn(&Settings, &Sender<'_>, &Report<'_>) -> Request,
    /// The emulator's settings, as somebody has them who has not the carrier's keys.
    pub stranger: fn(&mut Settings),
    /// The carrier's answer to a dial that it refuses, of a number that it writes so.
    pub refused_dial: fn(&str) -> Refusal,
    /// The carrier's answer to requests that come too fast.
    pub throttled: Refusal,
    /// The carrier's answer about a call that it does not know.
    pub no_such_call: Refusal,
    /// The code of its answer to credentials that it does not take, if its errors have one.
    pub revoked_code: Option<&'static str>,
    /// The fragment that our address has in the carrier's console.
    pub console_fragment: &'static str,
    /// How its request to hang up begins.
    pub hangs_up_by: &'static str,
    /// Its answer to a command that it takes, about the call of this id.
    pub taken: fn(&str) -> Value,
    /// The end reason of a call on which the other side hung up.
    pub person_hung_up: &'static str,
    /// The end reason of a call on which the other side hung up, as an answer to a question after
    /// it tells it.
    pub hung_up_by_status: &'static str,
    /// The end reason of a call that was busy, as an answer to a question after it tells it.
    pub busy_by_status: &'static str,
    /// How many seconds after the ring timeout an unclear dial is given up.
    pub dial_slack: u64,
    /// The requests by which it lists 501 calls, in order: a part of each.
    pub lists_501_calls_by: &'static [&'static str],
    /// The shape of its ids: one that no call has.
    pub unknown_id: &'static str,
}

/// All providers.
pub static PROVIDERS: &[Provider] = &[twilio::ROW, plivo::ROW, telnyx::ROW];

/// The provider of this name.
///
/// # Panics
/// There is none.
#[must_use]
pub fn provider(name: &str) -> &'static Provider {
    let found = PROVIDERS.iter().find(|provider| provider.name.as_str() == name);
    found.unwrap_or_else(|| panic!("there is no provider {name}"))
}

/// The way to the emulator.
#[derive(Debug)]
pub struct Way {
    /// Where it is.
    pub base: Url,
    /// What brings requests there.
    pub transport: Arc<dyn Transport>,
}

/// What a provider says to the carrier of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// The truth.
    Genuine,
    /// What was true once: the carrier refuses it, and its own webhooks are as good as ever.
    Revoked,
}

/// The carrier's answer to a request that it refuses.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The carrier's own code, which stands in the body, if its errors have one.
    pub code: Option<&'static str>,
    /// The body.
    pub body: std::borrow::Cow<'static, str>,
}

impl Refusal {
    const fn new(status: u16, code: Option<&'static str>, body: &'static str) -> Self {
        Self { status, code, body: std::borrow::Cow::Borrowed(body) }
    }

    /// A fault that answers so.
    #[must_use]
    pub fn fault(&self) -> Value {
        serde_json::json!({
            "http_status": self.status, "body": self.body, "content_type": "application/json",
        })
    }
}

/// On which call a webhook reports, and who says so.
#[derive(Debug)]
pub struct Sender<'a> {
    /// Where the webhooks of its provider arrive.
    pub url: String,
    /// No two requests have the same.
    pub number: u64,
    /// The time.
    pub now: jiff::Timestamp,
    /// Our id, if the call is to have one.
    pub call: Option<&'a str>,
    /// The carrier's id.
    pub id: &'a str,
    /// Whether we placed the call.
    pub is_outbound: bool,
    /// What the emulator knows of it; null if nothing.
    pub line: &'a Value,
    /// Whether it belongs to somebody else's account.
    pub is_foreign: bool,
}

/// What a webhook reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report<'a> {
    /// Somebody calls us, from this number: the first word of a call.
    Offered(&'a str),
    /// The call is connected.
    Answered,
    /// The person has said this.
    Said(&'a str),
    /// The person is saying this.
    Saying(&'a str),
    /// The call is over, in good order.
    Ended,
    /// Something of which nobody has ever heard, by this name.
    Strange(&'a str),
    /// Nothing that can be read.
    Unreadable,
}

/// A request to the webhook listener.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

/// The step of the document that is being carried out, where the carrier fetches documents.
fn step(line: &Value) -> u64 {
    let last = line["documents"].as_array().and_then(|all| all.last()).and_then(Value::as_str);
    let after = last.and_then(|last| last.split("step=").nth(1)).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}
