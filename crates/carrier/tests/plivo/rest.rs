use http::Method;
use serde_json::{Value, json};

use crate::line::{CALLS, CREDENTIALS, FROM, HOLD, Line, NEVER_ANSWERS, SILENT};

#[test]
fn wrong_credentials_are_refused() {
    let mut line = Line::new();
    for credentials in ["MAEMULATOR0000000001:wrong", "MAOTHER00000000000001:emulator", ""] {
        let answer = line.send(Method::GET, CALLS, credentials, "").unwrap();
        assert_eq!(answer.status, 401);
        assert!(answer.headers.contains_key("www-authenticate"));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(body["api_id"].is_string() && body["error"].is_string(), "{body}");
    }
    let other = CALLS.replace("MAEMULATOR0000000001", "MAOTHER0000000000001");
    assert_eq!(line.send(Method::GET, &other, CREDENTIALS, "").unwrap().status, 401);
}

#[test]
fn create_answers_with_a_request() {
    let mut line = Line::new();
    let body =
        json!({ "from": format!("+{FROM}"), "to": SILENT, "answer_url": "http://app.test/answer" });
    let (status, answer) = line.api(Method::POST, "", &body);
    assert_eq!((status, &answer["message"]), (201, &json!("call fired")));
    assert!(answer["api_id"].is_string() && answer["request_uuid"].is_string(), "{answer}");

    let to = format!("{SILENT}<{NEVER_ANSWERS}<{SILENT}");
    let body = json!({ "from": FROM, "to": to, "answer_url": "http://app.test/answer" });
    let (status, answer) = line.api(Method::POST, "", &body);
    assert_eq!(status, 201);
    assert_eq!(answer["request_uuid"].as_array().unwrap().len(), 2, "each number once");
}

#[test]
fn calls_that_cannot_be_are_refused() {
    let mut line = Line::new();
    for (name, value) in [
        ("from", Value::Null),
        ("from", json!("12")),
        ("to", Value::Null),
        ("to", json!("sip:")),
        ("to", json!("call me")),
        ("to", json!(FROM)),
        ("answer_url", Value::Null),
        ("answer_url", json!("ftp://app.test/")),
        ("answer_method", json!("PUT")),
        ("ring_url", json!("nowhere")),
        ("caller_name", json!("x".repeat(51))),
        ("time_limit", json!(0)),
        ("ring_timeout", json!(-1)),
        ("hangup_on_ring", json!("soon")),
        ("send_digits", json!("one")),
        ("machine_detection", json!("perhaps")),
        ("machine_detection_time", json!(1999)),
        ("machine_detection_time", json!(10_001)),
    ] {
        let mut body =
            json!({ "from": FROM, "to": SILENT, "answer_url": "http://app.test/answer" });
        body[name] = value;
        let (status, answer) = line.api(Method::POST, "", &body);
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(line.send(Method::POST, CALLS, CREDENTIALS, "to=1").unwrap().status, 400);
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    assert_eq!(list["calls"], json!([]), "none of them was placed");
}

#[test]
fn live_call_is_shown_and_has_no_record_until_a_while_after_its_end() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    let dialled = line.dial(SILENT, &json!({ "caller_name": "Offhook" }));
    let call = dialled.call;
    line.run(1.0);
    assert_eq!(line.live(&call).as_deref(), Some("ringing"));
    line.run(2.0);
    let (status, live) = line.get(&format!("{call}/?status=live"));
    assert_eq!(status, 200);
    let wanted = json!({
        "api_id": live["api_id"], "call_status": "in-progress", "call_uuid": call,
        "caller_name": "Offhook", "direction": "outbound", "from": FROM, "to": SILENT,
        "request_uuid": dialled.request, "session_start": "2026-01-05 09:00:00+00:00",
    });
    assert_eq!(live, wanted);
    assert_eq!(line.get(&format!("{call}/")).0, 404, "no record while it lives");
    assert_eq!(line.get(&format!("{call}/?status=queued")).0, 404);

    line.act(&call, "hangup", &Value::Null);
    for _ in 0..3 {
        // Just after its end there is nothing at all.
        for query in ["", "?status=live", "?status=queued"] {
            let (status, answer) = line.get(&format!("{call}/{query}"));
            assert_eq!(status, 404, "{query}");
            assert!(answer["error"].is_string() && answer["api_id"].is_string(), "{answer}");
        }
        line.run(0.9);
    }
    line.run(0.3);
    let (status, record) = line.get(&format!("{call}/"));
    assert_eq!(status, 200);
    assert!(record.get("call_status").is_none(), "{record}");
    for (name, value) in [
        ("call_uuid", json!(call)),
        ("call_direction", json!("outbound")),
        ("from_number", json!(FROM)),
        ("to_number", json!(SILENT)),
        ("call_state", json!("ANSWER")),
        ("hangup_cause_code", json!(4000)),
        ("hangup_cause_name", json!("Normal Hangup")),
        ("hangup_source", json!("Callee")),
        ("call_duration", json!(1)),
        ("billed_duration", json!(60)),
        ("initiation_time", json!("2026-01-05 09:00:00+00:00")),
        ("answer_time", json!("2026-01-05 09:00:02+00:00")),
        ("end_time", json!("2026-01-05 09:00:03+00:00")),
        ("resource_uri", json!(format!("{CALLS}{call}/"))),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
    assert_eq!(line.get(&format!("{call}/?status=live")).0, 404);
    assert_eq!(line.get(&format!("{}/", dialled.request)).0, 404, "a request has no record");
}

#[test]
fn paths_end_in_a_slash_unless_they_are_read() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    assert_eq!(line.get(&format!("{call}?status=live")).0, 200);
    assert_eq!(line.api(Method::DELETE, &call, &Value::Null).0, 404);
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"));
}

#[test]
fn paths_and_methods_that_there_are_not_are_refused() {
    let mut line = Line::new();
    let nobody = "00000000-0000-4000-a000-000000000000";
    let answered = |line: &mut Line, method: Method, path: &str| {
        let path = format!("/v1/Account/MAEMULATOR0000000001/{path}");
        let answer = line.send(method, &path, CREDENTIALS, "").unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(body["error"].is_string(), "{path}: {body}");
        answer.status.as_u16()
    };
    assert_eq!(answered(&mut line, Method::GET, "Conference/"), 404);
    assert_eq!(answered(&mut line, Method::PUT, "Call/"), 405);
    assert_eq!(answered(&mut line, Method::GET, "Call/?status=dead"), 400);
    for (method, below) in [
        (Method::GET, ""),
        (Method::GET, "?status=live"),
        (Method::DELETE, ""),
        (Method::POST, ""),
        (Method::POST, "Speak/"),
        (Method::POST, "DTMF/"),
    ] {
        assert_eq!(answered(&mut line, method, &format!("Call/{nobody}/{below}")), 404);
    }
    assert_eq!(answered(&mut line, Method::DELETE, &format!("Request/{nobody}/")), 404);
}
