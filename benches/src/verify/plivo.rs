//! Plivo: a query and a form, both sorted, and HMAC-SHA256 (V3).

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method};
use offhook_core::WebhookRequest;
use offhook_plivo::{Plivo, PlivoConfig};
use sha2::Sha256;

use super::{Contest, Nobody};
use crate::carrier::FORM;

const ACCOUNT: &str = "MAXXXXXXXXXXXXXXXXXX";
const TOKEN: &str = "NWQxMmFiYzkwZjc0ZDhlYjYxMjM3YTk1ZmUwYzRi";
const NONCE: &str = "31627761595286130198";
const ENDPOINT: &str = "https://voice.example.com/webhooks/plivo";
const SIGNATURE: &str = "x-plivo-signature-v3";
const NONCE_HEADER: &str = "x-plivo-signature-v3-nonce";

/// The webhooks of a call, each with its kind and what it adds to the parameters that all have.
const WEBHOOKS: [(&str, &[(&str, &str)]); 3] = [
    ("answer", &[("CallStatus", "in-progress"), ("Event", "StartApp")]),
    (
        "gather",
        &[
            ("BilledAmount", "0.02000"),
            ("CallStatus", "in-progress"),
            ("InputType", "speech"),
            ("Speech", "Good morning, I would like to move my appointment, please."),
            ("SpeechConfidenceScore", "0.9128386"),
        ],
    ),
    (
        "hangup",
        &[
            ("AnswerTime", "2026-03-04 09:30:33"),
            ("BillDuration", "60"),
            ("CallStatus", "completed"),
            ("Duration", "34"),
            ("EndTime", "2026-03-04 09:31:07"),
            ("Event", "Hangup"),
            ("HangupCauseCode", "4000"),
            ("HangupCauseName", "Normal Hangup"),
            ("HangupSource", "Caller"),
            ("StartTime", "2026-03-04 09:30:31"),
            ("TotalCost", "0.00850"),
        ],
    ),
];

pub(super) fn contest() -> Result<Contest, Box<dyn Error>> {
    let config = PlivoConfig::new(ACCOUNT, TOKEN)?;
    let key = Hmac::<Sha256>::new_from_slice(TOKEN.as_bytes())?;
    Ok(Contest {
        provider: Arc::new(Plivo::with_transport(config, Arc::new(Nobody))),
        requests: WEBHOOKS.iter().map(|(kind, own)| request(&key, kind, own)).collect(),
        now: jiff::Timestamp::UNIX_EPOCH,
        baseline: "decode, sort, HMAC",
        plain: Box::new(move |request| straightforward(&key, request)),
        limit: 1.3,
    })
}

/// Parameters in the order in which Plivo's own examples have them: in none.
fn request(key: &Hmac<Sha256>, kind: &str, own: &[(&str, &str)]) -> WebhookRequest {
    let common = [
        ("Direction", "inbound"),
        ("From", "442071838750"),
        ("ALegUUID", "9f0a6d1c-52c4-4c7e-9b1d-3e2f7a8b9c01"),
        ("BillRate", "0.0085"),
        ("ParentAuthID", ACCOUNT),
        ("To", "15550001234"),
        ("CallUUID", "9f0a6d1c-52c4-4c7e-9b1d-3e2f7a8b9c01"),
        ("SIP-H-To", "<sip:15550001234@52.9.11.55;transport=udp>;tag=1"),
        ("CallerName", "+442071838750"),
        ("SessionStart", "2026-03-04 09:30:31.238707"),
    ];
    let pairs = common.iter().chain(own);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let url = format!("{ENDPOINT}?call=01890a5d-ac96-774b-bcce-b302099a8057&step=3&kind={kind}");
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(FORM));
    headers.insert(NONCE_HEADER, HeaderValue::from_static(NONCE));
    let mut request = WebhookRequest { method: Method::POST, url, headers, body: body.into() };
    let signature = signature(key, &request, NONCE.as_bytes());
    let signature = HeaderValue::from_str(&signature).expect("base64 is a header's value");
    request.headers.insert(SIGNATURE, signature);
    request
}

fn signature(key: &Hmac<Sha256>, request: &WebhookRequest, nonce: &[u8]) -> String {
    let (base, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let mut of_query: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    of_query.sort();
    let mut of_body: Vec<_> = form_urlencoded::parse(&request.body).collect();
    of_body.sort();
    let mut mac = key.clone();
    mac.update(base.as_bytes());
    for (place, (name, value)) in of_query.iter().enumerate() {
        mac.update(if place == 0 { b"?" } else { b"&" });
        mac.update(name.as_bytes());
        mac.update(b"=");
        mac.update(value.as_bytes());
    }
    mac.update(b".");
    for (name, value) in of_body {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.update(b".");
    mac.update(nonce);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn straightforward(key: &Hmac<Sha256>, request: &WebhookRequest) -> bool {
    let header = |name: &str| request.headers.get(name).map(HeaderValue::as_bytes);
    let (Some(given), Some(nonce)) = (header(SIGNATURE), header(NONCE_HEADER)) else {
        return false;
    };
    given == signature(key, request, nonce).as_bytes()
}
