//! What Plivo's REST API, or something that stands before it, may answer, and what it means.

mod support;

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Cause, DialIntent, ErrorClass, Party, ProviderCallIds,
    ProviderError, Search, VoiceProvider,
};
use proptest::collection::vec;
use proptest::prelude::*;

use support::{
    Answer, CALL_UUID, REQUEST_UUID, answering, call, json, missing, refusal, request_ids, response,
};

use ErrorClass::{Ambiguous, NotFound, Rejected, Transient, Undecodable};

const PAGE: &str = "<html><body>Please sign in</body></html>";

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

fn page(status: u16) -> Answer {
    Ok(response(status, "text/html; charset=utf-8", PAGE))
}

/// An answer, and the class of the error that it is to a dial or a command, and to a look.
type Case = (&'static str, Answer, ErrorClass, ErrorClass);

fn failures() -> Vec<Case> {
    let same = |name, answer, class| (name, answer, class, class);
    vec![
        same("200 without anything", json(200, "{}"), Undecodable),
        same("302 like Plivo's", refusal(302), Undecodable),
        same("400 of a proxy", json(400, r#"{"status":400,"error":"Bad"}"#), Undecodable),
        same("403", refusal(403), Rejected),
        same("404 with nothing but an error", json(404, r#"{"error":"gone"}"#), NotFound),
        same("404 of a service", json(404, r#"{"error":{"code":404}}"#), Undecodable),
        same("404 of another", json(404, r#"{"status":404,"error":"Not Found"}"#), Undecodable),
        same("405", refusal(405), Rejected),
        same("409", refusal(409), Rejected),
        same("422", refusal(422), Rejected),
        ("408 HTML", page(408), Ambiguous, Transient),
    ]
}

fn class<T>(result: Result<T, ProviderError>) -> Option<ErrorClass> {
    result.err().map(|error| error.class())
}

#[tokio::test]
async fn each_answer_is_of_its_class() {
    for (name, answer, write, look) in failures() {
        let (plivo, script) = answering([answer.clone()]);
        assert_eq!(class(plivo.initiate_call(&intent()).await), Some(write), "dial: {name}");
        script.only_request();
        let (plivo, script) = answering([answer.clone()]);
        assert_eq!(class(plivo.hangup_call(&call()).await), Some(write), "hangup: {name}");
        script.only_request();
        let (plivo, script) = answering([answer.clone()]);
        assert_eq!(class(plivo.stop_listening(&call()).await), Some(write), "push: {name}");
        script.only_request();

        // Wherever of the three questions it comes, it decides, but for a 404.
        for before in 0..3 {
            let answers =
                (0..before).map(|_| missing()).chain([answer.clone(), missing(), missing()]);
            let (plivo, _) = answering(answers);
            match plivo.get_call_status(&call()).await {
                CallStatus::NotFound => assert_eq!(look, NotFound, "look {before}: {name}"),
                CallStatus::Unknown { cause } => {
                    assert_ne!(look, NotFound, "look {before}: {name}");
                    assert_eq!(cause.class(), look, "look {before}: {name}");
                }
                known => panic!("look {before}: {name}: {known:?}"),
            }
        }
        if look != NotFound {
            let (plivo, _) = answering([answer.clone()]);
            let found = plivo.find_call(&intent()).await;
            assert!(matches!(found, Search::Unknown { .. }), "search: {name}: {found:?}");
            let (plivo, _) = answering([answer]);
            assert_eq!(class(plivo.list_live().await), Some(look), "list: {name}");
        }
    }
}

#[tokio::test]
async fn a_hangup_is_done_by_a_204_or_by_a_word_of_plivos() {
    for (answer, expected) in [
        (json(202, r#"{"api_id":"a","message":"call hung up"}"#), None),
        (page(200), Some(Undecodable)),
        (json(200, ""), Some(Undecodable)),
        (json(200, "null"), Some(Undecodable)),
        (json(200, r#"[{"api_id":"a"}]"#), Some(Undecodable)),
    ] {
        let (plivo, _) = answering([answer.clone()]);
        assert_eq!(class(plivo.hangup_call(&call()).await), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_call_that_was_taken_has_its_request() {
    let one = format!(r#""{REQUEST_UUID}""#);
    for (status, uuid, message) in [
        (201, one.clone(), "call queued"),
        (200, one.clone(), "call fired"),
        (201, format!("[{one}]"), "calls fired"),
    ] {
        let body = format!(r#"{{"message":"{message}","request_uuid":{uuid},"api_id":"a"}}"#);
        let (plivo, _) = answering([json(status, body)]);
        let initiated = plivo.initiate_call(&intent()).await.expect("it is taken");
        assert_eq!(initiated.ids, request_ids());
    }
    for uuid in [r#""""#, r#"".""#, r#""a/b""#, "[]", "null", "7", "[[]]"] {
        let body = format!(r#"{{"message":"call fired","request_uuid":{uuid},"api_id":"a"}}"#);
        let (plivo, _) = answering([json(201, body)]);
        assert_eq!(class(plivo.initiate_call(&intent()).await), Some(Undecodable), "{uuid}");
    }
}

#[tokio::test]
async fn plivos_words_and_its_code_are_kept() {
    for (body, text, code) in [
        (r#"{"api_id":"a","error":"to is not valid"}"#, "to is not valid", None),
        (r#"{"api_id":"a","error":{"message":"no","code":1204}}"#, "no", Some("1204")),
        (r#"{"api_id":"a","error":{"error":"no"},"error_code":"x7"}"#, "no", Some("x7")),
        (r#"{"api_id":"a","message":"no"}"#, "no", None),
        (r#"{"api_id":"a"}"#, "HTTP 400", None),
    ] {
        let (plivo, _) = answering([json(400, body)]);
        let error = plivo.initiate_call(&intent()).await.unwrap_err();
        assert_eq!(error.code(), code, "{body}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn an_end_has_plivos_words_for_its_cause() {
    let ended_at = Cause::new("", "Plivo says that it ended at 2025-01-14 09:27:31+00:00");
    for (fields, cause) in [
        (r#""end_time":"2025-01-14 09:27:31+00:00""#, ended_at.clone()),
        (
            r#""answer_time":"2025-01-14 09:26:54+00:00","end_time":"2025-01-14 09:27:31+00:00",
                "hangup_cause_code":4000,"hangup_cause_name":"Normal Hangup""#,
            ended_at,
        ),
        (
            r#""hangup_cause_code":3010,"hangup_cause_name":"Busy Line""#,
            Cause::new("3010", "Busy Line"),
        ),
        (
            r#""hangup_cause_code":"1000","hangup_source":"API Request""#,
            Cause::new("1000", "Cancelled; ended by: API Request"),
        ),
        (r#""hangup_cause_code":0,"hangup_cause_name":"Unknown""#, Cause::new("0", "Unknown")),
        (r#""hangup_cause_code":4242"#, Cause::new("4242", "no cause")),
    ] {
        let record = json(200, format!(r#"{{"api_id":"a","call_uuid":"{CALL_UUID}",{fields}}}"#));
        let (plivo, _) = answering([missing(), missing(), record]);
        match plivo.get_call_status(&call()).await {
            CallStatus::Ended { cause: told, .. } => assert_eq!(told, Some(cause), "{fields}"),
            other => panic!("{fields}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn too_many_calls_to_look_at_leave_a_request_unknown() {
    let ids: Vec<String> = (0..100).map(|number| format!("\"call-{number}\"")).collect();
    let list = json(200, format!(r#"{{"api_id":"a","calls":[{}]}}"#, ids.join(",")));
    let other = |number| {
        json(200, format!(r#"{{"api_id":"a","call_uuid":"call-{number}","request_uuid":"y"}}"#))
    };
    let answers = [missing(), missing(), missing(), list].into_iter().chain((0..100).map(other));
    let (plivo, script) = answering(answers);
    let status = plivo.get_call_status(&support::young_call()).await;
    let CallStatus::Unknown { cause } = status else { panic!("{status:?}") };
    assert!(cause.to_string().contains("too many"), "{cause}");
    assert!(script.requests().len() < 50, "{} requests", script.requests().len());
}

#[tokio::test]
async fn a_listed_call_of_which_something_else_is_told_may_be_the_one_that_is_looked_for() {
    let list = || json(200, format!(r#"{{"api_id":"a","calls":["{CALL_UUID}"]}}"#));
    let other =
        format!(r#"{{"api_id":"a","call_uuid":"another","request_uuid":"{REQUEST_UUID}"}}"#);
    for told in ["{}", r#"{"api_id":"a"}"#, r#"{"hello":"world"}"#, &other] {
        let unclear = || [missing(), missing(), missing(), list(), json(200, told.to_owned())];
        let (plivo, _) = answering(unclear());
        let status = plivo.get_call_status(&support::young_call()).await;
        assert!(matches!(status, CallStatus::Unknown { .. }), "{told}: {status:?}");
        let (plivo, _) = answering(unclear().into_iter().skip(1));
        let hangup = plivo.hangup_call(&support::young_call()).await;
        assert_eq!(class(hangup), Some(Undecodable), "{told}");
        let (plivo, _) = answering(unclear().into_iter().skip(3));
        let found = plivo.find_call(&intent()).await;
        assert!(matches!(found, Search::Unknown { .. }), "{told}: {found:?}");
    }
}

/// Bodies that look like Plivo's, and others.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        Just("api_id"),
        Just("error"),
        Just("call_uuid"),
        Just("request_uuid"),
        Just("call_status"),
        Just("calls"),
        Just("objects"),
        Just("end_time"),
        Just("hangup_cause_code"),
        Just("session_start"),
    ];
    let value = prop_oneof![
        Just(format!("\"{CALL_UUID}\"")),
        Just(format!("[\"{CALL_UUID}\"]")),
        Just("null".to_owned()),
        Just("4000".to_owned()),
        Just("1e400".to_owned()),
        Just("\"in-progress\"".to_owned()),
        Just("\"9999-99-99 99:99:99\"".to_owned()),
        Just("{\"code\":-1,\"message\":\"\\u0000\"}".to_owned()),
        Just("[{}]".to_owned()),
    ];
    let object = vec((name, value), 0..6).prop_map(|fields| {
        let fields: Vec<String> =
            fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(",")).into_bytes()
    });
    prop_oneof![4 => object, 1 => vec(any::<u8>(), 0..60)]
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
            let many = || (0..100).map(|_| json(status, body.clone()));
            let (plivo, _) = answering(many());
            let looked = plivo.get_call_status(&call()).await;
            if matches!(looked, CallStatus::Ended { .. }) {
                assert!(status < 300 && body.windows(9).any(|part| part == b"call_uuid"));
            }
            let (plivo, _) = answering(many());
            let _ = plivo.get_call_status(&support::young_call()).await;
            let (plivo, _) = answering(many());
            let _ = (plivo.initiate_call(&intent()).await, plivo.hangup_call(&call()).await);
            let (plivo, _) = answering(many());
            let _ = (plivo.find_call(&intent()).await, plivo.list_live().await);
        });
    }
}
