//! The webhooks of a call: what they say, where they go, how they are signed.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::PROVIDER;
use super::body::{Body, check_url};
use super::call::Call;
use super::refusal::Refusal;
use super::signature::sign;
use crate::content::{Content, Sealed};
use crate::emulator::Shared;
use crate::outbox::Order;
use crate::retry_policy::{Pauses, RetryPolicy};

/// The events that a client may name in its policies.
const NAMES: &[&str] = &[
    "call.answered",
    "call.bridged",
    "call.dtmf.received",
    "call.gather.ended",
    "call.hangup",
    "call.initiated",
    "call.machine.detection.ended",
    "call.machine.greeting.ended",
    "call.machine.premium.detection.ended",
    "call.machine.premium.greeting.ended",
    "call.playback.ended",
    "call.playback.started",
    "call.recording.error",
    "call.recording.saved",
    "call.refer.completed",
    "call.refer.failed",
    "call.refer.started",
    "call.speak.ended",
    "call.speak.started",
    "call.transcription",
    "streaming.failed",
    "streaming.started",
    "streaming.stopped",
];

/// Where the events of a call go, and how often.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets {
    /// Without one nobody is told.
    pub(crate) url: Option<String>,
    pub(crate) failover: Option<String>,
    by_event: BTreeMap<String, Vec<String>>,
    pauses: BTreeMap<String, Vec<Duration>>,
}

impl Targets {
    pub(crate) fn new(url: Option<String>, failover: Option<String>) -> Self {
        Self { url, failover, ..Self::default() }
    }

    /// Takes from a request what it says about webhooks.
    pub(crate) fn change(&mut self, body: &Body) -> Result<(), Refusal> {
        for name in ["webhook_url_method", "webhook_urls_method"] {
            if body.word(name, &["POST", "GET"])? == Some("GET") {
                let detail = "The emulator sends no webhooks by GET: what Telnyx signs then is \
                              not documented.";
                return Err(Refusal::bad(name, detail));
            }
        }
        let url = body.url("webhook_url")?;
        let mut changed = self.clone();
        changed.url = url.or(changed.url);
        if let Some(urls) = body.object("webhook_urls")? {
            changed.by_event = by_event(urls)?;
        }
        if let Some(policies) = body.object("webhook_retries_policies")? {
            changed.pauses = pauses(policies)?;
        }
        *self = changed;
        Ok(())
    }

    fn urls(&self, event: &str) -> Vec<String> {
        let named = self.by_event.get(event).cloned();
        named.unwrap_or_else(|| self.url.iter().cloned().collect())
    }

    /// The retries at the first URL, and then once at the failover URL.
    fn policy(&self, event: &str) -> (RetryPolicy, u32) {
        // How often Telnyx tries without a policy is not published.
        const TIMES: u32 = 3;
        let failover = u32::from(self.failover.is_some());
        let (pauses, retries) = match self.pauses.get(event) {
            Some(listed) => {
                let retries = u32::try_from(listed.len()).unwrap_or(u32::MAX);
                let mut listed = listed.clone();
                listed.extend(self.failover.iter().map(|_| Duration::ZERO));
                (Pauses::Listed(listed), retries)
            }
            None => (Pauses::Doubling { times: TIMES + failover }, TIMES),
        };
        let policy = RetryPolicy {
            connect_timeout: RESPONSE_TIME,
            read_timeout: RESPONSE_TIME,
            attempt: RESPONSE_TIME,
            total: Duration::MAX,
            pauses,
            on_4xx: false,
            on_overload: true,
            on_5xx: true,
            on_connect: true,
            on_read: true,
        };
        (policy, retries.saturating_add(1))
    }
}

/// How long a receiver has for its answer.
const RESPONSE_TIME: Duration = Duration::from_secs(2);

fn by_event(urls: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    const FIELD: &str = "webhook_urls";
    let mut found = BTreeMap::new();
    for (event, value) in urls {
        check_name(FIELD, event)?;
        let listed = match value {
            Value::Array(listed) => listed.iter().collect(),
            alone => vec![alone],
        };
        let listed =
            listed.into_iter().map(|url| check_url(FIELD, url.as_str().unwrap_or_default()));
        found.insert(event.clone(), listed.collect::<Result<_, _>>()?);
    }
    Ok(found)
}

fn pauses(policies: &Map<String, Value>) -> Result<BTreeMap<String, Vec<Duration>>, Refusal> {
    const FIELD: &str = "webhook_retries_policies";
    const MOST: usize = 5;
    const TOTAL: u64 = 60_000;
    let mut found = BTreeMap::new();
    for (event, policy) in policies {
        check_name(FIELD, event)?;
        let listed = policy["retries_ms"].as_array();
        let listed: Option<Vec<u64>> =
            listed.and_then(|listed| listed.iter().map(Value::as_u64).collect());
        let listed =
            listed.ok_or_else(|| Refusal::bad(FIELD, "retries_ms is a list of integers"))?;
        let total = listed.iter().fold(0_u64, |total, pause| total.saturating_add(*pause));
        if listed.len() > MOST || total > TOTAL {
            let detail = "There are at most 5 retries, and their delays are at most 60 seconds \
                          in total.";
            return Err(Refusal::bad(FIELD, detail));
        }
        found.insert(event.clone(), listed.into_iter().map(Duration::from_millis).collect());
    }
    Ok(found)
}

fn check_name(field: &str, event: &str) -> Result<(), Refusal> {
    if NAMES.contains(&event) {
        return Ok(());
    }
    Err(Refusal::unknown_event(field, event))
}

/// An event on its way: signed anew at each attempt, always of the same id.
#[derive(Debug)]
struct Event {
    url: String,
    failover: Option<String>,
    /// The attempts before the failover URL has its turn.
    attempts_at_url: u32,
    data: Value,
    signing_key: [u8; 32],
}

impl Content for Event {
    fn url(&self, attempt: u32) -> &str {
        let failover = self.failover.as_deref().filter(|_| attempt > self.attempts_at_url);
        failover.unwrap_or(&self.url)
    }

    fn sealed(&self, attempt: u32, now: Timestamp) -> Sealed {
        let meta = json!({ "attempt": attempt, "delivered_to": self.url(attempt) });
        let body = json!({ "data": self.data, "meta": meta }).to_string();
        let timestamp = now.as_second().to_string();
        let signature = sign(&self.signing_key, &timestamp, body.as_bytes());
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json"),
            (header::USER_AGENT, "telnyx-webhooks"),
            (HeaderName::from_static("telnyx-timestamp"), timestamp.as_str()),
            (HeaderName::from_static("telnyx-signature-ed25519"), signature.as_str()),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        Sealed { headers, body: Bytes::from(body) }
    }
}

/// An instant as Telnyx writes it, in microseconds.
pub(crate) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Tells of an event. Its `fields` stand beside what all events of a call say.
pub(crate) fn tell(
    call: &Call,
    event: &'static str,
    fields: &Value,
    at: Timestamp,
    shared: &mut Shared,
) {
    const LATE: f64 = 0.15;
    let account = &shared.settings.telnyx;
    let mut payload = Map::new();
    for (name, value) in [
        ("call_control_id", json!(call.control_id)),
        ("call_leg_id", json!(call.leg_id)),
        ("call_session_id", json!(call.session_id)),
        ("connection_id", json!(account.connection_id)),
        ("client_state", json!(call.client_state)),
    ] {
        payload.insert(name.to_owned(), value);
    }
    // What is said and heard names the call, not its parties.
    if !event.starts_with("call.speak.") && event != "call.transcription" {
        payload.insert("from".to_owned(), json!(call.from));
        payload.insert("to".to_owned(), json!(call.to));
    }
    payload.extend(fields.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
    let signing_key = account.signing_key;

    let data = json!({
        "record_type": "event",
        "event_type": event,
        "id": shared.chance.uuid(),
        "occurred_at": written(at),
        "payload": payload,
    });
    let params: BTreeMap<String, String> = payload
        .iter()
        .map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    let late = shared.chance.happens(shared.settings.late_callbacks, LATE);
    let leaves = if late {
        let delay = 0.2 + 2.0 * shared.chance.fraction();
        shared.settings.paced(at, delay)
    } else {
        at
    };
    let (policy, attempts_at_url) = call.targets.policy(event);
    for url in call.targets.urls(event) {
        let content = Event {
            url,
            failover: call.targets.failover.clone(),
            attempts_at_url,
            data: data.clone(),
            signing_key,
        };
        let order = Order {
            provider: PROVIDER,
            call: call.control_id.clone(),
            kind: event,
            method: Method::POST,
            content: Box::new(content),
            params: params.clone(),
            policy: policy.clone(),
        };
        shared.outbox.take(order, leaves, &mut shared.ledger);
    }
}
