//! The suite that every provider passes, told what Plivo does.

mod answers;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use answers::{ids, json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use offhook_conformance::Secrets;
use offhook_conformance::provider_suite::{
    Carried, Command, Dialled, FROM, Genuine, Look, Part, ProviderHarness, Refusal, Says, Searched,
    Signer, TO, Tamper, Told, response,
};
use offhook_core::{
    CallEvent, CallRef, DigitInput, EndReason, ListenFor, Party, ProviderCallIds, Transport,
    TransportRequest, TransportResponse, VoiceProvider, WebhookReply, WebhookRequest,
};
use offhook_plivo::{Plivo, PlivoConfig};
use percent_encoding::percent_decode;
use serde_json::Value;
use support::read_back;
use support::{
    ACCOUNT, CALL_UUID, ENDPOINT, Parameters, REQUEST_UUID, TOKEN, call, callback, config, encoded,
    post, request_ids, signature, signature_with,
};

const PREVIOUS: &str = "the token before it";
const MAIN: &str = "the token of the main account";
const OTHER_ACCOUNT: &str = "MAYYYYYYYYYYYYYYYYYY";
const OTHER_NONCE: &str = "0c9ed0b1-7b3d-4f60-8a55";
const SIGNATURE: &str = "x-plivo-signature-v3";
const MAIN_SIGNATURE: &str = "x-plivo-signature-ma-v3";
const NONCE_HEADER: &str = "x-plivo-signature-v3-nonce";

offhook_conformance::provider_suite!(Harness);

struct Harness;

fn rotating() -> PlivoConfig {
    config().with_previous_auth_token(PREVIOUS).with_main_auth_token(MAIN)
}

/// A form's names and values, as bytes.
fn pairs_of(body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let plain = |text: &[u8]| {
        let text: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        percent_decode(&text).collect()
    };
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (plain(&pair[..at]), plain(&pair[at + 1..])),
            None => (plain(pair), Vec::new()),
        })
        .collect()
}

fn with(mut request: WebhookRequest, header: &'static str, value: &str) -> WebhookRequest {
    request.headers.insert(header, HeaderValue::from_str(value).expect("a header's value"));
    request
}

/// Signed anew, as a retry may be.
fn signed_anew(of: &WebhookRequest) -> WebhookRequest {
    let signature = signature_with(OTHER_NONCE, TOKEN, &of.url, &pairs_of(&of.body));
    with(with(of.clone(), SIGNATURE, &signature), NONCE_HEADER, OTHER_NONCE)
}

fn short() -> Parameters {
    Parameters::of(&[
        ("CallUUID", CALL_UUID),
        ("From", "15550001234"),
        ("Note", "b"),
        ("Note", "a"),
        ("Note", "b"),
        ("SIP-H-To", "<sip:u@h>;tag=1+2"),
        ("Speech", "Größe 9 & ja"),
        ("CallerName", ""),
    ])
}

fn body(request: &TransportRequest) -> Value {
    serde_json::from_slice(&request.body).expect("a request is JSON")
}

fn says(text: &[u8], words: &str) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| read_back(text).said.concat() == words)
}

impl ProviderHarness for Harness {
    fn skips(&self) -> &'static [(&'static str, &'static str)] {
        &[("a_stale_signature_is_refused", "the carrier signs no time")]
    }

    fn provider(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        Box::new(Plivo::with_transport(config(), transport))
    }

    fn rotating(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        Box::new(Plivo::with_transport(rotating(), transport))
    }

    fn secrets(&self) -> Secrets {
        Secrets::default()
            .key("the auth token", TOKEN)
            .key("the token before", PREVIOUS)
            .key("the main token", MAIN)
            .number(FROM)
            .number(TO)
    }

    fn printed(&self) -> Vec<String> {
        let mut altered = short().post(&callback("ring"));
        altered.url.push('x');
        let explained = rotating().explain_signature(&altered, &[callback("ring")]);
        assert!(explained.signed_as.is_some(), "there is something to tell");
        vec![format!("{:?} {explained:?}", rotating())]
    }

    fn call(&self) -> CallRef {
        call()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn webhooks(&self) -> Vec<Genuine> {
        let read = Parameters::read;
        let genuine = |name, request, says| Genuine { name, request, says };
        let ours = |events: &[CallEvent], waits| Says::Ours { events: events.to_vec(), waits };
        let offer = |from| Says::Offer { from: Party::observed(from), to: Party::observed(FROM) };
        let answered = CallEvent::Answered;
        let text = "Größe 9 & ja, bitte?";
        let words = CallEvent::Transcript { text: text.into(), is_final: true };
        let preview = CallEvent::Transcript { text: "I would like to".into(), is_final: false };
        let digits = CallEvent::Digits { digits: "42".into() };
        let pressed = read("document").with("Digits", "42").get(&callback("input"));
        let over = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
        let new_word = read("ring").with("CallStatus", "transferred").post(&callback("ring"));
        let of_other = |fixture| read(fixture).with("ParentAuthID", OTHER_ACCOUNT);
        vec![
            genuine("an inbound call", read("inbound").post(ENDPOINT), offer(TO)),
            genuine("an inbound call by GET", read("inbound").get(ENDPOINT), offer(TO)),
            genuine(
                "an inbound call of nobody",
                read("inbound").with("From", "anonymous").post(ENDPOINT),
                offer("anonymous"),
            ),
            genuine(
                "ringing",
                read("ring").post(&callback("ring")),
                ours(&[CallEvent::Ringing], false),
            ),
            genuine(
                "the first document",
                read("answer").post(&callback("answer")),
                ours(std::slice::from_ref(&answered), true),
            ),
            genuine(
                "words",
                read("input").post(&callback("input")),
                ours(&[answered.clone(), words], true),
            ),
            genuine("digits, by GET", pressed, ours(&[answered, digits], true)),
            genuine(
                "words while they are spoken",
                read("partial").post(&callback("partial")),
                ours(&[preview], false),
            ),
            genuine("the end", read("hangup").post(&callback("hangup")), ours(&[over], false)),
            genuine("a new word", new_word, Says::Undocumented),
            genuine(
                "an inbound call of another account",
                of_other("inbound").post(ENDPOINT),
                Says::Foreign,
            ),
            genuine(
                "words of another account",
                of_other("input").post(&callback("input")),
                Says::Foreign,
            ),
            genuine(
                "the end of another account's call",
                of_other("hangup").post(&callback("hangup")),
                Says::Foreign,
            ),
        ]
    }

    fn to_tamper_with(&self) -> Vec<Tamper> {
        let input = callback("input");
        // Nothing in it is encoded with a letter, which counts the same in either case.
        let plain = Parameters::of(&[("CallStatus", "in progress"), ("From", "15550001234")]);
        vec![
            Tamper {
                name: "a post",
                request: short().post(&input),
                covered: &[Part::Url, Part::Form, Part::Header(NONCE_HEADER)],
            },
            Tamper {
                name: "a post without a query",
                request: short().post(ENDPOINT),
                covered: &[Part::Url, Part::Form],
            },
            Tamper {
                name: "a get",
                request: plain.get(&input),
                covered: &[Part::Url, Part::Header(NONCE_HEADER)],
            },
        ]
    }

    fn signature_headers(&self) -> &'static [&'static str] {
        &[SIGNATURE, NONCE_HEADER]
    }

    fn sign(&self, signer: Signer, body: &[u8]) -> WebhookRequest {
        let token = match signer {
            Signer::Current => TOKEN,
            Signer::Previous => PREVIOUS,
            Signer::Stranger => "somebody else's token",
        };
        let url = callback("input");
        post(&url, &signature(token, &url, &pairs_of(body)), body.to_vec())
    }

    fn retry(&self, of: &WebhookRequest) -> WebhookRequest {
        signed_anew(of)
    }

    fn same_to_the_carrier(&self) -> Vec<(&'static str, WebhookRequest, WebhookRequest)> {
        let url = callback("input");
        let one = short().post(&url);
        let body = String::from_utf8(one.body.to_vec()).expect("a form is text");
        let recoded = |how, other: String| {
            assert_ne!(other, body, "{how}");
            (how, one.clone(), WebhookRequest { body: other.into(), ..one.clone() })
        };
        let at = |how, from: &str, to: &str| {
            let other = url.replace(from, to);
            assert_ne!(other, url, "{how}");
            (how, one.clone(), WebhookRequest { url: other, ..one.clone() })
        };
        let mut reordered = short().pairs().to_vec();
        reordered.reverse();
        let right = signature(TOKEN, &url, short().pairs());
        let other = signature("another", &url, short().pairs());
        let signed = |how, list: &str| (how, one.clone(), with(one.clone(), SIGNATURE, list));
        let mut by_main = with(one.clone(), MAIN_SIGNATURE, &right);
        by_main.headers.remove(SIGNATURE);
        vec![
            recoded("lower-case hex", body.replace("%2B", "%2b")),
            recoded("a letter encoded", body.replace("Speech", "%53peech")),
            recoded("a plus for a space", body.replace("%20", "+")),
            recoded("other order", encoded(&reordered)),
            recoded("an empty pair", format!("&&{body}&")),
            recoded("an empty value without its sign", body.replace("CallerName=", "CallerName")),
            at("a letter encoded in the query", "kind=input", "kind=%69nput"),
            at("other order of the query", "step=3&kind=input", "kind=input&step=3"),
            signed("twice the same signature", &format!("{right},{right}")),
            signed("a second signature behind the right one", &format!("{right},{other}")),
            signed("a second signature before the right one", &format!("{other},{right}")),
            ("signed in the main account's header", one.clone(), by_main),
            (
                "a wrong signature in the main account's header",
                one.clone(),
                with(one.clone(), MAIN_SIGNATURE, &other),
            ),
            ("signed anew", one.clone(), signed_anew(&one)),
        ]
    }

    fn tolerance(&self) -> Option<SignedDuration> {
        None
    }

    fn dialled(&self, request: &TransportRequest) -> Dialled {
        let body = body(request);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = |name| match text(name) {
            bare if bare.starts_with(|first: char| first.is_ascii_digit()) => format!("+{bare}"),
            other => other,
        };
        let urls = ["answer_url", "fallback_url", "ring_url", "hangup_url"];
        let callbacks: Vec<String> = urls.iter().map(|name| text(name)).collect();
        let call = callbacks[0].split_once("call=").and_then(|(_, id)| id.get(..36)?.parse().ok());
        Dialled {
            to: number("to"),
            from: number("from"),
            call,
            callbacks,
            ring_seconds: body["ring_timeout"].as_u64(),
            limit_seconds: body["time_limit"].as_u64(),
        }
    }

    fn is_authenticated(&self, request: &TransportRequest) -> bool {
        let credentials = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
        request.headers.get_all(AUTHORIZATION).iter().eq([&format!("Basic {credentials}")])
    }

    fn carries(&self, request: &TransportRequest, _text: &str) -> Carried {
        let body = body(request);
        let fields = body.as_object().map_or(0, serde_json::Map::len);
        let is_ours = body["aleg_url"].as_str().is_some_and(|url| url.starts_with(ENDPOINT));
        if is_ours && body["legs"] == "aleg" && body["aleg_method"] == "POST" && fields == 3 {
            Carried::Fetched
        } else {
            Carried::Spoilt
        }
    }

    fn says(&self, reply: &WebhookReply, text: &str) -> bool {
        reply.content_type == "text/xml; charset=utf-8" && says(&reply.body, text)
    }

    fn listens_for(&self, told: &Told<'_>) -> Option<ListenFor> {
        let Told::Reply(reply) = told else { return None };
        let attributes = read_back(std::str::from_utf8(&reply.body).ok()?).listens;
        let attribute = |name: &str| attributes.get(name).map(String::as_str);
        let digits = || {
            let max_digits = attribute("numDigits")?.parse().ok()?;
            DigitInput::new(max_digits, attribute("finishOnKey")?.parse().ok()?).ok()
        };
        match (attribute("inputType"), digits()) {
            (Some("dtmf"), Some(digits)) if attribute("language").is_none() => {
                Some(ListenFor::Digits(digits))
            }
            (Some("dtmf speech"), Some(digits)) => Some(ListenFor::SpeechOrDigits(digits)),
            (Some("dtmf speech"), None) => Some(ListenFor::Speech),
            _ => None,
        }
    }

    fn created(&self) -> (TransportResponse, ProviderCallIds) {
        let body =
            format!(r#"{{"api_id":"a","message":"call fired","request_uuid":"{REQUEST_UUID}"}}"#);
        (json(201, body), request_ids())
    }

    fn taken(&self, command: Command) -> TransportResponse {
        match command {
            Command::HangUp => response(204, "", ""),
            Command::ListLive => ids(&["one", "two"]),
            _ => json(202, r#"{"api_id":"a","message":"call transferred"}"#),
        }
    }

    fn refusal(&self, refusal: Refusal) -> TransportResponse {
        let text = format!("The number {TO} is not right");
        let status = match refusal {
            // Plivo's errors are texts as a rule; those that have a code are objects.
            Refusal::Rejected => {
                let error = format!(r#"{{"message":"{text}","code":1204}}"#);
                return json(400, format!(r#"{{"api_id":"5a9f","error":{error}}}"#));
            }
            Refusal::Unauthenticated => 401,
            Refusal::Forbidden => 403,
            Refusal::Throttled => 429,
            Refusal::NotFound | Refusal::Ended => 404,
            Refusal::ServerError => 500,
        };
        json(status, format!(r#"{{"api_id":"5a9f","error":"{text}"}}"#))
    }

    fn rejection_code(&self) -> &'static str {
        "1204"
    }

    fn needs_no_body(&self, command: Command) -> bool {
        command == Command::HangUp
    }
    fn statuses(&self) -> Vec<Look> {
        answers::statuses()
    }

    fn undocumented_statuses(&self) -> Vec<Vec<TransportResponse>> {
        answers::undocumented_statuses()
    }

    fn statuses_of_others(&self) -> Vec<Vec<TransportResponse>> {
        answers::statuses_of_others()
    }

    fn searches(&self) -> Vec<Searched> {
        answers::searches()
    }
}
