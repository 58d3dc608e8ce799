//! The carrier's side of an inbound call: forms as Twilio sends them, and their signatures.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "8f1c6b7de0a94c52b3f7a1d05e6c9b24";
pub(crate) const BASE: &str = "https://voice.example.com";
pub(crate) const PATH: &str = "/webhooks/twilio";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// What stands in a template where the call's own SID goes. Of the same length.
const SID: &str = "CA00000000000000000000000000000000";

/// The webhooks of a call, each with what it adds to the parameters that all have.
const WEBHOOKS: [&[(&str, &str)]; 5] = [
    &[("CallStatus", "ringing")],
    &[
        ("CallStatus", "in-progress"),
        ("Confidence", "0.9128386"),
        ("Language", "en-US"),
        ("SpeechResult", "Good morning, I would like to move my appointment, please."),
    ],
    &[("CallStatus", "in-progress"), ("Digits", "4711"), ("msg", "Gather End")],
    &[
        ("CallStatus", "in-progress"),
        ("Confidence", "0.8771003"),
        ("Language", "en-US"),
        ("SpeechResult", "Thursday at half past nine. Thanks & good bye!"),
    ],
    &[
        ("CallDuration", "34"),
        ("CallStatus", "completed"),
        ("CallbackSource", "call-progress-events"),
        ("Duration", "1"),
        ("SequenceNumber", "0"),
        ("Timestamp", "Wed, 04 Mar 2026 09:31:07 +0000"),
    ],
];

/// How many webhooks a call has.
pub(crate) const STEPS: usize = WEBHOOKS.len();

/// One webhook of any call.
#[derive(Debug)]
pub(crate) struct Template {
    body: String,
    body_sid: usize,
    signed: Vec<u8>,
    signed_sid: usize,
}

impl Template {
    fn of(own: &[(&str, &str)]) -> Self {
        let common = [
            ("AccountSid", ACCOUNT),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", SID),
            ("Called", "+15550001234"),
            ("CalledCountry", "US"),
            ("Caller", "+442071838750"),
            ("CallerCity", "LONDON"),
            ("CallerCountry", "GB"),
            ("Direction", "inbound"),
            ("From", "+442071838750"),
            ("FromCity", "LONDON"),
            ("FromCountry", "GB"),
            ("To", "+15550001234"),
            ("ToCity", ""),
            ("ToCountry", "US"),
            ("ToState", "CA"),
        ];
        let pairs: BTreeSet<(&str, &str)> = common.iter().chain(own).copied().collect();
        let mut body = form_urlencoded::Serializer::new(String::new());
        let mut signed = String::new();
        for (name, value) in pairs {
            body.append_pair(name, value);
            signed.push_str(name);
            signed.push_str(value);
        }
        let body = body.finish();
        Self {
            body_sid: body.find(SID).expect("the SID stands in each form"),
            body,
            signed_sid: signed.find(SID).expect("the SID stands in each form"),
            signed: signed.into_bytes(),
        }
    }

    /// The templates of a call's webhooks, in order.
    pub(crate) fn all() -> [Self; STEPS] {
        WEBHOOKS.map(Self::of)
    }

    /// The body for this call.
    pub(crate) fn body(&self, sid: &str) -> Vec<u8> {
        let mut body = self.body.clone().into_bytes();
        body[self.body_sid..][..SID.len()].copy_from_slice(sid.as_bytes());
        body
    }

    /// The whole signed request: `query` begins with its question mark, or is empty.
    pub(crate) fn request(&self, sid: &str, query: &str, key: &Hmac<Sha1>) -> Vec<u8> {
        let mut mac = key.clone();
        mac.update(BASE.as_bytes());
        mac.update(PATH.as_bytes());
        mac.update(query.as_bytes());
        mac.update(&self.signed[..self.signed_sid]);
        mac.update(sid.as_bytes());
        mac.update(&self.signed[self.signed_sid + SID.len()..]);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let mut request = format!(
            "POST {PATH}{query} HTTP/1.1\r\nHost: voice.example.com\r\n\
             User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nContent-Type: {FORM}\r\n\
             Content-Length: {}\r\nX-Twilio-Signature: {signature}\r\n\
             I-Twilio-Idempotency-Token: 6c1b2cf1-6bd0-4b0f-9d3c-3f6f1f0a7d11\r\n\r\n",
            self.body.len()
        )
        .into_bytes();
        let start = request.len();
        request.extend_from_slice(self.body.as_bytes());
        request[start + self.body_sid..][..SID.len()].copy_from_slice(sid.as_bytes());
        request
    }
}

/// The SID of the call with this number: in no order, as a carrier's are. Each has its own, since
/// the steps can be undone.
pub(crate) fn sid(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    format!("CA{mixed:016x}{number:016x}")
}

pub(crate) fn key() -> Hmac<Sha1> {
    Hmac::new_from_slice(TOKEN.as_bytes()).expect("HMAC takes a key of any length")
}
