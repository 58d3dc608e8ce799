//! The suite that every provider passes, told what Twilio does.

mod support;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use offhook_conformance::Secrets;
use offhook_conformance::provider_suite::{
    Carried, Command, Dialled, FROM, Finding, Genuine, Look, Meaning, Part, ProviderHarness,
    Refusal, Says, Searched, Signer, TO, Tamper, Told, response,
};
use offhook_core::{
    CallEvent, CallRef, DigitInput, EndReason, ListenFor, Party, Progress, ProviderCallId,
    ProviderCallIds, Transport, TransportRequest, TransportResponse, VoiceProvider, WebhookReply,
    WebhookRequest,
};
use offhook_twilio::Twilio;
use percent_encoding::percent_decode;
use support::read_back;
use support::{
    ACCOUNT, CALL_SID, ENDPOINT, FORM, Parameters, TOKEN, call, call_ids, callback, config,
    encoded, request, signature,
};

const PREVIOUS: &str = "the token before it";
const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const JSON: &str = "application/json";

offhook_conformance::provider_suite!(Harness);

struct Harness;

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

fn post(url: &str, token: &str, body: &[u8]) -> WebhookRequest {
    let signature = signature(token, url, &pairs_of(body));
    let headers = [("content-type", FORM), ("x-twilio-signature", signature.as_str())];
    request(Method::POST, url, &headers, body.to_vec())
}

fn short() -> Parameters {
    Parameters::of(&[
        ("AccountSid", ACCOUNT),
        ("CallSid", CALL_SID),
        ("From", FROM),
        ("Note", "b"),
        ("Note", "a"),
        ("SpeechResult", "Größe 9 & ja"),
        ("ToCity", ""),
    ])
}

fn status(word: &str) -> TransportResponse {
    response(200, JSON, format!(r#"{{"sid":"{CALL_SID}","status":"{word}"}}"#))
}

fn fields(request: &TransportRequest) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn says(text: &[u8], words: &str) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| read_back(text).said.concat() == words)
}

impl ProviderHarness for Harness {
    fn skips(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (
                "a_change_of_a_signed_header_is_refused",
                "the carrier signs neither a time nor a nonce",
            ),
            ("a_stale_signature_is_refused", "the carrier signs no time"),
        ]
    }

    fn provider(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        Box::new(Twilio::with_transport(config(), transport))
    }

    fn rotating(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        let config = config().with_previous_auth_token(PREVIOUS).with_shared_key("a shared key");
        Box::new(Twilio::with_transport(config, transport))
    }

    fn secrets(&self) -> Secrets {
        Secrets::default()
            .key("the auth token", TOKEN)
            .key("the token before", PREVIOUS)
            .key("the shared key", "a shared key")
            .number(FROM)
            .number(TO)
    }

    fn printed(&self) -> Vec<String> {
        let config = config().with_previous_auth_token(PREVIOUS).with_shared_key("a shared key");
        let mut altered = short().post(&callback("status"));
        altered.url.push('x');
        let explained = config.explain_signature(&altered, &[callback("status")]);
        vec![format!("{config:?} {explained:?}")]
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
        let words = CallEvent::Transcript { text: "Größe 9 & ja".into(), is_final: true };
        let heard = read("document").with("SpeechResult", "Größe 9 & ja");
        let pressed = read("document").with("Digits", "12*0").get(&callback("gather"));
        let digits = CallEvent::Digits { digits: "12*0".into() };
        let over = CallEvent::Ended { reason: EndReason::Completed, cause: None };
        let ended = read("status").with("CallStatus", "completed").post(&callback("status"));
        let new_word = read("status").with("CallStatus", "transferred").post(&callback("status"));
        let foreign = read("document").with("AccountSid", OTHER_ACCOUNT).post(&callback("gather"));
        let offer = |from| Says::Offer { from: Party::observed(from), to: Party::observed(FROM) };
        let answered = CallEvent::Answered;
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
                read("status").post(&callback("status")),
                ours(&[CallEvent::Ringing], false),
            ),
            genuine(
                "the first document",
                read("document").post(&callback("answer")),
                ours(std::slice::from_ref(&answered), true),
            ),
            genuine(
                "words",
                heard.post(&callback("gather")),
                ours(&[answered.clone(), words], true),
            ),
            genuine("digits, by GET", pressed, ours(&[answered, digits], true)),
            genuine("the end", ended, ours(&[over], false)),
            genuine("a new word", new_word, Says::Undocumented),
            genuine("of another account", foreign, Says::Foreign),
        ]
    }

    fn to_tamper_with(&self) -> Vec<Tamper> {
        let gather = callback("gather");
        vec![
            Tamper {
                name: "a post",
                request: short().post(&gather),
                covered: &[Part::Url, Part::Form],
            },
            Tamper { name: "a get", request: short().get(&gather), covered: &[Part::Url] },
        ]
    }

    fn signature_headers(&self) -> &'static [&'static str] {
        &["x-twilio-signature"]
    }

    fn sign(&self, signer: Signer, body: &[u8]) -> WebhookRequest {
        let token = match signer {
            Signer::Current => TOKEN,
            Signer::Previous => PREVIOUS,
            Signer::Stranger => "somebody else's token",
        };
        post(&callback("gather"), token, body)
    }

    /// The same bytes, with a header that tells what failed.
    fn retry(&self, of: &WebhookRequest) -> WebhookRequest {
        let mut again = of.clone();
        again.headers.insert("i-twilio-retry-count", http::HeaderValue::from_static("1"));
        again
    }

    fn same_to_the_carrier(&self) -> Vec<(&'static str, WebhookRequest, WebhookRequest)> {
        let url = callback("gather");
        let with_port = url.replace(".com/", ".com:443/");
        let one = short().post(&url);
        let body = String::from_utf8(one.body.to_vec()).expect("a form is text");
        let signed = signature(TOKEN, &url, short().pairs());
        let recoded = |how, other: String| {
            assert_ne!(other, body, "{how}");
            let headers = [("content-type", FORM), ("x-twilio-signature", signed.as_str())];
            (how, one.clone(), request(Method::POST, &url, &headers, other))
        };
        let mut reordered = short().pairs().to_vec();
        reordered.reverse();
        let other_port = url.replace(".com/", ".com:8443/");
        let with_other_port = WebhookRequest { url: other_port, ..one.clone() };
        let called_with_port = WebhookRequest { url: with_port.clone(), ..one.clone() };
        let signed_with_port = WebhookRequest { url: url.clone(), ..short().post(&with_port) };
        vec![
            recoded("lower-case hex", body.replace("%2B", "%2b")),
            recoded("a letter encoded", body.replace("SpeechResult", "%53peechResult")),
            recoded("a plus for a space", body.replace("%20", "+")),
            recoded("other order", encoded(&reordered)),
            recoded("a pair that stands twice", format!("{body}&From=%2B15550001234")),
            recoded("an empty pair", format!("&&{body}&")),
            recoded("an empty value without its sign", body.replace("ToCity=", "ToCity")),
            ("called with another port", one.clone(), with_other_port),
            ("called with the port", one.clone(), called_with_port),
            ("signed with the port", one.clone(), signed_with_port),
            ("called and signed with the port", one.clone(), short().post(&with_port)),
        ]
    }

    fn tolerance(&self) -> Option<SignedDuration> {
        None
    }

    fn dialled(&self, request: &TransportRequest) -> Dialled {
        let fields = fields(request);
        let field =
            |name: &str| fields.iter().find(|(its, _)| its == name).map(|(_, value)| value.clone());
        let urls = ["Url", "FallbackUrl", "StatusCallback"];
        let callbacks: Vec<String> = urls.iter().filter_map(|name| field(name)).collect();
        assert_eq!(callbacks.len(), urls.len());
        let url = callbacks.first().cloned().unwrap_or_default();
        let call = url.split_once("call=").and_then(|(_, id)| id.get(..36)?.parse().ok());
        Dialled {
            to: field("To").unwrap_or_default(),
            from: field("From").unwrap_or_default(),
            call,
            callbacks,
            ring_seconds: field("Timeout").and_then(|value| value.parse().ok()),
            limit_seconds: field("TimeLimit").and_then(|value| value.parse().ok()),
        }
    }

    fn is_authenticated(&self, request: &TransportRequest) -> bool {
        let credentials = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
        request.headers.get_all(AUTHORIZATION).iter().eq([&format!("Basic {credentials}")])
    }

    fn carries(&self, request: &TransportRequest, text: &str) -> Carried {
        let fields = fields(request);
        let given: Vec<(&str, &str)> =
            fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        match given[..] {
            [("Twiml", document)] if says(document.as_bytes(), text) => Carried::Whole,
            [("Url", _), ("Method", "POST")] => Carried::Fetched,
            _ => Carried::Spoilt,
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
        match (attribute("input"), digits()) {
            (Some("dtmf"), Some(digits)) if attribute("language").is_none() => {
                Some(ListenFor::Digits(digits))
            }
            (Some("dtmf speech"), Some(digits)) => Some(ListenFor::SpeechOrDigits(digits)),
            (Some("dtmf speech"), None) => Some(ListenFor::Speech),
            _ => None,
        }
    }

    fn created(&self) -> (TransportResponse, ProviderCallIds) {
        let body = format!(
            r#"{{"sid":"{CALL_SID}","status":"queued","queue_time":"1000","date_created":null,
                "price":null,"annotation":null,"subresource_uris":{{"streams":"/x.json"}}}}"#
        );
        (response(201, JSON, body), call_ids())
    }

    fn taken(&self, command: Command) -> TransportResponse {
        match command {
            Command::ListLive => response(200, JSON, r#"{"calls":[],"next_page_uri":null}"#),
            _ => status("in-progress"),
        }
    }

    fn refusal(&self, refusal: Refusal) -> TransportResponse {
        let (status, code) = match refusal {
            Refusal::Rejected => (400, 21211),
            Refusal::Unauthenticated => (401, 20003),
            Refusal::Forbidden => (403, 21215),
            Refusal::Throttled => (429, 20429),
            Refusal::NotFound => (404, 20404),
            Refusal::Ended => (400, 21220),
            Refusal::ServerError => (500, 20500),
        };
        let body = format!(
            r#"{{"code":{code},"message":"The 'To' number {TO} is not right",
                "more_info":"https://www.twilio.com/docs/errors/{code}","status":{status}}}"#
        );
        response(status, JSON, body)
    }

    fn rejection_code(&self) -> &'static str {
        "21211"
    }

    fn statuses(&self) -> Vec<Look> {
        let look = |word, means| Look { word, answers: vec![Ok(status(word))], means };
        let live = |word, progress| look(word, Meaning::Live(Some(progress)));
        let over = |word, reason| look(word, Meaning::Ended(reason));
        vec![
            live("queued", Progress::Initiated),
            live("initiated", Progress::Initiated),
            live("ringing", Progress::Ringing),
            live("in-progress", Progress::Answered),
            over("completed", EndReason::Completed),
            over("busy", EndReason::Busy),
            over("no-answer", EndReason::NoAnswer),
            over("failed", EndReason::Failed),
            over("canceled", EndReason::Canceled),
        ]
    }

    fn undocumented_statuses(&self) -> Vec<Vec<TransportResponse>> {
        let resource =
            |fields: &str| response(200, JSON, format!(r#"{{"sid":"{CALL_SID}"{fields}}}"#));
        vec![
            vec![status("transferred")],
            vec![status("Completed")],
            vec![status("completed ")],
            vec![status("cancelled")],
            vec![status("")],
            vec![resource("")],
            vec![resource(r#","status":null"#)],
            vec![resource(r#","status":7"#)],
        ]
    }

    fn statuses_of_others(&self) -> Vec<Vec<TransportResponse>> {
        let other = CALL_SID.replace('5', "6");
        let of = |body: String| vec![response(200, JSON, body)];
        vec![
            of(format!(r#"{{"sid":"{other}","status":"completed"}}"#)),
            of(r#"{"sid":"SM1","status":"completed"}"#.to_owned()),
            of(r#"{"sid":null,"status":"completed"}"#.to_owned()),
            of(r#"{"status":"completed"}"#.to_owned()),
            of(format!(r#"[{{"sid":"{CALL_SID}","status":"completed"}}]"#)),
            of(format!(r#"["{CALL_SID}","completed"]"#)),
        ]
    }

    /// Twilio's list names no call of ours: what it gives are candidates.
    fn searches(&self) -> Vec<Searched> {
        let sid = |digit: char| format!("CA{}", digit.to_string().repeat(32));
        let entry = |digit, status: &str, direction: &str, created: &str| {
            let (sid, created) = (sid(digit), format!("\"{created} +0000\""));
            format!(
                r#"{{"sid":"{sid}","status":"{status}","direction":"{direction}","date_created":{created}}}"#
            )
        };
        // Clocks differ.
        let (after, skewed) = ("Tue, 14 Jan 2025 09:26:54", "Tue, 14 Jan 2025 09:25:54");
        let searched = |name, calls: &[String], found: &str| {
            let body = format!(r#"{{"calls":[{}],"next_page_uri":null}}"#, calls.join(","));
            let ids = |digit| ProviderCallIds::of(ProviderCallId::new("call_sid", 1, sid(digit)));
            let finds = match found {
                "" => Finding::Nothing,
                found => Finding::Candidates(found.chars().map(ids).collect()),
            };
            Searched { name, answers: vec![Ok(response(200, JSON, body))], finds }
        };
        let live = |digit| entry(digit, "ringing", "outbound-api", after);
        let early = entry('9', "in-progress", "outbound-api", skewed);
        let dated = format!("\"{after} +0000\"");
        let undated = entry('2', "queued", "outbound-api", after).replace(&dated, "null");
        let others = [
            entry('4', "ringing", "outbound-api", "Tue, 14 Jan 2025 09:20:00"),
            entry('5', "ringing", "inbound", after),
            entry('6', "ringing", "outbound-dial", after),
            entry('7', "completed", "outbound-api", after),
            entry('8', "transferred", "outbound-api", after),
        ];
        vec![
            searched("three that may be ours", &[live('1'), early, undated], "192"),
            searched("one among others", &[&[live('3')], &others[..]].concat(), "3"),
            searched("others", &others, ""),
            searched("none", &[], ""),
        ]
    }
}
