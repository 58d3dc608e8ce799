//! Plivo: a query and a form, both sorted, and HMAC-SHA256 (V3).

use std::error::Error;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderValue;
use offhook_core::WebhookRequest;
use sha2::Sha256;

use super::Contest;
use crate::carrier::Plivo;

pub(super) fn contest() -> Result<Contest, Box<dyn Error>> {
    let key = Plivo::key();
    let plain = move |request: &WebhookRequest| straightforward(&key, request);
    Contest::of(&Plivo::new(), "decode, sort, HMAC", Box::new(plain), 1.3)
}

fn signature(key: &Hmac<Sha256>, request: &WebhookRequest, nonce: &[u8]) -> String {
    let (base, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let mut of_query: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    of_query.sort();
    let mut of_body: Vec<_> = form_urlencoded::parse(&request.body).collect();
    of_body.sort();
    let mut mac = key.clone();
    mac.update(base.as_bytes());
    mac.update(b"?");
    for (place, (name, value)) in of_query.iter().enumerate() {
        if place > 0 {
            mac.update(b"&");
        }
        mac.update(name.as_bytes());
        mac.update(b"=");
        mac.update(value.as_bytes());
    }
    if !of_query.is_empty() {
        mac.update(b".");
    }
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
    let (Some(given), Some(nonce)) =
        (header("x-plivo-signature-v3"), header("x-plivo-signature-v3-nonce"))
    else {
        return false;
    };
    given == signature(key, request, nonce).as_bytes()
}
