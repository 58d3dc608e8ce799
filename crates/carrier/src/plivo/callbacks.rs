//! The webhooks of a call: their parameters, their order.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::PROVIDER;
use super::call::{Call, Phase};
use super::content::{Signed, Tokens};
use super::fetching::{Purpose, Target};
use super::view::{money, utc};
use crate::emulator::Shared;
use crate::outbox::Order;
use crate::overrides::{self, Longest};
use crate::retry_policy::{Pauses, RetryPolicy};

pub(crate) type Params = Vec<(String, String)>;

pub(crate) fn param(name: &str, value: &(impl ToString + ?Sized)) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// What holds without overrides.
const fn default_policy() -> RetryPolicy {
    RetryPolicy {
        connect_timeout: Duration::from_millis(2_000),
        read_timeout: Duration::from_millis(40_000),
        attempt: Duration::MAX,
        total: Duration::from_millis(55_000),
        pauses: Pauses::Doubling { times: 1 },
        on_4xx: false,
        on_overload: false,
        on_5xx: false,
        on_connect: true,
        on_read: true,
    }
}

const LONGEST: Longest = Longest { connect: 10_000, read: 40_000, total: 55_000 };

/// What every webhook of a call says.
fn common(call: &Call, event: Option<&str>, shared: &Shared) -> Params {
    let mut params = vec![
        param("CallUUID", &call.id),
        param("From", &call.from),
        param("To", &call.to),
        param("Direction", call.direction()),
        param("CallStatus", call.phase.word()),
        param("CallerName", call.terms.caller_name.as_deref().unwrap_or(&call.from)),
        param("BillRate", call.bill_rate()),
        param("ParentAuthID", &shared.settings.plivo.auth_id),
        param("SessionStart", &utc(call.created)),
    ];
    if let Some(event) = event {
        params.push(param("Event", event));
    }
    if let Some(request_id) = &call.request_id {
        params.push(param("RequestUUID", request_id));
        params.push(param("ALegUUID", &call.id));
        params.push(param("ALegRequestUUID", request_id));
    }
    params
}

/// Tells that an outbound call rings.
pub(crate) fn ring(call: &Call, at: Timestamp, shared: &mut Shared) {
    let Some(target) = call.terms.ring.clone() else { return };
    let params = common(call, Some("Ring"), shared);
    let leaves = told_at(at, shared);
    post(call, "ring", &target, params, leaves, shared);
}

/// Tells that the call is over.
pub(crate) fn hangup(call: &Call, at: Timestamp, shared: &mut Shared) {
    let Phase::Ended(ending) = call.phase else { return };
    let Some(target) = call.terms.hangup.clone() else { return };
    let mut params = common(call, Some("Hangup"), shared);
    let seconds = call.seconds();
    let time = |at: Option<Timestamp>| at.map(utc).unwrap_or_default();
    params.extend([
        param("HangupCause", ending.cause),
        param("HangupCauseCode", &ending.code),
        param("HangupCauseName", ending.name),
        param("HangupSource", ending.source),
        param("Duration", &seconds),
        param("BillDuration", &call.billed_seconds()),
        param("TotalCost", &money(call.cost())),
        param("StartTime", &utc(call.created)),
        param("AnswerTime", &time(call.answered)),
        param("EndTime", &time(call.ended)),
    ]);
    if let Some(machine) = call.machine {
        params.push(param("Machine", &machine));
    }
    let leaves = told_at(at, shared);
    post(call, "hangup", &target, params, leaves, shared);
}

/// Reports the result of a detection that ran beside the call.
pub(crate) fn detection(call: &Call, target: &Target, at: Timestamp, shared: &mut Shared) {
    let Some(machine) = call.machine else { return };
    let hangs_up = call.terms.detection.as_ref().is_some_and(|detection| detection.hangs_up);
    let mut params = common(call, Some("MachineDetection"), shared);
    params.push(param("Machine", &machine));
    params.push(param("IfMachine", if hangs_up { "hangup" } else { "continue" }));
    post(call, "detection", target, params, at, shared);
}

/// Reports words while they are spoken.
pub(crate) fn interim_speech(
    call: &Call,
    target: &Target,
    words: &str,
    at: Timestamp,
    shared: &mut Shared,
) {
    let mut params = common(call, None, shared);
    params.extend([
        param("StableSpeech", ""),
        param("UnstableSpeech", words),
        param("Stability", "0.8"),
        param("SequenceNumber", "0"),
    ]);
    post(call, "interim", target, params, at, shared);
}

/// Asks for a document, or tells an action that is not followed; gives the number of the order,
/// none if the URL is none.
pub(crate) fn document(
    call: &Call,
    purpose: Purpose,
    target: &Target,
    extra: Params,
    at: Timestamp,
    shared: &mut Shared,
) -> Option<u64> {
    let (event, kind) = match purpose {
        Purpose::Answer => ("StartApp", "answer"),
        Purpose::Action => ("Redirect", "action"),
        Purpose::Transfer => ("Redirect", "transfer"),
        Purpose::Redirect => ("Redirect", "redirect"),
    };
    let mut params = common(call, Some(event), shared);
    if purpose == Purpose::Answer
        && let Some(machine) = call.machine
    {
        params.push(param("Machine", &machine));
    }
    params.extend(extra);
    post(call, kind, target, params, at, shared)
}

/// When something is told that nobody waits for.
fn told_at(at: Timestamp, shared: &mut Shared) -> Timestamp {
    const LATE: f64 = 0.15;
    if shared.chance.happens(shared.settings.late_callbacks, LATE) {
        let delay = 0.5 + 2.0 * shared.chance.fraction();
        return shared.settings.paced(at, delay);
    }
    at
}

fn post(
    call: &Call,
    kind: &'static str,
    target: &Target,
    params: Params,
    at: Timestamp,
    shared: &mut Shared,
) -> Option<u64> {
    let tokens = Tokens::of(&shared.settings.plivo);
    let is_form = target.method != Method::GET;
    let nonce = shared.chance.id();
    let content = Signed::new(&target.url, is_form, &params, tokens, nonce)?;
    let order = Order {
        provider: PROVIDER,
        call: call.id.clone(),
        kind,
        method: target.method.clone(),
        content: Box::new(content),
        params: params.into_iter().collect::<BTreeMap<_, _>>(),
        policy: overrides::policy(&target.url, default_policy(), LONGEST),
    };
    Some(shared.outbox.take(order, at, &mut shared.ledger))
}
