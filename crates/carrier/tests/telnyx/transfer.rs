use serde_json::json;

use crate::line::{BUSY, FROM, Line, NEVER_ANSWERS, SILENT, code};

const OTHER: &str = "+15550100098";

/// The leg that a transfer made.
fn second(line: &Line) -> String {
    let leg = line.hooks.iter().rev().find(|hook| hook.payload()["to"] == OTHER);
    let id = leg.and_then(|hook| hook.payload()["call_control_id"].as_str());
    id.expect("there is a second leg").to_owned()
}

#[test]
fn second_leg_is_of_the_same_session_and_is_bridged_when_answered() {
    let mut line = Line::new();
    let first = line.receive("silent");
    line.order(&first, "answer", &json!({}));
    line.order(&first, "transfer", &json!({ "to": OTHER, "target_leg_client_state": "dHdv" }));
    line.run(5.0);
    let leg = second(&line);
    assert_eq!(line.told(&leg), ["call.initiated", "call.answered", "call.bridged"]);
    assert_eq!(line.told(&first)[2..], ["call.bridged"]);
    let initiated = &line.payloads(&leg, "call.initiated")[0];
    let of_first = &line.payloads(&first, "call.initiated")[0];
    assert_eq!(initiated["call_session_id"], of_first["call_session_id"]);
    assert_ne!(initiated["call_leg_id"], of_first["call_leg_id"]);
    assert_eq!((&initiated["from"], &initiated["client_state"]), (&json!(FROM), &json!("dHdv")));
}

#[test]
fn bridged_legs_end_together() {
    for hangs_up_first in [true, false] {
        let mut line = Line::new();
        let first = line.connected(SILENT, &json!({}));
        line.order(&first, "transfer", &json!({ "to": OTHER, "from": FROM }));
        line.run(5.0);
        let leg = second(&line);
        line.act(if hangs_up_first { &first } else { &leg }, "hangup", &json!({}));
        line.run(1.0);
        for id in [&first, &leg] {
            assert_eq!(line.payloads(id, "call.hangup").len(), 1, "{hangs_up_first}");
        }
    }
}

#[test]
fn transfer_that_fails_leaves_the_first_leg_alone() {
    let mut line = Line::new();
    let first = line.connected(SILENT, &json!({}));
    line.order(&first, "transfer", &json!({ "to": BUSY, "from": FROM }));
    line.run(5.0);
    assert_eq!(line.status(&first)["is_alive"], true);
    line.speak(&first, "Nobody there");
    line.run(5.0);
    assert_eq!(line.heard(&first), ["Nobody there"]);
    line.order(&first, "transfer", &json!({ "to": OTHER, "from": FROM }));
}

#[test]
fn end_of_the_first_leg_cancels_the_second() {
    let mut line = Line::new();
    let first = line.connected(SILENT, &json!({}));
    line.order(&first, "transfer", &json!({ "to": NEVER_ANSWERS, "from": FROM }));
    line.run(2.0);
    line.act(&first, "hangup", &json!({}));
    line.run(1.0);
    let hangups = line.hooks.iter().filter(|hook| hook.event() == "call.hangup");
    let causes: Vec<_> =
        hangups.map(|hook| hook.payload()["hangup_cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["normal_clearing", "originator_cancel"]);
}

#[test]
fn transfer_needs_a_destination() {
    let mut line = Line::new();
    let first = line.connected(SILENT, &json!({}));
    for (body, wanted) in [(json!({}), "10004"), (json!({ "to": "12" }), "10016")] {
        assert_eq!(code(&line.command(&first, "transfer", &body)), (422, wanted.to_owned()));
    }
}
