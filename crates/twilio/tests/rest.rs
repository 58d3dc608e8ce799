//! What is sent to Twilio's REST API, byte for byte.

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, header};
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Connection, DialIntent, Listen, Locale, Party, ProviderCallIds,
    Say, Search, Speech, Then, TransportRequest, Turn, VoiceProvider,
};
use offhook_twilio::Twilio;
use url::Url;

use support::{ACCOUNT, CALL_ID, CALL_SID, ENDPOINT, Script, TOKEN, call, config, response};

const BASE: &str = "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001";

fn intent(ring: Duration, longest: Duration) -> DialIntent {
    DialIntent::new(
        CallRef { ids: ProviderCallIds::none(), ..call() },
        Party::observed("+15550001234"),
        Party::observed("+442071838750"),
        CallPlan::Hold,
        ring,
        longest,
        Timestamp::UNIX_EPOCH,
    )
}

fn ordinary() -> DialIntent {
    intent(Duration::from_secs(30), Duration::from_secs(300))
}

/// A Twilio whose one answer is the call, in progress.
fn answering() -> (Twilio, Arc<Script>) {
    let body = format!(r#"{{"sid":"{CALL_SID}","status":"in-progress"}}"#);
    let script = Script::of(Ok(response(200, "application/json", body)));
    (Twilio::with_transport(config(), script.clone()), script)
}

fn fields(request: &TransportRequest) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

async fn dialled(intent: &DialIntent) -> TransportRequest {
    let (twilio, script) = answering();
    twilio.initiate_call(intent).await.expect("it is taken");
    script.only_request()
}

/// Every request has these, whatever it is for.
fn is_authenticated(request: &TransportRequest) {
    use base64::Engine;
    let credentials = format!("{ACCOUNT}:{TOKEN}");
    let expected = base64::engine::general_purpose::STANDARD.encode(credentials);
    let given = request.headers.get_all(header::AUTHORIZATION).iter().collect::<Vec<_>>();
    assert_eq!(given, [&format!("Basic {expected}")]);
    assert!(given[0].is_sensitive());
    assert_eq!(request.headers[header::ACCEPT], "application/json");
    assert!(request.timeout <= Duration::from_secs(30));
    if request.method == Method::POST {
        assert_eq!(request.headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    } else {
        assert!(request.body.is_empty());
    }
}

#[tokio::test]
async fn a_dial_is_one_post_on_a_fresh_connection_with_every_field() {
    let request = dialled(&ordinary()).await;
    is_authenticated(&request);
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.url.as_str(), format!("{BASE}/Calls.json"));
    assert_eq!(request.connection, Connection::Fresh);
    let url =
        |kind: &str| format!("{ENDPOINT}?call={CALL_ID}&step=3&kind={kind}#rc=3&rp=ct,rt,5xx");
    let expected = [
        ("To", "+442071838750"),
        ("From", "+15550001234"),
        ("Url", &url("answer")),
        ("Method", "POST"),
        ("FallbackUrl", &url("fallback")),
        ("FallbackMethod", "POST"),
        ("StatusCallback", &url("status")),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("Timeout", "30"),
        ("TimeLimit", "330"),
    ];
    assert_eq!(fields(&request), expected.map(|(name, value)| (name.into(), value.into())));
    let body = std::str::from_utf8(&request.body).expect("a form");
    assert!(body.starts_with("To=%2B442071838750&From=%2B15550001234&"), "a bare + is a space");
}

#[tokio::test]
async fn the_limits_for_twilio_are_whole_seconds_rounded_up() {
    for (ring, longest, timeout, limit) in [
        (1, 1, "1", "31"),
        (0, 0, "1", "30"),
        (30_001, 300_500, "31", "331"),
        (599_999, 3_600_000, "600", "3630"),
        (900_000, 1, "600", "31"),
    ] {
        let (ring, longest) = (Duration::from_millis(ring), Duration::from_millis(longest));
        let fields = fields(&dialled(&intent(ring, longest)).await);
        let value = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, v)| &**v);
        assert_eq!((value("Timeout"), value("TimeLimit")), (Some(timeout), Some(limit)));
    }
}

#[tokio::test]
async fn the_path_follows_the_api_base_and_its_prefix() {
    for (base, start) in [
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/2010-04-01/"),
        ("http://127.0.0.1:9/fake/twilio", "http://127.0.0.1:9/fake/twilio/2010-04-01/"),
        ("http://127.0.0.1:9/fake/?x=1", "http://127.0.0.1:9/fake/2010-04-01/"),
    ] {
        let config = config().with_api_base(Url::parse(base).expect("a URL"), true);
        let script = Script::of(Ok(response(404, "", "")));
        let _ = Twilio::with_transport(config, script.clone()).hangup_call(&call()).await;
        let expected = format!("{start}Accounts/{ACCOUNT}/Calls/{CALL_SID}.json");
        assert_eq!(script.only_request().url.as_str(), expected);
    }
}

#[tokio::test]
async fn a_hangup_completes_the_call() {
    let (twilio, script) = answering();
    twilio.hangup_call(&call()).await.expect("it is taken");
    let request = script.only_request();
    is_authenticated(&request);
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.url.as_str(), format!("{BASE}/Calls/{CALL_SID}.json"));
    assert_eq!(request.body, "Status=completed");
}

#[tokio::test]
async fn an_inbound_call_gets_its_limit_and_its_callback_by_one_update() {
    for (longest, limit) in [(300_000, "330"), (1_001, "32")] {
        let (twilio, script) = answering();
        let longest = Duration::from_millis(longest);
        twilio.limit_call(&call(), longest).await.expect("it is taken");
        let request = script.only_request();
        is_authenticated(&request);
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.url.as_str(), format!("{BASE}/Calls/{CALL_SID}.json"));
        let url =
            |kind: &str| format!("{ENDPOINT}?call={CALL_ID}&step=3&kind={kind}#rc=3&rp=ct,rt,5xx");
        let expected = [
            ("TimeLimit", limit),
            ("FallbackUrl", &url("fallback")),
            ("FallbackMethod", "POST"),
            ("StatusCallback", &url("status")),
            ("StatusCallbackMethod", "POST"),
        ];
        assert_eq!(fields(&request), expected.map(|(name, value)| (name.into(), value.into())));
    }
}

#[tokio::test]
async fn an_api_key_authenticates_requests_and_the_auth_token_still_signs_webhooks() {
    use base64::Engine;
    let key = "SK00000000000000000000000000000002";
    let config = config().with_api_key(key, "the secret of the key").expect("a key");
    let body = format!(r#"{{"sid":"{CALL_SID}","status":"in-progress"}}"#);
    let script = Script::of(Ok(response(200, "application/json", body)));
    let twilio = Twilio::with_transport(config, script.clone());
    twilio.hangup_call(&call()).await.expect("it is taken");
    let request = script.only_request();
    // The account stays in the path; only who asks is another.
    assert_eq!(request.url.as_str(), format!("{BASE}/Calls/{CALL_SID}.json"));
    let credentials = format!("{key}:the secret of the key");
    let expected = base64::engine::general_purpose::STANDARD.encode(credentials);
    assert_eq!(request.headers[header::AUTHORIZATION], format!("Basic {expected}"));
    assert!(request.headers[header::AUTHORIZATION].is_sensitive());
    assert!(!format!("{twilio:?} {request:?}").contains("the secret of the key"));
    assert!(!format!("{twilio:?} {request:?}").contains(&expected));

    let url = support::callback("status");
    let pairs = [("CallSid".to_owned(), CALL_SID.to_owned())];
    let signed_with = |secret: &str| {
        let signature = support::signature(secret, &url, &pairs);
        let headers = [("content-type", support::FORM), ("x-twilio-signature", &*signature)];
        let request = support::request(Method::POST, &url, &headers, support::encoded(&pairs));
        offhook_core::verify(&twilio, &request, Timestamp::UNIX_EPOCH).map(drop)
    };
    assert_eq!(signed_with(TOKEN), Ok(()));
    assert!(signed_with("the secret of the key").is_err());
}

#[tokio::test]
async fn a_look_is_one_get() {
    let (twilio, script) = answering();
    assert!(matches!(twilio.get_call_status(&call()).await, CallStatus::Live { .. }));
    let request = script.only_request();
    is_authenticated(&request);
    assert_eq!(request.method, Method::GET);
    assert_eq!(request.url.as_str(), format!("{BASE}/Calls/{CALL_SID}.json"));
}

fn say(text: &str) -> Say {
    let speech =
        Speech { text: text.parse().expect("a text"), voice: None, locale: Locale::en_us() };
    Say { speech, then: Then::Hold }
}

#[tokio::test]
async fn a_push_is_the_document_that_a_webhook_would_get() {
    let listen = Listen::for_speech(Turn(2), Locale::en_us());
    let digits = "1w2#".parse().expect("digits");
    let plans = [
        CallPlan::Say(say("Tom & Jerry + “friends”")),
        CallPlan::Listen(listen.clone()),
        CallPlan::Hold,
        CallPlan::SendDigits { digits, then: Then::Hold },
    ];
    for plan in plans {
        let (twilio, script) = answering();
        let pushed = match &plan {
            CallPlan::Say(say) => twilio.play_tts(&call(), say).await,
            CallPlan::Listen(listen) => twilio.start_listening(&call(), listen).await,
            CallPlan::SendDigits { digits, then } => twilio.send_dtmf(&call(), digits, then).await,
            _ => twilio.stop_listening(&call()).await,
        };
        pushed.expect("it is taken");
        let request = script.only_request();
        is_authenticated(&request);
        assert_eq!(request.url.as_str(), format!("{BASE}/Calls/{CALL_SID}.json"));
        let document = twilio.render_reply(&call(), &plan).body;
        let document = String::from_utf8(document.to_vec()).expect("UTF-8");
        assert_eq!(fields(&request), [("Twiml".to_owned(), document)]);
    }
}

#[tokio::test]
async fn a_document_over_four_thousand_characters_is_fetched_from_us() {
    // Characters and not bytes: an ä is one. A part's own tags count too.
    for filler in ["x", "ä"] {
        let length = |count: usize| {
            let plan = CallPlan::Say(say(&filler.repeat(count)));
            let document = support::twilio().render_reply(&call(), &plan).body;
            String::from_utf8(document.to_vec()).expect("UTF-8").chars().count()
        };
        let longest = (1..4000).rev().find(|count| length(*count) <= 4000).expect("some fit");
        assert_eq!(length(longest), 4000, "{filler}");

        let (twilio, script) = answering();
        twilio.play_tts(&call(), &say(&filler.repeat(longest))).await.expect("it is taken");
        assert_eq!(fields(&script.only_request())[0].0, "Twiml", "{filler}");

        let (twilio, script) = answering();
        twilio.play_tts(&call(), &say(&filler.repeat(longest + 1))).await.expect("it is taken");
        let url = format!("{ENDPOINT}?call={CALL_ID}&step=3&kind=script#rc=3&rp=ct,rt,5xx");
        let expected = [("Url", url.as_str()), ("Method", "POST")];
        let fields = fields(&script.only_request());
        assert_eq!(fields, expected.map(|(name, value)| (name.into(), value.into())), "{filler}");
    }
}

#[tokio::test]
async fn a_search_asks_for_calls_between_the_same_two() {
    let script = Script::of(Ok(response(200, "application/json", r#"{"calls":[]}"#)));
    let twilio = Twilio::with_transport(config(), script.clone());
    assert!(matches!(twilio.find_call(&ordinary()).await, Search::Nothing));
    let request = script.only_request();
    is_authenticated(&request);
    assert_eq!(request.method, Method::GET);
    let query = "To=%2B442071838750&From=%2B15550001234&PageSize=50";
    assert_eq!(request.url.as_str(), format!("{BASE}/Calls.json?{query}"));
}
