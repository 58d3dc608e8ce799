//! Verified requests, read into events.
//!
//! Status callbacks may overtake each other. Their `SequenceNumber` tells in which order they were
//! fired and is not read: each is one fact about the call, and the same facts lead to the same state in
//! any order (a call that was answered does not ring again, and one that is over stays so). Keeping the
//! latest number in each record would add nothing to that. Its presence tells a status callback of the
//! console from a request for a document.

use offhook_core::{
    Answer, CallEvent, CalledBack, Cause, Direction, Offer, ParsedWebhook, Party, ProviderCallId,
    ProviderCallIds, UndecodableWebhook, VerifiedWebhook, WebhookForm, WebhookReply,
};

use crate::reply::{self, kind};
use crate::status::{Word, answered_by};

/// The kind of Twilio's one call id.
const CALL_SID: &str = "call_sid";

pub(crate) fn call_sid(sid: impl Into<String>) -> ProviderCallIds {
    ProviderCallIds::of(ProviderCallId::new(CALL_SID, 1, sid))
}

/// What a request to the fallback stands for: another request of ours for the same call, which
/// failed. Its URL says how far the document was carried out, whether or not we heard of it.
fn failed(ours: &CalledBack, parameters: &WebhookForm) -> Option<CalledBack> {
    let failed = CalledBack::read(parameters.get("ErrorUrl")?);
    (ours.call.is_some() && failed.call == ours.call && failed.step.is_some()).then_some(failed)
}

pub(crate) fn parse(
    webhook: &VerifiedWebhook<'_>,
    account_sid: &str,
) -> Result<ParsedWebhook, UndecodableWebhook> {
    let parameters = WebhookForm::read(webhook)?;
    let ours = CalledBack::read(&webhook.request().url);
    let failed =
        failed(&ours, &parameters).filter(|_| ours.kind.as_deref() == Some(kind::FALLBACK));
    let sid =
        parameters.get("CallSid").ok_or(UndecodableWebhook { what: "there is no CallSid" })?;
    let direction = match parameters.get("Direction") {
        Some("inbound") => Some(Direction::Inbound),
        Some(_) => Some(Direction::Outbound),
        None => None,
    };
    let is_callback = is_callback(&ours, &parameters);

    let mut parsed = ParsedWebhook::new(call_sid(sid), Answer::Document);
    parsed.call = ours.call;
    parsed.step = failed.as_ref().unwrap_or(&ours).step;
    parsed.pushed = ours.kind.as_deref() == Some(kind::SCRIPT);
    parsed.direction = direction;
    if is_callback {
        parsed.answer = Answer::Fixed(WebhookReply::acknowledged());
    }
    if parameters.get("AccountSid").is_some_and(|account| account != account_sid) {
        parsed.foreign = true;
        if !is_callback {
            parsed.answer = Answer::Fixed(empty_document());
        }
        return Ok(parsed);
    }
    parsed.events = events(&ours, failed.as_ref(), &parameters, is_callback);
    if ours.call.is_none() && !is_callback {
        let over = parsed.events.iter().any(|event| matches!(event, CallEvent::Ended { .. }));
        if direction == Some(Direction::Inbound) && !over {
            // A kind of ours means that the call is known: it is not its first word.
            parsed.offer = ours.kind.is_none().then(|| Offer {
                from: Party::observed(parameters.get("From").unwrap_or_default()),
                to: Party::observed(parameters.get("To").unwrap_or_default()),
            });
        } else {
            // Somebody else's outbound call that was pointed at us: it gets nothing to do.
            parsed.answer = Answer::Fixed(empty_document());
        }
    }
    Ok(parsed)
}

/// Whether nothing but an acknowledgement is waited for.
fn is_callback(ours: &CalledBack, parameters: &WebhookForm) -> bool {
    match ours.kind.as_deref() {
        Some(kind) => matches!(kind, kind::STATUS | kind::PARTIAL),
        // A status callback that was set in the console.
        None => {
            parameters.get("CallbackSource") == Some("call-progress-events")
                || parameters.get("CallDuration").is_some()
                || parameters.get("SequenceNumber").is_some()
        }
    }
}

fn empty_document() -> WebhookReply {
    WebhookReply::document(reply::CONTENT_TYPE, bytes::Bytes::from_static(b"<Response/>"))
}

fn events(
    ours: &CalledBack,
    failed: Option<&CalledBack>,
    parameters: &WebhookForm,
    is_callback: bool,
) -> Vec<CallEvent> {
    if ours.kind.as_deref() == Some(kind::PARTIAL) {
        // The document that listens was fetched: the status tells nothing new.
        return vec![preview(parameters)];
    }
    let mut events = Vec::new();
    let word = parameters.get("CallStatus");
    match word.map(|word| (word, Word::parse(word))) {
        // A request from inside a document repeats `in-progress`; the machine knows it already,
        // and takes it as the answer if the callback that said so went astray.
        Some((_, Some(word))) => events.push(word.event(cause(parameters))),
        Some((word, None)) => {
            events.push(CallEvent::Unknown { name: format!("CallStatus={word}") });
        }
        None => {}
    }
    if let Some(by) = parameters.get("AnsweredBy").and_then(answered_by) {
        events.push(CallEvent::AnsweredBy(by));
    }
    if is_callback {
        return events;
    }
    if ours.kind.as_deref() == Some(kind::FALLBACK) {
        let code = parameters.get("ErrorCode").unwrap_or_default();
        let cause = Cause::new(code, "Twilio could not fetch or run our document");
        events.push(CallEvent::Fault(cause));
    }
    // After the fault: if the call goes on by it, nothing is wrong any more.
    events.extend(carried_out(failed.unwrap_or(ours), parameters));
    events
}

/// What Twilio has done of a document, if it asks for what follows it by this URL.
fn carried_out(ours: &CalledBack, parameters: &WebhookForm) -> Option<CallEvent> {
    match ours.kind.as_deref()? {
        kind::GATHER => Some(heard(parameters)),
        kind::SAID => Some(CallEvent::SpeechEnded { completed: true }),
        kind::HELD => Some(CallEvent::HoldEnded),
        kind::SENT => Some(CallEvent::DigitsSent),
        kind::ANSWER | kind::SCRIPT | kind::FALLBACK => None,
        other => Some(CallEvent::Unknown { name: format!("kind={other}") }),
    }
}

fn heard(parameters: &WebhookForm) -> CallEvent {
    if let Some(text) = parameters.get("SpeechResult") {
        CallEvent::Transcript { text: text.into(), is_final: true }
    } else if let Some(digits) = parameters.get("Digits") {
        CallEvent::Digits { digits: digits.into() }
    } else {
        CallEvent::NothingHeard
    }
}

/// What the recogniser has settled on, and what it may still change.
fn preview(parameters: &WebhookForm) -> CallEvent {
    let parts = ["StableSpeechResult", "UnstableSpeechResult"];
    let parts: Vec<&str> = parts.iter().filter_map(|name| parameters.get(name)).collect();
    CallEvent::Transcript { text: parts.join(" ").into(), is_final: false }
}

/// Why a call ended, as far as Twilio tells: a SIP code.
fn cause(parameters: &WebhookForm) -> Option<Cause> {
    let code = parameters.get("SipResponseCode").filter(|code| *code != "200")?;
    let text = match code {
        "486" | "600" => "busy",
        "603" | "607" | "608" => "declined",
        "408" | "480" | "487" => "no answer",
        "404" | "410" | "484" | "604" => "no such number",
        _ => "not connected",
    };
    Some(Cause::new(code, format!("SIP {code}, {text}")))
}
