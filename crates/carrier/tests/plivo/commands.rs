use http::Method;
use serde_json::{Value, json};

use crate::line::{HANGS_UP, Line, NEVER_ANSWERS, SILENT};

fn post(line: &mut Line, id: &str, below: &str, body: &Value) -> (u16, Value) {
    let (status, answer) = line.api(Method::POST, &format!("{id}/{below}"), body);
    assert!(answer["api_id"].is_string(), "every body has an api_id: {answer}");
    (status, answer["message"].clone())
}

#[test]
fn transfer_replaces_the_document() {
    let mut line = Line::new();
    line.document("/next", "<Response><Speak>Here we are</Speak></Response>");
    line.document("/answer", "<Response><Speak>One moment please</Speak></Response>");
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(2.5);
    let body = json!({ "legs": "aleg", "aleg_url": "http://app.test/next", "aleg_method": "GET" });
    assert_eq!(post(&mut line, &call, "", &body), (202, json!("call transferred")));
    line.run(5.0);
    assert_eq!(line.heard(&call), ["One moment please…", "Here we are"]);
    let next = line.hook_to("/next");
    assert_eq!(next.method, Method::GET);
    assert_eq!((next.param("Event"), next.param("CallUUID")), ("Redirect", call.as_str()));
}

#[test]
fn seventy_transfers_are_survived_and_one_more_ends_the_call() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    line.document("/next", crate::line::HOLD);
    let body = json!({ "aleg_url": "http://app.test/next" });
    for _ in 0..70 {
        assert_eq!(post(&mut line, &call, "", &body).0, 202);
        line.run(0.1);
    }
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"));
    assert_eq!(post(&mut line, &call, "", &body).0, 202);
    line.run(0.1);
    assert_eq!(line.live(&call), None);
    assert_eq!(line.ending(), ("completed".to_owned(), 2060, "Plivo".to_owned()));
    assert_eq!(line.hook_to("/hangup").param("HangupCauseName"), "Loop Detected");
    assert_eq!(line.hooks_to("/next").len(), 70);
}

#[test]
fn speech_by_request_lies_over_the_document_and_has_no_end_event() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    let before = line.hooks.len();
    let speak = json!({ "text": "You have mail", "voice": "MAN", "language": "en-GB" });
    assert_eq!(post(&mut line, &call, "Speak/", &speak), (202, json!("speak started")));
    line.run(5.0);
    assert_eq!(line.heard(&call), ["You have mail"]);
    assert_eq!(line.hooks.len(), before, "nobody is told");
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"), "the document goes on");

    post(&mut line, &call, "Speak/", &json!({ "text": "A long story of old times" }));
    line.run(0.5);
    assert_eq!(line.api(Method::DELETE, &format!("{call}/Speak/"), &Value::Null).0, 204);
    post(&mut line, &call, "Speak/", &json!({ "text": "Again", "loop": true }));
    line.run(0.9);
    line.act(&call, "hangup", &Value::Null);
    let heard = line.heard(&call);
    assert_eq!(heard[1..], ["A long story of old times…", "Again", "Again", "Again…"]);
}

#[test]
fn person_may_hang_up_on_speech_by_request() {
    let mut line = Line::new();
    let call = line.connected(HANGS_UP);
    post(&mut line, &call, "Speak/", &json!({ "text": "I would like to sell you a car" }));
    line.run(5.0);
    assert_eq!(line.heard(&call), ["I would like to sell you a car…"]);
    assert_eq!(line.live(&call), None);
}

#[test]
fn digits_by_request_are_sent() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    let done = post(&mut line, &call, "DTMF/", &json!({ "digits": "12w#", "leg": "aleg" }));
    assert_eq!(done, (202, json!("digits sent")));
    assert_eq!(line.truth(&call)["digits"], "12w#");
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    for (below, body) in [
        ("", json!({})),
        ("", json!({ "aleg_url": "nowhere" })),
        ("", json!({ "aleg_url": "http://app.test/", "aleg_method": "PUT" })),
        ("", json!({ "legs": "bleg", "bleg_url": "http://app.test/" })),
        ("", json!({ "legs": "left", "aleg_url": "http://app.test/" })),
        ("Speak/", json!({})),
        ("Speak/", json!({ "text": "x", "voice": "alice" })),
        ("Speak/", json!({ "text": "x", "voice": "WOMAN", "language": "ja-JP" })),
        ("Speak/", json!({ "text": "x".repeat(3001) })),
        ("DTMF/", json!({})),
        ("DTMF/", json!({ "digits": "one" })),
    ] {
        let (status, answer) = line.api(Method::POST, &format!("{call}/{below}"), &body);
        assert_eq!(status, 400, "{below} {body}");
        assert!(answer["error"].is_string() && answer["api_id"].is_string(), "{answer}");
    }
    let path = format!("{}{call}/Speak/", crate::line::CALLS);
    let answer = line.send(Method::POST, &path, crate::line::CREDENTIALS, "text=x").unwrap();
    assert_eq!(answer.status, 400, "no form is taken");
    assert_eq!(line.api(Method::PUT, &format!("{call}/Speak/"), &Value::Null).0, 405);
    assert_eq!(line.api(Method::POST, &format!("{call}/Record/"), &json!({})).0, 404);
}

#[test]
fn only_an_answered_call_takes_commands() {
    let mut line = Line::new();
    let call = line.dial(NEVER_ANSWERS, &Value::Null).call;
    let transfer = json!({ "aleg_url": "http://app.test/next" });
    let commands =
        [("", transfer), ("Speak/", json!({ "text": "x" })), ("DTMF/", json!({ "digits": "1" }))];
    line.run(2.0);
    for (below, body) in &commands {
        let (status, answer) = line.api(Method::POST, &format!("{call}/{below}"), body);
        assert_eq!((status, &answer["error"]), (400, &json!("call is not in progress")));
    }
    line.act(&call, "hangup", &Value::Null);
    for (below, body) in &commands {
        assert_eq!(line.api(Method::POST, &format!("{call}/{below}"), body).0, 404);
    }
}
