use http::Method;
use offhook_carrier::Habit;
use serde_json::{Value, json};

use crate::line::{FROM, HOOK, KEY, Line, SILENT, call_path, code, plain, read, unprocessable};

#[test]
fn wrong_or_missing_keys_are_refused() {
    let mut line = Line::new();
    for key in ["KEYother", "", "KEYemulatorX"] {
        let answer = line.send(Method::GET, "/v2/calls/v3:x", key, "").unwrap();
        assert_eq!(code(&read(&answer)), (401, "10009".to_owned()), "{key}");
    }
    let request = offhook_carrier::ApiRequest {
        method: Method::POST,
        path_and_query: "/v2/calls".to_owned(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let answer = line.emulator.request(&request, line.now).unwrap();
    let (status, body) = read(&answer);
    assert_eq!(status, 401);
    assert_eq!(body["errors"][0]["title"], "Authentication failed");
}

#[test]
fn dial_answers_with_ids_and_without_life_or_state() {
    let mut line = Line::new();
    let (status, body) = line.try_dial(SILENT, &json!({}));
    assert_eq!(status, 200);
    let data = body["data"].as_object().unwrap();
    let names: Vec<&str> = data.keys().map(String::as_str).collect();
    let wanted = ["call_control_id", "call_leg_id", "call_session_id", "is_alive", "record_type"];
    assert_eq!(names, wanted);
    assert_eq!((&data["is_alive"], &data["record_type"]), (&json!(false), &json!("call")));
    assert!(data["call_control_id"].as_str().unwrap().starts_with("v3:"));
}

#[test]
fn status_has_no_state_and_an_end_only_when_it_is_over() {
    let mut line = Line::new();
    let id = line.dial(SILENT, &json!({ "client_state": "b2Zm" }));
    assert_eq!(line.status(&id)["is_alive"], false, "nothing has happened yet");
    line.run(1.0);
    let ringing = line.status(&id);
    assert_eq!(ringing["is_alive"], true);
    assert_eq!(ringing["client_state"], "b2Zm");
    assert!(ringing.get("state").is_none() && ringing.get("end_time").is_none(), "{ringing}");
    line.run(11.5);
    assert_eq!(line.status(&id)["call_duration"], 10);
    line.order(&id, "hangup", &json!({}));
    let over = line.status(&id);
    assert_eq!((&over["is_alive"], &over["call_duration"]), (&json!(false), &json!(10)));
    assert!(over["end_time"].as_str().unwrap().ends_with('Z'), "{over}");
}

#[test]
fn call_is_gone_ten_minutes_after_its_end() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "hangup", &json!({}));
    line.run(599.0);
    assert_eq!(line.status(&id)["is_alive"], false);
    line.run(1.0);
    let gone = line.api(Method::GET, &call_path(&id), &Value::Null);
    assert_eq!(code(&gone), (404, "10005".to_owned()));
    assert_eq!(line.refused(&id, "hangup", &json!({})), (404, "10005".to_owned()));
    assert_eq!(line.truth(&id)["cause"], "normal_clearing", "the oracle forgets nothing");
}

#[test]
fn unknown_resources_are_not_found() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    for (method, path) in [
        (Method::GET, "/v2/calls/v3:unknown".to_owned()),
        (Method::GET, "/v2/phone_numbers".to_owned()),
        (Method::DELETE, call_path(&id)),
        (Method::POST, format!("{}/actions/dance", call_path(&id))),
        (Method::GET, "/v2/connections/2/active_calls".to_owned()),
    ] {
        let answer = line.api(method, &path, &Value::Null);
        assert_eq!(code(&answer), (404, "10005".to_owned()), "{path}");
    }
    assert_eq!(line.refused("nonsense", "hangup", &json!({})), unprocessable("90015"));
    assert_eq!(line.refused("v3:unknown", "hangup", &json!({})), (404, "10005".to_owned()));
}

#[test]
fn refusal_names_code_title_and_field() {
    let mut line = Line::new();
    let (status, body) = line.try_dial(SILENT, &json!({ "connection_id": "2" }));
    assert_eq!(status, 422);
    let error = &body["errors"][0];
    assert_eq!(error["code"], "10015");
    assert_eq!(error["title"], "Invalid value for connection_id (Call Control App ID)");
    assert_eq!(error["source"]["pointer"], "/connection_id");
    assert!(error["meta"]["url"].as_str().unwrap().ends_with("/10015"));
}

#[test]
fn bad_dials_are_refused_with_telnyx_codes_and_place_nothing() {
    let mut line = Line::new();
    for (extra, wanted) in [
        (json!({ "to": null }), "10004"),
        (json!({ "from": "" }), "10004"),
        (json!({ "connection_id": null }), "10004"),
        (json!({ "to": "15550100099" }), "10016"),
        (json!({ "to": "+12" }), "10002"),
        (json!({ "from": "+1555x" }), "10002"),
        (json!({ "webhook_url": "app.test" }), "10003"),
        (json!({ "webhook_url": format!("http://app.test/{}", "x".repeat(2000)) }), "10003"),
        (json!({ "client_state": "not base64!" }), "90017"),
        (json!({ "timeout_secs": 4 }), "10033"),
        (json!({ "timeout_secs": 601 }), "10033"),
        (json!({ "timeout_secs": "30" }), "10015"),
        (json!({ "time_limit_secs": 14_401 }), "10033"),
        (json!({ "answering_machine_detection": "guess" }), "10032"),
        (json!({ "send_digits_on_answer": "1x" }), "90014"),
        (json!({ "to": "+15550100099,1x" }), "90014"),
        (json!({ "webhook_urls": { "call.rang": [HOOK] } }), "90057"),
        (json!({ "webhook_retries_policies": { "call.rang": { "retries_ms": [] } } }), "90057"),
        (
            json!({ "webhook_retries_policies": { "call.hangup": { "retries_ms": [60_000, 1] } } }),
            "10015",
        ),
        (
            json!({ "webhook_retries_policies": { "call.hangup": { "retries_ms": [1, 1, 1, 1, 1, 1] } } }),
            "10015",
        ),
        (json!({ "webhook_url_method": "GET" }), "10015"),
    ] {
        assert_eq!(code(&line.try_dial(SILENT, &extra)), unprocessable(wanted), "{extra}");
    }
    let broken = line.send(Method::POST, "/v2/calls", KEY, "{").unwrap();
    assert_eq!(code(&read(&broken)), (400, "10023".to_owned()));
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    assert_eq!(list["calls"], json!([]));
}

#[test]
fn list_of_one_destination_and_sip_addresses_are_dialled() {
    let mut line = Line::new();
    let id = line.dial("", &json!({ "to": [SILENT] }));
    assert_eq!(line.truth(&id)["to"], SILENT);
    let id = line.dial("sip:alice@example.test", &json!({}));
    assert_eq!(line.truth(&id)["from"], FROM);
}

#[test]
fn second_dial_of_the_same_command_is_the_same_call_for_a_minute() {
    let mut line = Line::new();
    let command = json!({ "command_id": "dial-1" });
    let id = line.dial(SILENT, &command);
    line.run(59.0);
    assert_eq!(line.dial(SILENT, &command), id);
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    assert_eq!(list["calls"].as_array().unwrap().len(), 1);
    assert_ne!(line.dial(SILENT, &json!({ "command_id": "dial-2" })), id);
    line.run(2.0);
    assert_ne!(line.dial(SILENT, &command), id, "forgotten after a minute");
}

#[test]
fn refused_dial_leaves_its_command_unknown() {
    let mut line = Line::new();
    let command = json!({ "command_id": "dial-1", "timeout_secs": 1 });
    assert_eq!(line.try_dial(SILENT, &command).0, 422);
    line.dial(SILENT, &json!({ "command_id": "dial-1" }));
}

#[test]
fn first_event_may_come_before_the_answer_to_the_dial() {
    let mut settings = plain();
    settings.webhook_before_answer = Habit::Always;
    let mut line = Line::with(settings);
    let body = json!({ "connection_id": "1", "from": FROM, "to": SILENT, "webhook_url": HOOK });
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", "Bearer KEYemulator".parse().unwrap());
    let request = offhook_carrier::ApiRequest {
        method: Method::POST,
        path_and_query: "/v2/calls".to_owned(),
        headers,
        body: body.to_string().into(),
    };
    let answered = line.emulator.answer(&request, line.now);
    assert_eq!(answered.held_for, std::time::Duration::from_millis(100));
    line.run(0.05);
    assert_eq!(line.hooks[0].event(), "call.initiated");
}
