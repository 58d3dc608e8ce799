//! What a whole run prints, and what must not be in it.
//!
//! Everything is captured: every line that any crate logs at any level, `Debug` of whatever the
//! library hands out, errors, problem documents, figures. Only the views of a call show its numbers
//! and its words, since that is what they are asked for; no key is in them either.

use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use offhook::manager::machine::Command;
use offhook::manager::{
    CommandError, HistoryQuery, Idempotency, InboundPolicy, InitiateRequest, Which,
};
use offhook::plivo::PlivoConfig;
use offhook::telnyx::TelnyxConfig;
use offhook::twilio::{Twilio, TwilioConfig};
use offhook_conformance::Secrets;
use offhook_core::{
    CallId, Digits, Party, PrivateText, SpeechText, Turn, VoiceProvider, WebhookRequest,
};
use offhook_server::{PublicUrl, ServerSettings};
use offhook_tests::{Answer, Log, Report, Setup, Trouble, World, form_signature, provider};
use serde_json::{Value, json};

const AUTH_TOKEN: &str = "3f9a7c51e0d2486b8a1be3c4d5f60718";
const PREVIOUS_TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const SHARED_KEY: &str = "shared-key-of-the-signatures";
const API_KEY: &str = "SK00000000000000000000000000000002";
const API_KEY_SECRET: &str = "secret/of+the=API-key";
const API_TOKEN: &str = "the-admin-token-Zx81-Qp72";
const WRONG_TOKEN: &str = "the-admin-token-Zx81-Qp7";

const CALLED: &str = "+15550100011";
const REFUSED: &str = "+15550100022";
const CALLER: &str = "+15550100077";
const OURS: &str = "+15550100100";

const MESSAGE: &str = "The key is under the mat.";
const QUESTION: &str = "Which medicine do you take?";
const ANSWER: &str = "The blue pills at night";
const PREVIEW: &str = "The blue pillows";
const GREETING: &str = "You have reached the surgery.";
const PRESSED: &str = "739184650271";
const SENT: &str = "604172839517";
const NOTE: &str = "lives alone, back door open";

const TELNYX_KEY: &str = "KEY018F2B7C9D3E4A5F60718293A4B5C6D7";

const PLIVO_TOKEN: &str = "NWQxMmFiYzkwZjc0ZDhlYjYxMjM3YTk1ZmUwYzRi";

fn plivo_config() -> PlivoConfig {
    PlivoConfig::new("MAEMULATOR0000000001", PLIVO_TOKEN)
        .expect("credentials")
        .with_previous_auth_token(PREVIOUS_TOKEN)
        .with_main_auth_token(SHARED_KEY)
}

fn telnyx_config() -> TelnyxConfig {
    let public_key = offhook_carrier::Settings::default().telnyx.public_key();
    TelnyxConfig::new(TELNYX_KEY, "1", public_key).expect("credentials")
}

fn secrets() -> Secrets {
    let keys = Secrets::default()
        .key("the auth token", AUTH_TOKEN)
        .key("the previous token", PREVIOUS_TOKEN)
        .key("the shared key", SHARED_KEY)
        .key("the API key's secret", API_KEY_SECRET)
        .key("Telnyx' API key", TELNYX_KEY)
        .key("Plivo's auth token", PLIVO_TOKEN)
        .key("the admin token", API_TOKEN)
        .key("a wrong token, which is nearly right", WRONG_TOKEN);
    let numbers = [CALLED, REFUSED, CALLER, OURS].into_iter().fold(keys, Secrets::number);
    [MESSAGE, QUESTION, ANSWER, PREVIEW, GREETING, PRESSED, SENT, NOTE]
        .into_iter()
        .fold(numbers, Secrets::words)
}

/// What was printed, apart from the log.
#[derive(Default)]
struct Printed {
    /// What may show nothing.
    anywhere: String,
    /// Views of calls.
    views: String,
}

impl Printed {
    fn debug(&mut self, what: &impl Debug) {
        let _ = writeln!(self.anywhere, "{what:?}\n{what:#?}");
    }

    fn error(&mut self, error: &impl std::error::Error) {
        self.debug(error);
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            let _ = writeln!(self.anywhere, "{error}");
            next = error.source();
        }
    }

    /// An answer of the admin API.
    fn answer(&mut self, answer: &Answer) {
        let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap_or_default());
        let to = match kind {
            Some("application/problem+json") => &mut self.anywhere,
            _ => &mut self.views,
        };
        let _ = writeln!(to, "{} {:?} {}", answer.status, answer.headers, answer.body);
    }

    /// A request of which the answer must be right, whatever it shows.
    async fn api(&mut self, world: &World, method: Method, path: &str, body: Value) -> Value {
        let answer = world.api(method, path, body).await;
        world.settle().await;
        self.answer(&answer);
        answer.json()
    }
}

async fn world() -> World {
    let mut setup = Setup { api_token: API_TOKEN.to_owned(), ..Setup::on("twilio") };
    setup.policy.greeting = GREETING.parse().ok();
    setup.policy.inbound = InboundPolicy::Allowlist(vec![
        CALLER.parse().expect("a number"),
        OURS.parse().expect("one"),
    ]);
    setup.carrier.twilio.auth_token = AUTH_TOKEN.to_owned();
    setup.carrier.telnyx.api_key = TELNYX_KEY.to_owned();
    setup.carrier.plivo.auth_token = PLIVO_TOKEN.to_owned();
    World::with(setup).await
}

/// Every key that there is, of which the carrier does not take one.
fn twilio_config() -> TwilioConfig {
    TwilioConfig::new("AC00000000000000000000000000000001", AUTH_TOKEN)
        .expect("credentials")
        .with_previous_auth_token(PREVIOUS_TOKEN)
        .with_shared_key(SHARED_KEY)
        .with_api_key(API_KEY, API_KEY_SECRET)
        .expect("an API key")
}

/// From the dial to the end, with everything that can be said and pressed.
async fn a_conversation(world: &World, printed: &mut Printed) {
    let request = json!({
        "to": CALLED, "mode": "conversation", "message": MESSAGE, "metadata": { "note": NOTE },
    });
    let call = world.place(request).await;
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": ANSWER })).await;
    world.run_for(Duration::from_secs(4)).await;
    let path = |what: &str| format!("/v1/calls/{call}/{what}");
    let ask = path("ask");
    let asking = world.api(Method::POST, &ask, json!({ "text": QUESTION }));
    let answering = async {
        world.run_for(Duration::from_secs(4)).await;
        world.person(&call, "say", json!({ "text": ANSWER })).await;
        world.run_for(Duration::from_secs(4)).await;
    };
    let (asked, ()) = tokio::join!(asking, answering);
    assert_eq!(asked.json()["transcript"], ANSWER, "{}", asked.body);
    printed.answer(&asked);
    world.person(&call, "dtmf", json!({ "digits": PRESSED })).await;
    printed.api(world, Method::POST, &path("dtmf"), json!({ "digits": SENT })).await;
    world.run_for(Duration::from_secs(10)).await;
    printed.api(world, Method::POST, &path("speak"), json!({ "text": MESSAGE })).await;
    printed.api(world, Method::GET, &path("turns/2"), Value::Null).await;
    printed.api(world, Method::POST, &path("hangup"), Value::Null).await;
    world.until_state(&call, "ended").await;
    // What is refused is told why.
    printed.api(world, Method::POST, &path("speak"), json!({ "text": MESSAGE })).await;
    printed.api(world, Method::POST, &path("dtmf"), json!({ "digits": SENT.repeat(5) })).await;
}

/// The same at another carrier, which places calls by this request.
async fn a_conversation_on(name: &str, dials_by: &str, world: &World, printed: &mut Printed) {
    let at = provider(name);
    let request = json!({
        "to": CALLED, "mode": "conversation", "message": MESSAGE, "provider": name,
    });
    let call = world.place(request).await;
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": ANSWER })).await;
    world.run_for(Duration::from_secs(4)).await;
    world.person(&call, "dtmf", json!({ "digits": PRESSED })).await;
    let dtmf = format!("/v1/calls/{call}/dtmf");
    printed.api(world, Method::POST, &dtmf, json!({ "digits": SENT })).await;
    world.run_for(Duration::from_secs(10)).await;
    let saying = world.report(&call, Report::Saying(PREVIEW)).await;
    assert_eq!(world.send(&saying).await.status, 200);
    let mut forged = saying;
    forged.body.push(' ');
    printed.answer(&world.send(&forged).await);
    for report in [Report::Unreadable, Report::Offered(CALLER)] {
        let request = world.report_as(at, &world.settings, &report, |sender| sender);
        printed.answer(&world.send(&request).await);
    }
    let mut refusal = (at.refused_dial)(REFUSED).fault();
    refusal["match"] = json!(dials_by);
    world.fault(refusal).await;
    let request = json!({ "to": REFUSED, "message": MESSAGE, "provider": name });
    printed.api(world, Method::POST, "/v1/calls", request).await;
    world.person(&call, "hangup", json!({})).await;
    world.until_state(&call, "ended").await;
}

/// A call that comes in, with a preview of what is said.
async fn an_inbound_call(world: &World) {
    let sid = world.somebody_calls(CALLER, "silent").await;
    let call = world.until_state(&sid, "listening").await;
    let call = call["id"].as_str().expect("an id").to_owned();
    let preview = [
        ("CallSid", sid.as_str()),
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("CallStatus", "in-progress"),
        ("From", CALLER),
        ("UnstableSpeechResult", PREVIEW),
    ];
    let taken =
        world.twilio_webhook(&format!("?call={call}&step=1&kind=partial"), &preview, None).await;
    assert_eq!(taken.status, 200, "{}", taken.body);
    world.person(&call, "hangup", json!({})).await;
    world.until_state(&call, "ended").await;
}

/// Webhooks that are refused, in every way.
async fn refused_webhooks(world: &World, printed: &mut Printed) {
    // Without a CallSid it cannot be read, however it is signed.
    let account = ("AccountSid", "AC00000000000000000000000000000001");
    let form = [account, ("From", CALLER), ("To", OURS), ("SpeechResult", ANSWER)];
    let query = format!("?From={}", CALLER.replace('+', "%2B"));
    let forged = form_signature(WRONG_TOKEN, world.public_url(), &form);
    for (signature, status) in [(Some(forged.as_str()), 401), (Some(AUTH_TOKEN), 401), (None, 400)]
    {
        let answer = world.twilio_webhook(&query, &form, signature).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        printed.answer(&answer);
    }
    let long = format!("SpeechResult={ANSWER}{}", "x".repeat(70_000)).into_bytes();
    for (path, body) in [("/webhooks/twilio", long), ("/elsewhere", ANSWER.into())] {
        let headers = [("x-twilio-signature", AUTH_TOKEN), ("authorization", WRONG_TOKEN)];
        printed.answer(&world.raw_webhook(Method::POST, path, &headers, body).await);
    }
}

/// The carrier's words have the number in them, however it likes to write it.
async fn refused_dials(world: &World, printed: &mut Printed) {
    for written in [REFUSED, "+1 (555) 010-0022", "1-555-010-0022", "%2B15550100022"] {
        let message = format!("The number {written} is not valid");
        let body = json!({ "code": 21211, "message": message, "status": 400 });
        world
            .fault(json!({
                "match": "POST /2010-04-01", "http_status": 400, "body": body.to_string(),
                "content_type": "application/json",
            }))
            .await;
        let request = json!({ "to": REFUSED, "message": MESSAGE });
        let problem = printed.api(world, Method::POST, "/v1/calls", request).await;
        assert_eq!(problem["carrier_code"], "21211", "{problem}");
    }
}

/// Requests to the API that cannot be right.
async fn refused_requests(world: &World, printed: &mut Printed) {
    for body in [
        json!({ "to": 15_550_100_022_u64 }),
        json!({ "to": REFUSED, "from": "555-010-0022" }),
        json!({ "to": REFUSED, "metadata": 15_550_100_022_u64 }),
        json!({ "to": REFUSED, "provider": "none" }),
    ] {
        printed.api(world, Method::POST, "/v1/calls", body).await;
    }
    world.trouble(Trouble::Refused);
    printed.api(world, Method::POST, "/v1/calls", json!({ "to": REFUSED })).await;
    world.trouble(Trouble::None);
    world.run_for(Duration::from_secs(2)).await;
    let wrong = world.api_as(WRONG_TOKEN, Method::GET, "/v1/calls", Value::Null).await;
    assert_eq!(wrong.status, 401);
    printed.answer(&wrong);
}

/// A crash in mid-call; the daemon comes back with a key that the carrier refuses.
async fn a_restart(world: &mut World, printed: &mut Printed) {
    let request = json!({ "to": CALLED, "mode": "conversation", "message": MESSAGE });
    let call = world.place(request).await;
    world.until_state(&call, "listening").await;
    world.crash().await;
    world.rebuild(world.provider, |way| {
        let config = twilio_config().with_api_base(way.base, true);
        Arc::new(Twilio::with_transport(config, way.transport))
    });
    world.start().await;
    world.run_for(Duration::from_secs(40)).await;
    let refused = printed
        .api(world, Method::POST, "/v1/calls", json!({ "to": CALLED, "message": MESSAGE }))
        .await;
    assert_eq!(refused["code"], "carrier_rejected", "{refused}");
    let report = world.api(Method::GET, "/v1/restore-report", Value::Null).await;
    let _ = writeln!(printed.anywhere, "{}", report.body);
    let manager = world.manager();
    manager.hangup(call.parse().expect("an id")).await.expect("it is taken");
}

/// Everything that the library hands out, as `Debug` and as an error.
async fn what_the_library_shows(world: &World, printed: &mut Printed) {
    let manager = world.manager();
    printed.debug(manager);
    printed.debug(&world.policy);
    printed.debug(&twilio_config());
    printed.debug(&telnyx_config());
    printed.debug(&plivo_config());
    printed.debug(&*manager.restore_report());
    printed.debug(&manager.counters());
    let calls = manager
        .calls(HistoryQuery { which: Which::All, before: None, limit: 100 })
        .await
        .expect("the calls");
    assert!(calls.len() > 6, "{}", calls.len());
    for record in &calls {
        printed.debug(record);
        for entry in manager.timeline(record.id).await.expect("a timeline") {
            printed.debug(&entry);
        }
        for turn in 0..=record.turn.0 {
            printed.debug(&manager.turn(record.id, Turn(turn)).await);
        }
    }
    let mut events = manager.events(Some(0)).await.expect("the events");
    printed.debug(&events.next().await);
    printed.debug(&events);

    let request = InitiateRequest {
        message: MESSAGE.parse().ok(),
        metadata: [("note".to_owned(), PrivateText::from(NOTE))].into(),
        idempotency: Some(Idempotency { key: CALLED.to_owned(), fingerprint: [0; 16] }),
        provider: Some("none".to_owned().into()),
        ..InitiateRequest::new(manager.draw_id(), Party::dialled(CALLED).expect("a number"))
    };
    printed.debug(&request);
    printed.error(&manager.initiate(request).await.expect_err("there is no such provider"));
    let speech = manager.speech(MESSAGE.parse().expect("a text"), None, None);
    let command = Command::Speak { speech };
    printed.debug(&command);
    let refused = manager.command(CallId::LAST, command).await.expect_err("there is no such call");
    assert_eq!(refused, CommandError::NoSuchCall);
    printed.error(&refused);
    printed.error(&SENT.repeat(5).parse::<Digits>().expect_err("too many digits"));
    printed.error(&format!("{MESSAGE}\u{1}").parse::<SpeechText>().expect_err("not to be spoken"));
    printed.error(&Party::dialled("555-010-0022").expect_err("no E.164"));

    let settings = ServerSettings::new(
        PublicUrl::parse("https://voice.example.com").expect("a URL"),
        API_TOKEN,
    );
    printed.debug(&settings);
}

/// What a provider makes of a webhook, and what it answers.
fn what_a_provider_shows(world: &World, printed: &mut Printed) {
    let twilio = Twilio::new(twilio_config()).expect("a provider");
    printed.debug(&twilio);
    let url = format!("https://voice.example.com/webhooks/twilio?To={}", OURS.replace('+', "%2B"));
    let form = [
        ("CallSid", "CA00000000000000000000000000000099"),
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", CALLER),
        ("To", OURS),
        ("SpeechResult", ANSWER),
    ];
    let mut headers = HeaderMap::new();
    let signature = form_signature(PREVIOUS_TOKEN, &url, &form);
    headers.insert("x-twilio-signature", signature.parse().expect("a header"));
    headers.insert("content-type", "application/x-www-form-urlencoded".parse().expect("a header"));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = WebhookRequest { method: Method::POST, url, headers, body: body.into() };
    printed.debug(&request);
    let verified = offhook_core::verify(&twilio, &request, world.now()).expect("a signature");
    printed.debug(&verified);
    printed.debug(&twilio.parse_webhook_event(&verified).expect("a webhook"));
}

/// The search above is worth what this finds: the same log, with a leak in it.
#[test]
fn a_line_that_tells_a_key_a_number_or_a_word_is_found() {
    let log = Log::default();
    tracing::subscriber::with_default(log.subscriber(), || {
        tracing::info!(to = CALLED, "a field");
        tracing::trace!("a message with {AUTH_TOKEN}");
        let _span = tracing::trace_span!("span", said = ANSWER).entered();
    });
    let found = secrets().found_in(&log.text());
    assert_eq!(found.len(), 3, "{found:#?}");
    let party = Party::dialled(CALLED).expect("a number");
    assert_eq!(secrets().found_in(&party.to_text()).len(), 1);
    assert_eq!(secrets().found_in(&format!("{party} {party:?}")), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_that_a_whole_run_prints_tells_a_key_a_number_or_a_word() {
    let log = Log::of_this_process();
    let mut printed = Printed::default();
    let mut world = world().await;
    a_conversation(&world, &mut printed).await;
    an_inbound_call(&world).await;
    a_conversation_on("telnyx", "POST /v2/calls", &world, &mut printed).await;
    a_conversation_on("plivo", "POST /v1/Account/", &world, &mut printed).await;
    refused_webhooks(&world, &mut printed).await;
    refused_dials(&world, &mut printed).await;
    refused_requests(&world, &mut printed).await;
    a_restart(&mut world, &mut printed).await;
    for path in ["/v1/calls?state=all", "/v1/calls/none", "/nowhere"] {
        printed.api(&world, Method::GET, path, Value::Null).await;
    }
    for call in world.calls("all").await {
        let id = call["id"].as_str().expect("an id");
        for path in [format!("/v1/calls/{id}"), format!("/v1/calls/{id}/timeline")] {
            printed.api(&world, Method::GET, &path, Value::Null).await;
        }
    }
    let figures = world.api(Method::GET, "/metrics", Value::Null).await;
    printed.anywhere.push_str(&figures.body);
    what_the_library_shows(&world, &mut printed).await;
    what_a_provider_shows(&world, &mut printed);
    world.stop().await;

    let secrets = secrets();
    let log = log.text();
    assert_eq!(secrets.found_in(&log), Vec::<String>::new(), "in the log");
    assert_eq!(secrets.found_in(&printed.anywhere), Vec::<String>::new(), "in what is printed");
    assert_eq!(secrets.keys_found_in(&printed.views), Vec::<String>::new(), "in the API's views");

    // It was a run of which there was much to tell, and the views are what shows it.
    for told in ["webhook{provider=twilio", "call{id=", "the call is over", "hyper", "reqwest"] {
        assert!(log.contains(told), "the log says nothing of {told}");
    }
    let shown = secrets.found_in(&printed.views);
    assert!(shown.len() >= 8, "the run did not come to everything: {shown:#?}");
}
