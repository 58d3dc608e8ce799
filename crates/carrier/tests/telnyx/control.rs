use http::Method;
use offhook_carrier::{ConnectionDropped, TelnyxAccount};
use serde_json::{Value, json};

use crate::line::{HOOK, KEY, Line, SILENT, call_path, plain};

const DIAL: &str = r#"{"connection_id": "1", "from": "+15550100100", "to": "+15550100099"}"#;

#[test]
fn public_key_is_that_of_the_settings() {
    let mut settings = plain();
    let mut line = Line::with(settings.clone());
    let answer = line.send(Method::GET, "/emulator/telnyx-public-key", "", "").unwrap();
    assert_eq!(answer.body, TelnyxAccount::default().public_key());
    settings.telnyx.signing_key = [7; 32];
    let key = settings.telnyx.public_key();
    assert_ne!(key, TelnyxAccount::default().public_key());
    let mut line = Line::with(settings);
    let answer = line.send(Method::GET, "/emulator/telnyx-public-key", "", "").unwrap();
    assert_eq!(answer.body, key);
    // Its events verify with it.
    line.dial(SILENT, &json!({}));
    line.run(5.0);
    assert_eq!(line.hooks.len(), 2);
}

#[test]
fn both_carriers_share_the_control_api() {
    let mut line = Line::new();
    let telnyx = line.receive("silent");
    let call = json!({ "from": SILENT, "to": "+15550100100", "webhook_url": HOOK });
    let (_, twilio) = line.control(Method::POST, "/emulator/calls", &call);
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    let providers: Vec<&Value> =
        list["calls"].as_array().unwrap().iter().map(|call| &call["provider"]).collect();
    assert_eq!(providers, ["telnyx", "twilio"]);
    assert_eq!(line.truth(twilio["id"].as_str().unwrap())["status"], "ringing");
    assert_eq!(line.truth(&telnyx)["status"], "parked");
    let escaped = telnyx.replace(':', "%3A");
    assert_eq!(line.truth(&escaped)["id"], telnyx);
}

#[test]
fn calls_that_cannot_be_are_refused() {
    let mut line = Line::new();
    for (extra, words) in [
        (json!({ "provider": "vonage" }), "is not emulated; there is twilio, plivo, telnyx"),
        (json!({ "webhook_url": null }), "webhook_url is missing"),
        (json!({ "status_callback": HOOK }), "no status callback"),
        (json!({ "party": "alien" }), "is not known"),
    ] {
        let mut call = json!({
            "provider": "telnyx", "from": SILENT, "to": "+15550100100", "webhook_url": HOOK,
        });
        for (name, value) in extra.as_object().unwrap() {
            call[name] = value.clone();
        }
        let (status, answer) = line.control(Method::POST, "/emulator/calls", &call);
        assert_eq!(status, 422, "{call}");
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
    }
}

#[test]
fn record_has_the_requests_and_webhooks_of_its_call() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.speak(&id, "Hello");
    line.command(&id, "answer", &json!({}));
    line.status(&id);
    line.run(2.0);
    let truth = line.truth(&id);
    let requests: Vec<(String, u64)> = truth["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let path = request["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            (path, request["status"].as_u64().unwrap())
        })
        .collect();
    let last = call_path(&id).rsplit('/').next().unwrap().to_owned();
    let wanted = [("calls", 200), ("speak", 200), ("answer", 422), (last.as_str(), 200)];
    assert_eq!(requests, wanted.map(|(path, status)| (path.to_owned(), status)));
    let kinds: Vec<&Value> =
        truth["webhooks"].as_array().unwrap().iter().map(|webhook| &webhook["kind"]).collect();
    assert_eq!(
        kinds,
        ["call.initiated", "call.answered", "call.speak.started", "call.speak.ended"]
    );
}

#[test]
fn faults_of_requests_strike_their_provider_only() {
    let mut line = Line::new();
    line.order_fault(&json!({ "provider": "twilio", "http_status": 500, "count": 0 }));
    line.dial(SILENT, &json!({}));
    line.order_fault(
        &json!({ "provider": "telnyx", "match": "POST /v2/calls", "drop_after_taking": true }),
    );
    let dropped = line.send(Method::POST, "/v2/calls", KEY, DIAL).unwrap_err();
    assert_eq!(dropped, ConnectionDropped { taken: true });
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    assert_eq!(list["calls"].as_array().unwrap().len(), 2);
    line.order_fault(&json!({ "provider": "telnyx", "http_status": 429 }));
    assert_eq!(line.send(Method::POST, "/v2/calls", KEY, DIAL).unwrap().status, 429);
    assert_eq!(line.send(Method::POST, "/v2/calls", KEY, DIAL).unwrap().status, 200);
}

#[test]
fn dropped_command_is_noted_with_its_call() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order_fault(&json!({ "match": "/actions/hangup", "drop": true }));
    let path = format!("{}/actions/hangup", call_path(&id));
    assert!(line.send(Method::POST, &path, KEY, "{}").is_err());
    assert_eq!(line.truth(&id)["requests"][1]["status"], Value::Null);
    assert_eq!(line.status(&id)["is_alive"], true);
}

#[test]
fn faults_befall_webhooks() {
    let mut line = Line::new();
    line.order_fault(&json!({ "provider": "telnyx", "duplicate": true }));
    let id = line.connected(SILENT, &json!({}));
    assert_eq!(line.told(&id), ["call.initiated", "call.initiated", "call.answered"]);
    let ids: Vec<&str> = line.of(&id).map(crate::line::Hook::id).collect();
    assert_eq!(ids[0], ids[1]);
    line.order_fault(&json!({ "on": "webhook", "reorder": true }));
    line.speak(&id, "Hi");
    line.run(5.0);
    assert_eq!(line.told(&id)[3..], ["call.speak.ended", "call.speak.started"]);
    line.order_fault(&json!({ "on": "webhook", "drop": true }));
    line.order(&id, "hangup", &json!({}));
    line.run(5.0);
    assert_eq!(line.payloads(&id, "call.hangup").len(), 1, "dropped once, then sent again");
}

#[test]
fn fault_finds_a_webhook_by_the_type_of_its_event() {
    let mut line = Line::new();
    let matching = "call.speak.ended";
    line.order_fault(&json!({ "on": "webhook", "match": matching, "drop": true, "count": 0 }));
    let id = line.connected(SILENT, &json!({}));
    line.speak(&id, "Hi");
    line.run(30.0);
    assert_eq!(line.told(&id), ["call.initiated", "call.answered", "call.speak.started"]);
}
