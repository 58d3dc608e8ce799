//! A call as the REST API shows it, which may be what it was a moment ago.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Phase};

/// The parts of a call that change.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) status: &'static str,
    dialled: bool,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    seconds: i64,
    answered_by: Option<&'static str>,
}

impl View {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            status: call.phase.word(),
            dialled: !matches!(call.phase, Phase::Queued { .. }),
            started: call.started,
            ended: call.ended,
            seconds: call.seconds(),
            answered_by: call.answered_by,
        }
    }
}

/// Views of a call, each with the instant from which reads see it.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    views: Vec<(Timestamp, View)>,
}

impl Visible {
    /// Adds a newer view. Reads never go back to an older one.
    pub(crate) fn push(&mut self, seen_at: Timestamp, view: View) {
        let seen_at = self.views.last().map_or(seen_at, |(last, _)| seen_at.max(*last));
        self.views.push((seen_at, view));
    }

    /// What a read at `now` sees. A call is there from its first moment.
    pub(crate) fn at(&self, now: Timestamp) -> Option<&View> {
        let seen = self.views.iter().rev().find(|(seen_at, _)| *seen_at <= now);
        seen.or_else(|| self.views.first()).map(|(_, view)| view)
    }
}

pub(crate) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

pub(crate) fn call_uri(account: &str, sid: &str) -> String {
    format!("/2010-04-01/Accounts/{account}/Calls/{sid}.json")
}

/// The body that shows a call.
pub(crate) fn json(account: &str, call: &Call, view: &View) -> Value {
    let date = |at: Option<Timestamp>| at.map(rfc2822);
    let uri = call_uri(account, &call.sid);
    let below =
        |name: &str| format!("/2010-04-01/Accounts/{account}/Calls/{}/{name}.json", call.sid);
    json!({
        "sid": call.sid,
        "account_sid": account,
        "status": view.status,
        "direction": call.direction.word(),
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from,
        "from_formatted": call.from,
        "date_created": date(view.dialled.then_some(call.created)),
        "date_updated": date(view.ended.or(view.started)),
        "start_time": date(view.started),
        "end_time": date(view.ended),
        "duration": view.ended.map(|_| view.seconds.to_string()),
        "price": null,
        "price_unit": "USD",
        "answered_by": view.answered_by,
        "queue_time": call.queue_millis.to_string(),
        "parent_call_sid": null,
        "phone_number_sid": format!("PN{}", call.sid.get(2..).unwrap_or_default()),
        "group_sid": null,
        "annotation": null,
        "trunk_sid": null,
        "caller_name": "",
        "forwarded_from": "",
        "api_version": "2010-04-01",
        "uri": uri,
        "subresource_uris": {
            "recordings": below("Recordings"),
            "notifications": below("Notifications"),
            "events": below("Events"),
            "siprec": below("Siprec"),
            "streams": below("Streams"),
            "transcriptions": below("Transcriptions"),
            "payments": below("Payments"),
            "user_defined_messages": below("UserDefinedMessages"),
            "user_defined_message_subscriptions": below("UserDefinedMessageSubscriptions"),
        },
    })
}
