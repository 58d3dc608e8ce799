use http::Method;
use serde_json::{Value, json};

use crate::line::{BUSY, FAILS, FROM, HANGS_UP, HOLD, Line, NEVER_ANSWERS, SILENT};

fn ended(status: &str, code: u32, source: &str) -> (String, u32, String) {
    (status.to_owned(), code, source.to_owned())
}

#[test]
fn calls_that_nobody_takes_end_in_their_own_words() {
    for (to, extra, status, code, source) in [
        (BUSY, Value::Null, "busy", 3010, "Carrier"),
        (FAILS, Value::Null, "failed", 3050, "Carrier"),
        (NEVER_ANSWERS, json!({ "ring_timeout": 30 }), "timeout", 6010, "Plivo"),
        (NEVER_ANSWERS, Value::Null, "no-answer", 3000, "Carrier"),
        (SILENT, json!({ "ring_timeout": 1 }), "timeout", 6010, "Plivo"),
        (NEVER_ANSWERS, json!({ "hangup_on_ring": 5 }), "cancel", 6000, "Plivo"),
    ] {
        let mut line = Line::new();
        let call = line.dial(to, &extra).call;
        line.run(200.0);
        assert_eq!(line.ending(), ended(status, code, source), "{to} {extra}");
        assert!(line.hooks_to("/answer").is_empty());
        assert_eq!(line.hook_to("/hangup").param("Duration"), "0");
        assert_eq!(line.truth(&call)["status"], status);
        let rang = !line.hooks_to("/ring").is_empty();
        assert_eq!(rang, !matches!(to, BUSY | FAILS), "{to}");
    }
}

#[test]
fn hangup_on_ring_strikes_also_after_the_answer() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    line.dial(SILENT, &json!({ "hangup_on_ring": 10 }));
    line.run(30.0);
    assert_eq!(line.ending(), ended("completed", 6000, "Plivo"));
    assert_eq!(line.hook_to("/hangup").param("Duration"), "9");
}

#[test]
fn time_limit_ends_a_call() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    line.dial(SILENT, &json!({ "time_limit": 20 }));
    line.run(60.0);
    assert_eq!(line.ending(), ended("completed", 6000, "Plivo"));
    let hangup = line.hook_to("/hangup");
    assert_eq!(hangup.param("HangupCauseName"), "Scheduled Hangup");
    assert_eq!(hangup.param("Duration"), "20");
}

#[test]
fn hangup_request_ends_a_call_at_each_stage() {
    // Answered.
    let mut line = Line::new();
    let call = line.connected(SILENT);
    assert_eq!(line.api(Method::DELETE, &format!("{call}/"), &Value::Null).0, 204);
    line.run(1.0);
    assert_eq!(line.ending(), ended("completed", 4000, "API Request"));
    assert_eq!(line.api(Method::DELETE, &format!("{call}/"), &Value::Null).0, 404);

    // Ringing.
    let mut line = Line::new();
    let dialled = line.dial(NEVER_ANSWERS, &Value::Null);
    line.run(2.0);
    let request = format!("{}/", dialled.request);
    assert_eq!(line.api(Method::DELETE, &request, &Value::Null).0, 404, "no call's id any more");
    let call = format!("{}/", dialled.call);
    assert_eq!(line.api(Method::DELETE, &call, &Value::Null).0, 204);
    line.run(1.0);
    assert_eq!(line.ending(), ended("cancel", 1000, "API Request"));
}

#[test]
fn call_that_is_cancelled_in_the_queue_leaves_nothing_behind() {
    for by_request in [true, false] {
        let mut line = Line::new();
        let dialled = line.dial(SILENT, &Value::Null);
        let path = if by_request {
            format!("/v1/Account/MAEMULATOR0000000001/Request/{}/", dialled.request)
        } else {
            format!("/v1/Account/MAEMULATOR0000000001/Call/{}/", dialled.request)
        };
        let delete = |line: &mut Line| {
            let answer = line.send(Method::DELETE, &path, crate::line::CREDENTIALS, "");
            answer.unwrap().status.as_u16()
        };
        assert_eq!(delete(&mut line), 204);
        assert_eq!(delete(&mut line), 404);
        line.run(60.0);
        assert!(line.hooks.is_empty(), "{:?}", line.hooks);
        assert_eq!(line.truth(&dialled.call)["status"], "cancel");
        for id in [&dialled.call, &dialled.request] {
            for query in ["", "?status=live", "?status=queued"] {
                assert_eq!(line.get(&format!("{id}/{query}")).0, 404, "{query}");
            }
        }
    }
}

#[test]
fn request_that_was_dialled_cannot_be_cancelled() {
    let mut line = Line::new();
    let dialled = line.dial(NEVER_ANSWERS, &Value::Null);
    line.run(2.0);
    let path = format!("/v1/Account/MAEMULATOR0000000001/Request/{}/", dialled.request);
    let answer = line.send(Method::DELETE, &path, crate::line::CREDENTIALS, "").unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!(line.live(&dialled.call).as_deref(), Some("ringing"));
}

#[test]
fn all_calls_are_hung_up_at_once_without_a_reason() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    assert_eq!(line.api(Method::DELETE, "", &Value::Null).0, 204);
    line.run(1.0);
    assert_eq!(line.ending(), ended("completed", 0, "API Request"));
    assert_eq!(line.live(&call), None);
}

#[test]
fn people_hang_up() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    assert_eq!(line.act(&call, "hangup", &Value::Null).0, 200);
    line.run(1.0);
    assert_eq!(line.ending(), ended("completed", 4000, "Callee"));
    assert_eq!(line.act(&call, "hangup", &Value::Null).0, 409);

    let mut line = Line::new();
    line.document("/answer", HOLD);
    let call = line.receive("silent");
    line.run(1.0);
    // A wait leaves it ringing: the caller gives up.
    line.act(&call, "hangup", &Value::Null);
    line.run(1.0);
    assert_eq!(line.ending(), ended("no-answer", 1000, "Caller"));

    let mut line = Line::new();
    line.document("/answer", "<Response><Speak>Hello</Speak><Wait length=\"60\"/></Response>");
    let call = line.receive("silent");
    line.run(10.0);
    line.act(&call, "hangup", &Value::Null);
    line.run(1.0);
    assert_eq!(line.ending(), ended("completed", 4000, "Caller"));

    let mut line = Line::new();
    let call = line.dial(NEVER_ANSWERS, &Value::Null).call;
    line.run(3.0);
    line.act(&call, "hangup", &Value::Null);
    line.run(1.0);
    assert_eq!(line.ending(), ended("busy", 3020, "Callee"));
}

#[test]
fn person_hangs_up_in_mid_sentence() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Speak>I would like to sell you a car</Speak></Response>");
    let call = line.dial(HANGS_UP, &Value::Null).call;
    line.run(10.0);
    assert_eq!(line.heard(&call), ["I would like to sell you a car…"]);
    assert_eq!(line.ending(), ended("completed", 4000, "Callee"));
}

#[test]
fn inbound_call_that_no_document_answers_is_given_up() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    line.receive("silent");
    line.run(120.0);
    assert_eq!(line.ending(), ended("no-answer", 1000, "Caller"));
}

#[test]
fn call_at_its_end_is_told_when_and_why_in_its_record() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    assert_eq!(line.truth(&call)["ended_at"], Value::Null);
    line.api(Method::DELETE, &format!("{call}/"), &Value::Null);
    let truth = line.truth(&call);
    assert_eq!(truth["ended_at"], "2026-01-05T09:00:03Z");
    assert_eq!((&truth["status"], &truth["cause"]), (&json!("completed"), &json!("Normal Hangup")));
    assert_eq!(truth["from"], format!("+{FROM}"));
    assert_eq!(truth["provider"], "plivo");
}
