use offhook_carrier::DeliveryFault;
use serde_json::{Value, json};

use crate::line::{HOLD, Line, NEVER_ANSWERS, SILENT, answer, xml};

fn ended(status: &str, code: u32, source: &str) -> (String, u32, String) {
    (status.to_owned(), code, source.to_owned())
}

#[test]
fn elements_are_carried_out_in_order_and_take_their_time() {
    let mut line = Line::new();
    line.document(
        "/answer",
        "<Response><Speak loop=\"2\">Hi</Speak><Wait length=\"3\"/><DTMF async=\"false\">1W2</DTMF>\
         <DTMF>3</DTMF><Play>http://app.test/tune.mp3</Play><Speak>Bye</Speak></Response>",
    );
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(5.0);
    assert_eq!(
        (line.heard(&call), line.truth(&call)["digits"].clone()),
        (vec!["Hi".to_owned(); 2], json!(""))
    );
    line.run(10.0);
    assert_eq!(line.heard(&call), ["Hi", "Hi", "Bye"]);
    assert_eq!(line.truth(&call)["digits"], "1W23");
    let hangup = line.hook_to("/hangup");
    // 0.27 s of words, 3 s of waiting, 1.5 s of tones, 2 s of music, 0.2 s of words.
    assert_eq!(hangup.param("Duration"), "7");
    assert_eq!(line.ending(), ended("completed", 4010, "Plivo"));
}

#[test]
fn empty_document_on_the_answer_url_hangs_up() {
    for document in ["<Response/>", "<Response></Response>"] {
        let mut line = Line::new();
        line.document("/answer", document);
        line.dial(SILENT, &Value::Null);
        line.run(5.0);
        assert_eq!(line.ending(), ended("completed", 4010, "Plivo"));
    }
}

#[test]
fn redirect_goes_to_another_document() {
    let mut line = Line::new();
    line.document("/next", "<Response><Speak>There</Speak></Response>");
    line.document(
        "/answer",
        "<Response><Redirect method=\"GET\">http://app.test/next?a=1&amp;b=2</Redirect></Response>",
    );
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(5.0);
    assert_eq!(line.heard(&call), ["There"]);
    let next = line.hook_to("/next");
    assert_eq!((next.param("a"), next.param("Event")), ("1", "Redirect"));
    assert_eq!(next.param("CallUUID"), call);
}

#[test]
fn hold_that_redirects_to_itself_goes_on() {
    let mut line = Line::new();
    line.document(
        "/answer",
        "<Response><Wait length=\"2\"/><Redirect>http://app.test/answer</Redirect></Response>",
    );
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(402.2);
    assert_eq!(line.hooks_to("/answer").len(), 201, "redirects are not counted as transfers");
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"));
}

#[test]
fn hangup_ends_at_once_or_is_scheduled() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Hangup/><Speak>Never</Speak></Response>");
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(5.0);
    assert_eq!(line.ending(), ended("completed", 4000, "Answer XML"));
    assert!(line.heard(&call).is_empty());

    let mut line = Line::new();
    line.document(
        "/answer",
        "<Response><Hangup schedule=\"20\"/><Speak>Hurry</Speak><Wait length=\"600\"/></Response>",
    );
    let call = line.dial(SILENT, &Value::Null).call;
    line.run(10.0);
    // It outlives the document that ordered it.
    line.document("/next", HOLD);
    line.api(
        http::Method::POST,
        &format!("{call}/"),
        &json!({ "aleg_url": "http://app.test/next" }),
    );
    line.run(60.0);
    assert_eq!(line.ending(), ended("completed", 6000, "Plivo"));
    assert_eq!(line.hook_to("/hangup").param("Duration"), "20");
    assert_eq!(line.heard(&call), ["Hurry"]);
}

#[test]
fn inbound_call_is_refused_before_it_is_answered() {
    for (reason, status, code) in [("busy", "busy", 3010), ("rejected", "failed", 3020)] {
        let mut line = Line::new();
        line.on("/answer", move |_| {
            xml(&format!("<Response><Hangup reason=\"{reason}\"/></Response>"))
        });
        line.receive("silent");
        line.run(5.0);
        assert_eq!(line.ending(), ended(status, code, "Answer XML"));
        assert_eq!(line.hook_to("/hangup").param("AnswerTime"), "");
    }
    // Once it is answered, a reason comes too late.
    let mut line = Line::new();
    line.document("/answer", "<Response><Speak>Sorry</Speak><Hangup reason=\"busy\"/></Response>");
    line.receive("silent");
    line.run(5.0);
    assert_eq!(line.ending(), ended("completed", 4000, "Answer XML"));
}

#[test]
fn early_media_and_waiting_leave_the_phone_ringing() {
    let mut line = Line::new();
    line.document(
        "/answer",
        "<Response><Wait length=\"2\"/><PreAnswer><Speak>Please hold the line</Speak>\
         <Wait length=\"3\"/></PreAnswer><Speak>Hello</Speak><Wait length=\"60\"/></Response>",
    );
    let call = line.receive("silent");
    line.run(5.0);
    assert_eq!(line.live(&call).as_deref(), Some("ringing"));
    assert_eq!(line.heard(&call), ["Please hold the line"]);
    line.run(5.0);
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"));
    assert_eq!(line.heard(&call), ["Please hold the line", "Hello"]);
}

#[test]
fn documents_that_cannot_be_had_or_understood_end_the_call() {
    let long = format!("<Response><Speak>{}</Speak></Response>", "x".repeat(3001));
    let cases: Vec<(crate::line::Outcome, u32)> = vec![
        (answer(500, "text/xml", "<Response/>"), 7011),
        (answer(302, "text/xml", "<Response/>"), 7011),
        (Err(DeliveryFault::Connect), 7011),
        (Err(DeliveryFault::ReadTimeout), 7011),
        (answer(200, "text/xml", ""), 8011),
        (answer(200, "application/json", "{}"), 8011),
        (answer(200, "text/html", "<Response/>"), 8011),
        (xml("<Response><Reject/></Response>"), 8011),
        (xml("<Response><Speak>"), 8011),
        (xml(&long), 8011),
        (xml("<Response><Speak language=\"ja-JP\">x</Speak></Response>"), 8011),
        (xml("<Response><GetInput action=\"/relative\"/></Response>"), 7022),
        (xml("<Response><GetInput action=\"http://h/\" method=\"PUT\"/></Response>"), 7032),
        (xml("<Response><GetInput action=\"http://h/\" speechEndTimeout=\"1\"/></Response>"), 8011),
        (xml("<Response><Redirect>/relative</Redirect></Response>"), 7024),
        (xml("<Response><Redirect method=\"PUT\">http://h/</Redirect></Response>"), 7034),
    ];
    for (outcome, code) in cases {
        let mut line = Line::new();
        let told = format!("{outcome:?}");
        line.on("/answer", move |_| outcome.clone());
        let call = line.dial(SILENT, &Value::Null).call;
        line.run(60.0);
        assert_eq!(line.ending(), ended("completed", code, "Error"), "{told}");
        assert!(line.truth(&call)["error"].as_str().unwrap().starts_with(&code.to_string()));
    }
}

#[test]
fn failure_of_a_transfer_a_redirect_or_an_action_has_its_own_code() {
    for (bad, problem) in
        [(answer(404, "text/xml", ""), 7000), (xml("<Response><Reject/></Response>"), 8000)]
    {
        // A transfer; the fallback is for the answer URL.
        let mut line = Line::new();
        line.document("/answer", HOLD);
        let call = line.dial(SILENT, &json!({ "fallback_url": "http://app.test/fallback" })).call;
        line.run(3.0);
        let outcome = bad.clone();
        line.on("/bad", move |_| outcome.clone());
        let body = json!({ "aleg_url": "http://app.test/bad" });
        line.api(http::Method::POST, &format!("{call}/"), &body);
        line.run(5.0);
        assert_eq!(line.ending(), ended("completed", problem + 13, "Error"));
        assert!(line.hooks_to("/fallback").is_empty());

        let mut line = Line::new();
        let outcome = bad.clone();
        line.on("/bad", move |_| outcome.clone());
        line.document("/answer", "<Response><Redirect>http://app.test/bad</Redirect></Response>");
        line.dial(SILENT, &Value::Null);
        line.run(5.0);
        assert_eq!(line.ending(), ended("completed", problem + 14, "Error"));

        let mut line = Line::new();
        let outcome = bad.clone();
        line.on("/bad", move |_| outcome.clone());
        line.document("/answer", "<Response><GetInput action=\"http://app.test/bad\"/></Response>");
        let call = line.dial(SILENT, &Value::Null).call;
        line.run(3.0);
        assert!(line.press(&call, "1#"));
        line.run(5.0);
        assert_eq!(line.ending(), ended("completed", problem + 12, "Error"));
    }
}

#[test]
fn fallback_is_asked_when_the_answer_url_fails() {
    for bad in [answer(500, "text/xml", ""), xml("<Response><Reject/></Response>")] {
        let mut line = Line::new();
        line.on("/answer", move |_| bad.clone());
        line.document("/fallback", "<Response><Speak>Sorry</Speak></Response>");
        let call = line.dial(SILENT, &json!({ "fallback_url": "http://app.test/fallback" })).call;
        line.run(10.0);
        assert_eq!(line.heard(&call), ["Sorry"]);
        assert_eq!(line.hook_to("/fallback").param("Event"), "StartApp");
        assert_eq!(line.ending(), ended("completed", 4010, "Plivo"));
    }
    // And only once.
    let mut line = Line::new();
    line.on("/answer", |_| answer(500, "text/xml", ""));
    line.on("/fallback", |_| answer(500, "text/xml", ""));
    line.dial(SILENT, &json!({ "fallback_url": "http://app.test/fallback" }));
    line.run(10.0);
    assert_eq!(line.ending(), ended("completed", 7011, "Error"));
    assert_eq!(line.hooks_to("/fallback").len(), 1);
}

#[test]
fn inbound_call_without_a_document_fails() {
    let mut line = Line::new();
    line.on("/answer", |_| answer(503, "text/plain", ""));
    line.receive("silent");
    line.run(5.0);
    assert_eq!(line.ending(), ended("failed", 7011, "Error"));
}

#[test]
fn documents_are_in_the_record_of_their_call() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Say>Passed over</Say></Response>");
    let call = line.dial(SILENT, &Value::Null).call;
    line.dial(NEVER_ANSWERS, &Value::Null);
    line.run(5.0);
    let truth = line.truth(&call);
    assert_eq!(truth["documents"], json!(["<Response><Say>Passed over</Say></Response>"]));
    assert_eq!(truth["heard"], json!([]));
}
