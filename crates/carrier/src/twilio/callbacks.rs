//! The webhooks of a call: their parameters, their signature, their order.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use url::Url;

use super::PROVIDER;
use super::call::{Call, Phase, Progress, Target};
use super::overrides;
use super::signature::sign;
use super::view::rfc2822;
use crate::content::{Constant, Sealed};
use crate::emulator::Shared;
use crate::outbox::Order;

pub(crate) type Params = Vec<(String, String)>;

pub(crate) fn param(name: &str, value: &(impl ToString + ?Sized)) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// What every webhook of a call says.
fn common(call: &Call, status: &str, shared: &Shared) -> Params {
    vec![
        param("CallSid", &call.sid),
        param("AccountSid", &shared.settings.twilio.sid),
        param("From", &call.from),
        param("To", &call.to),
        param("Caller", &call.from),
        param("Called", &call.to),
        param("Direction", call.direction.word()),
        param("CallStatus", status),
        param("ApiVersion", "2010-04-01"),
    ]
}

/// Reports progress, if the client asked for this event.
pub(crate) fn progress(call: &mut Call, event: Progress, at: Timestamp, shared: &mut Shared) {
    if !call.instructions.events.contains(&event) {
        return;
    }
    let Some(target) = call.instructions.status_callback.clone() else { return };
    let status = match event {
        Progress::Initiated => "initiated",
        _ => call.phase.word(),
    };
    let mut params = common(call, status, shared);
    params.push(param("CallbackSource", "call-progress-events"));
    params.push(param("SequenceNumber", &call.sequence));
    params.push(param("Timestamp", &rfc2822(at)));
    if let Phase::Ended(end) = call.phase {
        let seconds = call.seconds();
        params.push(param("CallDuration", &seconds));
        params.push(param("Duration", &((seconds + 59) / 60)));
        params.push(param("SipResponseCode", &end.sip_code()));
    }
    if let Some(answered_by) = call.answered_by {
        params.push(param("AnsweredBy", answered_by));
    }
    call.sequence += 1;
    const LATE: f64 = 0.15;
    let late = shared.chance.happens(shared.settings.late_callbacks, LATE);
    let leaves = if late {
        let delay = 0.5 + 2.0 * shared.chance.fraction();
        shared.settings.paced(at, delay)
    } else {
        at
    };
    post(call, "status", &target, params, leaves, shared);
}

/// Reports the result of a detection that ran beside the call.
pub(crate) fn detection(call: &Call, at: Timestamp, shared: &mut Shared) {
    let Some(target) = call.instructions.detection_callback.clone() else { return };
    let Some(answered_by) = call.answered_by else { return };
    let took = call.answered.map_or(0, |answered| at.duration_since(answered).as_millis());
    let params = vec![
        param("CallSid", &call.sid),
        param("AccountSid", &shared.settings.twilio.sid),
        param("AnsweredBy", answered_by),
        param("MachineDetectionDuration", &took),
    ];
    post(call, "detection", &target, params, at, shared);
}

/// Reports words while they are spoken.
pub(crate) fn partial_speech(
    call: &Call,
    target: &Target,
    words: &str,
    at: Timestamp,
    shared: &mut Shared,
) {
    let mut params = common(call, call.phase.word(), shared);
    params.push(param("UnstableSpeechResult", words));
    params.push(param("SequenceNumber", "0"));
    params.push(param("Stability", "0.8"));
    post(call, "partial", target, params, at, shared);
}

/// Asks for a document; gives the number of the order, none if the URL is none.
pub(crate) fn document(
    call: &Call,
    target: &Target,
    extra: Params,
    at: Timestamp,
    shared: &mut Shared,
) -> Option<u64> {
    let mut params = common(call, call.phase.word(), shared);
    if let Some(answered_by) = call.answered_by {
        params.push(param("AnsweredBy", answered_by));
    }
    params.extend(extra);
    post(call, "document", target, params, at, shared)
}

fn post(
    call: &Call,
    kind: &'static str,
    target: &Target,
    params: Params,
    at: Timestamp,
    shared: &mut Shared,
) -> Option<u64> {
    let mut url = Url::parse(&target.url).ok()?;
    url.set_fragment(None);
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("TwilioProxy/1.1"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    let token = &shared.settings.twilio.auth_token;
    let (signature, body) = if target.method == Method::GET {
        url.query_pairs_mut().extend_pairs(&params);
        (sign(token, url.as_str(), &[]), Bytes::new())
    } else {
        let form = "application/x-www-form-urlencoded; charset=UTF-8";
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form));
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&params);
        (sign(token, url.as_str(), &params), Bytes::from(body.finish()))
    };
    set(&mut headers, "x-twilio-signature", &signature);
    set(&mut headers, "i-twilio-idempotency-token", &shared.chance.uuid());
    let order = Order {
        provider: PROVIDER,
        call: call.sid.clone(),
        kind,
        method: target.method.clone(),
        content: Box::new(Constant { url: url.into(), sealed: Sealed { headers, body } }),
        params: params.into_iter().collect::<BTreeMap<_, _>>(),
        policy: overrides::policy(&target.url),
    };
    Some(shared.outbox.take(order, at, &mut shared.ledger))
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
