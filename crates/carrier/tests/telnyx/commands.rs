use serde_json::{Value, json};

use crate::line::{Line, NEVER_ANSWERS, SILENT, VOICE, unprocessable};

const LIVE_ONLY: &[&str] = &[
    "speak",
    "playback_stop",
    "transcription_start",
    "transcription_stop",
    "gather",
    "gather_using_speak",
    "gather_stop",
    "send_dtmf",
    "transfer",
];

fn body_of(name: &str) -> Value {
    match name {
        "speak" | "gather_using_speak" => json!({ "payload": "hi", "voice": VOICE }),
        "send_dtmf" => json!({ "digits": "1" }),
        "reject" => json!({ "cause": "USER_BUSY" }),
        "transfer" => json!({ "to": SILENT }),
        _ => json!({}),
    }
}

#[test]
fn every_command_on_an_ended_call_is_refused() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "hangup", &json!({}));
    for name in LIVE_ONLY.iter().chain(&["answer", "reject", "hangup"]) {
        let refused = line.refused(&id, name, &body_of(name));
        assert_eq!(refused, unprocessable("90018"), "{name}");
    }
}

#[test]
fn commands_for_an_answered_call_are_refused_before_the_answer() {
    let mut line = Line::new();
    for id in [line.dial(NEVER_ANSWERS, &json!({})), line.receive("silent")] {
        line.run(1.0);
        for name in LIVE_ONLY {
            let refused = line.refused(&id, name, &body_of(name));
            assert_eq!(refused, unprocessable("90034"), "{name}");
        }
    }
}

#[test]
fn outbound_calls_are_neither_answered_nor_rejected() {
    let mut line = Line::new();
    let id = line.dial(NEVER_ANSWERS, &json!({}));
    line.run(1.0);
    assert_eq!(line.refused(&id, "answer", &json!({})), unprocessable("90102"));
    let reject = json!({ "cause": "USER_BUSY" });
    assert_eq!(line.refused(&id, "reject", &reject), unprocessable("10015"));
    let inbound = line.receive("silent");
    assert_eq!(line.refused(&inbound, "reject", &json!({})), unprocessable("10004"));
    assert_eq!(line.refused(&inbound, "reject", &json!({ "cause": "NO" })), unprocessable("10032"));
}

#[test]
fn repeated_command_is_ignored_for_a_minute() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let speak = json!({ "payload": "Once", "voice": VOICE, "command_id": "s1" });
    line.order(&id, "speak", &speak);
    line.run(30.0);
    line.order(&id, "speak", &speak);
    line.run(29.0);
    line.order(&id, "speak", &speak);
    line.run(1.0);
    assert_eq!(line.heard(&id), ["Once"]);
    line.order(&id, "speak", &speak);
    line.run(5.0);
    assert_eq!(line.heard(&id), ["Once", "Once"], "known for a minute only");
}

#[test]
fn command_id_belongs_to_its_call() {
    let mut line = Line::new();
    let (one, other) = (line.connected(SILENT, &json!({})), line.connected(SILENT, &json!({})));
    let speak = json!({ "payload": "Hello", "voice": VOICE, "command_id": "s1" });
    line.order(&one, "speak", &speak);
    line.order(&other, "speak", &speak);
    line.run(5.0);
    assert_eq!((line.heard(&one).len(), line.heard(&other).len()), (1, 1));
}

#[test]
fn repeated_hangup_is_taken_as_the_first_was() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "hangup", &json!({ "command_id": "h1" }));
    line.order(&id, "hangup", &json!({ "command_id": "h1" }));
    assert_eq!(line.refused(&id, "hangup", &json!({ "command_id": "h2" })), unprocessable("90018"));
    line.run(1.0);
    assert_eq!(line.payloads(&id, "call.hangup").len(), 1);
}

#[test]
fn refused_command_may_be_sent_again_under_its_id() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let wrong = json!({ "payload": "Hi", "voice": "alice", "command_id": "s1" });
    assert_eq!(line.refused(&id, "speak", &wrong), unprocessable("10032"));
    line.order(&id, "speak", &json!({ "payload": "Hi", "voice": VOICE, "command_id": "s1" }));
    line.run(2.0);
    assert_eq!(line.heard(&id), ["Hi"]);
}

#[test]
fn client_state_is_echoed_until_another_command_brings_one() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({ "client_state": "b25l" }));
    let speak = json!({ "payload": "Hello", "voice": VOICE, "client_state": "dHdv" });
    line.order(&id, "speak", &speak);
    line.run(0.1);
    line.order(&id, "client_state_update", &json!({ "client_state": "dGhyZWU=" }));
    line.run(5.0);
    let states: Vec<Value> =
        line.of(&id).map(|hook| hook.payload()["client_state"].clone()).collect();
    assert_eq!(states, ["b25l", "b25l", "dHdv", "dGhyZWU="]);
    assert_eq!(line.status(&id)["client_state"], "dGhyZWU=");
}

#[test]
fn client_state_that_is_not_base64_is_refused_and_changes_nothing() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({ "client_state": "b25l" }));
    for state in ["plain text", "b25l=", "b25"] {
        let refused = line.refused(&id, "hangup", &json!({ "client_state": state }));
        assert_eq!(refused, unprocessable("90017"), "{state}");
    }
    let wrong = json!({ "payload": "Hi", "voice": "alice", "client_state": "dHdv" });
    assert_eq!(line.refused(&id, "speak", &wrong).0, 422);
    assert_eq!(line.status(&id)["client_state"], "b25l");
}
