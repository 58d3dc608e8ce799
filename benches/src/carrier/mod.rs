//! The carriers' side of an inbound call: webhooks as each of them sends them, with their
//! signatures, and the answers to its commands.

mod commands;
mod plivo;
mod telnyx;
mod template;
mod twilio;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use offhook_core::{ProviderName, Transport, VoiceProvider, WebhookRequest};

pub(crate) use commands::ObedientCarrier;
pub(crate) use plivo::Plivo;
pub(crate) use telnyx::Telnyx;
pub(crate) use twilio::{TWILIO_ACCOUNT, Twilio};

/// Where carriers reach us.
pub(crate) const BASE: &str = "https://voice.example.com";

const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// A carrier, as far as inbound calls need one.
pub(crate) trait Carrier: fmt::Debug + Send + Sync {
    fn name(&self) -> ProviderName;

    /// Our side of it, whose commands go this way.
    fn provider(
        &self,
        transport: Arc<dyn Transport>,
    ) -> Result<Arc<dyn VoiceProvider>, Box<dyn Error>>;

    /// Commands a second. By default as configured by default.
    fn requests_per_second(&self) -> f64 {
        50.0
    }

    /// How many webhooks a call has.
    fn steps(&self) -> usize;

    /// The id of the call with this number: in no order, as a carrier's are.
    fn id(&self, number: u64) -> String;

    /// The whole signed request of a step, from 0, of the call with this id. It repeats what the
    /// carrier was told last; before that, nothing.
    fn request(&self, id: &str, step: usize, told: &str) -> Vec<u8>;

    /// The command without which this step does not come.
    fn comes_after(&self, _step: usize) -> Option<&'static str> {
        None
    }

    /// What a document tells that later requests repeat.
    fn told_by(&self, _document: &[u8]) -> Option<String> {
        None
    }

    /// What stands for what the carrier was told, where nobody tells it anything: of the same
    /// length, so that the generator's work is the same.
    fn stand_in(&self) -> &'static str;

    /// The answer to a command that is carried out.
    fn done(&self) -> &'static [u8];

    /// What we are measured against.
    fn baseline(&self) -> Baseline;
}

/// All of them.
pub(crate) fn all() -> [Arc<dyn Carrier>; 3] {
    [Arc::new(Twilio::new()), Arc::new(Plivo::new()), Arc::new(Telnyx::new())]
}

/// Whether a request with these headers and this body is taken.
pub(crate) type Check = dyn Fn(&HeaderMap, &[u8]) -> bool + Send + Sync;

/// What nobody can leave out of a webhook's handler, and the share of its rate that is promised.
pub(crate) struct Baseline {
    pub(crate) name: &'static str,
    /// Whether it takes a request.
    pub(crate) takes: Box<Check>,
    /// Calls of one connection in one round.
    pub(crate) calls: u64,
    /// In per cent, likewise the goal.
    pub(crate) limit: f64,
    pub(crate) goal: Option<f64>,
    /// The server's processor time for one webhook, in microseconds, beyond the crypto. `None`
    /// where the crypto alone takes more.
    pub(crate) time_limit: Option<f64>,
}

impl Baseline {
    /// Reads the body and looks at nothing.
    fn empty_handler() -> Self {
        Self {
            name: "an empty handler",
            takes: Box::new(|_, _| true),
            calls: 60,
            limit: 40.0,
            goal: Some(50.0),
            time_limit: Some(25.0),
        }
    }
}

/// A signed request.
fn request(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: voice.example.com\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("Content-Length: ");
    head.push_str(&body.len().to_string());
    head.push_str("\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The same as a provider is given it.
pub(crate) fn read(request: &[u8]) -> WebhookRequest {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n").expect("a head has an end");
    let head = std::str::from_utf8(&request[..end]).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a request has a path");
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header has a name");
        (name, HeaderValue::from_str(value).expect("a header's value is ASCII"))
    });
    WebhookRequest {
        method: Method::POST,
        url: format!("{BASE}{path}"),
        headers: headers.collect(),
        body: request[end + 4..].to_vec().into(),
    }
}

/// The query of the URL to which a document sends what it hears.
fn action_of(document: &[u8]) -> Option<String> {
    const ACTION: &str = " action=\"";
    let (_, action) = std::str::from_utf8(document).ok()?.split_once(ACTION)?;
    let url = action.split(['"', '#']).next()?;
    let query = url.find('?').map_or("", |at| &url[at..]);
    Some(query.replace("&amp;", "&"))
}

/// Thirty-two hexadecimal digits for the call with this number: in no order. Each has its own, since
/// the steps can be undone.
fn digits_of(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    format!("{mixed:016x}{number:016x}")
}

/// The same digits in the form of a UUID.
fn uuid_of(digits: &str) -> String {
    let part = |from, to| &digits[from..to];
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use offhook_core::{FaultKind, TransportFault, TransportRequest, TransportResponse, verify};
    use offhook_manager::{Clock, SystemClock};

    use super::*;

    #[derive(Debug)]
    struct Nobody;

    #[async_trait::async_trait]
    impl Transport for Nobody {
        async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportFault> {
            Err(TransportFault::not_sent(FaultKind::Connect, "nobody is there"))
        }
    }

    #[test]
    fn each_webhook_of_each_carrier_is_signed_and_is_another_delivery() {
        for carrier in all() {
            let provider = carrier.provider(Arc::new(Nobody)).unwrap();
            let mut keys = std::collections::HashSet::new();
            for number in [1, 2] {
                let id = carrier.id(number);
                for step in 0..carrier.steps() {
                    let told = if step == 0 { "" } else { carrier.stand_in() };
                    let request = carrier.request(&id, step, told);
                    let name = format!("{}, step {step}", carrier.name());
                    let webhook = read(&request);
                    let now = SystemClock.now();
                    let verified = verify(&*provider, &webhook, now).expect(&name);
                    let key = provider.verify_webhook(&webhook, now).expect(&name);
                    assert!(keys.insert(key), "{name}");
                    let parsed = provider.parse_webhook_event(&verified).expect(&name);
                    assert_eq!(parsed.offer.is_some(), step == 0, "{name}");
                    assert!(parsed.ids.iter().any(|it| it.value() == id), "{name}");
                    let takes = carrier.baseline().takes;
                    assert!(takes(&webhook.headers, &webhook.body), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_bare_check_takes_nothing_that_was_changed() {
        let telnyx = Telnyx::new();
        let mut webhook = read(&telnyx.request(&telnyx.id(1), 0, ""));
        let mut body = webhook.body.to_vec();
        body[10] ^= 1;
        webhook.body = body.into();
        assert!(!(telnyx.baseline().takes)(&webhook.headers, &webhook.body));
    }

    #[test]
    fn a_document_tells_where_to_go_on() {
        let document =
            br#"<Gather finish="1" action="https://a.example/w?call=1&amp;step=2#rc=3"/>"#;
        assert_eq!(action_of(document).as_deref(), Some("?call=1&step=2"));
        assert_eq!(action_of(b""), None);
    }

    #[test]
    fn digits_make_a_uuid() {
        assert_eq!(uuid_of(&digits_of(1)).len(), 36);
        assert_ne!(digits_of(1), digits_of(2));
    }
}
