//! What Telnyx answers, and what is made of it.

mod support;

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, DialIntent, ErrorClass, Listen, Locale, Party, ProviderCallIds,
    ProviderError, RejectReason, Say, Speech, Then, TransportFault, TransportResponse, Turn,
    VoiceProvider,
};
use offhook_telnyx::Telnyx;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{CONTROL_ID, LEG_ID, Script, call, config, json_response, refusal, response, taken};

type Answered = Result<TransportResponse, TransportFault>;

fn answering(answer: Answered) -> Telnyx {
    Telnyx::with_transport(config(), Script::of([answer]))
}

async fn dial(answer: Answered) -> Result<offhook_core::InitiatedCall, ProviderError> {
    let call = CallRef { ids: ProviderCallIds::none(), ..call() };
    let intent = DialIntent::new(
        call,
        Party::dialled("+14155550123").expect("a number"),
        Party::dialled("+442071838750").expect("a number"),
        CallPlan::Hold,
        Duration::from_secs(30),
        Duration::from_secs(300),
        Timestamp::UNIX_EPOCH,
    );
    answering(answer).initiate_call(&intent).await
}

async fn refused_dial(answer: Answered) -> ErrorClass {
    dial(answer).await.expect_err("it is refused").class()
}

async fn speak(answer: Answered) -> Result<(), ProviderError> {
    let speech =
        Speech { text: "Hello".parse().expect("a text"), voice: None, locale: Locale::en_us() };
    answering(answer).play_tts(&call(), &Say { speech, then: Then::Hold }).await
}

async fn status(answer: Answered) -> CallStatus {
    answering(answer).get_call_status(&call()).await
}

fn call_resource(fields: &Value) -> Answered {
    let mut call = json!({
        "record_type": "call", "call_control_id": CONTROL_ID, "call_leg_id": LEG_ID,
        "call_session_id": "s", "start_time": "2025-01-14T09:26:53Z",
    });
    for (name, value) in fields.as_object().expect("fields") {
        call[name] = value.clone();
    }
    Ok(json_response(200, &json!({"data": call})))
}

#[tokio::test]
async fn an_end_is_told_with_its_time() {
    let end = json!({"is_alive": false, "end_time": "2025-01-14T09:27:12Z", "call_duration": 19});
    let over = status(call_resource(&end)).await;
    let CallStatus::Ended { cause: Some(cause), .. } = over else { panic!("{over:?}") };
    assert_eq!(cause.text, "Telnyx says that it ended at 2025-01-14T09:27:12Z");
}

#[tokio::test]
async fn a_dial_is_refused_not_taken_or_unclear() {
    for (answer, class) in [
        (Ok(refusal(403, "90041", "User channel limit exceeded", "")), ErrorClass::Throttled),
        (
            Ok(refusal(422, "10016", "Phone number must be in +E.164 format", "")),
            ErrorClass::Rejected,
        ),
        (Ok(refusal(403, "20013", "Feature not permitted", "")), ErrorClass::Rejected),
        (Ok(refusal(401, "20002", "API Key revoked", "")), ErrorClass::Unauthenticated),
        (Ok(refusal(404, "10006", "Invalid ID", "")), ErrorClass::NotFound),
        (Ok(refusal(408, "10008", "Request timeout", "")), ErrorClass::Ambiguous),
        (Ok(refusal(409, "10036", "Resource busy", "")), ErrorClass::Ambiguous),
        (Ok(refusal(409, "99999", "Conflict", "")), ErrorClass::Ambiguous),
        (Ok(refusal(503, "10037", "Service unavailable", "")), ErrorClass::Ambiguous),
        (
            Ok(json_response(200, &json!({"data": {"call_control_id": ""}}))),
            ErrorClass::Undecodable,
        ),
        (Ok(json_response(200, &json!({"data": {"is_alive": false}}))), ErrorClass::Undecodable),
    ] {
        let told = format!("{answer:?}");
        assert_eq!(refused_dial(answer).await, class, "{told}");
    }
}

#[tokio::test]
async fn a_call_that_is_over_or_not_answered_yet_is_in_the_wrong_state() {
    for (code, title) in
        [("90018", "Call has already ended"), ("90034", "Call has not been answered yet")]
    {
        let error = speak(Ok(refusal(422, code, title, "detail"))).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::WrongState, Some(code)));
        assert!(error.to_string().contains(title), "{error}");
    }
    let invalid =
        speak(Ok(refusal(422, "90015", "Invalid Call Control ID", ""))).await.unwrap_err();
    assert_eq!(invalid.class(), ErrorClass::NotFound);
}

#[tokio::test]
async fn to_end_a_call_that_is_over_is_done() {
    let over = || Ok(refusal(422, "90018", "Call has already ended", ""));
    answering(over()).hangup_call(&call()).await.unwrap();
    answering(over()).reject_call(&call(), RejectReason::Busy).await.unwrap();
    assert_eq!(
        answering(over()).answer_call(&call()).await.unwrap_err().class(),
        ErrorClass::WrongState
    );
    let unknown = answering(Ok(refusal(404, "10005", "Resource not found", "")));
    assert_eq!(unknown.hangup_call(&call()).await.unwrap_err().class(), ErrorClass::NotFound);
}

#[tokio::test]
async fn to_listen_while_listening_is_done() {
    let listen = Listen::for_speech(Turn(1), Locale::en_us());
    let already = Ok(refusal(422, "90054", "Transcription already in progress", ""));
    answering(already).start_listening(&call(), &listen).await.unwrap();
    let conflict = Ok(refusal(422, "90053", "Conflict with a recording", ""));
    let error = answering(conflict).start_listening(&call(), &listen).await.unwrap_err();
    assert_eq!((error.class(), error.code()), (ErrorClass::Rejected, Some("90053")));
}

#[tokio::test]
async fn to_stop_listening_where_nobody_listens_is_done() {
    for (answer, class) in [
        (refusal(422, "90000", "Not transcribing", ""), None),
        (refusal(422, "90018", "Call has already ended", ""), Some(ErrorClass::WrongState)),
        (refusal(403, "10010", "Authorization failed", ""), Some(ErrorClass::Rejected)),
        (refusal(503, "10037", "Service unavailable", ""), Some(ErrorClass::Ambiguous)),
    ] {
        let stopped = answering(Ok(answer)).stop_listening(&call()).await;
        assert_eq!(stopped.err().map(|error| error.class()), class);
    }
}

#[tokio::test]
async fn a_command_that_something_else_answers_may_have_been_carried_out() {
    let json = |body: &'static str| response(200, "application/json", body);
    for answer in [json("{}"), json(r#"{"data":["ok"]}"#)] {
        assert_eq!(speak(Ok(answer)).await.unwrap_err().class(), ErrorClass::Undecodable);
    }
    speak(Ok(taken())).await.unwrap();
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_told() {
    let throttled = |name: &'static str, value: &'static str| {
        let mut answer = refusal(429, "10011", "Too many requests", "");
        answer.headers.insert(name, value.parse().unwrap());
        answer
    };
    for (answer, wait) in [
        (throttled("x-ratelimit-reset", "3"), Some(3)),
        (throttled("x-ratelimit-reset", "1736846813"), None),
        (throttled("x-ratelimit-reset", "soon"), None),
        (throttled("x-ratelimit-limit", "50"), None),
    ] {
        let error = speak(Ok(answer)).await.unwrap_err();
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs));
    }
    // The limit's headers stand beside other errors too, and ask for no wait there.
    let mut rejected = refusal(422, "90014", "Invalid digits", "");
    rejected.headers.insert("x-ratelimit-reset", "1".parse().unwrap());
    assert_eq!(speak(Ok(rejected)).await.unwrap_err().retry_after(), None);
}

proptest! {
    #[test]
    fn no_answer_makes_us_panic_or_end_a_call(code in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let answer = || Ok(response(code, "application/json", body.clone()));
            let found = status(answer()).await;
            assert!(matches!(found, CallStatus::Unknown { .. }), "{found:?}");
            assert!(dial(answer()).await.is_err());
            assert!(speak(answer()).await.is_err());
            assert!(answering(answer()).list_live().await.is_err());
        });
    }
}
