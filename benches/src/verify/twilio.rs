//! Twilio: a form, sorted, and HMAC-SHA1.

use std::error::Error;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderValue;
use offhook_core::WebhookRequest;
use sha1::Sha1;

use super::Contest;
use crate::carrier::Twilio;

pub(super) fn contest() -> Result<Contest, Box<dyn Error>> {
    let key = Twilio::key();
    let plain = move |request: &WebhookRequest| straightforward(&key, request);
    Contest::of(&Twilio::new(), "decode, sort, HMAC", Box::new(plain), 1.3)
}

fn signature(key: &Hmac<Sha1>, request: &WebhookRequest) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(&request.body).collect();
    pairs.sort();
    let mut mac = key.clone();
    mac.update(request.url.as_bytes());
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fn straightforward(key: &Hmac<Sha1>, request: &WebhookRequest) -> bool {
    let given = request.headers.get("x-twilio-signature").map(HeaderValue::as_bytes);
    given == Some(signature(key, request).as_bytes())
}
