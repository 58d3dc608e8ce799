//! What is asked of Plivo's REST API, to the byte.

mod support;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, header};
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, DialIntent, Digits, ErrorClass, Listen, Locale, Party,
    ProviderCallId, ProviderCallIds, ProviderError, Say, Speech, Then, TransportRequest, Turn,
    VoiceProvider,
};
use offhook_plivo::Plivo;
use serde_json::{Value, json};
use url::Url;

use support::{
    ACCOUNT, Answer, CALL_ID, CALL_UUID, ENDPOINT, REQUEST_UUID, Script, TOKEN, answering, call,
    config, json, missing, response, young_call,
};

const BASE: &str = "https://api.plivo.com/v1/Account/MAXXXXXXXXXXXXXXXXXX";

fn intent(ring_milliseconds: u64, longest_milliseconds: u64) -> DialIntent {
    DialIntent::new(
        CallRef { ids: ProviderCallIds::none(), ..call() },
        Party::observed("+15550001234"),
        Party::observed("+442071838750"),
        CallPlan::Hold,
        Duration::from_millis(ring_milliseconds),
        Duration::from_millis(longest_milliseconds),
        "2025-01-14T09:26:53Z".parse::<Timestamp>().expect("a time"),
    )
}

fn ordinary() -> DialIntent {
    intent(30_000, 300_000)
}

fn taken() -> Answer {
    json(201, format!(r#"{{"api_id":"a","message":"call fired","request_uuid":"{REQUEST_UUID}"}}"#))
}

fn accepted() -> Answer {
    json(202, r#"{"api_id":"a","message":"call transferred"}"#)
}

fn gone() -> Answer {
    Ok(response(204, "", ""))
}

fn url(kind: &str) -> String {
    format!("{ENDPOINT}?call={CALL_ID}&step=3&kind={kind}#rc=5&rp=ct,rt,5xx")
}

async fn dialled(intent: &DialIntent) -> TransportRequest {
    let (plivo, script) = answering([taken()]);
    plivo.initiate_call(intent).await.expect("it is taken");
    script.only_request()
}

fn body(request: &TransportRequest) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

/// What Plivo wants of every request, a look or a search too.
fn is_in_form(request: &TransportRequest) {
    let credentials = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
    assert_eq!(request.headers[header::AUTHORIZATION], format!("Basic {credentials}"));
    assert_eq!(request.headers[header::ACCEPT], "application/json");
    assert!(request.url.path().ends_with('/'), "{}", request.url.path());
    if request.method == Method::POST {
        assert_eq!(request.headers[header::CONTENT_TYPE], "application/json");
    } else {
        assert!(request.body.is_empty());
    }
}

fn say(text: &str, locale: &str) -> Say {
    let text = text.parse().expect("a text");
    let locale = locale.parse().expect("a locale");
    Say { speech: Speech { text, voice: None, locale }, then: Then::Hold }
}

#[tokio::test]
async fn a_dial_is_a_post_with_every_field() {
    let request = dialled(&ordinary()).await;
    is_in_form(&request);
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.url.as_str(), format!("{BASE}/Call/"));
    let expected = json!({
        "from": "+15550001234",
        "to": "+442071838750",
        "answer_url": url("answer"),
        "answer_method": "POST",
        "fallback_url": url("fallback"),
        "fallback_method": "POST",
        "ring_url": url("ring"),
        "ring_method": "POST",
        "hangup_url": url("hangup"),
        "hangup_method": "POST",
        "ring_timeout": 30,
        "time_limit": 330,
    });
    assert_eq!(body(&request), expected);
}

#[tokio::test]
async fn the_limits_for_plivo_are_whole_seconds_rounded_up() {
    for (ring, longest, timeout, limit) in [
        (1, 1, 1, 31),
        (0, 0, 1, 30),
        (30_001, 300_500, 31, 331),
        (120_000, 14_400_000, 120, 14_430),
        (1000, 90_000_000, 1, 86_400),
    ] {
        let body = body(&dialled(&intent(ring, longest)).await);
        assert_eq!((&body["ring_timeout"], &body["time_limit"]), (&json!(timeout), &json!(limit)));
    }
}

#[tokio::test]
async fn a_message_that_nobody_can_speak_is_refused_before_anybody_is_called() {
    let mut intent = ordinary();
    intent.plan = CallPlan::Say(say("Hei!", "fi-FI"));
    let plivo = support::plivo();
    let refused = plivo.initiate_call(&intent).await.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Rejected);
    assert!(refused.to_string().contains("fi-FI"), "{refused}");
    let refused = plivo.play_tts(&call(), &say("Hei!", "fi-FI")).await.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Rejected);
}

#[tokio::test]
async fn the_path_follows_the_api_base_and_its_prefix() {
    for (base, start) in [
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/v1/"),
        ("http://127.0.0.1:9/fake/plivo", "http://127.0.0.1:9/fake/plivo/v1/"),
        ("http://127.0.0.1:9/fake/?x=1", "http://127.0.0.1:9/fake/v1/"),
    ] {
        let config = config().with_api_base(Url::parse(base).expect("a URL"), true);
        let script = Script::of([gone()]);
        Plivo::with_transport(config, script.clone()).hangup_call(&call()).await.expect("done");
        let expected = format!("{start}Account/{ACCOUNT}/Call/{CALL_UUID}/");
        assert_eq!(script.only_request().url.as_str(), expected);
    }
}

#[tokio::test]
async fn a_hangup_deletes_the_call_by_its_own_id() {
    let (plivo, script) = answering([gone()]);
    plivo.hangup_call(&call()).await.expect("it is taken");
    let request = script.only_request();
    is_in_form(&request);
    assert_eq!(script.lines(), [format!("DELETE Call/{CALL_UUID}/")]);
}

#[tokio::test]
async fn a_call_that_is_not_dialled_yet_is_called_off_by_its_request() {
    let (plivo, script) = answering([gone()]);
    plivo.hangup_call(&young_call()).await.expect("it is taken");
    assert_eq!(script.lines(), [format!("DELETE Request/{REQUEST_UUID}/")]);
    is_in_form(&script.only_request());
}

#[tokio::test]
async fn a_call_that_no_webhook_has_named_is_looked_for_and_hung_up() {
    let ids = json(200, r#"{"api_id":"a","calls":["other","b1946ac9"]}"#);
    let detail = |uuid: &str, request: &str| {
        json(
            200,
            format!(
                r#"{{"api_id":"a","call_uuid":"{uuid}","request_uuid":"{request}",
                    "call_status":"in-progress"}}"#
            ),
        )
    };
    let (plivo, script) = answering([
        missing(),
        missing(),
        ids.clone(),
        detail("other", "another"),
        detail("b1946ac9", REQUEST_UUID),
        gone(),
    ]);
    plivo.hangup_call(&young_call()).await.expect("it is found");
    let expected = [
        format!("DELETE Request/{REQUEST_UUID}/"),
        format!("DELETE Call/{REQUEST_UUID}/"),
        "GET Call/?status=live".to_owned(),
        "GET Call/other/?status=live".to_owned(),
        "GET Call/b1946ac9/?status=live".to_owned(),
        "DELETE Call/b1946ac9/".to_owned(),
    ];
    assert_eq!(script.lines(), expected);

    let nobody = || json(200, r#"{"api_id":"a","calls":[]}"#);
    let (plivo, _) = answering([missing(), missing(), nobody(), nobody()]);
    let error = plivo.hangup_call(&young_call()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);

    // It lives, though Plivo knows it by none of the three questions after its request.
    let (plivo, _) = answering([
        missing(),
        missing(),
        missing(),
        ids,
        detail("other", "another"),
        detail("b1946ac9", REQUEST_UUID),
    ]);
    assert!(matches!(plivo.get_call_status(&young_call()).await, CallStatus::Live { .. }));
}

#[tokio::test]
async fn a_look_asks_for_live_then_queued_then_over() {
    let lines = |id: &str| {
        [
            format!("GET Call/{id}/?status=live"),
            format!("GET Call/{id}/?status=queued"),
            format!("GET Call/{id}/"),
        ]
    };
    let (plivo, script) = answering([missing(), missing(), missing()]);
    assert!(matches!(plivo.get_call_status(&call()).await, CallStatus::NotFound));
    assert_eq!(script.lines(), lines(CALL_UUID));
    script.requests().iter().for_each(is_in_form);

    let nobody = || json(200, r#"{"api_id":"a","calls":[]}"#);
    let (plivo, script) = answering([missing(), missing(), missing(), nobody(), missing()]);
    assert!(matches!(plivo.get_call_status(&young_call()).await, CallStatus::NotFound));
    assert_eq!(script.lines()[..3], lines(REQUEST_UUID));
    assert_eq!(script.lines()[3..], ["GET Call/?status=live", "GET Call/?status=queued"]);
}

#[tokio::test]
async fn a_push_makes_plivo_fetch_the_present_step() {
    let digits: Digits = "1w2#".parse().expect("digits");
    let listen = Listen::for_speech(Turn(2), Locale::en_us());
    for push in 0..4 {
        let (plivo, script) = answering([accepted()]);
        let pushed = match push {
            0 => plivo.play_tts(&call(), &say("Hello", "en-US")).await,
            1 => plivo.start_listening(&call(), &listen).await,
            2 => plivo.send_dtmf(&call(), &digits, &Then::Hold).await,
            _ => plivo.stop_listening(&call()).await,
        };
        pushed.expect("it is taken");
        let request = script.only_request();
        is_in_form(&request);
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.url.as_str(), format!("{BASE}/Call/{CALL_UUID}/"));
        let expected = json!({"legs": "aleg", "aleg_url": url("script"), "aleg_method": "POST"});
        assert_eq!(body(&request), expected);
    }
}

#[tokio::test]
async fn tones_that_plivo_has_not_are_refused_before_anything_is_sent() {
    for digits in ["A", "12B", "wD"] {
        let digits: Digits = digits.parse().expect("digits");
        let refused = support::plivo().send_dtmf(&call(), &digits, &Then::Hold).await;
        assert_eq!(refused.unwrap_err().class(), ErrorClass::Rejected);
    }
}

#[tokio::test]
async fn an_id_that_names_no_call_is_asked_of_nobody() {
    // `DELETE Call/` would end every call of the account.
    for value in ["", ".", "..", "a/b", "%2e"] {
        let ids = ProviderCallIds::of(ProviderCallId::new("call_uuid", 1, value));
        let nameless = CallRef { ids, ..call() };
        let plivo = support::plivo();
        let class = |result: Result<(), ProviderError>| result.map_err(|error| error.class());
        let refused = Err(ErrorClass::Rejected);
        assert_eq!(class(plivo.hangup_call(&nameless).await), refused, "{value:?}");
        assert_eq!(class(plivo.stop_listening(&nameless).await), refused, "{value:?}");
        let status = plivo.get_call_status(&nameless).await;
        assert!(matches!(status, CallStatus::Unknown { .. }), "{value:?}");
    }
}

#[tokio::test]
async fn a_search_asks_for_live_and_queued_calls_and_for_the_records_of_the_same_two() {
    let calls = |uuids: &str| json(200, format!(r#"{{"api_id":"a","calls":[{uuids}]}}"#));
    let records = json(200, r#"{"api_id":"a","objects":[]}"#);
    let (plivo, script) = answering([
        calls(r#""one","two","..""#),
        missing(),
        missing(),
        calls(r#""three""#),
        missing(),
        records,
    ]);
    plivo.find_call(&ordinary()).await;
    let query = "call_direction=outbound&from_number=15550001234&to_number=442071838750&limit=20";
    let expected = [
        "GET Call/?status=live".to_owned(),
        "GET Call/one/?status=live".to_owned(),
        "GET Call/two/?status=live".to_owned(),
        "GET Call/?status=queued".to_owned(),
        "GET Call/three/?status=queued".to_owned(),
        format!("GET Call/?{query}"),
    ];
    assert_eq!(script.lines(), expected);
    script.requests().iter().for_each(is_in_form);
}

#[tokio::test]
async fn live_and_queued_calls_are_listed() {
    use offhook_core::Progress;
    let (plivo, script) = answering([
        json(200, r#"{"api_id":"a","calls":["one","two",".."]}"#),
        json(200, r#"{"api_id":"a","calls":["three"]}"#),
    ]);
    let calls = plivo.list_live().await.expect("a list");
    let told: Vec<_> = calls.iter().map(|call| (call.ids.value(), call.progress)).collect();
    let queued = Some(Progress::Initiated);
    assert_eq!(told, [(Some("one"), None), (Some("two"), None), (Some("three"), queued)]);
    assert_eq!(script.lines(), ["GET Call/?status=live", "GET Call/?status=queued"]);
    let live = json(200, r#"{"api_id":"a","calls":["one"]}"#);
    let (plivo, _) = answering([live, json(500, "{}")]);
    let listed = plivo.list_live().await;
    assert!(listed.is_err(), "half a list is none: {listed:?}");
}

#[test]
fn plivo_fetches_documents_and_looks_for_calls() {
    let can = support::plivo().capabilities();
    assert!(can.documents && can.limit_by_document && can.send_dtmf);
    assert!(can.find_call && can.list_live && can.sip);
    assert!(!can.answer_call && !can.reject_call && !can.limit_call && !can.transfer_call);
    assert_eq!(can.pushes_per_call, Some(70));
}
