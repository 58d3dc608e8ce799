//! A call as the REST API shows it: while it lives, and as the record that comes after its end.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Phase};

/// Minutes are what is paid for.
const BILLED: i64 = 60;

/// An instant in the form of the callbacks, which is UTC.
pub(crate) fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn with_zone(at: Timestamp) -> String {
    format!("{}+00:00", utc(at))
}

pub(crate) fn money(amount: f64) -> String {
    format!("{amount:.5}")
}

impl Call {
    pub(crate) const fn bill_rate(&self) -> &'static str {
        if self.is_inbound() { "0.0055" } else { "0.01000" }
    }

    /// The seconds that are paid for.
    pub(crate) fn billed_seconds(&self) -> i64 {
        // Whole minutes.
        (self.seconds() + BILLED - 1) / BILLED * BILLED
    }

    pub(crate) fn cost(&self) -> f64 {
        let rate: f64 = self.bill_rate().parse().unwrap_or_default();
        // A call's minutes are few.
        let minutes = i32::try_from(self.billed_seconds() / BILLED).unwrap_or(i32::MAX);
        rate * f64::from(minutes)
    }
}

/// A call that waits in the queue, or is live. A waiting one has no id of its own yet.
pub(crate) fn current(call: &Call, api_id: &str) -> Value {
    let id = if call.is_queued() { call.request_id.as_deref() } else { None };
    json!({
        "api_id": api_id,
        "call_status": call.phase.word(),
        "call_uuid": id.unwrap_or(&call.id),
        "caller_name": call.terms.caller_name.as_deref().unwrap_or(&call.from),
        "direction": call.direction(),
        "from": call.from,
        "to": call.to,
        "request_uuid": call.request_id,
        "session_start": with_zone(call.created),
    })
}

/// The record of a call that is over. It has no `call_status`.
pub(crate) fn record(account: &str, call: &Call) -> Value {
    let Phase::Ended(ending) = call.phase else { return Value::Null };
    let time = |at: Option<Timestamp>| at.map(with_zone);
    let call_state = match (call.answered, ending.status) {
        (Some(_), _) => "ANSWER",
        (None, "busy") => "BUSY",
        (None, "no-answer" | "timeout") => "NO_ANSWER",
        (None, "cancel") => "CANCEL",
        (None, _) => "FAILED",
    };
    json!({
        "answer_time": time(call.answered),
        "bill_duration": call.seconds(),
        "billed_duration": call.billed_seconds(),
        "call_direction": call.direction(),
        "call_duration": call.seconds(),
        "call_state": call_state,
        "call_uuid": call.id,
        "conference_uuid": null,
        "end_time": time(call.ended),
        "from_number": call.from,
        "hangup_cause_code": ending.code,
        "hangup_cause_name": ending.name,
        "hangup_source": ending.source,
        "initiation_time": time(call.started),
        "parent_call_uuid": null,
        "resource_uri": format!("/v1/Account/{account}/Call/{}/", call.id),
        "source_ip": null,
        "stir_attestation": "",
        "stir_verification": "Not Applicable",
        "to_number": call.to,
        "total_amount": money(call.cost()),
        "total_rate": call.bill_rate(),
    })
}
