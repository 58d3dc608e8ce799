//! Twilio: a form, sorted, and HMAC-SHA1.

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderValue, Method};
use offhook_core::WebhookRequest;
use offhook_twilio::{Twilio, TwilioConfig};
use sha1::Sha1;

use super::{Contest, Nobody};
use crate::carrier::{self, Template};

pub(super) fn contest() -> Result<Contest, Box<dyn Error>> {
    let config = TwilioConfig::new(carrier::ACCOUNT, carrier::TOKEN)?;
    let key = carrier::key();
    let requests = Template::all().iter().map(|template| request(template, &key)).collect();
    Ok(Contest {
        provider: Arc::new(Twilio::with_transport(config, Arc::new(Nobody))),
        requests,
        now: jiff::Timestamp::UNIX_EPOCH,
        baseline: "decode, sort, HMAC",
        plain: Box::new(move |request| straightforward(&key, request)),
        limit: 1.3,
    })
}

fn request(template: &Template, key: &Hmac<Sha1>) -> WebhookRequest {
    let url = format!(
        "{}{}?call=01890a5d-ac96-774b-bcce-b302099a8057&step=3&kind=gather",
        carrier::BASE,
        carrier::PATH
    );
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(carrier::FORM));
    let body = template.body(&carrier::sid(7)).into();
    let mut request = WebhookRequest { method: Method::POST, url, headers, body };
    let signature = signature(key, &request);
    let signature = HeaderValue::from_str(&signature).expect("base64 is a header's value");
    request.headers.insert("x-twilio-signature", signature);
    request
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
