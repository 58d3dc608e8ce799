use serde_json::json;

use crate::line::{FROM, Line, SAYS_YES, SILENT};

#[test]
fn outbound_call_is_initiated_answered_and_hung_up_without_ringing() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({ "client_state": "b2Zm" }));
    line.order(&id, "hangup", &json!({}));
    line.run(1.0);
    assert_eq!(line.told(&id), ["call.initiated", "call.answered", "call.hangup"]);

    let initiated = &line.payloads(&id, "call.initiated")[0];
    assert_eq!(
        (&initiated["direction"], &initiated["state"]),
        (&json!("outgoing"), &json!("bridging"))
    );
    let answered = &line.payloads(&id, "call.answered")[0];
    assert_eq!(answered["state"], "answered");
    for payload in [initiated, answered] {
        assert_eq!((&payload["from"], &payload["to"]), (&json!(FROM), &json!(SILENT)));
        assert_eq!(
            (&payload["connection_id"], &payload["client_state"]),
            (&json!("1"), &json!("b2Zm"))
        );
        assert_eq!(payload["call_session_id"], initiated["call_session_id"]);
        assert_eq!(payload["call_leg_id"], initiated["call_leg_id"]);
        assert!(payload["start_time"].as_str().unwrap().ends_with('Z'));
    }
    let hangup = &line.payloads(&id, "call.hangup")[0];
    assert_eq!(hangup["hangup_cause"], "normal_clearing");
    assert_eq!(hangup["hangup_source"], "caller");
    assert_eq!(hangup["sip_hangup_cause"], "200");
}

#[test]
fn inbound_call_is_parked_until_it_is_answered() {
    let mut line = Line::new();
    let id = line.receive("silent");
    line.run(20.0);
    assert_eq!(line.told(&id), ["call.initiated"]);
    let initiated = &line.payloads(&id, "call.initiated")[0];
    assert_eq!(
        (&initiated["direction"], &initiated["state"]),
        (&json!("incoming"), &json!("parked"))
    );
    assert_eq!((&initiated["from"], &initiated["to"]), (&json!(SILENT), &json!(FROM)));
    assert!(initiated["client_state"].is_null());
    assert_eq!(line.status(&id)["is_alive"], true);

    line.order(&id, "answer", &json!({ "client_state": "b2Zm" }));
    line.run(10.0);
    assert_eq!(line.payloads(&id, "call.answered")[0]["client_state"], "b2Zm");
    line.act(&id, "hangup", &json!({}));
    line.run(1.0);
    let hangup = &line.payloads(&id, "call.hangup")[0];
    assert_eq!(
        (&hangup["hangup_cause"], &hangup["hangup_source"]),
        (&json!("normal_clearing"), &json!("caller"))
    );
    assert_eq!(hangup["sip_hangup_cause"], "unspecified");
}

#[test]
fn answer_may_bring_a_webhook_url_and_a_transcription() {
    let mut line = Line::new();
    let id = line.receive("silent");
    let answer = json!({
        "webhook_url": "http://app.test/answered", "transcription": true,
        "transcription_config": { "transcription_engine": "Telnyx" },
    });
    line.order(&id, "answer", &answer);
    line.run(1.0);
    assert_eq!(line.act(&id, "say", &json!({ "text": "hello" })).1["noticed"], true);
    line.run(5.0);
    let urls: Vec<&str> = line.of(&id).map(|hook| hook.url.as_str()).collect();
    let moved = "http://app.test/answered";
    assert_eq!(urls, ["http://app.test/hook", moved, moved]);
    assert_eq!(line.told(&id)[2], "call.transcription");
}

#[test]
fn answering_twice_answers_once() {
    let mut line = Line::new();
    let id = line.receive("silent");
    line.order(&id, "answer", &json!({}));
    line.order(&id, "answer", &json!({}));
    line.run(1.0);
    assert_eq!(line.payloads(&id, "call.answered").len(), 1);
}

#[test]
fn digits_are_sent_on_answer_however_they_are_given() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({ "send_digits_on_answer": "1w2" }));
    assert_eq!(line.truth(&id)["digits"], "1w2");
    let id = line.connected("+15550100099,34", &json!({}));
    assert_eq!(line.truth(&id)["digits"], "34");
    assert_eq!(line.truth(&id)["to"], SILENT);
    let id = line.connected("+15550100099,34", &json!({ "send_digits_on_answer": "5" }));
    assert_eq!(line.truth(&id)["digits"], "5");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = || {
        let mut line = Line::with(offhook_carrier::Settings::default());
        let id = line.dial(SAYS_YES, &json!({ "transcription": true }));
        line.run(3.0);
        line.speak(&id, "Is this a good time?");
        line.run(20.0);
        line.hooks.iter().map(|hook| hook.body.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
