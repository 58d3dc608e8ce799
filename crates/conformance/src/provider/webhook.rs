//! The test carriers' webhooks: JSON, signed whole.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use offhook_core::{
    Answer, CallEvent, CallId, DedupeKey, Direction, Offer, ParsedWebhook, Party, ProviderCallId,
    ProviderCallIds, Step, UndecodableWebhook, VerifiedWebhook, WebhookRejection, WebhookReply,
    WebhookRequest,
};
use serde::{Deserialize, Serialize};

/// The header that the signature stands in.
pub const SIGNATURE_HEADER: &str = "x-test-signature";

/// The header that the time of signing stands in, where a test carrier tells one.
pub const TIMESTAMP_HEADER: &str = "x-test-timestamp";

/// How many seconds a signature that tells its time is good for, before and after.
const TOLERANCE: i64 = 300;

/// The key that the test carriers sign with.
pub const SECRET: &str = "test secret";

/// What a test carrier tells. Every field stands in the signed body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Makes two deliveries differ that say the same.
    pub delivery: u64,
    /// Our id, if the carrier brings it back.
    pub call: Option<CallId>,
    /// The step, if the carrier brings it back.
    pub step: Option<u32>,
    /// The carrier's id of the call.
    pub carrier_id: String,
    /// Who placed the call.
    pub direction: Option<Direction>,
    /// An inbound call that asks to be taken: from, to.
    pub offer: Option<(Party, Party)>,
    /// Whether it belongs to another account.
    pub foreign: bool,
    /// What happened.
    pub events: Vec<CallEvent>,
    /// Whether the carrier waits for a document.
    pub document: bool,
}

impl Sent {
    /// A report about a call, by the carrier's id alone.
    #[must_use]
    pub fn about(delivery: u64, carrier_id: impl Into<String>) -> Self {
        Self {
            delivery,
            call: None,
            step: None,
            carrier_id: carrier_id.into(),
            direction: None,
            offer: None,
            foreign: false,
            events: Vec::new(),
            document: false,
        }
    }

    /// With our id.
    #[must_use]
    pub const fn of(mut self, call: CallId) -> Self {
        self.call = Some(call);
        self
    }

    /// For this step.
    #[must_use]
    pub const fn step(mut self, step: u32) -> Self {
        self.step = Some(step);
        self
    }

    /// With this event, after those that it has.
    #[must_use]
    pub fn event(mut self, event: CallEvent) -> Self {
        self.events.push(event);
        self
    }

    /// As the first word of an inbound call.
    #[must_use]
    pub fn offering(mut self, from: &str, to: &str) -> Self {
        self.direction = Some(Direction::Inbound);
        self.offer = Some((Party::observed(from), Party::observed(to)));
        self
    }

    /// Waiting for a document.
    #[must_use]
    pub const fn waiting(mut self) -> Self {
        self.document = true;
        self
    }

    /// As the carrier sends it.
    #[must_use]
    pub fn signed(&self) -> WebhookRequest {
        signed(serde_json::to_vec(self).expect("a webhook of ours is JSON"))
    }
}

/// A request with this body and the right signature.
#[must_use]
pub fn signed(body: Vec<u8>) -> WebhookRequest {
    signed_as(SECRET, "https://voice.example.com/webhooks/test", None, body)
}

/// A request to this URL, signed with this key, at this second of Unix time if it is to tell one.
#[must_use]
pub fn signed_as(key: &str, url: &str, at: Option<i64>, body: Vec<u8>) -> WebhookRequest {
    let mut headers = HeaderMap::new();
    if let Some(at) = at {
        headers.insert(TIMESTAMP_HEADER, HeaderValue::from(at));
    }
    let mut request = WebhookRequest {
        method: Method::POST,
        url: url.to_owned(),
        headers,
        body: Bytes::from(body),
    };
    let value =
        HeaderValue::from_str(&signature(key, &request)).expect("hex digits may stand in a header");
    request.headers.insert(SIGNATURE_HEADER, value);
    request
}

/// Over the URL, the time if there is one, and the body.
fn signature(key: &str, request: &WebhookRequest) -> String {
    let at = request.headers.get(TIMESTAMP_HEADER).map_or(&b""[..], HeaderValue::as_bytes);
    let message = [request.url.as_bytes(), b"\n", at, b"\n", &request.body].concat();
    format!("{:032x}", digest(key, &message))
}

pub(super) fn verify(
    request: &WebhookRequest,
    previous: Option<&str>,
    now: Timestamp,
) -> Result<DedupeKey, WebhookRejection> {
    if !matches!(request.method, Method::GET | Method::POST) {
        return Err(WebhookRejection::Method);
    }
    let Some(given) = request.only_header(SIGNATURE_HEADER)? else {
        return Err(WebhookRejection::MissingHeader { header: SIGNATURE_HEADER });
    };
    let at = request.only_header(TIMESTAMP_HEADER)?;
    let mut keys = [SECRET].into_iter().chain(previous);
    if !keys.any(|key| signature(key, request).as_bytes() == given) {
        return Err(WebhookRejection::Mismatch);
    }
    if let Some(at) = at {
        let at: Option<i64> = std::str::from_utf8(at).ok().and_then(|text| text.parse().ok());
        let malformed = WebhookRejection::MalformedHeader { header: TIMESTAMP_HEADER };
        let seconds = now.as_second().saturating_sub(at.ok_or(malformed)?).saturating_abs();
        if seconds > TOLERANCE {
            return Err(WebhookRejection::Stale { seconds });
        }
    }
    Ok(DedupeKey(digest("", &request.body).to_be_bytes()))
}

pub(super) fn parse(
    kind: &'static str,
    webhook: &VerifiedWebhook<'_>,
) -> Result<ParsedWebhook, UndecodableWebhook> {
    let sent: Sent = serde_json::from_slice(&webhook.request().body)
        .map_err(|_| UndecodableWebhook { what: "the body is not what a test carrier sends" })?;
    let answer =
        if sent.document { Answer::Document } else { Answer::Fixed(WebhookReply::acknowledged()) };
    let ids = ProviderCallIds::of(ProviderCallId::new(kind, 1, sent.carrier_id));
    let mut parsed = ParsedWebhook::new(ids, answer);
    parsed.call = sent.call;
    parsed.step = sent.step.map(Step);
    parsed.direction = sent.direction;
    parsed.offer = sent.offer.map(|(from, to)| Offer { from, to });
    parsed.foreign = sent.foreign;
    parsed.events = sent.events;
    Ok(parsed)
}

/// FNV-1a with 128 bits: enough to notice a change, and nobody attacks a test.
fn digest(key: &str, body: &[u8]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let bytes = key.bytes().chain(body.iter().copied());
    bytes.fold(START, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandProvider, DocumentProvider};
    use offhook_core::{VoiceProvider, verify};

    fn sent() -> Sent {
        Sent::about(1, "CALL-1").step(2).event(CallEvent::Ringing)
    }

    #[test]
    fn a_signed_webhook_is_taken_and_read() {
        let provider = DocumentProvider::new();
        let request = sent().waiting().signed();
        let verified = verify(&provider, &request, Timestamp::UNIX_EPOCH).unwrap();
        let parsed = provider.parse_webhook_event(&verified).unwrap();
        assert_eq!(parsed.step, Some(Step(2)));
        assert_eq!(parsed.events, [CallEvent::Ringing]);
        assert_eq!(parsed.answer, Answer::Document);
    }

    #[test]
    fn a_missing_a_doubled_and_a_wrong_signature_are_refused() {
        let provider = CommandProvider::new();
        let refused = |request: &WebhookRequest| {
            verify(&provider, request, Timestamp::UNIX_EPOCH).map(drop).unwrap_err()
        };
        let mut request = sent().signed();
        request.body = Bytes::from_static(b"{}");
        assert_eq!(refused(&request), WebhookRejection::Mismatch);
        let mut request = sent().signed();
        request.headers.append(SIGNATURE_HEADER, HeaderValue::from_static("00"));
        assert!(matches!(refused(&request), WebhookRejection::MalformedHeader { .. }));
        request.headers.clear();
        assert!(matches!(refused(&request), WebhookRejection::MissingHeader { .. }));
    }

    #[test]
    fn a_delivery_and_its_repeat_have_one_key_and_another_delivery_has_another() {
        let key = |sent: &Sent| super::verify(&sent.signed(), None, Timestamp::UNIX_EPOCH).unwrap();
        let mut other = sent();
        other.delivery = 2;
        assert_eq!(key(&sent()), key(&sent()));
        assert_ne!(key(&sent()), key(&other));
    }

    #[test]
    fn a_body_that_cannot_be_read_is_an_error() {
        let provider = CommandProvider::new();
        let request = signed(b"\xFF{".to_vec());
        let verified = verify(&provider, &request, Timestamp::UNIX_EPOCH).unwrap();
        assert!(provider.parse_webhook_event(&verified).is_err());
    }
}
