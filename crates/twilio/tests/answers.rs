//! What Twilio's REST API, or something that stands before it, may answer, and what it means.

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, DialIntent, ErrorClass, Party, ProviderCallIds, ProviderError,
    Search, TransportFault, TransportResponse, VoiceProvider,
};
use offhook_twilio::Twilio;
use proptest::collection::vec;
use proptest::prelude::*;

use support::{CALL_SID, Script, call, config, response};

use ErrorClass::{
    Ambiguous, NotFound, Rejected, Throttled, Transient, Unauthenticated, Undecodable, WrongState,
};

type Answer = Result<TransportResponse, TransportFault>;

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = "<html><body>Please sign in</body></html>";

fn twilio(answer: Answer) -> (Twilio, Arc<Script>) {
    let script = Script::of(answer);
    (Twilio::with_transport(config(), script.clone()), script)
}

fn intent() -> DialIntent {
    DialIntent::new(
        CallRef { ids: ProviderCallIds::none(), ..call() },
        Party::observed("+15550001234"),
        Party::observed("+442071838750"),
        CallPlan::Hold,
        Duration::from_secs(30),
        Duration::from_secs(300),
        "2025-01-14T09:26:53Z".parse::<Timestamp>().expect("a time"),
    )
}

fn refusal(status: u16, code: u32) -> Answer {
    let body = format!(
        r#"{{"code":{code},"message":"The 'To' number +442071838750 is not right",
            "more_info":"https://www.twilio.com/docs/errors/{code}","status":{status}}}"#
    );
    Ok(response(status, JSON, body))
}

fn page(status: u16) -> Answer {
    Ok(response(status, HTML, PAGE))
}

fn json(status: u16, body: &'static str) -> Answer {
    Ok(response(status, JSON, body))
}

/// An answer, and the class of the error that it is to a dial, to an update and to a look.
type Case = (&'static str, Answer, ErrorClass, ErrorClass, ErrorClass);

fn failures() -> Vec<Case> {
    let same = |name, answer, class| (name, answer, class, class, class);
    vec![
        same("200 without sid", json(200, r#"{"status":"queued"}"#), Undecodable),
        same("200 null sid", json(200, r#"{"sid":null,"status":"queued"}"#), Undecodable),
        same("200 other sid", json(200, r#"{"sid":"SM1","status":"queued"}"#), Undecodable),
        same("307 like Twilio's", refusal(307, 20404), Undecodable),
        same("400 21211", refusal(400, 21211), Rejected),
        same("400 21220", refusal(400, 21220), WrongState),
        same("400 21204", refusal(400, 21204), WrongState),
        same("400 of a proxy", json(400, r#"{"code":400,"message":"bad request"}"#), Undecodable),
        same("401 20003", refusal(401, 20003), Unauthenticated),
        same("403 21215", refusal(403, 21215), Rejected),
        same("404 20404", refusal(404, 20404), NotFound),
        same("404 of a proxy", json(404, r#"{"code":404,"message":"no route"}"#), Undecodable),
        same("404 of a service", json(404, r#"{"error":{"code":404}}"#), Undecodable),
        same("408 HTML", page(408), Undecodable),
        same("408 of a proxy", json(408, r#"{"code":408,"message":"time-out"}"#), Undecodable),
        same("429 20429", refusal(429, 20429), Throttled),
        ("500 20500", refusal(500, 20500), Ambiguous, Ambiguous, Transient),
        ("503 20503", refusal(503, 20503), Ambiguous, Ambiguous, Transient),
    ]
}

fn class<T>(result: Result<T, ProviderError>) -> Option<ErrorClass> {
    result.err().map(|error| error.class())
}

#[tokio::test]
async fn each_answer_is_of_its_class() {
    for (name, answer, dial, update, look) in failures() {
        let (carrier, script) = twilio(answer.clone());
        assert_eq!(class(carrier.initiate_call(&intent()).await), Some(dial), "dial: {name}");
        script.only_request();
        let (carrier, script) = twilio(answer.clone());
        assert_eq!(class(carrier.hangup_call(&call()).await), Some(update), "hangup: {name}");
        script.only_request();
        let (carrier, script) = twilio(answer.clone());
        assert_eq!(class(carrier.stop_listening(&call()).await), Some(update), "push: {name}");
        script.only_request();

        let (carrier, script) = twilio(answer.clone());
        match carrier.get_call_status(&call()).await {
            CallStatus::NotFound => assert_eq!(look, NotFound, "look: {name}"),
            CallStatus::Unknown { cause } => {
                assert_ne!(look, NotFound, "look: {name}");
                assert_eq!(cause.class(), look, "look: {name}");
            }
            known => panic!("look: {name}: {known:?}"),
        }
        script.only_request();

        let (carrier, _) = twilio(answer);
        match carrier.find_call(&intent()).await {
            Search::Unknown { .. } => {}
            known => panic!("search: {name}: {known:?}"),
        }
    }
}

#[tokio::test]
async fn a_time_to_wait_that_is_a_date_is_read_by_the_senders_clock() {
    let sent = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (until, date, wait) in [
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some(sent), Some(30)),
        (" Sun, 06 Nov 1994 08:50:07 GMT ", Some(sent), Some(30)),
        ("Mon, 07 Nov 1994 08:49:37 GMT", Some(sent), Some(3600)),
        // It is past already.
        ("Sun, 06 Nov 1994 08:49:36 GMT", Some(sent), Some(0)),
        ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some("yesterday"), None),
        ("Sun, 99 Nov 1994 08:50:07 GMT", Some(sent), None),
        ("99999999999999999999", Some(sent), None),
    ] {
        let mut answer = page(429).expect("an answer");
        answer.headers.insert("retry-after", HeaderValue::from_static(until));
        if let Some(date) = date {
            answer.headers.insert("date", HeaderValue::from_static(date));
        }
        let (carrier, _) = twilio(Ok(answer));
        let error = carrier.hangup_call(&call()).await.unwrap_err();
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{until} {date:?}");
    }
}

#[tokio::test]
async fn a_server_error_may_say_when_to_come_back() {
    let mut answer = page(503).expect("an answer");
    answer.headers.insert("retry-after", HeaderValue::from_static(" 7 "));
    let (carrier, _) = twilio(Ok(answer));
    let error = carrier.hangup_call(&call()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn an_end_has_twilios_word_for_its_cause() {
    for word in ["completed", "busy", "no-answer", "failed", "canceled"] {
        let status = status_of(format!(r#"{{"sid":"{CALL_SID}","status":"{word}"}}"#)).await;
        let CallStatus::Ended { cause, .. } = status else { panic!("{word}: {status:?}") };
        assert_eq!(cause.map(|cause| cause.code).as_deref(), Some(word));
    }
}

#[test]
fn twilio_answers_and_refuses_by_documents_only() {
    let can = support::twilio().capabilities();
    assert!(can.documents && can.limit_call && can.send_dtmf && can.find_call && can.sip);
    assert!(can.list_live);
    assert!(!can.answer_call && !can.reject_call && !can.transfer_call);
}

async fn status_of(body: String) -> CallStatus {
    twilio(Ok(response(200, JSON, body))).0.get_call_status(&call()).await
}

/// JSON with fields that are read, right ones and wrong ones, and any bytes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let value = || {
        prop_oneof![
            Just(format!("\"{CALL_SID}\"")),
            Just("\"in-progress\"".to_owned()),
            Just("\"completed\"".to_owned()),
            Just("null".to_owned()),
            Just("20404".to_owned()),
            Just("1e400".to_owned()),
            Just("\"Thu, 99 Xyz 9999 99:99:99 +9999\"".to_owned()),
            Just(format!("[{{\"sid\":\"{CALL_SID}\",\"status\":\"\\u0000\"}}]")),
        ]
    };
    let sid = prop_oneof![Just(format!("\"{CALL_SID}\"")), value()];
    let name = prop_oneof![
        Just("sid"),
        Just("code"),
        Just("message"),
        Just("calls"),
        Just("next_page_uri"),
        Just("start_time"),
        Just("date_created"),
    ];
    let object = (sid, value(), vec((name, value()), 0..4)).prop_map(|(sid, status, more)| {
        let more: String =
            more.into_iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        format!("{{\"sid\":{sid},\"status\":{status}{more}}}").into_bytes()
    });
    prop_oneof![object, vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_that_is_answered_panics_or_ends_a_call_without_evidence(
        status in prop_oneof![200_u16..=204, 300_u16..=599],
        body in bodies(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let carrier = || twilio(Ok(response(status, JSON, body.clone()))).0;
            if matches!(carrier().get_call_status(&call()).await, CallStatus::Ended { .. }) {
                let says = |words: &[u8]| body.windows(words.len()).any(|part| part == words);
                assert!(status < 300 && says(b"\"status\":\"completed\""));
            }
            let _ = carrier().initiate_call(&intent()).await;
            let _ = carrier().hangup_call(&call()).await;
            let _ = carrier().find_call(&intent()).await;
        });
    }
}
