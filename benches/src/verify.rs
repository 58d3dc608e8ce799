//! `verify_webhook` from the raw request, beside the straightforward loop: decode the form, sort,
//! HMAC.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use offhook_core::{
    FaultKind, Transport, TransportFault, TransportRequest, TransportResponse, VoiceProvider,
    WebhookRequest,
};
use offhook_twilio::{Twilio, TwilioConfig};
use sha1::Sha1;

use crate::carrier::{self, Template};
use crate::figures::median;

const ROUNDS: usize = 200;
const EACH: usize = 1_000;

/// A carrier that must not be asked.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Transport for Nobody {
    async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportFault> {
        Err(TransportFault::not_sent(FaultKind::Connect, "nobody is there"))
    }
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let config = TwilioConfig::new(carrier::ACCOUNT, carrier::TOKEN)?;
    let twilio = Twilio::with_transport(config, Arc::new(Nobody));
    let key = carrier::key();
    let requests: Vec<WebhookRequest> =
        Template::all().iter().map(|template| request(template, &key)).collect();
    for request in &requests {
        twilio.verify_webhook(request, Timestamp::UNIX_EPOCH)?;
        if !straightforward(&key, request) {
            return Err("the straightforward loop does not accept a genuine request".into());
        }
    }

    let measured = |one: &dyn Fn(&WebhookRequest) -> bool| {
        let begun = Instant::now();
        for request in requests.iter().cycle().take(EACH) {
            black_box(one(black_box(request)));
        }
        begun.elapsed()
    };
    let ours =
        |request: &WebhookRequest| twilio.verify_webhook(request, Timestamp::UNIX_EPOCH).is_ok();
    let loop_ = |request: &WebhookRequest| straightforward(&key, request);
    let pairs: Vec<(Duration, Duration)> =
        (0..ROUNDS).map(|_| (measured(&loop_), measured(&ours))).collect();

    let rate = |times: &mut dyn Iterator<Item = Duration>| {
        median(times.map(|time| EACH as f64 / time.as_secs_f64()))
    };
    let baseline = rate(&mut pairs.iter().map(|pair| pair.0));
    let own = rate(&mut pairs.iter().map(|pair| pair.1));
    let ratio = median(pairs.iter().map(|pair| pair.1.as_secs_f64() / pair.0.as_secs_f64()));
    println!("\nverify: one thread, {ROUNDS} pairs of {EACH}, medians");
    println!("  {:<34} {:>10} {:>10}", "", "per second", "each");
    for (name, rate) in [("decode, sort, HMAC", baseline), ("verify_webhook", own)] {
        println!("  {name:<34} {rate:>10.0} {:>7.2} µs", 1e6 / rate);
    }
    println!("  {:<34} {ratio:>10.2}   (wanted: at most 1.3)", "times the straightforward loop");
    Ok(())
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
