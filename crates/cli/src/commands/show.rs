//! `offhook show`.

use jiff::Timestamp;
use offhook::manager::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{table, timeline};
use crate::arguments::Connection;
use crate::client::{Client, path_of};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn run(id: &str, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let call = client.get(&path_of(id, "")).await?;
    let timeline = client.get(&path_of(id, "/timeline")).await?;
    if json {
        return output::line(json!({ "call": call, "timeline": timeline["entries"] }));
    }
    let entries = timeline["entries"].as_array().cloned().unwrap_or_default();
    output::line(facts(&call, SystemClock.now(), output::colour()))?;
    output::line("")?;
    output::line(table::render(&["SINCE", "WHAT", "DETAIL"], &rows(&entries)))
}

/// What the call is now.
fn facts(call: &Value, now: Timestamp, colour: bool) -> String {
    let text = |name: &str| call[name].as_str();
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let name = output::paint(colour, "2", &format!("{name:<11}"));
            lines.push(format!("{name} {value}"));
        }
    };
    let moment = |name: &str| {
        let at = text(name)?;
        Some(format!("{} ({})", table::ago(at, now), table::to_the_second(at)))
    };
    fact("call", text("id").map(str::to_owned));
    fact("state", state(call));
    if text("dial").is_some_and(|dial| dial == "unknown") {
        fact("dial", Some("the carrier did not answer clearly; it is not redialled".to_owned()));
    }
    let direction = text("direction").unwrap_or("-");
    let (from, to) = (text("from").unwrap_or("-"), text("to").unwrap_or("-"));
    fact("who", Some(format!("{direction}, {from} to {to}")));
    fact(
        "carrier",
        match (text("provider"), text("provider_call_id")) {
            (Some(provider), Some(id)) => Some(format!("{provider}, {id}")),
            (provider, _) => provider.map(str::to_owned),
        },
    );
    fact("mode", text("mode").map(str::to_owned));
    fact("answered by", text("answered_by").map(str::to_owned));
    fact("started", moment("started_at"));
    fact("answered", moment("answered_at"));
    fact("ended", moment("ended_at"));
    for (name, value) in call["metadata"].as_object().into_iter().flatten() {
        fact("metadata", Some(format!("{name} = {}", value.as_str().unwrap_or_default())));
    }
    for line in call["transcript"].as_array().into_iter().flatten() {
        let said = |name: &str| line[name].as_str().unwrap_or_default();
        fact("said", Some(format!("{}: {}", said("speaker"), said("text"))));
    }
    lines.join("\n")
}

fn state(call: &Value) -> Option<String> {
    let state = call["state"].as_str()?;
    let reason = call["end_reason"].as_str().map(|reason| format!(": {reason}"));
    let cause = timeline::cause(&call["cause"]).map(|cause| format!(" ({cause})"));
    Some([Some(state.to_owned()), reason, cause].into_iter().flatten().collect())
}

/// The timeline, with times from its beginning.
fn rows(entries: &[Value]) -> Vec<Vec<String>> {
    let at = |entry: &Value| entry["at"].as_str()?.parse::<Timestamp>().ok();
    let start = entries.first().and_then(at);
    let row = |entry: &Value| {
        let since = match (start, at(entry)) {
            (Some(start), Some(at)) => table::since(start, at),
            _ => entry["at"].as_str().unwrap_or_default().to_owned(),
        };
        let kind = entry["kind"].as_str().unwrap_or_default();
        vec![since, timeline::plain(kind), timeline::words(kind, &entry["detail"])]
    };
    let mut rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
    for row in &mut rows {
        row[0] = format!("{:>width$}", row[0]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_with_what_is_known_of_it_and_no_more() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let call = json!({
            "id": "1", "provider": "twilio", "provider_call_id": null, "direction": "outbound",
            "state": "ended", "end_reason": "busy", "cause": { "code": "486", "text": "Busy here" },
            "from": "+1", "to": "+2", "mode": "notify", "started_at": "2026-03-01T11:56:59.079454116Z",
            "answered_at": null, "metadata": { "order": "7" },
            "transcript": [{ "speaker": "bot", "text": "Hello." }],
        });
        assert_eq!(
            facts(&call, now, false),
            "call        1\nstate       ended: busy (Busy here [486])\nwho         outbound, +1 to +2\n\
             carrier     twilio\nmode        notify\n\
             started     3 min ago (2026-03-01T11:56:59Z)\nmetadata    order = 7\n\
             said        bot: Hello."
        );
        assert!(facts(&call, now, true).starts_with("\x1b[2mcall"));
    }

    #[test]
    fn a_timeline_counts_from_its_beginning() {
        let entries = [
            json!({ "at": "2026-03-01T12:00:00Z", "kind": "admitted", "detail": null }),
            json!({ "at": "2026-03-01T12:00:11.5Z", "kind": "turn_timed_out", "detail": { "turn": 2 } }),
        ];
        let expected = [
            [" +0.00 s", "admitted", ""],
            ["+11.50 s", "turn timed out", "no answer in time [turn 2]"],
        ];
        assert_eq!(rows(&entries), expected);
    }
}
