use http::Method;
use offhook_carrier::ConnectionDropped;
use serde_json::{Value, json};

use crate::line::{CALLS, Line, SILENT};

const DIAL: &str = "To=%2B15550100099&From=%2B15550100100&Url=http%3A%2F%2Fapp.test%2Fanswer";
const CREDENTIALS: &str = "AC00000000000000000000000000000001:emulator";

fn dialled(line: &mut Line) -> usize {
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    list["calls"].as_array().map_or(0, Vec::len)
}

#[test]
fn dropped_request_was_not_carried_out() {
    let mut line = Line::new();
    line.order_fault(&json!({"match": "POST /2010-04-01", "drop": true}));
    let dropped = line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap_err();
    assert_eq!(dropped, ConnectionDropped { taken: false });
    assert_eq!(dialled(&mut line), 0);
    assert_eq!(line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap().status, 201);
}

#[test]
fn request_dropped_after_taking_was_carried_out() {
    let mut line = Line::new();
    line.order_fault(&json!({"match": "Calls.json", "drop_after_taking": true}));
    let dropped = line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap_err();
    assert_eq!(dropped, ConnectionDropped { taken: true });
    assert_eq!(dialled(&mut line), 1);
}

#[test]
fn ordered_status_and_body_stand_in_for_the_true_ones() {
    let mut line = Line::new();
    let fault =
        json!({"http_status": 200, "body": "<html>", "content_type": "text/html", "count": 2});
    line.order_fault(&fault);
    for _ in 0..2 {
        let answer = line.send(Method::POST, CALLS, CREDENTIALS, DIAL).unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"<html>"[..]));
        assert_eq!(answer.headers["content-type"], "text/html");
    }
    assert_eq!(dialled(&mut line), 0);
    assert_eq!(line.send(Method::GET, CALLS, CREDENTIALS, "").unwrap().status, 200);
}

#[test]
fn fault_strikes_only_what_it_names() {
    let mut line = Line::new();
    line.order_fault(&json!({"match": "DELETE", "http_status": 500, "count": 0}));
    line.order_fault(&json!({"on": "webhook", "http_status": 500, "count": 0}));
    assert_eq!(line.send(Method::GET, CALLS, CREDENTIALS, "").unwrap().status, 200);
}

#[test]
fn fault_that_would_do_nothing_is_refused_and_says_why() {
    let mut line = Line::new();
    for (fault, words) in [
        (json!({}), "nothing would happen: give at least one of duplicate"),
        (json!({"match": "Calls.json", "drop": false, "count": 0}), "nothing would happen"),
        (json!({"provider": "twilo", "drop": true}), "provider \"twilo\" is not emulated"),
        (json!({"explode": true}), "unknown field `explode`"),
        (json!({"drop": "yes"}), "expected a boolean"),
        (json!({"on": "nothing", "drop": true}), "unknown variant `nothing`"),
        (json!({"on": "request", "duplicate": true}), "befall webhooks"),
        (json!({"body": "<html>"}), "give its http_status"),
        (json!({"http_status": 7}), "no HTTP status"),
    ] {
        let (status, answer) = line.control(Method::POST, "/emulator/faults", &fault);
        assert_eq!(status, 422, "{fault}");
        let told = answer["error"].as_str().unwrap();
        assert!(told.contains(words), "{told}");
    }
    let (_, list) = line.control(Method::GET, "/emulator/faults", &Value::Null);
    assert_eq!(list["faults"], json!([]));
    let broken = line.send(Method::POST, "/emulator/faults", "", "{").unwrap();
    assert_eq!(broken.status, 400);
}

#[test]
fn fault_without_count_strikes_until_cleared() {
    let mut line = Line::new();
    line.order_fault(&json!({"http_status": 429, "count": 0}));
    for _ in 0..3 {
        assert_eq!(line.send(Method::GET, CALLS, CREDENTIALS, "").unwrap().status, 429);
    }
    assert_eq!(line.control(Method::DELETE, "/emulator/faults", &Value::Null).0, 204);
    assert_eq!(line.send(Method::GET, CALLS, CREDENTIALS, "").unwrap().status, 200);
}

#[test]
fn duplicate_webhook_arrives_twice_and_counts_once() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Say>Once only</Say></Response>");
    line.order_fault(&json!({"match": "/answer", "duplicate": true}));
    let sid = line.dial(SILENT, &[]);
    line.run(10.0);
    let sent = line.hooks_to("/answer");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].headers, sent[1].headers);
    assert_eq!(line.heard(&sid), ["Once only"]);
}

#[test]
fn reordered_webhook_is_overtaken_by_the_next() {
    let mut line = Line::new();
    line.document("/answer", "<Response/>");
    line.order_fault(&json!({"match": "/status", "reorder": true}));
    line.dial(SILENT, &[]);
    line.run(10.0);
    assert_eq!(line.told(), ["ringing", "initiated", "in-progress", "completed"]);
}

#[test]
fn delayed_webhook_arrives_later() {
    let mut line = Line::new();
    line.order_fault(&json!({"on": "webhook", "match": "/status", "delay_ms": 5000}));
    let began = line.now;
    line.dial("+15550100003", &[]);
    line.run(10.0);
    let initiated =
        line.hooks_to("/status").into_iter().find(|hook| hook.param("CallStatus") == "initiated");
    let waited = initiated.unwrap().at.duration_since(began);
    assert_eq!(waited.as_millis(), 5200);
}

#[test]
fn lost_webhook_counts_as_a_failed_connection() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Say>Hello</Say></Response>");
    line.order_fault(&json!({"on": "webhook", "match": "/answer", "drop": true}));
    let sid = line.dial(SILENT, &[]);
    line.run(10.0);
    assert_eq!(line.hooks_to("/answer").len(), 1, "the retry");
    assert_eq!(line.heard(&sid), ["Hello"]);
}

#[test]
fn webhook_may_be_given_another_status() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Say>Hello</Say></Response>");
    line.order_fault(&json!({"on": "webhook", "match": "/answer", "http_status": 502}));
    let sid = line.dial(SILENT, &[]);
    line.run(10.0);
    assert_eq!(line.hooks_to("/answer").len(), 1);
    assert!(line.truth(&sid)["error"].as_str().unwrap().contains("502"));
}

#[test]
fn requests_are_on_the_record_of_their_call() {
    let mut line = Line::new();
    let sid = line.dial(SILENT, &[]);
    line.order_fault(&json!({"match": &sid, "http_status": 500}));
    line.update(&sid, &[("Status", "canceled")]);
    line.update(&sid, &[("Status", "canceled")]);
    line.update(&sid, &[("Status", "canceled")]);
    let truth = line.truth(&sid);
    let statuses: Vec<u64> = truth["requests"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|request| request["status"].as_u64())
        .collect();
    assert_eq!(statuses, [201, 500, 200, 400]);
}
