//! Documented webhooks, read into events.

mod support;

use jiff::Timestamp;
use offhook_core::{
    Answer, AnsweredBy, CallEvent, Cause, Direction, EndReason, Offer, ParsedWebhook, Party, Step,
    UndecodableWebhook, VoiceProvider, WebhookReply, WebhookRequest, verify,
};
use offhook_plivo::PlivoConfig;

use support::{ENDPOINT, FORM, Parameters, both_ids, call_id, call_ids, callback, parsed};

fn read(fixture: &str) -> Parameters {
    Parameters::read(fixture)
}

fn unreadable(request: &WebhookRequest) -> UndecodableWebhook {
    let plivo = support::plivo();
    let verified = verify(&plivo, request, Timestamp::UNIX_EPOCH).expect("it is signed");
    plivo.parse_webhook_event(&verified).expect_err("it cannot be read")
}

fn ended(reason: EndReason, cause: Option<(&str, &str)>) -> CallEvent {
    CallEvent::Ended { reason, cause: cause.map(|(code, text)| Cause::new(code, text)) }
}

/// What a webhook of a known outbound call gives.
fn of_our_call(events: &[CallEvent], answer: Answer) -> ParsedWebhook {
    let mut expected = ParsedWebhook::new(both_ids(), answer);
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

/// The end that a hangup callback with these parameters tells.
fn end(parameters: &[(&str, &str)]) -> CallEvent {
    let bare = ["HangupCause", "HangupCauseCode", "HangupCauseName", "HangupSource", "CallStatus"];
    let bare = bare.into_iter().fold(read("hangup"), Parameters::without);
    let told = parameters.iter().fold(bare, |told, (name, value)| told.with(name, value));
    let webhook = parsed(&told.post(&callback("hangup")));
    assert_eq!(webhook.answer, acknowledged());
    let [event] = &webhook.events[..] else { panic!("one event: {:?}", webhook.events) };
    event.clone()
}

fn reason(parameters: &[(&str, &str)]) -> EndReason {
    match end(parameters) {
        CallEvent::Ended { reason, .. } => reason,
        other => panic!("no end: {other:?}"),
    }
}

#[test]
fn ringing_answer_and_end_of_a_call_by_post_and_by_get() {
    let hung_up = ended(EndReason::HangupUser, None);
    for (fixture, kind, event, answer) in [
        ("ring", "ring", CallEvent::Ringing, acknowledged()),
        ("answer", "answer", CallEvent::Answered, Answer::Document),
        ("hangup", "hangup", hung_up, acknowledged()),
    ] {
        let expected = of_our_call(&[event], answer);
        assert_eq!(parsed(&read(fixture).post(&callback(kind))), expected, "{fixture} by POST");
        assert_eq!(parsed(&read(fixture).get(&callback(kind))), expected, "{fixture} by GET");
    }
}

#[test]
fn an_answer_is_told_by_its_event_where_there_is_no_status() {
    let answer = read("answer").without("CallStatus").post(&callback("answer"));
    assert_eq!(parsed(&answer), of_our_call(&[CallEvent::Answered], Answer::Document));
    let ring = read("ring").without("CallStatus").post(&callback("ring"));
    assert_eq!(parsed(&ring), of_our_call(&[CallEvent::Ringing], acknowledged()));
}

#[test]
fn every_terminal_word_ends_the_call() {
    for (word, expected) in [
        ("completed", EndReason::Completed),
        ("busy", EndReason::Busy),
        ("failed", EndReason::Failed),
        ("timeout", EndReason::NoAnswer),
        ("no-answer", EndReason::NoAnswer),
        ("cancel", EndReason::Canceled),
    ] {
        assert_eq!(reason(&[("CallStatus", word)]), expected, "{word}");
        assert_eq!(reason(&[("CallStatus", word), ("HangupCauseCode", "0")]), expected, "{word}");
        let document = read("document").with("CallStatus", word).post(&callback("input"));
        let event = CallEvent::Ended { reason: expected, cause: None };
        assert_eq!(parsed(&document).events[0], event, "{word}, while a document is waited for");
    }
}

#[test]
fn every_documented_cause_has_its_reason() {
    use EndReason::{
        Busy, Canceled, Completed, Error, Failed, HangupBot, NoAnswer, Rejected, Timeout, Voicemail,
    };
    let of: &[(EndReason, &[u16])] = &[
        (Failed, &[1010, 1020, 2000, 2010, 2020, 2030, 2040, 2050, 2060, 2070]),
        (Failed, &[3030, 3040, 3050, 3060, 3070, 3080, 3090, 3120, 3130, 3140]),
        (Failed, &[4210, 4240, 4250, 5000, 5010, 5020, 5030, 6020, 9110]),
        (NoAnswer, &[3000, 6010]),
        (Busy, &[3010, 3100]),
        (Rejected, &[3020, 3110]),
        (Completed, &[4000, 4020, 4030]),
        (HangupBot, &[4010]),
        (Timeout, &[6000]),
        (Error, &[7011, 7012, 7013, 7014, 7022, 7023, 7024, 7032, 7033, 7034]),
        (Error, &[8011, 8012, 8013, 8014]),
        (Canceled, &[9000]),
        (Voicemail, &[9100]),
    ];
    for (expected, codes) in of {
        for code in *codes {
            let code = code.to_string();
            let told = reason(&[("HangupCauseCode", &code), ("CallStatus", "completed")]);
            assert_eq!(told, *expected, "{code}");
        }
    }
}

#[test]
fn a_call_that_was_called_off_was_canceled_before_an_answer_and_hung_up_after() {
    let told = |word, answered: bool| {
        let (at, seconds) = if answered { ("2025-01-14 09:26:54", "60") } else { ("", "0") };
        reason(&[
            ("HangupCauseCode", "1000"),
            ("CallStatus", word),
            ("AnswerTime", at),
            ("BillDuration", seconds),
        ])
    };
    assert_eq!(told("cancel", false), EndReason::Canceled);
    assert_eq!(told("completed", true), EndReason::HangupBot);
}

#[test]
fn who_hung_up_is_told_by_the_source() {
    use EndReason::{Completed, HangupBot, HangupUser};
    for (direction, source, expected) in [
        ("outbound", "Callee", HangupUser),
        ("outbound", "Call recipient", HangupUser),
        ("outbound", "Caller", HangupBot),
        ("inbound", "Caller", HangupUser),
        ("inbound", "Callee", HangupBot),
        ("outbound", "API Request", HangupBot),
        ("inbound", "Answer XML", HangupBot),
        ("inbound", "Plivo", HangupBot),
        ("outbound", "Carrier", Completed),
        ("outbound", "Error", Completed),
        ("outbound", "Unknown", Completed),
        ("outbound", "", Completed),
        ("", "Caller", Completed),
    ] {
        for by in [("HangupCauseCode", "4000"), ("HangupCause", "NORMAL_CLEARING")] {
            let told = [by, ("Direction", direction), ("HangupSource", source)];
            let event = end(&[told[0], told[1], told[2], ("CallStatus", "completed")]);
            assert_eq!(event, ended(expected, None), "{direction} {source}");
        }
    }
}

#[test]
fn a_normal_hangup_before_the_answer_is_what_the_word_says() {
    for (word, expected) in [("busy", EndReason::Busy), ("no-answer", EndReason::NoAnswer)] {
        assert_eq!(reason(&[("HangupCauseCode", "4000"), ("CallStatus", word)]), expected);
    }
}

#[test]
fn the_older_causes_are_known_where_there_is_no_code() {
    for (cause, expected) in [
        ("USER_BUSY", EndReason::Busy),
        ("NO_ANSWER", EndReason::NoAnswer),
        ("NO_USER_RESPONSE", EndReason::NoAnswer),
        ("CALL_REJECTED", EndReason::Rejected),
        ("UNALLOCATED_NUMBER", EndReason::Failed),
        ("NETWORK_OUT_OF_ORDER", EndReason::Failed),
    ] {
        let event = end(&[("HangupCause", cause), ("CallStatus", "failed")]);
        assert_eq!(event, ended(expected, Some((cause, cause))));
    }
}

#[test]
fn causes_that_nobody_documented_are_kept_and_end_the_call_as_their_neighbours_do() {
    for (code, word, expected) in [
        ("3999", "failed", EndReason::Failed),
        ("3999", "busy", EndReason::Busy),
        ("2999", "completed", EndReason::Failed),
        ("7099", "completed", EndReason::Error),
        ("8099", "failed", EndReason::Error),
        ("99999", "completed", EndReason::Completed),
        ("99999", "no-answer", EndReason::NoAnswer),
        ("x", "what-is-this", EndReason::Completed),
        ("x", "", EndReason::Completed),
    ] {
        let told = [("HangupCauseCode", code), ("HangupCauseName", "New"), ("CallStatus", word)];
        let event = end(&told);
        assert_eq!(event, ended(expected, Some((code, "New"))), "{code} {word}");
    }
    let never_answered = [("AnswerTime", ""), ("BillDuration", "0"), ("Event", "Hangup")];
    assert_eq!(end(&never_answered), ended(EndReason::Failed, None));
}

#[test]
fn a_cause_has_plivos_name_and_who_ended_it() {
    let told = [("HangupCauseCode", "3010"), ("CallStatus", "busy"), ("HangupSource", "Carrier")];
    let cause = Some(("3010", "Busy Line; ended by: Carrier"));
    assert_eq!(end(&told), ended(EndReason::Busy, cause));
    let named = [told[0], told[1], ("HangupCauseName", "Line of +15550001234 is busy")];
    let masked = Some(("3010", "Line of +15•••••••34 is busy"));
    assert_eq!(end(&named), ended(EndReason::Busy, masked));
}

#[test]
fn a_status_that_nobody_documented_is_noted_and_harms_nothing() {
    let unknown = |name: &str| CallEvent::Unknown { name: name.to_owned() };
    let webhook = read("answer").with("CallStatus", "early-media").post(&callback("answer"));
    let event = unknown("CallStatus=early-media");
    assert_eq!(parsed(&webhook), of_our_call(&[event], Answer::Document));
    let other = read("document").without("CallStatus").with("Event", "Novelty");
    let events = [unknown("Event=Novelty"), unknown("kind=novelty")];
    let expected = of_our_call(&events, Answer::Document);
    assert_eq!(parsed(&other.post(&callback("novelty"))), expected);
}

#[test]
fn what_an_input_heard_is_words_or_digits_or_nothing() {
    let words = CallEvent::Transcript { text: "Größe 9 & ja, bitte?".into(), is_final: true };
    let digits = CallEvent::Digits { digits: "42".into() };
    let spoken = read("input");
    let pressed = spoken.clone().without("Speech").with("InputType", "dtmf").with("Digits", "42");
    let silent = spoken.clone().with("Speech", "");
    for (parameters, kind, event) in [
        (spoken, "input", words),
        (pressed, "input", digits),
        (silent, "input", CallEvent::NothingHeard),
        (read("document"), "unheard", CallEvent::NothingHeard),
    ] {
        let expected = of_our_call(&[CallEvent::Answered, event], Answer::Document);
        assert_eq!(parsed(&parameters.post(&callback(kind))), expected, "{kind}");
        assert_eq!(parsed(&parameters.get(&callback(kind))), expected, "{kind} by GET");
    }
}

#[test]
fn what_a_document_has_done_is_told_by_the_url_that_is_fetched_behind_it() {
    for (kind, event) in [
        ("said", Some(CallEvent::SpeechEnded { completed: true })),
        ("held", Some(CallEvent::HoldEnded)),
        ("sent", Some(CallEvent::DigitsSent)),
        ("script", None),
        ("answer", None),
    ] {
        let mut events = vec![CallEvent::Answered];
        events.extend(event);
        let webhook = parsed(&read("document").post(&callback(kind)));
        let mut expected = of_our_call(&events, Answer::Document);
        expected.pushed = kind == "script";
        assert_eq!(webhook, expected, "{kind}");
    }
}

#[test]
fn the_fallback_is_a_fault_and_waits_for_a_document() {
    let webhook = parsed(&read("answer").post(&callback("fallback")));
    let fault = Cause::new("", "Plivo could not fetch or run our first document");
    let events = [CallEvent::Answered, CallEvent::Fault(fault)];
    assert_eq!(webhook, of_our_call(&events, Answer::Document));
}

#[test]
fn words_while_they_are_spoken_are_a_preview_and_wait_for_no_document() {
    let preview = CallEvent::Transcript { text: "I would like to".into(), is_final: false };
    let webhook = parsed(&read("partial").post(&callback("partial")));
    assert_eq!(webhook, of_our_call(&[preview], acknowledged()));
}

#[test]
fn who_answered_is_told_beside_the_status() {
    for (word, by) in [("true", AnsweredBy::Machine), ("false", AnsweredBy::Human)] {
        let answer = read("answer").with("Machine", word).post(&callback("answer"));
        let events = [CallEvent::Answered, CallEvent::AnsweredBy(by)];
        assert_eq!(parsed(&answer), of_our_call(&events, Answer::Document));
        let later = read("answer").with("Machine", word).with("Event", "MachineDetection");
        assert_eq!(parsed(&later.post(&callback("answer"))), of_our_call(&events, acknowledged()));
    }
    let strange = read("answer").with("Machine", "perhaps").post(&callback("answer"));
    assert_eq!(parsed(&strange), of_our_call(&[CallEvent::Answered], Answer::Document));
}

#[test]
fn the_first_word_of_an_inbound_call_is_an_offer_with_numbers_in_e164() {
    let parameters = read("inbound");
    for request in [
        parameters.post(ENDPOINT),
        parameters.get(ENDPOINT),
        // A query of the operator's own makes no difference.
        parameters.post(&format!("{ENDPOINT}?tenant=42")),
    ] {
        let webhook = parsed(&request);
        let (from, to) = (Party::observed("+442071838750"), Party::observed("+15550001234"));
        assert!(from.number().is_some() && to.number().is_some());
        assert_eq!(webhook.offer, Some(Offer { from, to }));
        assert_eq!((webhook.call, webhook.step), (None, None));
        assert_eq!(webhook.ids, call_ids());
        assert_eq!(webhook.direction, Some(Direction::Inbound));
        assert_eq!(webhook.events, [CallEvent::Ringing]);
        assert_eq!(webhook.answer, Answer::Document);
    }
}

#[test]
fn a_caller_may_be_a_sip_address_or_nobody() {
    for (from, party) in [
        ("sip:alice@phone.plivo.com", Party::Sip("sip:alice@phone.plivo.com".to_owned())),
        ("+442071838750", Party::observed("+442071838750")),
        ("anonymous", Party::Withheld),
        ("Restricted", Party::Withheld),
        ("02071838750", Party::Withheld),
        ("12345", Party::Withheld),
        ("4420718387501234", Party::Withheld),
        ("", Party::Withheld),
    ] {
        let webhook = parsed(&read("inbound").with("From", from).post(ENDPOINT));
        assert_eq!(webhook.offer.map(|offer| offer.from), Some(party), "{from}");
    }
}

#[test]
fn callbacks_of_the_console_and_late_ends_are_no_offer() {
    let webhook = parsed(&read("inbound-hangup").post(ENDPOINT));
    assert_eq!((webhook.offer, webhook.answer), (None, acknowledged()));
    assert_eq!(webhook.events, [ended(EndReason::HangupUser, None)]);
    for event in ["Ring", "MachineDetection"] {
        let webhook = parsed(&read("inbound").with("Event", event).post(ENDPOINT));
        assert_eq!((webhook.offer, webhook.answer), (None, acknowledged()), "{event}");
    }
    for word in ["completed", "busy", "failed", "no-answer", "timeout", "cancel"] {
        let webhook = parsed(&read("inbound").with("CallStatus", word).post(ENDPOINT));
        assert_eq!((webhook.offer, webhook.answer), (None, nothing_to_do()), "{word}");
    }
    let novelty = parsed(&read("inbound").with("Event", "Novelty").post(ENDPOINT));
    assert_eq!((novelty.offer, novelty.answer), (None, Answer::Document));
}

#[test]
fn somebody_elses_outbound_call_gets_nothing_to_do() {
    for direction in ["outbound", "", "sideways"] {
        let webhook = parsed(&read("inbound").with("Direction", direction).post(ENDPOINT));
        assert_eq!((webhook.offer, webhook.answer), (None, nothing_to_do()), "{direction}");
    }
}

#[test]
fn what_another_account_waits_for_is_a_document_that_does_nothing() {
    let of_other = |fixture| read(fixture).with("ParentAuthID", "MAYYYYYYYYYYYYYYYYYY");
    for (request, answer) in [
        (of_other("inbound").post(ENDPOINT), nothing_to_do()),
        (of_other("input").post(&callback("input")), nothing_to_do()),
        (of_other("hangup").post(&callback("hangup")), acknowledged()),
        (of_other("inbound-hangup").post(ENDPOINT), acknowledged()),
    ] {
        let webhook = parsed(&request);
        assert_eq!((webhook.foreign, webhook.answer), (true, answer), "{request:?}");
    }
}

#[test]
fn the_account_above_a_subaccount_is_any() {
    let config = PlivoConfig::new(support::SUBACCOUNT, support::TOKEN).expect("a subaccount");
    let plivo = support::silent(config);
    let request = read("inbound").post(ENDPOINT);
    let verified = verify(&plivo, &request, Timestamp::UNIX_EPOCH).expect("it is signed");
    let webhook = plivo.parse_webhook_event(&verified).expect("it can be read");
    assert!(!webhook.foreign && webhook.begins_a_call());
}

#[test]
fn a_call_of_ours_is_never_an_offer_and_a_call_parameter_that_is_no_id_counts_as_none() {
    for kind in ["answer", "input", "held", "script", "fallback", "ring", "hangup"] {
        let webhook = parsed(&read("inbound").post(&callback(kind)));
        assert_eq!(webhook.offer, None, "{kind}");
    }
    for call in ["", "7", "not-a-uuid", "%00"] {
        let url = format!("{ENDPOINT}?call={call}&step=3&kind=input");
        let inbound = parsed(&read("inbound").post(&url));
        assert_eq!((inbound.call, inbound.offer), (None, None), "{call}");
        assert_eq!(inbound.answer, Answer::Document, "only its CallUUID can tell which it is");
        let outbound = parsed(&read("answer").post(&url));
        assert_eq!((outbound.call, outbound.answer), (None, nothing_to_do()), "{call}");
    }
}

#[test]
fn a_request_id_is_taken_with_the_call_s_own_and_stands_behind_it() {
    let webhook = parsed(&read("ring").post(&callback("ring")));
    assert_eq!(webhook.ids.value(), Some(support::CALL_UUID));
    let mut late = webhook.ids.clone();
    assert!(!late.merge(&support::request_ids()), "the dial's late answer tells nothing new");
    let mut other = call_ids();
    other.merge(&support::request_ids());
    assert_eq!(other.value(), Some(support::CALL_UUID), "and takes the call from nobody");
    for bad in ["", "../x", "a/b"] {
        let webhook = parsed(&read("ring").with("RequestUUID", bad).post(&callback("ring")));
        assert_eq!(webhook.ids, call_ids(), "{bad}");
    }
}

#[test]
fn what_is_no_voice_webhook_is_an_error() {
    let url = callback("said");
    let none = unreadable(&read("document").without("CallUUID").post(&url));
    assert_eq!(none.what, "there is no CallUUID");
    // An id goes into the path of requests: of `.` the path would be the one that ends all calls.
    for bad in [".", "..", "a/b", "a?b", "ü", " ", &"x".repeat(65)] {
        let request = read("document").with("CallUUID", bad).post(&url);
        assert_eq!(unreadable(&request).what, "the CallUUID cannot be one", "{bad}");
    }
    let bytes = [(b"CallUUID".to_vec(), b"\xFF\xFE".to_vec())];
    let signature = support::signature(support::TOKEN, &url, &bytes);
    let request = support::post(&url, &signature, support::encoded(&bytes));
    assert_eq!(unreadable(&request).what, "a parameter is not UTF-8");
    assert!(FORM.starts_with("application/"));
}

#[test]
fn a_large_form_is_read_in_a_time_that_grows_with_its_size_only() {
    let many = (0..20_000).fold(Vec::new(), |mut pairs, number| {
        pairs.push((format!("X-PH-{number}"), "1".to_owned()));
        pairs
    });
    let url = callback("said");
    let pairs = [&many[..], read("document").pairs()].concat();
    let signature = support::signature(support::TOKEN, &url, &pairs);
    let webhook = parsed(&support::post(&url, &signature, support::encoded(&pairs)));
    assert_eq!(webhook.call, Some(call_id()));
}
