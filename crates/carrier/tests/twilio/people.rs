use http::Method;
use serde_json::{Value, json};

use crate::line::{Line, SILENT, xml};

const QUESTION: &str = "<Response><Gather input=\"speech\" speechTimeout=\"auto\" action=\"/got\">\
    <Say>Shall I?</Say></Gather></Response>";

#[test]
fn person_who_says_yes_does_so_after_each_question() {
    let mut line = Line::new();
    line.document("/answer", QUESTION);
    let mut left = 2;
    line.on("/got", move |_| {
        left -= 1;
        xml(if left > 0 { QUESTION } else { "<Response/>" })
    });
    let sid = line.dial("+15550100001", &[]);
    line.run(30.0);
    let said: Vec<String> =
        line.hooks_to("/got").iter().map(|hook| hook.param("SpeechResult").into()).collect();
    assert_eq!(said, ["yes", "yes"]);
    assert_eq!(line.heard(&sid), ["Shall I?", "Shall I?"]);
}

#[test]
fn person_who_says_yes_presses_nothing() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Gather action=\"/got\"/></Response>");
    line.dial("+15550100001", &[]);
    line.run(30.0);
    assert!(line.hooks_to("/got").is_empty());
}

#[test]
fn person_hangs_up_in_mid_sentence() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Say>I would like to sell you something</Say></Response>");
    let sid = line.dial("+15550100006", &[]);
    line.run(10.0);
    assert_eq!(line.heard(&sid), ["I would like to sell you something…"]);
    assert_eq!(line.status(&sid), "completed");
}

#[test]
fn answering_machine_is_detected_before_the_document_if_asked() {
    let mut line = Line::new();
    line.document("/answer", "<Response/>");
    let sid = line.dial("+15550100005", &[("MachineDetection", "Enable")]);
    line.run(10.0);
    assert_eq!(line.hooks_to("/answer")[0].param("AnsweredBy"), "machine_start");
    let truth = line.truth(&sid);
    assert_eq!(truth["status"], "completed");

    let mut unasked = Line::new();
    unasked.document("/answer", "<Response/>");
    unasked.dial("+15550100005", &[]);
    unasked.run(10.0);
    assert_eq!(unasked.hooks_to("/answer")[0].param("AnsweredBy"), "");
}

#[test]
fn detection_in_the_background_has_its_own_callback() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Pause length=\"20\"/></Response>");
    let amd = [
        ("MachineDetection", "DetectMessageEnd"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", "http://app.test/amd"),
    ];
    line.dial(SILENT, &amd);
    line.run(10.0);
    assert_eq!(line.hooks_to("/answer")[0].param("AnsweredBy"), "");
    assert_eq!(line.hooks_to("/amd")[0].param("AnsweredBy"), "human");
}

#[test]
fn caller_may_be_given_manners_and_words() {
    let mut line = Line::new();
    line.document("/voice", QUESTION);
    let id = line.receive("says-yes");
    line.run(10.0);
    assert_eq!(line.hooks_to("/got")[0].param("SpeechResult"), "yes");
    assert_eq!(line.status(&id), "completed");

    let id = line.receive("silent");
    line.run(1.0);
    assert_eq!(line.act(&id, "say", &json!({"text": "maybe"})).1, json!({"noticed": true}));
    line.run(2.0);
    assert_eq!(line.hooks_to("/got")[1].param("SpeechResult"), "maybe");
}

#[test]
fn person_can_hang_up_once() {
    let mut line = Line::new();
    line.document("/voice", "<Response><Say>Hello, this is a long greeting</Say></Response>");
    let id = line.receive("silent");
    line.run(0.5);
    assert_eq!(line.act(&id, "hangup", &Value::Null).0, 200);
    assert_eq!(line.status(&id), "completed");
    assert_eq!(line.act(&id, "hangup", &Value::Null).0, 409);
    assert_eq!(line.act(&id, "say", &json!({"text": "x"})).0, 409);
}

#[test]
fn words_without_a_listener_are_lost() {
    let mut line = Line::new();
    line.document("/voice", "<Response><Say>Hello, this is a long greeting</Say></Response>");
    let id = line.receive("silent");
    line.run(0.5);
    assert_eq!(line.act(&id, "say", &json!({"text": "hi"})).1, json!({"noticed": false}));
    line.run(5.0);
    assert_eq!(line.heard(&id), ["Hello, this is a long greeting"]);
}

#[test]
fn control_api_lists_who_was_dialled() {
    let mut line = Line::new();
    line.dial(SILENT, &[]);
    line.dial(SILENT, &[]);
    line.receive("silent");
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    let dialled = list["calls"].as_array().unwrap().iter().filter(|call| call["to"] == SILENT);
    assert_eq!(dialled.count(), 2);
}

#[test]
fn control_api_refuses_what_it_does_not_understand() {
    let mut line = Line::new();
    for (path, body, status) in [
        ("/emulator/calls", json!({"from": "+1", "to": "+2"}), 422),
        ("/emulator/calls", json!({"from": "+1", "to": "+2", "webhook_url": "x"}), 422),
        ("/emulator/calls", json!([]), 422),
        (
            "/emulator/calls",
            json!({"from": "a", "to": "b", "party": "dog", "webhook_url": "http://h/"}),
            422,
        ),
        ("/emulator/calls/CA1/hangup", json!({}), 404),
        ("/emulator/nothing", json!({}), 404),
    ] {
        assert_eq!(line.control(Method::POST, path, &body).0, status, "{path} {body}");
    }
}
