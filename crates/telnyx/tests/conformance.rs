//! The suite that every provider passes, told what Telnyx does.

mod support;

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use offhook_conformance::Secrets;
use offhook_conformance::provider_suite::{
    Carried, Command, Dialled, FROM, Finding, Genuine, Look, Meaning, Part, ProviderHarness,
    Refusal, Says, Searched, Signer, TO, Tamper, Told,
};
use offhook_core::{
    CallEvent, CallRef, DigitInput, EndReason, ListenFor, Party, ProviderCallId, ProviderCallIds,
    Transport, TransportRequest, TransportResponse, VoiceProvider, WebhookReply, WebhookRequest,
};
use offhook_telnyx::Telnyx;
use serde_json::{Value, json};
use support::{
    API_KEY, CALL_ID, CONTROL_ID, LEG_ID, NOW, call, call_ids, carrier_key, config, delivered_to,
    event, fixture, json_response, now, posted, previous_key, public, signature, signed, signed_by,
    state, taken,
};

const SIGNATURE: &str = "telnyx-signature-ed25519";
const TIMESTAMP: &str = "telnyx-timestamp";

offhook_conformance::provider_suite!(Harness);

struct Harness;

fn rotating() -> offhook_telnyx::TelnyxConfig {
    config().with_previous_public_key(public(&previous_key())).expect("a key")
}

/// A delivery of its own.
fn delivery(number: u8, mut event: Value) -> WebhookRequest {
    event["data"]["id"] = format!("0ccc7b54-4df3-4bca-a65a-3da1ecc777{number:02x}").into();
    signed(event.to_string())
}

fn body(request: &TransportRequest) -> Value {
    serde_json::from_slice(&request.body).expect("a request is JSON")
}

/// The resource of the call, with these fields.
fn resource(fields: &Value) -> TransportResponse {
    let mut call = json!({
        "record_type": "call", "call_control_id": CONTROL_ID, "call_leg_id": LEG_ID,
        "call_session_id": "s", "start_time": "2025-01-14T09:26:53Z",
    });
    for (name, value) in fields.as_object().expect("fields") {
        call[name] = value.clone();
    }
    json_response(200, &json!({ "data": call }))
}

fn page(calls: &[(&str, &str)], after: Option<&str>) -> TransportResponse {
    let call = |(id, state): &(&str, &str)| {
        json!({"record_type": "call", "call_control_id": id, "call_leg_id": format!("leg of {id}"),
            "call_session_id": "s", "client_state": state, "call_duration": 50})
    };
    let calls: Vec<_> = calls.iter().map(call).collect();
    let meta = json!({"total_items": calls.len(), "cursors": {"after": after}});
    json_response(200, &json!({"data": calls, "meta": meta}))
}

fn ids_of(control: &str) -> ProviderCallIds {
    let leg = format!("leg of {control}");
    let mut ids = ProviderCallIds::of(ProviderCallId::new("call_leg_id", 1, leg));
    ids.merge(&ProviderCallIds::of(ProviderCallId::new("call_control_id", 2, control)));
    ids
}

impl ProviderHarness for Harness {
    fn skips(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("a_change_of_the_signed_url_is_refused", "the carrier does not sign the URL"),
            ("odd_text_is_rendered_as_it_is", "the provider takes no documents"),
        ]
    }

    fn provider(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        Box::new(Telnyx::with_transport(config(), transport))
    }

    fn rotating(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        Box::new(Telnyx::with_transport(rotating(), transport))
    }

    fn secrets(&self) -> Secrets {
        Secrets::default().key("the API key", API_KEY).number(FROM).number(TO)
    }

    fn printed(&self) -> Vec<String> {
        let altered = posted(&NOW.to_string(), "AAAA", "{}");
        let explained = rotating().explain_signature(&altered, now());
        vec![format!("{:?} {:?} {explained:?}", config(), rotating())]
    }

    fn call(&self) -> CallRef {
        call()
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn webhooks(&self) -> Vec<Genuine> {
        let genuine = |name, request, says| Genuine { name, request, says };
        let ours = |events: &[CallEvent]| Says::Ours { events: events.to_vec(), waits: false };
        let text = "hello this is a test speech";
        let words = CallEvent::Transcript { text: text.into(), is_final: true };
        let ended = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
        let mut hangup = delivered_to(fixture("hangup"), "outbound");
        hangup["data"]["payload"]["client_state"] = state(CALL_ID).into();
        hangup["data"]["payload"]["hangup_source"] = "callee".into();
        let answered = event("call.answered", json!({"state": "answered"}));
        let digit = event("call.dtmf.received", json!({"digit": "#"}));
        let entry = event("call.gather.ended", json!({"digits": "4711", "status": "valid"}));
        let spoken = event("call.speak.ended", json!({"status": "completed"}));
        let mut foreign = fixture("inbound");
        foreign["data"]["payload"]["connection_id"] = "1494404757140276706".into();
        let mut nobody = fixture("inbound");
        nobody["data"]["payload"]["from"] = "anonymous".into();
        let inbound = fixture("inbound");
        let number = |name: &str| {
            Party::observed(inbound["data"]["payload"][name].as_str().expect("a number"))
        };
        let (from, to) = (number("from"), number("to"));
        vec![
            genuine(
                "an inbound call",
                delivery(1, inbound.clone()),
                Says::Offer { from, to: to.clone() },
            ),
            genuine(
                "an inbound call of nobody",
                delivery(2, nobody),
                Says::Offer { from: Party::Withheld, to },
            ),
            genuine(
                "a call that we placed",
                delivery(3, fixture("outbound")),
                ours(&[CallEvent::Initiated]),
            ),
            genuine("the answer", delivery(4, answered), ours(&[CallEvent::Answered])),
            genuine("words", delivery(5, fixture("transcription")), ours(&[words])),
            genuine(
                "a digit",
                delivery(6, digit),
                ours(&[CallEvent::KeyPressed { key: "#".into() }]),
            ),
            genuine(
                "an entry",
                delivery(11, entry),
                ours(&[CallEvent::Digits { digits: "4711".into() }]),
            ),
            genuine(
                "heard",
                delivery(7, spoken),
                ours(&[CallEvent::SpeechEnded { completed: true }]),
            ),
            genuine("the end", delivery(8, hangup), ours(&[ended])),
            genuine(
                "a new sort of event",
                delivery(9, event("call.from.the.future", json!({"to": [{"number": TO}]}))),
                Says::Undocumented,
            ),
            genuine("of another connection", delivery(10, foreign), Says::Foreign),
        ]
    }

    fn to_tamper_with(&self) -> Vec<Tamper> {
        let event = json!({"data": {
            "event_type": "call.answered", "id": "0ccc7b54-4df3-4bca-a65a-3da1ecc777f1",
            "payload": {"call_control_id": "v3:2EC-70CTEjlUq3tDM0CxKXIt5", "state": "answered"},
        }});
        let request = signed(event.to_string());
        vec![Tamper { name: "an event", request, covered: &[Part::Body, Part::Header(TIMESTAMP)] }]
    }

    fn signature_headers(&self) -> &'static [&'static str] {
        &[SIGNATURE, TIMESTAMP]
    }

    fn sign(&self, signer: Signer, body: &[u8]) -> WebhookRequest {
        let key = match signer {
            Signer::Current => carrier_key(),
            Signer::Previous => previous_key(),
            Signer::Stranger => SigningKey::from_bytes(&[9; 32]),
        };
        signed_by(&key, body.to_vec())
    }

    /// Signed anew, and told to be another attempt.
    fn retry(&self, of: &WebhookRequest) -> WebhookRequest {
        let mut event: Value = serde_json::from_slice(&of.body).expect("an event is JSON");
        event["meta"]["attempt"] = 2.into();
        let (body, timestamp) = (event.to_string(), (NOW + 3).to_string());
        let signature = signature(&carrier_key(), &timestamp, body.as_bytes());
        posted(&timestamp, &signature, body)
    }

    fn same_to_the_carrier(&self) -> Vec<(&'static str, WebhookRequest, WebhookRequest)> {
        let one = signed(fixture("outbound").to_string());
        let mut elsewhere = one.clone();
        elsewhere.url = format!("https://voice.example.com/?call={CALL_ID}");
        let mut of_other_type = one.clone();
        of_other_type.headers.remove("content-type");
        let again = self.retry(&one);
        vec![
            ("at another URL", one.clone(), elsewhere),
            ("without a type", one.clone(), of_other_type),
            ("signed later", one, again),
        ]
    }

    fn tolerance(&self) -> Option<SignedDuration> {
        Some(SignedDuration::from_secs(300))
    }

    fn dialled(&self, request: &TransportRequest) -> Dialled {
        use base64::Engine;
        let body = body(request);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let state = base64::engine::general_purpose::STANDARD.decode(text("client_state"));
        let state = String::from_utf8(state.expect("base64")).expect("text");
        Dialled {
            to: text("to"),
            from: text("from"),
            call: state.parse().ok(),
            callbacks: vec![text("webhook_url")],
            ring_seconds: body["timeout_secs"].as_u64(),
            limit_seconds: body["time_limit_secs"].as_u64(),
        }
    }

    fn is_authenticated(&self, request: &TransportRequest) -> bool {
        request.headers.get_all(AUTHORIZATION).iter().eq([&format!("Bearer {API_KEY}")])
    }

    fn carries(&self, request: &TransportRequest, text: &str) -> Carried {
        let body = body(request);
        if body["payload"] == text && body["payload_type"] == "text" {
            Carried::Whole
        } else {
            Carried::Spoilt
        }
    }

    fn says(&self, _reply: &WebhookReply, _text: &str) -> bool {
        false
    }

    fn listens_for(&self, told: &Told<'_>) -> Option<ListenFor> {
        let Told::Request(request) = told else { return None };
        let body = body(request);
        match request.url.path().rsplit('/').next()? {
            "transcription_start" => Some(ListenFor::Speech),
            "gather" if body["minimum_digits"] == 1 => {
                let max_digits = u8::try_from(body["maximum_digits"].as_u64()?).ok()?;
                let key = body["terminating_digit"].as_str()?.parse().ok()?;
                DigitInput::new(max_digits, key).ok().map(ListenFor::Digits)
            }
            _ => None,
        }
    }

    fn created(&self) -> (TransportResponse, ProviderCallIds) {
        let body = json!({"data": {
            "record_type": "call", "call_control_id": CONTROL_ID, "call_leg_id": LEG_ID,
            "call_session_id": "b0e6141e-c81c-11f0-abac-02420aef93a0", "is_alive": false,
        }});
        (json_response(200, &body), call_ids())
    }

    fn taken(&self, command: Command) -> TransportResponse {
        match command {
            Command::ListLive => page(&[("v3:a", "")], None),
            _ => taken(),
        }
    }

    fn refusal(&self, refusal: Refusal) -> TransportResponse {
        let (status, code, title) = match refusal {
            // With 422, to stop listening passes it over: there was nothing to stop.
            Refusal::Rejected => (400, "10015", "Bad Request"),
            Refusal::Unauthenticated => (401, "10009", "Authentication failed"),
            Refusal::Forbidden => (403, "10010", "Authorization failed"),
            Refusal::Throttled => (429, "10011", "Too many requests"),
            Refusal::NotFound => (404, "10005", "Resource not found"),
            Refusal::Ended => (422, "90018", "Call has already ended"),
            Refusal::ServerError => (500, "10007", "Unexpected error"),
        };
        support::refusal(status, code, title, &format!("The number {TO} is not right"))
    }

    fn rejection_code(&self) -> &'static str {
        "10015"
    }

    fn statuses(&self) -> Vec<Look> {
        let look =
            |word, fields: Value, means| Look { word, answers: vec![Ok(resource(&fields))], means };
        let end = "2025-01-14T09:27:12Z";
        vec![
            look("alive", json!({"is_alive": true, "call_duration": 12}), Meaning::Live(None)),
            look(
                "alive under a new control id",
                json!({"is_alive": true, "call_control_id": "v4:another-form"}),
                Meaning::Live(None),
            ),
            look(
                "ended",
                json!({"is_alive": false, "end_time": end, "call_duration": 19}),
                Meaning::Ended(EndReason::Completed),
            ),
            look(
                "ended unanswered",
                json!({"is_alive": false, "end_time": end, "call_duration": 0}),
                Meaning::Ended(EndReason::Failed),
            ),
            look("not alive", json!({"is_alive": false}), Meaning::NotFound),
            look("without end", json!({"is_alive": false, "end_time": null}), Meaning::NotFound),
            look("with no end", json!({"is_alive": false, "end_time": ""}), Meaning::NotFound),
        ]
    }

    fn undocumented_statuses(&self) -> Vec<Vec<TransportResponse>> {
        let of = |fields: Value| vec![resource(&fields)];
        vec![
            of(json!({"state": "hangup"})),
            of(json!({"is_alive": "no", "end_time": "2025-01-14T09:27:12Z"})),
            of(json!({"is_alive": null, "end_time": "2025-01-14T09:27:12Z"})),
            of(json!({"is_alive": 0})),
            vec![json_response(200, &json!({"data": {}}))],
            vec![json_response(200, &json!({"errors": []}))],
        ]
    }

    fn statuses_of_others(&self) -> Vec<Vec<TransportResponse>> {
        let end = "2025-01-14T09:27:12Z";
        let other = json!({"is_alive": false, "end_time": end, "call_control_id": "v3:b",
            "call_leg_id": "another"});
        let nameless = json!({"is_alive": false, "end_time": end, "call_control_id": null,
            "call_leg_id": null});
        vec![vec![resource(&other)], vec![resource(&nameless)]]
    }

    /// Exact: the carrier brings our id back.
    fn searches(&self) -> Vec<Searched> {
        let ours = state(CALL_ID);
        let speaking = state(&format!("{CALL_ID}/9"));
        let other = state("01890a5d-ac96-774b-bcce-b302099a8058");
        let found = |control| Finding::Found(ids_of(control));
        let searched = |name, pages: Vec<TransportResponse>, finds| Searched {
            name,
            answers: pages.into_iter().map(Ok).collect(),
            finds,
        };
        let of_other = page(&[("v3:a", &other), ("v3:b", "Y2FsbC03N2Ix")], Some("n=/1"));
        vec![
            searched("ours", vec![page(&[("v3:c", &ours)], None)], found("v3:c")),
            searched(
                "ours on a later page",
                vec![of_other, page(&[("v3:c", &ours)], None)],
                found("v3:c"),
            ),
            searched(
                "ours while it speaks",
                vec![page(&[("v3:a", &other), ("v3:b", &speaking)], None)],
                found("v3:b"),
            ),
            searched("another", vec![page(&[("v3:a", &other)], None)], Finding::Nothing),
            searched("none", vec![page(&[], None)], Finding::Nothing),
        ]
    }
}
