//! What the suite is told of the test carriers.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use offhook_conformance::provider_suite::{
    Carried, Command, Dialled, FROM, Finding, Genuine, Look, Meaning, Part, ProviderHarness,
    Refusal, Says, Searched, Signer, TO, Tamper, Told, response,
};
use offhook_conformance::samples::call_id;
use offhook_conformance::{
    API_KEY, CommandProvider, DocumentProvider, SECRET, SIGNATURE_HEADER, Secrets, Sent,
    TIMESTAMP_HEADER, signed_as,
};
use offhook_core::{
    CallEvent, CallRef, Callbacks, DigitInput, EndReason, ListenFor, Party, Progress,
    ProviderCallId, ProviderCallIds, Step, Transport, TransportRequest, TransportResponse,
    VoiceProvider, WebhookReply, WebhookRequest,
};
use serde_json::{Value, json};
use url::Url;

/// When webhooks are signed and received.
const NOW: i64 = 1_736_846_815;
const ENDPOINT: &str = "https://voice.example.com/phone/webhooks/test";
const PREVIOUS: &str = "the key before";
const ID: &str = "CALL-1";

/// One of the two test carriers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Harness {
    takes_documents: bool,
}

impl Harness {
    /// Told step by step; tells when it signs.
    pub(crate) const fn commands() -> Self {
        Self { takes_documents: false }
    }

    /// Fetches documents; signs no time.
    pub(crate) const fn documents() -> Self {
        Self { takes_documents: true }
    }

    fn ids() -> ProviderCallIds {
        ProviderCallIds::of(ProviderCallId::new("call", 1, ID))
    }

    fn at(self) -> Option<i64> {
        (!self.takes_documents).then_some(NOW)
    }

    fn sent(self, sent: &Sent) -> WebhookRequest {
        let body = serde_json::to_vec(sent).expect("a webhook is JSON");
        self.sign(Signer::Current, &body)
    }
}

fn report(delivery: u64) -> Sent {
    Sent::about(delivery, ID).of(call_id(1)).step(3)
}

fn json_of(status: u16, body: &Value) -> TransportResponse {
    response(status, "application/json", body.to_string())
}

fn about(id: &str, status: &str) -> TransportResponse {
    json_of(200, &json!({"id": id, "status": status}))
}

fn body(request: &TransportRequest) -> Value {
    serde_json::from_slice(&request.body).expect("a request is JSON")
}

impl ProviderHarness for Harness {
    fn skips(&self) -> &'static [(&'static str, &'static str)] {
        if self.takes_documents {
            &[
                (
                    "a_change_of_a_signed_header_is_refused",
                    "the carrier signs neither a time nor a nonce",
                ),
                ("a_stale_signature_is_refused", "the carrier signs no time"),
            ]
        } else {
            &[("odd_text_is_rendered_as_it_is", "the provider takes no documents")]
        }
    }

    fn provider(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        if self.takes_documents {
            Box::new(DocumentProvider::over(transport))
        } else {
            Box::new(CommandProvider::over(transport))
        }
    }

    fn rotating(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        if self.takes_documents {
            Box::new(DocumentProvider::over(transport).with_previous_secret(PREVIOUS))
        } else {
            Box::new(CommandProvider::over(transport).with_previous_secret(PREVIOUS))
        }
    }

    fn secrets(&self) -> Secrets {
        Secrets::default()
            .key("the API key", API_KEY)
            .key("the signing key", SECRET)
            .key("the key before", PREVIOUS)
            .number(FROM)
            .number(TO)
    }

    fn printed(&self) -> Vec<String> {
        Vec::new()
    }

    fn call(&self) -> CallRef {
        CallRef {
            id: call_id(1),
            ids: Self::ids(),
            step: Step(3),
            callbacks: Callbacks::to(Url::parse(ENDPOINT).expect("a URL")),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).expect("an instant")
    }

    fn webhooks(&self) -> Vec<Genuine> {
        let genuine = |name, sent: Sent, says| Genuine { name, request: self.sent(&sent), says };
        let ours = |events| Says::Ours { events, waits: false };
        let ended = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
        let words = CallEvent::Transcript { text: "yes, please".into(), is_final: true };
        let mut foreign = report(6);
        foreign.foreign = true;
        let unknown = CallEvent::Unknown { name: "call.from.the.future".to_owned() };
        let (from, to) = (Party::observed(FROM), Party::observed(TO));
        let mut all = vec![
            genuine(
                "an offer",
                Sent::about(1, "CALL-2").offering(FROM, TO),
                Says::Offer { from, to },
            ),
            genuine("ringing", report(2).event(CallEvent::Ringing), ours(vec![CallEvent::Ringing])),
            genuine("words", report(3).event(words.clone()), ours(vec![words])),
            genuine("an end", report(4).event(ended.clone()), ours(vec![ended])),
            genuine("something new", report(5).event(unknown), Says::Undocumented),
            genuine("of somebody else", foreign, Says::Foreign),
        ];
        if self.takes_documents {
            let sent = report(7).event(CallEvent::Answered).waiting();
            let events = vec![CallEvent::Answered];
            all.push(genuine("a request for a document", sent, Says::Ours { events, waits: true }));
        }
        all
    }

    fn to_tamper_with(&self) -> Vec<Tamper> {
        let request = self.sent(&report(2).event(CallEvent::Ringing));
        let covered: &[Part] = if self.takes_documents {
            &[Part::Url, Part::Body]
        } else {
            &[Part::Url, Part::Body, Part::Header(TIMESTAMP_HEADER)]
        };
        vec![Tamper { name: "ringing", request, covered }]
    }

    fn signature_headers(&self) -> &'static [&'static str] {
        if self.takes_documents {
            &[SIGNATURE_HEADER]
        } else {
            &[SIGNATURE_HEADER, TIMESTAMP_HEADER]
        }
    }

    fn sign(&self, signer: Signer, body: &[u8]) -> WebhookRequest {
        let key = match signer {
            Signer::Current => SECRET,
            Signer::Previous => PREVIOUS,
            Signer::Stranger => "somebody else's",
        };
        signed_as(key, ENDPOINT, self.at(), body.to_vec())
    }

    fn retry(&self, of: &WebhookRequest) -> WebhookRequest {
        signed_as(SECRET, &of.url, self.at().map(|at| at + 8), of.body.to_vec())
    }

    fn same_to_the_carrier(&self) -> Vec<(&'static str, WebhookRequest, WebhookRequest)> {
        let one = self.sent(&report(2));
        let mut other = one.clone();
        other.headers.insert("x-unrelated", http::HeaderValue::from_static("1"));
        vec![("a header that is not looked at", one, other)]
    }

    fn tolerance(&self) -> Option<SignedDuration> {
        self.at().map(|_| SignedDuration::from_secs(300))
    }

    fn dialled(&self, request: &TransportRequest) -> Dialled {
        let body = body(request);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Dialled {
            to: text("to"),
            from: text("from"),
            call: text("call").parse().ok(),
            callbacks: vec![text("callback")],
            ring_seconds: body["ring_seconds"].as_u64(),
            limit_seconds: body["limit_seconds"].as_u64(),
        }
    }

    fn is_authenticated(&self, request: &TransportRequest) -> bool {
        request.headers.get_all(AUTHORIZATION).iter().eq([API_KEY])
    }

    fn carries(&self, request: &TransportRequest, text: &str) -> Carried {
        let body = body(request);
        let detail = body["detail"].as_str().unwrap_or_default();
        if detail.starts_with(&format!("say {text:?} then ")) {
            Carried::Whole
        } else {
            Carried::Spoilt
        }
    }

    fn says(&self, reply: &WebhookReply, text: &str) -> bool {
        let start = format!("step 3: say {text:?} then ");
        reply.body.starts_with(start.as_bytes())
    }

    fn listens_for(&self, told: &Told<'_>) -> Option<ListenFor> {
        let told = match told {
            Told::Request(request) => body(request)["detail"].as_str()?.to_owned(),
            Told::Reply(reply) => std::str::from_utf8(&reply.body).ok()?.to_owned(),
        };
        let (_, what) = told.split_once("listen for ")?;
        let words: Vec<&str> = what.split(' ').collect();
        let digits =
            |max: &str, key: &str| DigitInput::new(max.parse().ok()?, key.parse().ok()?).ok();
        match words[..] {
            ["turn", ..] => Some(ListenFor::Speech),
            [max, "digits", "until", key, "or", ..] => {
                digits(max, key).map(ListenFor::SpeechOrDigits)
            }
            [max, "digits", "until", key, ..] => digits(max, key).map(ListenFor::Digits),
            _ => None,
        }
    }

    fn created(&self) -> (TransportResponse, ProviderCallIds) {
        (about(ID, "ringing"), Self::ids())
    }

    fn taken(&self, _command: Command) -> TransportResponse {
        about(ID, "answered")
    }

    fn refusal(&self, refusal: Refusal) -> TransportResponse {
        let (status, code) = match refusal {
            Refusal::Rejected => (422, "bad-request"),
            Refusal::Unauthenticated => (401, "who-are-you"),
            Refusal::Forbidden => (403, "not-yours"),
            Refusal::Throttled => (429, "too-many"),
            Refusal::NotFound => (404, "no-such-call"),
            Refusal::Ended => (409, "over"),
            Refusal::ServerError => (500, "oh"),
        };
        json_of(status, &json!({"code": code, "message": format!("the call to {TO} is not right")}))
    }

    fn rejection_code(&self) -> &'static str {
        "bad-request"
    }

    fn statuses(&self) -> Vec<Look> {
        let look = |word, means| Look { word, answers: vec![Ok(about(ID, word))], means };
        vec![
            look("live", Meaning::Live(None)),
            look("ringing", Meaning::Live(Some(Progress::Ringing))),
            look("answered", Meaning::Live(Some(Progress::Answered))),
            look("completed", Meaning::Ended(EndReason::Completed)),
            look("busy", Meaning::Ended(EndReason::Busy)),
            look("canceled", Meaning::Ended(EndReason::Canceled)),
        ]
    }

    fn undocumented_statuses(&self) -> Vec<Vec<TransportResponse>> {
        let words = ["transferred", "Completed", "", "constructor"];
        words.map(|word| vec![about(ID, word)]).into()
    }

    fn statuses_of_others(&self) -> Vec<Vec<TransportResponse>> {
        vec![vec![about("CALL-9", "completed")]]
    }

    fn searches(&self) -> Vec<Searched> {
        let list = |calls: Value| vec![Ok(json_of(200, &json!({ "calls": calls })))];
        let ours = json!({"id": ID, "call": call_id(1)});
        let other = json!({"id": "CALL-9", "call": call_id(9)});
        let nameless = json!({"id": ID});
        let searched = |name, calls, finds| Searched { name, answers: list(calls), finds };
        vec![
            searched("ours behind another", json!([other, ours]), Finding::Found(Self::ids())),
            searched("one that may be", json!([nameless]), Finding::Candidates(vec![Self::ids()])),
            searched("another", json!([other]), Finding::Nothing),
            searched("none", json!([]), Finding::Nothing),
        ]
    }
}
