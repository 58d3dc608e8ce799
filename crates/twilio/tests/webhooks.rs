//! Documented webhooks, read into events.

mod support;

use http::Method;
use jiff::Timestamp;
use offhook_core::{
    Answer, AnsweredBy, CallEvent, Cause, Direction, EndReason, ParsedWebhook, Step,
    UndecodableWebhook, VoiceProvider, WebhookReply, WebhookRequest, verify,
};

use support::{CALL_ID, ENDPOINT, Parameters, TOKEN, call_id, call_ids, callback, parsed, request};

fn read(fixture: &str) -> Parameters {
    Parameters::read(fixture)
}

fn unreadable(request: &WebhookRequest) -> UndecodableWebhook {
    let twilio = support::twilio();
    let verified = verify(&twilio, request, Timestamp::UNIX_EPOCH).expect("it is signed");
    twilio.parse_webhook_event(&verified).expect_err("it cannot be read")
}

fn ended(reason: EndReason, cause: Option<(&str, &str)>) -> CallEvent {
    CallEvent::Ended { reason, cause: cause.map(|(code, text)| Cause::new(code, text)) }
}

/// What a webhook of a known outbound call gives.
fn of_our_call(events: &[CallEvent], answer: Answer) -> ParsedWebhook {
    let mut expected = ParsedWebhook::new(call_ids(), answer);
    expected.call = Some(call_id());
    expected.step = Some(Step(3));
    expected.direction = Some(Direction::Outbound);
    expected.events = events.to_vec();
    expected
}

fn acknowledged() -> Answer {
    Answer::Fixed(WebhookReply::acknowledged())
}

/// A document that does nothing, which ends the leg that fetched it.
fn nothing_to_do() -> Answer {
    let body = "<Response/>".into();
    Answer::Fixed(WebhookReply::document("text/xml; charset=utf-8", body))
}

#[test]
fn each_status_is_one_event_and_waits_for_no_document() {
    for (word, event) in [
        ("queued", CallEvent::Initiated),
        ("initiated", CallEvent::Initiated),
        ("ringing", CallEvent::Ringing),
        ("in-progress", CallEvent::Answered),
        ("completed", ended(EndReason::Completed, None)),
        ("busy", ended(EndReason::Busy, None)),
        ("no-answer", ended(EndReason::NoAnswer, None)),
        ("failed", ended(EndReason::Failed, None)),
        ("canceled", ended(EndReason::Canceled, None)),
    ] {
        let webhook = read("status").with("CallStatus", word).post(&callback("status"));
        assert_eq!(parsed(&webhook), of_our_call(&[event], acknowledged()), "{word}");
    }
}

#[test]
fn a_sip_code_tells_why_a_call_was_not_connected() {
    for (word, code, reason, text) in [
        ("busy", "486", EndReason::Busy, "SIP 486, busy"),
        ("busy", "600", EndReason::Busy, "SIP 600, busy"),
        ("busy", "603", EndReason::Rejected, "SIP 603, declined"),
        ("no-answer", "603", EndReason::Rejected, "SIP 603, declined"),
        ("no-answer", "487", EndReason::NoAnswer, "SIP 487, no answer"),
        ("no-answer", "480", EndReason::NoAnswer, "SIP 480, no answer"),
        ("canceled", "487", EndReason::Canceled, "SIP 487, no answer"),
        ("failed", "603", EndReason::Rejected, "SIP 603, declined"),
        ("failed", "607", EndReason::Rejected, "SIP 607, declined"),
        ("failed", "608", EndReason::Rejected, "SIP 608, declined"),
        ("failed", "486", EndReason::Busy, "SIP 486, busy"),
        ("failed", "600", EndReason::Busy, "SIP 600, busy"),
        ("failed", "408", EndReason::NoAnswer, "SIP 408, no answer"),
        ("failed", "480", EndReason::NoAnswer, "SIP 480, no answer"),
        ("failed", "487", EndReason::NoAnswer, "SIP 487, no answer"),
        ("failed", "404", EndReason::Failed, "SIP 404, no such number"),
        ("failed", "410", EndReason::Failed, "SIP 410, no such number"),
        ("failed", "484", EndReason::Failed, "SIP 484, no such number"),
        ("failed", "604", EndReason::Failed, "SIP 604, no such number"),
        ("failed", "402", EndReason::Failed, "SIP 402, not connected"),
        ("failed", "403", EndReason::Failed, "SIP 403, not connected"),
        ("failed", "503", EndReason::Failed, "SIP 503, not connected"),
        ("completed", "487", EndReason::Completed, "SIP 487, no answer"),
    ] {
        let webhook = read("status").with("CallStatus", word).with("SipResponseCode", code);
        let events = parsed(&webhook.post(&callback("status"))).events;
        assert_eq!(events, [ended(reason, Some((code, text)))], "{word} {code}");
    }
    let fine = read("status").with("CallStatus", "completed").with("SipResponseCode", "200");
    let events = parsed(&fine.post(&callback("status"))).events;
    assert_eq!(events, [ended(EndReason::Completed, None)]);
}

#[test]
fn words_while_they_are_spoken_are_a_preview_and_wait_for_no_document() {
    for (stable, unstable, text) in [
        ("", "mon", "mon"),
        ("Monday", "at", "Monday at"),
        ("Monday at nine", "", "Monday at nine"),
        ("", "", ""),
    ] {
        let webhook = read("status")
            .with("CallStatus", "in-progress")
            .with("StableSpeechResult", stable)
            .with("UnstableSpeechResult", unstable)
            .with("SequenceNumber", "2")
            .post(&callback("partial"));
        let event = CallEvent::Transcript { text: text.into(), is_final: false };
        assert_eq!(parsed(&webhook), of_our_call(&[event], acknowledged()));
    }
}

#[test]
fn a_status_that_nobody_documented_is_noted_and_harms_nothing() {
    for word in ["transferred", "Completed", "completed ", "0"] {
        let event = CallEvent::Unknown { name: format!("CallStatus={word}") };
        let parameters = read("status").with("CallStatus", word);
        let webhook = parsed(&parameters.post(&callback("status")));
        assert_eq!(webhook, of_our_call(std::slice::from_ref(&event), acknowledged()));
        let parameters = read("document").with("CallStatus", word);
        let webhook = parsed(&parameters.post(&callback("said")));
        let said = CallEvent::SpeechEnded { completed: true };
        assert_eq!(webhook, of_our_call(&[event, said], Answer::Document));
    }
    let silent = parsed(&read("status").without("CallStatus").post(&callback("status")));
    assert_eq!(silent, of_our_call(&[], acknowledged()));
}

#[test]
fn a_request_from_a_document_says_what_happened_and_waits_for_the_next() {
    let fault = Cause::new("11200", "Twilio could not fetch or run our document");
    for (kind, event) in [
        ("answer", None),
        ("script", None),
        ("said", Some(CallEvent::SpeechEnded { completed: true })),
        ("held", Some(CallEvent::HoldEnded)),
        ("sent", Some(CallEvent::DigitsSent)),
        ("fallback", Some(CallEvent::Fault(fault))),
        ("gather", Some(CallEvent::NothingHeard)),
        ("tomorrow", Some(CallEvent::Unknown { name: "kind=tomorrow".to_owned() })),
    ] {
        let mut parameters = read("document");
        if kind == "fallback" {
            let url = callback("answer");
            parameters = parameters.with("ErrorCode", "11200").with("ErrorUrl", &url);
        }
        let events: Vec<_> = [CallEvent::Answered].into_iter().chain(event).collect();
        let mut expected = of_our_call(&events, Answer::Document);
        expected.pushed = kind == "script";
        assert_eq!(parsed(&parameters.post(&callback(kind))), expected, "{kind}");
        assert_eq!(parsed(&parameters.get(&callback(kind))), expected, "GET {kind}");
    }
}

#[test]
fn the_fallback_stands_for_the_request_that_failed_at_that_requests_step() {
    let fault = Cause::new("11200", "Twilio could not fetch or run our document");
    let told =
        |words: &str| CallEvent::Transcript { text: words.to_owned().into(), is_final: true };
    let other_call = callback("said").replace(CALL_ID, "01890a5d-ac96-774b-bcce-b302099a8058");
    let with_policy = format!("{}#rc=3&rp=ct,rt,5xx", callback("said"));
    let said = CallEvent::SpeechEnded { completed: true };
    for (failed, step, event) in [
        (callback("said"), 3, Some(said.clone())),
        (with_policy, 3, Some(said)),
        (callback("sent"), 3, Some(CallEvent::DigitsSent)),
        (callback("held"), 3, Some(CallEvent::HoldEnded)),
        (callback("gather"), 3, Some(CallEvent::NothingHeard)),
        (callback("answer"), 3, None),
        // What is not of this call says nothing of it.
        (other_call, 1, None),
        ("https://elsewhere.example/?step=3&kind=said".to_owned(), 1, None),
        (ENDPOINT.to_owned(), 1, None),
    ] {
        let fallback = callback("fallback").replace("step=3", "step=1");
        let parameters = read("document").with("ErrorCode", "11200").with("ErrorUrl", &failed);
        let webhook = parsed(&parameters.post(&fallback));
        let fault = CallEvent::Fault(fault.clone());
        let events: Vec<_> = [CallEvent::Answered, fault].into_iter().chain(event).collect();
        assert_eq!((webhook.events, webhook.step), (events, Some(Step(step))), "{failed}");
        // Elsewhere the parameter means nothing.
        let webhook = parsed(&parameters.post(&callback("answer")));
        assert_eq!(webhook.events, [CallEvent::Answered], "{failed}");
    }
    let spoken = read("document")
        .with("ErrorCode", "11200")
        .with("ErrorUrl", &callback("gather"))
        .with("SpeechResult", "yes");
    let events = parsed(&spoken.post(&callback("fallback"))).events;
    assert!(events.contains(&told("yes")), "words are not lost with the request: {events:?}");
}

#[test]
fn what_a_gather_heard_is_words_or_digits_or_nothing() {
    let words = "I'd like 2 tables & a “menu”, please + 名前 🎉";
    let transcript = CallEvent::Transcript { text: words.into(), is_final: true };
    let gather = || read("document").with("Language", "en-US");
    let spoken = gather().with("SpeechResult", words).with("Confidence", "0.93214566");
    let pressed = |digits: &str| gather().with("Digits", digits).with("FinishedOnKey", "");
    for (parameters, event) in [
        (spoken.clone(), transcript.clone()),
        (spoken.without("Confidence"), transcript),
        (pressed("12*0"), CallEvent::Digits { digits: "12*0".into() }),
        (pressed(""), CallEvent::NothingHeard),
        (gather().with("SpeechResult", "").with("Confidence", "0.0"), CallEvent::NothingHeard),
        (gather(), CallEvent::NothingHeard),
    ] {
        let expected = of_our_call(&[CallEvent::Answered, event], Answer::Document);
        assert_eq!(parsed(&parameters.post(&callback("gather"))), expected);
        assert_eq!(parsed(&parameters.get(&callback("gather"))), expected);
    }
}

#[test]
fn who_answered_is_told_beside_the_status() {
    for (word, by) in [
        ("human", AnsweredBy::Human),
        ("machine_start", AnsweredBy::Machine),
        ("machine_end_beep", AnsweredBy::Machine),
        ("machine_end_silence", AnsweredBy::Machine),
        ("machine_end_other", AnsweredBy::Machine),
        ("fax", AnsweredBy::Fax),
        ("unknown", AnsweredBy::Unknown),
    ] {
        let answer = read("document").with("AnsweredBy", word).post(&callback("answer"));
        let events = [CallEvent::Answered, CallEvent::AnsweredBy(by)];
        assert_eq!(parsed(&answer).events, events, "{word}");
    }
}

#[test]
fn the_direction_and_the_ids_are_those_of_the_request() {
    let inbound = read("inbound").with("CallStatus", "in-progress").post(&callback("gather"));
    let webhook = parsed(&inbound);
    assert_eq!(webhook.direction, Some(Direction::Inbound));
    assert_eq!((webhook.call, webhook.step), (Some(call_id()), Some(Step(3))));
    assert_eq!(webhook.offer, None);
    assert_eq!(webhook.answer, Answer::Document);
    let bare = read("document").without("Direction").post(&callback("answer"));
    assert_eq!(parsed(&bare).direction, None);
}

#[test]
fn only_an_inbound_call_asks_to_be_taken() {
    for direction in [
        "outbound-api",
        "outbound-dial",
        "trunking-originating",
        "trunking-terminating",
        "sideways",
    ] {
        // A leg that somebody else's document dialled, or one of a SIP trunk, that was pointed at us.
        let webhook = parsed(&read("inbound").with("Direction", direction).post(ENDPOINT));
        assert_eq!(webhook.offer, None, "{direction}");
        assert_eq!(webhook.direction, Some(Direction::Outbound), "{direction}");
        assert_eq!(webhook.answer, nothing_to_do(), "{direction}");
        // A call of ours stays ours, whatever the leg is called.
        let webhook =
            parsed(&read("document").with("Direction", direction).post(&callback("said")));
        assert_eq!(
            (webhook.call, webhook.answer),
            (Some(call_id()), Answer::Document),
            "{direction}"
        );
    }
}

#[test]
fn a_webhook_of_another_account_is_foreign_and_has_no_effect() {
    let other = "AC00000000000000000000000000000002";
    for (fixture, url, answer) in [
        ("status", callback("status"), acknowledged()),
        ("console-status", ENDPOINT.to_owned(), acknowledged()),
        ("document", callback("gather"), nothing_to_do()),
        ("inbound", ENDPOINT.to_owned(), nothing_to_do()),
    ] {
        let webhook = parsed(&read(fixture).with("AccountSid", other).post(&url));
        assert!(webhook.foreign, "{fixture}");
        assert_eq!(webhook.events, [], "{fixture}");
        assert_eq!(webhook.offer, None, "{fixture}");
        assert_eq!(webhook.answer, answer, "{fixture}");
    }
}

#[test]
fn what_is_no_voice_webhook_is_an_error() {
    for missing in [
        read("status").without("CallSid").post(&callback("status")),
        read("inbound").with("CallSid", "").post(ENDPOINT),
        read("document").without("CallSid").get(&callback("gather")),
    ] {
        assert_eq!(unreadable(&missing).what, "there is no CallSid");
    }
    let signed = support::signature::<&str>(TOKEN, ENDPOINT, &[]);
    let empty = request(Method::POST, ENDPOINT, &[("x-twilio-signature", &signed)], "");
    assert_eq!(unreadable(&empty).what, "there is no CallSid");

    let pairs = [(&b"CallSid"[..], support::CALL_SID.as_bytes()), (b"ToCity", b"K\xF6ln")];
    let signed = support::signature(TOKEN, ENDPOINT, &pairs);
    let headers = [("x-twilio-signature", signed.as_str()), ("content-type", support::FORM)];
    let latin = request(Method::POST, ENDPOINT, &headers, support::encoded(&pairs));
    assert_eq!(unreadable(&latin).what, "a parameter is not UTF-8");
}

#[test]
fn json_is_an_error_even_if_it_is_signed() {
    // SHA-256 of `{}`.
    let digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let url = format!("{}&bodySHA256={digest}", callback("status"));
    let signed = support::signature::<&str>(TOKEN, &url, &[]);
    let headers = [("x-twilio-signature", signed.as_str()), ("content-type", "application/json")];
    let json = request(Method::POST, &url, &headers, "{}");
    assert_eq!(unreadable(&json).what, "voice webhooks are forms, not JSON");
}
