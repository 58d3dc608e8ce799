use http::Method;
use offhook_carrier::Habit;
use serde_json::{Value, json};

use crate::line::{FROM, HOLD, Line, SILENT, plain};

#[test]
fn request_and_call_have_ids_of_their_own() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    let dialled = line.dial(SILENT, &Value::Null);
    assert_ne!(dialled.request, dialled.call);
    line.run(3.0);
    let ring = line.hook_to("/ring");
    assert_eq!(ring.param("CallUUID"), dialled.call);
    for name in ["RequestUUID", "ALegRequestUUID"] {
        assert_eq!(ring.param(name), dialled.request, "{name}");
    }
    assert_eq!(ring.param("ALegUUID"), dialled.call);
    // Once it is dialled, the request's id names no call any more.
    assert_eq!(line.live(&dialled.request), None);
    assert_eq!(line.live(&dialled.call).as_deref(), Some("in-progress"));
}

#[test]
fn outbound_call_rings_is_answered_and_ends() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Speak>Good morning</Speak></Response>");
    let dialled = line.dial(SILENT, &Value::Null);
    line.run(20.0);
    let told: Vec<(String, String)> = line
        .hooks
        .iter()
        .map(|hook| (hook.param("Event").to_owned(), hook.param("CallStatus").to_owned()))
        .collect();
    let wanted = [("Ring", "ringing"), ("StartApp", "in-progress"), ("Hangup", "completed")];
    assert_eq!(told, wanted.map(|(event, status)| (event.to_owned(), status.to_owned())));
    assert_eq!(line.heard(&dialled.call), ["Good morning"]);
    for hook in &line.hooks {
        assert_eq!((hook.param("From"), hook.param("To")), (FROM, SILENT), "numbers have no plus");
        assert_eq!(hook.param("Direction"), "outbound");
    }
    let hangup = line.hook_to("/hangup");
    assert_eq!(hangup.param("HangupCauseCode"), "4010");
    assert_eq!(hangup.param("HangupCauseName"), "End Of XML Instructions");
    assert_eq!(hangup.param("HangupCause"), "NORMAL_CLEARING");
    assert_eq!(hangup.param("Duration"), "1");
    assert_eq!(hangup.param("BillDuration"), "60");
    assert_eq!(hangup.param("StartTime"), "2026-01-05 09:00:00");
    assert_eq!(hangup.param("AnswerTime"), "2026-01-05 09:00:02");
}

#[test]
fn inbound_call_is_never_told_to_ring() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Speak>Hello</Speak></Response>");
    let id = line.receive("silent");
    line.run(10.0);
    let hooks: Vec<&str> = line.hooks.iter().map(|hook| hook.param("Event")).collect();
    assert_eq!(hooks, ["StartApp", "Hangup"]);
    let answer = line.hook_to("/answer");
    assert_eq!(answer.param("CallStatus"), "ringing");
    assert_eq!(answer.param("Direction"), "inbound");
    assert_eq!((answer.param("From"), answer.param("To")), (SILENT, FROM));
    assert_eq!(answer.param("RequestUUID"), "");
    assert_eq!(line.heard(&id), ["Hello"]);
}

#[test]
fn calls_leave_the_queue_at_the_rate_of_the_account() {
    let mut settings = plain();
    settings.calls_per_second = 2.0;
    let mut line = Line::with(settings);
    line.document("/answer", HOLD);
    let first = line.dial(SILENT, &Value::Null);
    let body = json!({ "from": FROM, "to": SILENT, "answer_url": "http://app.test/answer" });
    let (status, answer) = line.api(Method::POST, "", &body);
    assert_eq!((status, &answer["message"]), (201, &json!("call queued")));
    let second = answer["request_uuid"].as_str().unwrap().to_owned();

    // A waiting call is known by its request.
    let (status, queued) = line.get(&format!("{second}/?status=queued"));
    assert_eq!((status, &queued["call_status"]), (200, &json!("queued")));
    assert_eq!(queued["call_uuid"], second);
    assert_eq!(line.get("?status=queued").1["calls"], json!([second, first.request]));
    assert_eq!(line.get("?status=live").1["calls"], json!([]));

    line.run(0.4);
    assert_eq!(line.get("?status=queued").1["calls"], json!([second]));
    assert_eq!(line.get("?status=live").1["calls"], json!([first.call]));
    line.run(0.2);
    assert_eq!(line.get("?status=queued").1["calls"], json!([]));
    assert_eq!(line.get(&format!("{second}/?status=queued")).0, 404);
    assert_eq!(line.get("?status=live").1["calls"].as_array().unwrap().len(), 2);
}

#[test]
fn webhook_may_come_before_the_answer_and_out_of_order() {
    let mut settings = plain();
    settings.webhook_before_answer = Habit::Always;
    settings.late_callbacks = Habit::Always;
    let mut line = Line::with(settings);
    line.document("/answer", "<Response><Hangup/></Response>");
    line.dial(SILENT, &Value::Null);
    line.run(0.0);
    line.run(10.0);
    let events: Vec<&str> = line.hooks.iter().map(|hook| hook.param("Event")).collect();
    assert_eq!(events.len(), 3);
    assert_eq!(events.iter().filter(|event| **event == "StartApp").count(), 1);

    let mut settings = plain();
    settings.webhook_before_answer = Habit::Always;
    let mut line = Line::with(settings);
    line.dial(SILENT, &Value::Null);
    line.run(0.0);
    assert_eq!(line.hook_to("/ring").at, line.now, "it rings within the very instant");
}

#[test]
fn hangup_is_told_to_the_answer_url_if_there_is_no_other() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Hangup/></Response>");
    line.dial(SILENT, &json!({ "hangup_url": null, "ring_url": null }));
    line.run(10.0);
    let events: Vec<String> =
        line.hooks_to("/answer").iter().map(|hook| hook.param("Event").to_owned()).collect();
    assert_eq!(events, ["StartApp", "Hangup"]);
    assert_eq!(line.hooks.len(), 2);
}

#[test]
fn tones_go_out_before_the_document() {
    let mut line = Line::new();
    line.document("/answer", HOLD);
    let call = line.dial(SILENT, &json!({ "send_digits": "1w2W3@1000" })).call;
    line.run(2.5);
    assert!(line.hooks_to("/answer").is_empty());
    line.run(3.0);
    assert_eq!(line.hooks_to("/answer").len(), 1);
    assert_eq!(line.truth(&call)["digits"], "1w2W3");
}
