//! What Telnyx reports, in our words.

mod support;

use offhook_core::{
    Answer, AnsweredBy, CallEvent, Cause, Direction, EndReason, Offer, ParsedWebhook, Party, Step,
    VoiceProvider, WebhookReply, verify,
};
use serde_json::{Value, json};
use support::{
    CALL_ID, CONTROL_ID, LEG_ID, call_id, call_ids, delivered_to, event, fixture, now, parsed,
    signed, state, telnyx,
};

/// The one event of a webhook.
fn told(event: &Value) -> CallEvent {
    let mut events = parsed(event).events;
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn unknown(name: &str) -> CallEvent {
    CallEvent::Unknown { name: name.to_owned() }
}

#[test]
fn an_inbound_call_asks_to_be_taken() {
    let webhook = parsed(&fixture("inbound"));
    assert_eq!(webhook.call, None);
    assert_eq!(webhook.direction, Some(Direction::Inbound));
    let offer =
        Offer { from: Party::observed("+14155550123"), to: Party::observed("+442071838750") };
    assert_eq!(webhook.offer, Some(offer));
    assert!(webhook.begins_a_call() && !webhook.foreign);
    assert_eq!(webhook.events, [CallEvent::Initiated]);
    assert_eq!(webhook.answer, Answer::Fixed(WebhookReply::acknowledged()));
    assert_eq!(webhook.ids.value(), Some(CONTROL_ID), "commands go to the control id");
}

#[test]
fn a_session_names_no_call_since_several_legs_share_it() {
    let webhook = parsed(&fixture("inbound"));
    let ids: Vec<_> = webhook.ids.iter().map(|id| (id.kind(), id.value())).collect();
    assert_eq!(ids, [("call_leg_id", LEG_ID), ("call_control_id", CONTROL_ID)]);
}

#[test]
fn a_caller_may_be_a_number_a_sip_address_or_nobody() {
    for (from, party) in [
        ("sip:bob@example.com", Party::observed("sip:bob@example.com")),
        ("anonymous", Party::Withheld),
        ("", Party::Withheld),
    ] {
        let mut webhook = fixture("inbound");
        webhook["data"]["payload"]["from"] = from.into();
        assert_eq!(parsed(&webhook).offer.unwrap().from, party);
    }
}

#[test]
fn nothing_but_the_first_word_of_an_inbound_call_asks_to_be_taken() {
    let begins = |webhook: &Value| parsed(webhook).begins_a_call();
    assert!(!begins(&fixture("outbound")));
    let mut ours = fixture("inbound");
    ours["data"]["payload"]["client_state"] = state(CALL_ID).into();
    assert!(!begins(&ours), "it has our id");
    let mut connected = fixture("inbound");
    connected["data"]["payload"]["state"] = "bridging".into();
    assert!(!begins(&connected), "Telnyx connects it by itself");
    let mut answered = fixture("inbound");
    answered["data"]["event_type"] = "call.answered".into();
    assert!(!begins(&answered));
    let mut undirected = delivered_to(fixture("inbound"), "inbound");
    undirected["data"]["payload"]["direction"] = Value::Null;
    assert!(!begins(&undirected), "a URL makes no call");
}

#[test]
fn a_call_that_we_placed_comes_back_with_our_id() {
    let webhook = parsed(&fixture("outbound"));
    assert_eq!(webhook.call, Some(call_id()));
    assert_eq!(webhook.ids, call_ids());
    assert_eq!(webhook.direction, Some(Direction::Outbound));
    assert_eq!((webhook.offer, webhook.events), (None, vec![CallEvent::Initiated]));
}

#[test]
fn only_what_is_signed_names_a_call() {
    let anonymous = event("call.answered", json!({"client_state": null}));
    let mut request = signed(anonymous.to_string());
    request.url = format!("{}?call={CALL_ID}&step=3&kind=outbound", request.url);
    let telnyx = telnyx();
    let verified = verify(&telnyx, &request, now()).unwrap();
    let webhook = telnyx.parse_webhook_event(&verified).unwrap();
    assert_eq!((webhook.call, webhook.step), (None, None));
}

#[test]
fn a_client_state_of_somebody_else_is_none() {
    for other in ["call-77b1", "", "01890A5D-AC96-774B-BCCE-B302099A8057"] {
        let webhook = event("call.answered", json!({"client_state": state(other)}));
        assert_eq!(parsed(&webhook).call, None, "{other}");
    }
    let webhook = event("call.answered", json!({"client_state": "not base64!"}));
    assert_eq!(parsed(&webhook).call, None);
}

#[test]
fn a_webhook_of_another_connection_has_no_effect() {
    let mut webhook = fixture("inbound");
    webhook["data"]["payload"]["connection_id"] = "1494404757140276706".into();
    let ParsedWebhook { foreign, offer, events, answer, .. } = parsed(&webhook);
    assert!(foreign && offer.is_none() && events.is_empty());
    assert_eq!(answer, Answer::Fixed(WebhookReply::acknowledged()));
}

#[test]
fn every_event_of_a_call_has_its_word() {
    for (event_type, fields, expected) in [
        ("call.initiated", json!({"direction": "outgoing"}), CallEvent::Initiated),
        ("call.answered", json!({"state": "answered"}), CallEvent::Answered),
        ("call.bridged", json!({}), CallEvent::Answered),
        ("call.speak.started", json!({}), CallEvent::SpeechStarted),
        (
            "call.speak.ended",
            json!({"status": "completed"}),
            CallEvent::SpeechEnded { completed: true },
        ),
        (
            "call.speak.ended",
            json!({"status": "call_hangup"}),
            CallEvent::SpeechEnded { completed: false },
        ),
        (
            "call.speak.ended",
            json!({"status": "cancelled_amd"}),
            CallEvent::SpeechEnded { completed: false },
        ),
        ("call.dtmf.received", json!({"digit": "#"}), CallEvent::KeyPressed { key: "#".into() }),
        (
            "call.machine.detection.ended",
            json!({"result": "human"}),
            CallEvent::AnsweredBy(AnsweredBy::Human),
        ),
        (
            "call.machine.detection.ended",
            json!({"result": "not_sure"}),
            CallEvent::AnsweredBy(AnsweredBy::Unknown),
        ),
        (
            "call.machine.premium.detection.ended",
            json!({"result": "fax_detected"}),
            CallEvent::AnsweredBy(AnsweredBy::Fax),
        ),
        (
            "call.machine.premium.greeting.ended",
            json!({"result": "beep_detected"}),
            CallEvent::AnsweredBy(AnsweredBy::Machine),
        ),
    ] {
        assert_eq!(told(&event(event_type, fields.clone())), expected, "{event_type} {fields}");
    }
}

#[test]
fn events_without_effect_keep_their_name_and_how_they_came_out() {
    for (event_type, fields, name) in [
        (
            "call.playback.started",
            json!({"media_url": "https://a.example/b.mp3"}),
            "call.playback.started",
        ),
        ("call.playback.ended", json!({"status": "failed"}), "call.playback.ended failed"),
        (
            "call.gather.ended",
            json!({"digits": "12", "status": "cancelled"}),
            "call.gather.ended cancelled",
        ),
        (
            "call.gather.ended",
            json!({"digits": "12", "status": "call_hangup"}),
            "call.gather.ended call_hangup",
        ),
        ("call.gather.ended", json!({"digits": "12"}), "call.gather.ended"),
        ("call.speak.ended", json!({"status": "cancelled"}), "call.speak.ended cancelled"),
        ("call.speak.ended", json!({}), "call.speak.ended"),
        (
            "call.machine.greeting.ended",
            json!({"result": "not_sure"}),
            "call.machine.greeting.ended not_sure",
        ),
        (
            "call.machine.premium.greeting.ended",
            json!({"result": "no_beep_detected"}),
            "call.machine.premium.greeting.ended no_beep_detected",
        ),
        ("call.dtmf.received", json!({}), "call.dtmf.received"),
        ("call.transcription", json!({}), "call.transcription"),
        ("streaming.started", json!({"stream_url": "wss://a.example"}), "streaming.started"),
        ("streaming.stopped", json!({}), "streaming.stopped"),
        ("streaming.failed", json!({"failure_reason": "connection_failed"}), "streaming.failed"),
        (
            "call.recording.saved",
            json!({"channels": "dual", "recording_urls": {"mp3": "https://a.example"}}),
            "call.recording.saved",
        ),
        ("call.recording.error", json!({"reason": "Failed"}), "call.recording.error"),
        ("call.refer.failed", json!({"sip_notify_response": 486}), "call.refer.failed"),
        ("call.enqueued", json!({"queue": "support", "current_position": 1}), "call.enqueued"),
        ("call.hold", json!({}), "call.hold"),
        ("call.fork.started", json!({}), "call.fork.started"),
        ("call.siprec.started", json!({}), "call.siprec.started"),
        ("call.cost", json!({"total_cost": "0.002", "status": ["ok"]}), "call.cost"),
        (
            "call.conversation.ended",
            json!({"to": [{"phone_number": "+15550001234"}]}),
            "call.conversation.ended",
        ),
        (
            "call.from.the.future",
            json!({"transcription_data": null, "digit": {"a": 1}}),
            "call.from.the.future",
        ),
        ("conference.ended", json!({"status": "+15550001234"}), "conference.ended +15•••••••34"),
    ] {
        assert_eq!(told(&event(event_type, fields)), unknown(name), "{event_type}");
    }
}

#[test]
fn an_event_that_is_about_no_call_names_none() {
    let message = json!({"data": {"event_type": "message.received", "payload": {
        "from": {"phone_number": "+15550001234"}, "to": [{"phone_number": "+15550001235"}],
        "direction": "inbound", "id": "b301ed3f",
    }}});
    let webhook = parsed(&message);
    assert!(webhook.ids.is_empty() && webhook.call.is_none() && webhook.offer.is_none());
    for payload in [
        json!({"data": {"event_type": "x", "payload": null}}),
        json!({"data": {"event_type": "x"}}),
    ] {
        assert_eq!(told(&payload), unknown("x"));
    }
}

#[test]
fn words_are_heard_where_telnyx_puts_them() {
    let final_words = parsed(&fixture("transcription"));
    let heard =
        CallEvent::Transcript { text: "hello this is a test speech".into(), is_final: true };
    assert_eq!(final_words.events, [heard]);
    let heard =
        |data: Value| told(&event("call.transcription", json!({"transcription_data": data})));
    let words = |text: &str, is_final| CallEvent::Transcript { text: text.into(), is_final };
    assert_eq!(heard(json!({"transcript": "hel", "is_final": false})), words("hel", false));
    assert_eq!(heard(json!({"transcript": "Grüße \u{1f600}"})), words("Grüße \u{1f600}", true));
    assert_eq!(heard(json!({"transcript": " ", "is_final": true})), CallEvent::NothingHeard);
    let ours = json!({"transcript": "Hello!", "is_final": true, "transcription_track": "outbound"});
    assert_eq!(heard(ours), unknown("call.transcription"), "our own voice is no answer");
}

#[test]
fn what_a_gather_came_to_is_an_entry_or_nothing() {
    let entered = |digits: &str| CallEvent::Digits { digits: digits.into() };
    for (status, digits, expected) in [
        ("valid", "4711", entered("4711")),
        ("timeout", "47", entered("47")),
        ("valid", "", CallEvent::NothingHeard),
        ("timeout", "", CallEvent::NothingHeard),
        ("invalid", "", CallEvent::NothingHeard),
        ("invalid", "4A", CallEvent::NothingHeard),
        ("cancelled_amd", "4", CallEvent::NothingHeard),
    ] {
        let fields = json!({"digits": digits, "status": status});
        assert_eq!(told(&event("call.gather.ended", fields)), expected, "{status} {digits:?}");
    }
}

#[test]
fn a_gather_is_known_by_its_own_step_whatever_was_spoken_since() {
    let step = |gather_id: Value, client_state: String| {
        let fields = json!({"digits": "4", "status": "valid", "gather_id": gather_id,
            "client_state": client_state});
        parsed(&event("call.gather.ended", fields)).step
    };
    let spoken_since = || state(&format!("{CALL_ID}/9"));
    assert_eq!(step(json!("7"), spoken_since()), Some(Step(7)));
    assert_eq!(step(json!("7"), state(CALL_ID)), Some(Step(7)));
    // Where the id does not come back, the state does.
    assert_eq!(step(Value::Null, spoken_since()), Some(Step(9)));
    assert_eq!(step(json!("somebody else's"), state(CALL_ID)), None);
}

#[test]
fn a_speech_is_known_by_its_step_and_what_is_heard_is_not() {
    let of_speech = state(&format!("{CALL_ID}/7"));
    for event_type in ["call.speak.started", "call.speak.ended"] {
        let fields = json!({"client_state": of_speech, "status": "completed"});
        let webhook = parsed(&event(event_type, fields));
        assert_eq!((webhook.call, webhook.step), (Some(call_id()), Some(Step(7))), "{event_type}");
    }
    // The state of the last speech comes with all that is said and pressed after it.
    let digit =
        parsed(&event("call.dtmf.received", json!({"client_state": of_speech, "digit": "1"})));
    assert_eq!((digit.call, digit.step), (Some(call_id()), None));
    assert_eq!(parsed(&fixture("transcription")).step, None, "a transcript never names its turn");
    assert_eq!(parsed(&event("call.speak.ended", json!({"status": "completed"}))).step, None);
}

#[test]
fn the_end_of_a_call_tells_who_hung_up() {
    let ended = |kind: &str, source: &str| {
        let mut hangup = delivered_to(fixture("hangup"), kind);
        hangup["data"]["payload"]["hangup_source"] = source.into();
        told(&hangup)
    };
    for (kind, source, reason) in [
        ("outbound", "callee", EndReason::HangupUser),
        ("outbound", "caller", EndReason::HangupBot),
        ("inbound", "caller", EndReason::HangupUser),
        ("inbound", "callee", EndReason::HangupBot),
        ("inbound", "unknown", EndReason::Completed),
        ("elsewhere", "callee", EndReason::Completed),
    ] {
        let event = CallEvent::Ended { reason, cause: None };
        assert_eq!(ended(kind, source), event, "{kind} {source}");
    }
}

#[test]
fn every_hangup_cause_is_an_end_with_its_reason_and_telnyx_words() {
    for (cause, sip, reason) in [
        ("originator_cancel", "487", EndReason::Canceled),
        ("timeout", "unspecified", EndReason::NoAnswer),
        ("no_answer", "480", EndReason::NoAnswer),
        ("user_busy", "486", EndReason::Busy),
        ("call_rejected", "603", EndReason::Rejected),
        ("not_found", "404", EndReason::Failed),
        ("time_limit", "unspecified", EndReason::Timeout),
        ("unspecified", "unspecified", EndReason::Failed),
        ("a_cause_of_tomorrow", "503", EndReason::Failed),
    ] {
        let fields =
            json!({"hangup_cause": cause, "sip_hangup_cause": sip, "hangup_source": "unknown"});
        let text = match sip {
            "unspecified" => format!("Telnyx says {cause}"),
            _ => format!("Telnyx says {cause}, SIP {sip}"),
        };
        let expected = CallEvent::Ended { reason, cause: Some(Cause::new(cause, text)) };
        assert_eq!(told(&event("call.hangup", fields)), expected, "{cause}");
    }
    let bare = told(&event("call.hangup", json!({})));
    assert!(matches!(bare, CallEvent::Ended { reason: EndReason::Failed, cause: Some(_) }));
}

#[test]
fn an_unexplained_end_of_a_call_that_had_sound_is_no_failure_to_connect() {
    let mut hangup = fixture("hangup");
    hangup["data"]["payload"]["hangup_cause"] = "unspecified".into();
    assert!(matches!(told(&hangup), CallEvent::Ended { reason: EndReason::Completed, .. }));
}

#[test]
fn a_body_that_is_no_event_is_told_as_such() {
    let telnyx = telnyx();
    for body in
        [json!({}), json!({"data": {}}), json!({"data": {"event_type": 7}}), json!([{"a": 1}])]
    {
        let request = signed(body.to_string());
        let verified = verify(&telnyx, &request, now()).unwrap();
        let error = telnyx.parse_webhook_event(&verified).unwrap_err();
        assert!(error.to_string().contains("API v2"), "{error}");
    }
}
