use http::Method;
use offhook_carrier::ConnectionDropped;
use serde_json::{Value, json};

use crate::line::{APP, CALLS, CREDENTIALS, FROM, HOLD, Line, SILENT, plain};

const DIAL: &str =
    r#"{"from": "15550100100", "to": "15550100099", "answer_url": "http://app.test/answer"}"#;

#[test]
fn call_is_known_by_both_its_ids() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    let dialled = line.dial(SILENT, &Value::Null);
    line.run(3.0);
    assert_eq!(line.truth(&dialled.request), line.truth(&dialled.call));
    assert_eq!(line.act(&dialled.request, "hangup", &Value::Null).0, 200);
    assert_eq!(line.truth(&dialled.call)["status"], "completed");
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    assert_eq!(list["calls"].as_array().unwrap().len(), 1);
    assert_eq!(list["calls"][0]["ended_at"], "2026-01-05T09:00:03Z");
}

#[test]
fn person_calls_where_the_emulator_points_to() {
    let mut settings = plain();
    settings.webhook_base = Some(format!("{APP}/base/"));
    let mut line = Line::with(settings);
    let call = json!({ "provider": "plivo", "from": "+15550100009", "to": format!("+{FROM}") });
    assert_eq!(line.control(Method::POST, "/emulator/calls", &call).0, 201);
    line.run(0.0);
    assert_eq!(line.hooks[0].url, "http://app.test/base/webhooks/plivo");

    let mut line = Line::new();
    let (status, answer) = line.control(Method::POST, "/emulator/calls", &call);
    assert_eq!((status, &answer["error"]), (422, &json!("webhook_url is missing")));
}

#[test]
fn record_has_the_requests_and_webhooks_of_its_call() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    let dialled = line.dial(SILENT, &Value::Null);
    line.get(&format!("{}/?status=queued", dialled.request));
    line.run(3.0);
    line.get(&format!("{}/", dialled.call));
    line.api(Method::POST, &format!("{}/Speak/", dialled.call), &json!({ "text": "Hi" }));
    line.run(1.0);
    let truth = line.truth(&dialled.call);
    let requests: Vec<(&str, u64)> = truth["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| (request["method"].as_str().unwrap(), request["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(requests, [("POST", 201), ("GET", 200), ("GET", 404), ("POST", 202)]);
    let kinds: Vec<&Value> =
        truth["webhooks"].as_array().unwrap().iter().map(|webhook| &webhook["kind"]).collect();
    assert_eq!(kinds, ["ring", "answer"]);
    assert_eq!(truth["webhooks"][1]["params"]["CallUUID"], dialled.call);
}

#[test]
fn faults_of_requests_strike_their_provider_only() {
    let mut line = Line::new();
    line.order_fault(&json!({ "provider": "telnyx", "http_status": 500, "count": 0 }));
    line.dial(SILENT, &Value::Null);
    line.order_fault(
        &json!({ "provider": "plivo", "match": "POST /v1/", "drop_after_taking": true }),
    );
    let dropped = line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap_err();
    assert_eq!(dropped, ConnectionDropped { taken: true });
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    assert_eq!(list["calls"].as_array().unwrap().len(), 2);
    line.order_fault(&json!({ "provider": "plivo", "http_status": 429 }));
    assert_eq!(line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap().status, 429);
    assert_eq!(line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap().status, 201);
}

#[test]
fn faults_befall_webhooks() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    line.order_fault(&json!({ "provider": "plivo", "duplicate": true }));
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(3.0);
    let rings = line.hooks_to("/ring");
    assert_eq!(rings.len(), 2);
    assert_eq!(rings[0].headers, rings[1].headers);
    line.order_fault(&json!({ "on": "webhook", "drop": true, "match": "/hangup" }));
    line.act(&call, "hangup", &Value::Null);
    line.run(5.0);
    assert_eq!(line.hooks_to("/hangup").len(), 1, "dropped once, then sent again");

    let mut line = Line::new();
    line.document("/answer", "<Response><Hangup/></Response>");
    line.order_fault(&json!({ "reorder": true, "match": "/ring" }));
    line.dial(SILENT, &Value::Null);
    line.run(10.0);
    let events: Vec<&str> = line.hooks.iter().map(|hook| hook.param("Event")).collect();
    assert_eq!(events, ["StartApp", "Ring", "Hangup"]);
}

#[test]
fn same_seed_is_the_same_run() {
    let run = |seed| {
        let mut settings = plain();
        settings.seed = seed;
        settings.late_callbacks = offhook_carrier::Habit::Seeded;
        let mut line = Line::with(settings);
        line.document("/answer", "<Response><Speak>Hi</Speak></Response>");
        line.dial(SILENT, &Value::Null);
        line.run(10.0);
        line.hooks.iter().map(|hook| (hook.at, hook.params.clone())).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
