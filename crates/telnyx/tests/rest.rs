//! What Telnyx is sent, byte by byte where it matters.

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, Connection, DialIntent, DigitInput, Digits, ErrorClass, Listen, ListenFor,
    Locale, Party, PhoneNumber, ProviderCallIds, RejectReason, Say, Search, Speech, SpeechText,
    Step, Then, TransportRequest, Turn, VoiceProvider,
};
use offhook_telnyx::Telnyx;
use serde_json::{Value, json};
use support::{
    API_KEY, CALL_ID, CONTROL_ID, ENDPOINT, LEG_ID, Script, call, call_ids, config, json_response,
    state, taken,
};
use url::Url;

fn intent(plan: CallPlan) -> DialIntent {
    let call = CallRef { ids: ProviderCallIds::none(), step: Step(1), ..call() };
    let number = |text: &str| Party::from(text.parse::<PhoneNumber>().expect("a number"));
    DialIntent::new(
        call,
        number("+14155550123"),
        number("+442071838750"),
        plan,
        Duration::from_secs(30),
        Duration::from_millis(299_500),
        Timestamp::UNIX_EPOCH,
    )
}

fn say(text: &str, locale: &str) -> Say {
    let text: SpeechText = text.parse().expect("a text");
    let locale = locale.parse().expect("a locale");
    Say { speech: Speech { text, voice: None, locale }, then: Then::Hold }
}

fn playing(script: &Arc<Script>) -> Telnyx {
    Telnyx::with_transport(config(), Arc::clone(script) as _)
}

fn body(request: &TransportRequest) -> Value {
    serde_json::from_slice(&request.body).expect("a body is JSON")
}

/// The path of a command and its body.
fn command(script: &Script) -> (String, Value) {
    let request = script.only_request();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["authorization"], format!("Bearer {API_KEY}").as_str());
    let path = request.url.path().strip_prefix(&format!("/v2/calls/{CONTROL_ID}/actions/"));
    (path.expect("it is a command").to_owned(), body(&request))
}

fn dialled() -> Value {
    json!({"data": {
        "record_type": "call", "call_control_id": CONTROL_ID, "call_leg_id": LEG_ID,
        "call_session_id": "b0e6141e-c81c-11f0-abac-02420aef93a0", "is_alive": false,
    }})
}

fn retries() -> Value {
    let policy = json!({"retries_ms": [1000, 3000, 8000, 18000, 30000]});
    json!({
        "call.answered": policy, "call.dtmf.received": policy, "call.gather.ended": policy,
        "call.hangup": policy, "call.initiated": policy, "call.speak.ended": policy, "call.transcription": policy,
    })
}

#[tokio::test]
async fn a_dial_has_our_id_our_urls_and_limits_of_the_carriers_own() {
    let script = Script::of([Ok(json_response(200, &dialled()))]);
    let placed = playing(&script).initiate_call(&intent(CallPlan::Hold)).await.unwrap();
    assert_eq!(placed.ids, call_ids());
    assert_eq!(placed.ids.value(), Some(CONTROL_ID));
    let request = script.only_request();
    assert_eq!(request.url.as_str(), "https://api.telnyx.com/v2/calls");
    assert_eq!(request.connection, Connection::Fresh);
    assert_eq!(
        body(&request),
        json!({
            "connection_id": "1494404757140276705",
            "from": "+14155550123",
            "to": "+442071838750",
            "timeout_secs": 30,
            "time_limit_secs": 330,
            "client_state": "MDE4OTBhNWQtYWM5Ni03NzRiLWJjY2UtYjMwMjA5OWE4MDU3",
            "command_id": format!("{CALL_ID}-1-dial"),
            "webhook_url": format!("{ENDPOINT}?call={CALL_ID}&step=1&kind=outbound"),
            "webhook_url_method": "POST",
            "webhook_retries_policies": retries(),
        })
    );
}

#[tokio::test]
async fn limits_stay_within_what_telnyx_takes() {
    for (ring, duration, timeout, limit) in [
        (Duration::from_millis(1), Duration::from_secs(1), 5, 60),
        (Duration::from_secs(3600), Duration::from_secs(4 * 3600), 600, 14_400),
    ] {
        let script = Script::of([Ok(json_response(200, &dialled()))]);
        let mut intent = intent(CallPlan::Hold);
        (intent.ring_timeout, intent.max_duration) = (ring, duration);
        playing(&script).initiate_call(&intent).await.unwrap();
        let body = body(&script.only_request());
        assert_eq!(
            (&body["timeout_secs"], &body["time_limit_secs"]),
            (&json!(timeout), &json!(limit))
        );
    }
}

#[tokio::test]
async fn a_retry_policy_is_no_longer_than_a_minute() {
    let retries = retries();
    for policy in retries.as_object().unwrap().values() {
        let delays = policy["retries_ms"].as_array().unwrap();
        assert!(delays.len() <= 5);
        assert!(delays.iter().map(|delay| delay.as_u64().unwrap()).sum::<u64>() <= 60_000);
    }
}

#[tokio::test]
async fn nobody_is_dialled_with_a_message_that_cannot_be_spoken() {
    let script = Script::of([]);
    let telnyx = playing(&script);
    let long = say(&"é".repeat(3001), "en-US");
    let error = telnyx.initiate_call(&intent(CallPlan::Say(long.clone()))).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Rejected);
    assert!(error.to_string().contains("3001 characters"), "{error}");
    assert_eq!(telnyx.play_tts(&call(), &long).await.unwrap_err().class(), ErrorClass::Rejected);
    assert!(script.requests().is_empty());

    let script = Script::of([Ok(taken())]);
    playing(&script).play_tts(&call(), &say(&"é".repeat(3000), "en-US")).await.unwrap();
}

#[tokio::test]
async fn speech_names_its_step_and_takes_the_place_of_what_is_played() {
    let script = Script::of([Ok(taken())]);
    let text = "<speak>Tom & \"Jerry\"</speak>";
    playing(&script).play_tts(&call(), &say(text, "de-AT")).await.unwrap();
    let (path, body) = command(&script);
    assert_eq!(path, "speak");
    assert_eq!(
        body,
        json!({
            "payload": text,
            "payload_type": "text",
            "voice": "AWS.Polly.Vicki-Neural",
            "language": "de-DE",
            "stop": "all",
            "client_state": state(&format!("{CALL_ID}/3")),
            "command_id": format!("{CALL_ID}-3-speak"),
        })
    );
}

#[tokio::test]
async fn a_voice_that_is_asked_for_is_taken_as_it_is() {
    let script = Script::of([Ok(taken())]);
    let mut say = say("Hei!", "fi-FI");
    say.speech.voice = Some("Azure.fi-FI-SelmaNeural".parse().unwrap());
    playing(&script).play_tts(&call(), &say).await.unwrap();
    let (_, body) = command(&script);
    assert_eq!(body["voice"], "Azure.fi-FI-SelmaNeural");
    assert_eq!(body.get("language"), None, "a language that Telnyx does not know is not sent");
}

#[tokio::test]
async fn listening_is_transcription_in_the_language_of_its_engine() {
    for (locale, name, config) in [
        (
            "en-US",
            "Google",
            json!({"transcription_engine": "Google", "language": "en", "interim_results": true}),
        ),
        (
            "cy-GB",
            "Telnyx",
            json!({"transcription_engine": "Telnyx", "language": "cy", "transcription_model": "openai/whisper-large-v3-turbo"}),
        ),
    ] {
        let script = Script::of([Ok(taken())]);
        let listen = Listen::for_speech(Turn(2), locale.parse::<Locale>().unwrap());
        playing(&script).start_listening(&call(), &listen).await.unwrap();
        let (path, body) = command(&script);
        assert_eq!(path, "transcription_start");
        assert_eq!(
            body,
            json!({
                "transcription_engine": name,
                "transcription_engine_config": config,
                "transcription_tracks": "inbound",
                "command_id": format!("{CALL_ID}-3-listen"),
            })
        );
    }
}

/// Each attribute is one of `actions/gather` (Telnyx, "Gather").
#[tokio::test]
async fn digits_are_gathered_and_come_back_with_their_step() {
    let script = Script::of([Ok(taken())]);
    let pin = ListenFor::Digits(DigitInput::new(4, '*').unwrap());
    let listen = Listen { input: pin, ..Listen::for_speech(Turn(2), Locale::en_us()) };
    playing(&script).start_listening(&call(), &listen).await.unwrap();
    let (path, body) = command(&script);
    assert_eq!(path, "gather");
    assert_eq!(
        body,
        json!({
            "minimum_digits": 1,
            "maximum_digits": 4,
            "terminating_digit": "*",
            "initial_timeout_millis": 120_000,
            "inter_digit_timeout_millis": 5_000,
            "timeout_millis": 120_000,
            "gather_id": "3",
            "client_state": state(&format!("{CALL_ID}/3")),
            "command_id": format!("{CALL_ID}-3-gather"),
        })
    );
}

#[tokio::test]
async fn an_answer_brings_our_id_and_our_url_to_an_inbound_call() {
    let script = Script::of([Ok(taken())]);
    playing(&script).answer_call(&call()).await.unwrap();
    let (path, body) = command(&script);
    assert_eq!(path, "answer");
    assert_eq!(
        body,
        json!({
            "client_state": state(CALL_ID),
            "command_id": format!("{CALL_ID}-3-answer"),
            "webhook_url": format!("{ENDPOINT}?call={CALL_ID}&step=3&kind=inbound"),
            "webhook_url_method": "POST",
            "webhook_retries_policies": retries(),
        })
    );
}

#[tokio::test]
async fn the_other_commands_are_short() {
    let digits: Digits = "12#w".parse().unwrap();
    let id = |command: &str| format!("{CALL_ID}-3-{command}");

    let script = Script::of([Ok(taken())]);
    playing(&script).send_dtmf(&call(), &digits, &Then::Hold).await.unwrap();
    let body = json!({"digits": "12#w", "command_id": id("dtmf")});
    assert_eq!(command(&script), ("send_dtmf".to_owned(), body));

    let script = Script::of([Ok(taken())]);
    playing(&script).stop_listening(&call()).await.unwrap();
    let body = json!({"command_id": id("stop-listening")});
    assert_eq!(command(&script), ("transcription_stop".to_owned(), body));

    let script = Script::of([Ok(taken())]);
    playing(&script).stop_gathering(&call()).await.unwrap();
    let body = json!({"command_id": id("stop-gathering")});
    assert_eq!(command(&script), ("gather_stop".to_owned(), body));

    let script = Script::of([Ok(taken())]);
    playing(&script).stop_tts(&call()).await.unwrap();
    let body = json!({"stop": "all", "command_id": id("stop-speaking")});
    assert_eq!(command(&script), ("playback_stop".to_owned(), body));

    // A hangup that was taken and not done is sent again: it must not pass for a repetition.
    let script = Script::of([Ok(taken())]);
    playing(&script).hangup_call(&call()).await.unwrap();
    assert_eq!(command(&script), ("hangup".to_owned(), json!({})));

    for (reason, cause) in
        [(RejectReason::Busy, "USER_BUSY"), (RejectReason::Declined, "CALL_REJECTED")]
    {
        let script = Script::of([Ok(taken())]);
        playing(&script).reject_call(&call(), reason).await.unwrap();
        let body = json!({"cause": cause, "command_id": id("reject")});
        assert_eq!(command(&script), ("reject".to_owned(), body));
    }
}

#[tokio::test]
async fn an_id_is_a_single_part_of_the_path_whatever_is_in_it() {
    let script = Script::of([Ok(taken())]);
    let ids = offhook_core::ProviderCallId::new("call_control_id", 2, "v9:a/../b?c#d");
    let call = CallRef { ids: ProviderCallIds::of(ids), ..call() };
    playing(&script).hangup_call(&call).await.unwrap();
    let url = script.only_request().url;
    assert_eq!(
        url.as_str(),
        "https://api.telnyx.com/v2/calls/v9:a%2F..%2Fb%3Fc%23d/actions/hangup"
    );
}

#[tokio::test]
async fn another_api_base_keeps_its_prefix_and_gets_the_version_path() {
    let script = Script::of([Ok(taken())]);
    let base = Url::parse("http://127.0.0.1:4010/telnyx/").unwrap();
    let config = config().with_api_base(base, true);
    let telnyx = Telnyx::with_transport(config, Arc::clone(&script) as _);
    telnyx.hangup_call(&call()).await.unwrap();
    let url = script.only_request().url;
    assert!(url.as_str().starts_with("http://127.0.0.1:4010/telnyx/v2/calls/v3:"), "{url}");
}

#[test]
fn telnyx_takes_commands_and_no_documents() {
    let can = playing(&Script::of([])).capabilities();
    assert!(can.answer_call && can.reject_call && can.send_dtmf && can.find_call && can.list_live);
    assert!(!can.documents && !can.limit_call && !can.transfer_call);
}

fn page(calls: &[(&str, Option<&str>)], after: Option<&str>) -> Value {
    let call = |(id, state): &(&str, Option<&str>)| {
        json!({"record_type": "call", "call_control_id": id, "call_leg_id": format!("leg of {id}"),
            "call_session_id": "s", "client_state": state, "call_duration": 50})
    };
    let calls: Vec<_> = calls.iter().map(call).collect();
    json!({"data": calls, "meta": {"total_items": calls.len(), "cursors": {"after": after}}})
}

#[tokio::test]
async fn an_unclear_dial_is_found_by_our_id_on_whatever_page_it_stands() {
    let ours = state(CALL_ID);
    let script = Script::of([
        Ok(json_response(
            200,
            &page(&[("v3:a", None), ("v3:b", Some("Y2FsbC03N2Ix"))], Some("n=/1")),
        )),
        Ok(json_response(200, &page(&[("v3:c", Some(&ours))], None))),
    ]);
    let found = playing(&script).find_call(&intent(CallPlan::Hold)).await;
    let Search::Found(ids) = found else { panic!("{found:?}") };
    assert_eq!(ids.value(), Some("v3:c"));
    let urls: Vec<_> = script.requests().iter().map(|request| request.url.to_string()).collect();
    let list = "https://api.telnyx.com/v2/connections/1494404757140276705/active_calls";
    assert_eq!(urls[0], format!("{list}?page%5Blimit%5D=250"));
    assert_eq!(urls[1], format!("{list}?page%5Blimit%5D=250&page%5Bafter%5D=n%3D%2F1"));
}

#[tokio::test]
async fn a_list_that_breaks_off_says_nothing() {
    let half = || Ok(json_response(200, &page(&[("v3:a", None)], Some("next"))));
    for answer in [
        Ok(json_response(500, &json!({}))),
        Ok(json_response(200, &json!({"calls": []}))),
        Err(offhook_core::TransportFault::perhaps_sent(offhook_core::FaultKind::Timeout, "")),
    ] {
        let again = answer.clone();
        let script = Script::of([half(), answer]);
        let found = playing(&script).find_call(&intent(CallPlan::Hold)).await;
        assert!(matches!(found, Search::Unknown { .. }), "{found:?}");
        let listed = playing(&Script::of([half(), again])).list_live().await;
        assert!(listed.is_err(), "half a list is none: {listed:?}");
    }
}

#[tokio::test]
async fn a_list_without_end_is_not_read_for_ever() {
    let pages = (0..50)
        .map(|n| Ok(json_response(200, &page(&[("v3:a", None)], Some(&format!("cursor {n}"))))));
    let script = Script::of(pages);
    let error = playing(&script).list_live().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(script.requests().len(), 40);
    // A cursor that leads to itself is the end.
    let same = || Ok(json_response(200, &page(&[("v3:a", None)], Some("same"))));
    let script = Script::of([same(), same()]);
    assert_eq!(playing(&script).list_live().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_live_is_listed_with_all_its_ids_and_ours() {
    let ours = state(CALL_ID);
    let script =
        Script::of([Ok(json_response(200, &page(&[("v3:a", None), ("v3:b", Some(&ours))], None)))]);
    let running = playing(&script).list_live().await.unwrap();
    assert_eq!(running.len(), 2);
    assert_eq!(running[1].ids.value(), Some("v3:b"));
    assert_eq!(running[1].ids.iter().count(), 2);
    assert_eq!(running[1].progress, None);
    let told: Vec<_> = running.iter().map(|call| call.call.map(|id| id.to_string())).collect();
    assert_eq!(told, [None, Some(CALL_ID.to_owned())], "and nobody else's");
}
