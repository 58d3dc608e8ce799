use http::Method;
use serde_json::json;

use crate::line::{CALLS, FROM, Line, SILENT, answer, xml};

const TALK: &str = "<Response><Pause length=\"60\"/></Response>";

/// A call that is answered and runs this document.
fn running(document: &'static str) -> (Line, String) {
    let mut line = Line::new();
    line.document("/answer", document);
    let sid = line.dial(SILENT, &[]);
    line.run(2.3);
    assert_eq!(line.status(&sid), "in-progress");
    (line, sid)
}

#[test]
fn end_of_the_document_is_the_end_of_the_call() {
    let (mut line, sid) =
        running("<Response><Say>One sentence of thirty letters.</Say></Response>");
    line.run(2.2);
    assert_eq!(line.status(&sid), "completed");
    assert_eq!(line.heard(&sid), ["One sentence of thirty letters."]);
}

#[test]
fn speech_takes_time_and_repeats() {
    let (mut line, sid) =
        running("<Response><Say loop=\"2\">fifteen letters</Say><Pause/></Response>");
    line.run(0.5);
    assert!(line.heard(&sid).is_empty());
    line.run(1.0);
    assert_eq!(line.heard(&sid).len(), 1);
    line.run(1.0);
    assert_eq!(line.heard(&sid), ["fifteen letters", "fifteen letters"]);
    assert_eq!(line.status(&sid), "in-progress");
    line.run(1.0);
    assert_eq!(line.status(&sid), "completed");
}

#[test]
fn silent_gather_falls_through_to_the_next_verb() {
    let (mut line, sid) = running(
        "<Response><Gather input=\"speech\" timeout=\"3\" action=\"/got\"/><Say>Nobody?</Say></Response>",
    );
    line.run(5.0);
    assert_eq!(line.heard(&sid), ["Nobody?"]);
    assert!(line.hooks_to("/got").is_empty());
    assert_eq!(line.status(&sid), "completed");
}

#[test]
fn empty_result_is_sent_if_asked_for() {
    let (mut line, _) = running(
        "<Response><Gather input=\"speech dtmf\" timeout=\"2\" action=\"got?turn=1\" \
         actionOnEmptyResult=\"true\"/></Response>",
    );
    line.run(3.0);
    let got = line.hooks_to("/got?turn=1").remove(0);
    assert_eq!(got.param("Digits"), "");
    assert_eq!(got.param("SpeechResult"), "");
    assert_eq!(got.param("CallStatus"), "in-progress");
}

#[test]
fn speech_breaks_off_the_prompt_and_reaches_the_action() {
    let (mut line, sid) = running(
        "<Response><Gather input=\"speech\" speechTimeout=\"auto\" action=\"http://app.test/got\" \
         partialResultCallback=\"/part\"><Say>A long question of forty-five characters, is it?</Say>\
         </Gather></Response>",
    );
    assert_eq!(line.act(&sid, "say", &json!({"text": "I do"})), (200, json!({"noticed": true})));
    assert_eq!(line.heard(&sid), ["A long question of forty-five characters, is it?…"]);
    line.act(&sid, "say", &json!({"text": "not know"}));
    line.run(3.0);
    let got = line.hooks_to("/got").remove(0);
    assert_eq!(got.param("SpeechResult"), "I do not know");
    assert!(got.param("Confidence").parse::<f64>().unwrap() > 0.5);
    assert_eq!(line.hooks_to("/part")[0].param("UnstableSpeechResult"), "I do");
}

#[test]
fn barge_in_can_be_switched_off() {
    let (mut line, sid) = running(
        "<Response><Gather input=\"speech\" bargeIn=\"false\"><Say>Please wait for me</Say></Gather></Response>",
    );
    assert_eq!(line.act(&sid, "say", &json!({"text": "no"})).1, json!({"noticed": false}));
    line.run(2.0);
    assert_eq!(line.heard(&sid), ["Please wait for me"]);
}

#[test]
fn digits_end_by_count_by_key_or_by_time() {
    for (attributes, keys, digits, key) in [
        ("numDigits=\"2\"", "123", "12", ""),
        ("", "12#", "12", "#"),
        ("finishOnKey=\"*\"", "1#*", "1#", "*"),
        ("finishOnKey=\"\" timeout=\"2\"", "1#", "1#", ""),
    ] {
        let mut line = Line::new();
        let document =
            format!("<Response><Gather {attributes} action=\"/got\"/><Pause/></Response>");
        line.on("/answer", move |_| xml(&document));
        let sid = line.dial(SILENT, &[]);
        line.run(2.3);
        assert_eq!(line.act(&sid, "dtmf", &json!({"digits": keys})).0, 200);
        line.run(6.0);
        let got = line.hooks_to("/got").remove(0);
        assert_eq!((got.param("Digits"), got.param("FinishedOnKey")), (digits, key));
    }
}

#[test]
fn action_defaults_to_the_document_itself() {
    let mut line = Line::new();
    line.on("/answer?step=1", |hook| {
        if hook.params.contains_key("Digits") {
            return xml("<Response><Say>Thanks</Say></Response>");
        }
        xml("<Response><Gather numDigits=\"1\"/></Response>")
    });
    let url = "http://app.test/answer?step=1#rc=3";
    let form = [("To", SILENT), ("From", FROM), ("Url", url)];
    let sid = line.api(Method::POST, CALLS, &form).1["sid"].as_str().unwrap().to_owned();
    line.run(3.0);
    line.act(&sid, "dtmf", &json!({"digits": "5"}));
    line.run(3.0);
    assert_eq!(line.heard(&sid), ["Thanks"]);
}

#[test]
fn redirect_is_relative_to_its_document_and_may_be_a_get() {
    let mut line = Line::new();
    line.document(
        "/answer",
        "<Response><Redirect method=\"GET\">next?a=1&amp;b=2</Redirect></Response>",
    );
    line.dial(SILENT, &[]);
    line.run(3.0);
    let next = line.hooks_to("/next").remove(0);
    assert_eq!(next.method, Method::GET);
    assert!(next.url.starts_with("http://app.test/next?a=1&b=2&CallSid=CA"), "{}", next.url);
}

#[test]
fn played_digits_are_heard_as_tones() {
    let (mut line, sid) = running("<Response><Play digits=\"ww12#\"/><Pause/></Response>");
    line.run(1.0);
    assert_eq!(line.truth(&sid)["digits"], "ww12#");
}

#[test]
fn update_replaces_the_running_document_at_once() {
    let (mut line, sid) =
        running("<Response><Say>A sentence that goes on for quite some time.</Say></Response>");
    let form = [("Twiml", "<Response><Say>Stop.</Say></Response>")];
    assert_eq!(line.update(&sid, &form).0, 200);
    line.run(2.0);
    assert_eq!(line.heard(&sid), ["A sentence that goes on for quite some time.…", "Stop."]);
    assert_eq!(line.truth(&sid)["documents"].as_array().unwrap().len(), 2);
}

#[test]
fn answer_to_a_replaced_request_for_a_document_is_ignored() {
    let (mut line, sid) = running(TALK);
    line.update(&sid, &[("Url", "http://app.test/answer?old")]);
    let old = line.emulator.poll(line.now).remove(0);
    line.update(&sid, &[("Twiml", "<Response><Say>New</Say><Pause/></Response>")]);
    let late = xml("<Response><Say>Old</Say></Response>");
    line.emulator.delivered(old.id, late, line.now);
    line.run(1.0);
    assert_eq!(line.heard(&sid), ["New"]);
}

#[test]
fn bad_documents_are_application_errors() {
    for (code, broken) in [
        ("12100", answer(200, "text/xml", "<Response><Say>")),
        ("12200", answer(200, "application/xml", "<Response><Sing/></Response>")),
        ("12300", answer(200, "application/json", "{}")),
        ("11200", answer(404, "text/xml", "<Response/>")),
        ("11200", answer(302, "text/html", "")),
    ] {
        let mut line = Line::new();
        line.on("/answer", move |_| broken.clone());
        let sid = line.dial(SILENT, &[]);
        line.run(3.0);
        assert_eq!(line.status(&sid), "completed");
        let error = line.truth(&sid)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(code), "{error}");
    }
}

#[test]
fn fallback_is_asked_with_the_error() {
    let mut line = Line::new();
    line.on("/answer", |_| answer(503, "text/plain", ""));
    line.document("/rescue", "<Response><Say>Sorry</Say></Response>");
    let sid = line.dial(SILENT, &[("FallbackUrl", "http://app.test/rescue")]);
    line.run(5.0);
    let rescue = line.hooks_to("/rescue").remove(0);
    assert_eq!(rescue.param("ErrorCode"), "11200");
    assert_eq!(rescue.param("ErrorUrl"), "http://app.test/answer");
    assert_eq!(line.heard(&sid), ["Sorry"]);
    assert!(line.truth(&sid)["error"].is_null());
}

#[test]
fn failing_fallback_ends_the_call() {
    let mut line = Line::new();
    line.on("", |_| answer(500, "text/plain", ""));
    let sid = line.dial(SILENT, &[("FallbackUrl", "http://app.test/rescue")]);
    line.run(5.0);
    assert_eq!(line.hooks_to("/rescue").len(), 1);
    assert_eq!(line.status(&sid), "completed");
}

#[test]
fn empty_answer_ends_the_call_without_an_error() {
    let mut line = Line::new();
    line.on("/answer", |_| answer(204, "text/plain", ""));
    let sid = line.dial(SILENT, &[]);
    line.run(3.0);
    assert_eq!(line.status(&sid), "completed");
    assert!(line.truth(&sid)["error"].is_null());
}

#[test]
fn plain_text_is_spoken() {
    let mut line = Line::new();
    line.on("/answer", |_| answer(200, "text/plain", "Just words"));
    let sid = line.dial(SILENT, &[]);
    line.run(5.0);
    assert_eq!(line.heard(&sid), ["Just words"]);
}

#[test]
fn rejected_call_was_never_answered() {
    for (reason, status, sip) in [("busy", "busy", "486"), ("rejected", "failed", "603")] {
        let mut line = Line::new();
        let document = format!("<Response><Reject reason=\"{reason}\"/></Response>");
        line.on("/voice", move |_| xml(&document));
        let id = line.receive("silent");
        line.run(1.0);
        assert_eq!(line.status(&id), status);
        let last = line.hooks_to("/status").pop().unwrap();
        assert_eq!((last.param("SipResponseCode"), last.param("CallDuration")), (sip, "0"));
    }
}

#[test]
fn pause_before_anything_else_leaves_an_inbound_call_ringing() {
    let mut line = Line::new();
    line.document("/voice", "<Response><Pause length=\"3\"/><Say>Hello there</Say></Response>");
    let id = line.receive("silent");
    line.run(1.0);
    assert_eq!(line.status(&id), "ringing");
    line.run(2.5);
    assert_eq!(line.status(&id), "in-progress");
}

#[test]
fn caller_does_not_listen_to_the_ringing_forever() {
    let mut line = Line::new();
    line.document("/voice", "<Response><Pause length=\"600\"/></Response>");
    let id = line.receive("silent");
    line.run(61.0);
    assert_eq!(line.status(&id), "no-answer");
}

#[test]
fn inline_document_needs_absolute_urls() {
    let mut line = Line::new();
    let twiml = "<Response><Redirect>/next</Redirect></Response>";
    let form = [("To", SILENT), ("From", FROM), ("Twiml", twiml)];
    let sid = line.api(Method::POST, CALLS, &form).1["sid"].as_str().unwrap().to_owned();
    line.run(3.0);
    assert!(line.truth(&sid)["error"].as_str().unwrap().contains("11100"));
}
