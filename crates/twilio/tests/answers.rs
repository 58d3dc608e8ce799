//! What Twilio's REST API, or something that stands before it, may answer, and what it means.

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, DialIntent, EndReason, ErrorClass, FaultKind, Party, Progress,
    ProviderCallIds, ProviderError, Search, TransportFault, TransportResponse, VoiceProvider,
};
use offhook_twilio::Twilio;

use support::{CALL_SID, Script, TOKEN, call, call_ids, config, response};

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
    let late = |kind| Err(TransportFault::perhaps_sent(kind, "api.twilio.com"));
    let early = |kind| Err(TransportFault::not_sent(kind, "api.twilio.com"));
    vec![
        same("200 HTML", page(200), Undecodable),
        same("200 empty", json(200, ""), Undecodable),
        same("200 null", json(200, "null"), Undecodable),
        same("200 cut off", json(200, r#"{"sid":"CA5d2f0e7b9c1a4e"#), Undecodable),
        same("200 without sid", json(200, r#"{"status":"queued"}"#), Undecodable),
        same("200 null sid", json(200, r#"{"sid":null,"status":"queued"}"#), Undecodable),
        same("200 other sid", json(200, r#"{"sid":"SM1","status":"queued"}"#), Undecodable),
        same("201 empty", json(201, ""), Undecodable),
        same("204", json(204, ""), Undecodable),
        same("301", page(301), Undecodable),
        same("302 empty", json(302, ""), Undecodable),
        same("307 like Twilio's", refusal(307, 20404), Undecodable),
        same("400 21211", refusal(400, 21211), Rejected),
        same("400 21220", refusal(400, 21220), WrongState),
        same("400 21204", refusal(400, 21204), WrongState),
        same("400 HTML", page(400), Undecodable),
        same("400 of a proxy", json(400, r#"{"code":400,"message":"bad request"}"#), Undecodable),
        same("401 20003", refusal(401, 20003), Unauthenticated),
        same("401 HTML", page(401), Unauthenticated),
        same("403 21215", refusal(403, 21215), Rejected),
        same("403 HTML", page(403), Undecodable),
        same("404 20404", refusal(404, 20404), NotFound),
        same("404 HTML", page(404), Undecodable),
        same("404 empty", json(404, ""), Undecodable),
        same("404 of a proxy", json(404, r#"{"code":404,"message":"no route"}"#), Undecodable),
        same("404 of a gateway", json(404, r#"{"message":"no Route matched"}"#), Undecodable),
        same("404 of a service", json(404, r#"{"error":{"code":404}}"#), Undecodable),
        same("408 HTML", page(408), Undecodable),
        same("408 of a proxy", json(408, r#"{"code":408,"message":"time-out"}"#), Undecodable),
        same("429 20429", refusal(429, 20429), Throttled),
        same("429 HTML", page(429), Throttled),
        ("500 20500", refusal(500, 20500), Ambiguous, Ambiguous, Transient),
        ("500 empty", json(500, ""), Ambiguous, Ambiguous, Transient),
        ("502 HTML", page(502), Ambiguous, Ambiguous, Transient),
        ("503 20503", refusal(503, 20503), Ambiguous, Ambiguous, Transient),
        ("504 HTML", page(504), Ambiguous, Ambiguous, Transient),
        same("forbidden address", early(FaultKind::Forbidden), Transient),
        same("no connection", early(FaultKind::Connect), Transient),
        same("no connection in time", early(FaultKind::Timeout), Transient),
        ("no answer in time", late(FaultKind::Timeout), Ambiguous, Ambiguous, Transient),
        ("broken off", late(FaultKind::Broken), Ambiguous, Ambiguous, Transient),
        ("too large", late(FaultKind::TooLarge), Ambiguous, Ambiguous, Transient),
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
async fn a_call_that_was_taken_has_its_sid() {
    for status in [200, 201] {
        let body = format!(
            r#"{{"sid":"{CALL_SID}","status":"queued","queue_time":"1000","date_created":null,
                "price":null,"annotation":null,"subresource_uris":{{"streams":"/x.json"}}}}"#
        );
        let (carrier, _) = twilio(Ok(response(status, JSON, body)));
        let initiated = carrier.initiate_call(&intent()).await.expect("it is taken");
        assert_eq!(initiated.ids, call_ids());
    }
}

#[tokio::test]
async fn twilios_code_and_the_time_to_wait_are_kept() {
    let (carrier, _) = twilio(refusal(400, 21211));
    let error = carrier.initiate_call(&intent()).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Some("21211"), None));
    for (header, wait) in
        [("7", Some(7)), (" 7 ", Some(7)), ("99999999", Some(3600)), ("-1", None), ("soon", None)]
    {
        for answer in [refusal(429, 20429), page(429), page(503)] {
            let mut answer = answer.expect("an answer");
            answer.headers.insert("retry-after", HeaderValue::from_static(header));
            let (carrier, _) = twilio(Ok(answer));
            let error = carrier.hangup_call(&call()).await.unwrap_err();
            assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{header}");
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

async fn status_of(body: String) -> CallStatus {
    twilio(Ok(response(200, JSON, body))).0.get_call_status(&call()).await
}

#[tokio::test]
async fn each_documented_status_is_live_or_ended() {
    for (word, expected) in [
        ("queued", Progress::Initiated),
        ("ringing", Progress::Ringing),
        ("in-progress", Progress::Answered),
    ] {
        let status = status_of(format!(r#"{{"sid":"{CALL_SID}","status":"{word}"}}"#)).await;
        let CallStatus::Live { progress } = status else { panic!("{word}: {status:?}") };
        assert_eq!(progress, Some(expected), "{word}");
    }
    for (word, expected) in [
        ("completed", EndReason::Completed),
        ("busy", EndReason::Busy),
        ("no-answer", EndReason::NoAnswer),
        ("failed", EndReason::Failed),
        ("canceled", EndReason::Canceled),
    ] {
        let status = status_of(format!(r#"{{"sid":"{CALL_SID}","status":"{word}"}}"#)).await;
        let CallStatus::Ended { reason, cause } = status else { panic!("{word}: {status:?}") };
        assert_eq!(reason, expected);
        assert_eq!(cause.map(|cause| cause.code).as_deref(), Some(word));
    }
}

#[tokio::test]
async fn a_word_or_a_sid_that_is_not_expected_leaves_the_call_unknown() {
    let other = CALL_SID.replace('5', "6");
    for body in [
        format!(r#"{{"sid":"{CALL_SID}","status":"transferred"}}"#),
        format!(r#"{{"sid":"{CALL_SID}","status":"Completed"}}"#),
        format!(r#"{{"sid":"{CALL_SID}","status":""}}"#),
        format!(r#"{{"sid":"{CALL_SID}"}}"#),
        format!(r#"{{"sid":"{CALL_SID}","status":null}}"#),
        format!(r#"{{"sid":"{other}","status":"completed"}}"#),
        format!(r#"[{{"sid":"{CALL_SID}","status":"completed"}}]"#),
    ] {
        let status = status_of(body.clone()).await;
        let CallStatus::Unknown { cause } = status else { panic!("{body}: {status:?}") };
        assert_eq!(cause.class(), Undecodable, "{body}");
    }
}

#[tokio::test]
async fn a_search_finds_candidates_that_may_be_ours_and_no_others() {
    let entry = |digit: char, status: &str, direction: &str, created: &str| {
        let sid = format!("CA{}", digit.to_string().repeat(32));
        format!(
            r#"{{"sid":"{sid}","status":"{status}","direction":"{direction}","date_created":{created}}}"#
        )
    };
    let after = r#""Tue, 14 Jan 2025 09:26:54 +0000""#;
    let skewed = r#""Tue, 14 Jan 2025 09:26:00 +0000""#;
    let before = r#""Tue, 14 Jan 2025 09:20:00 +0000""#;
    let calls = [
        entry('1', "ringing", "outbound-api", after),
        entry('2', "in-progress", "outbound-api", skewed),
        entry('3', "queued", "outbound-api", "null"),
        entry('4', "ringing", "outbound-api", before),
        entry('5', "ringing", "inbound", after),
        entry('6', "ringing", "outbound-dial", after),
        entry('7', "completed", "outbound-api", after),
        entry('8', "transferred", "outbound-api", after),
    ];
    let body = format!(r#"{{"calls":[{}],"next_page_uri":null}}"#, calls.join(","));
    let (carrier, _) = twilio(Ok(response(200, JSON, body)));
    let Search::Candidates(found) = carrier.find_call(&intent()).await else {
        panic!("there are candidates");
    };
    let found: Vec<_> = found.iter().filter_map(|ids| ids.value()).collect();
    assert_eq!(found, ["1", "2", "3"].map(|digit| format!("CA{}", digit.repeat(32))));

    let (carrier, _) = twilio(Ok(response(200, JSON, r#"{"calls":[]}"#)));
    assert!(matches!(carrier.find_call(&intent()).await, Search::Nothing));
}

#[tokio::test]
async fn nothing_that_prints_shows_a_token_or_a_whole_number() {
    let secrets = [TOKEN, "the-old-token", "the-shared-key", "442071838750", "15550001234"];
    let config =
        config().with_previous_auth_token("the-old-token").with_shared_key("the-shared-key");
    let mut shown = vec![format!("{config:?}"), format!("{:?}", intent())];
    for (_, answer, ..) in failures() {
        let script = Script::of(answer.clone());
        let carrier = Twilio::with_transport(config.clone(), script.clone());
        let error = carrier.initiate_call(&intent()).await.unwrap_err();
        shown.push(format!("{error} {error:?} {:?} {}", error.cause(), error.cause()));
        shown.push(format!("{carrier:?} {:?}", script.only_request()));
        shown.push(format!("{:?}", script.only_request().headers));
        let (carrier, script) = twilio(answer.clone());
        shown.push(format!("{:?} {:?}", carrier.get_call_status(&call()).await, carrier));
        shown.push(format!("{:?}", script.only_request()));
        let (carrier, script) = twilio(answer);
        shown.push(format!("{:?}", carrier.find_call(&intent()).await));
        shown.push(format!("{:?}", script.only_request()));
    }
    for text in shown {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in: {text}");
        }
        assert!(!text.contains("Basic "), "{text}");
    }
}

#[tokio::test]
async fn what_twilio_cannot_do_is_said_and_not_tried() {
    let carrier = support::twilio();
    let unsupported = Some(ErrorClass::Unsupported);
    let can = carrier.capabilities();
    assert!(!can.answer_call && !can.reject_call && !can.list_live && !can.transfer_call);
    let reason = offhook_core::RejectReason::Busy;
    assert_eq!(class(carrier.answer_call(&call()).await), unsupported);
    assert_eq!(class(carrier.reject_call(&call(), reason).await), unsupported);
    assert_eq!(class(carrier.list_live().await), unsupported);
    assert_eq!(class(carrier.transfer_call(&call(), &Party::Withheld).await), unsupported);
}
