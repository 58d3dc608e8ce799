//! Verified requests, read into events.

use offhook_core::{
    Answer, CallEvent, CalledBack, Cause, Direction, Offer, ParsedWebhook, Party, ProviderCallId,
    ProviderCallIds, UndecodableWebhook, VerifiedWebhook, WebhookForm, WebhookReply,
};

use crate::reply::{self, kind};
use crate::status::{Hangup, Word, answered_by};

/// The id that a dial is answered with.
pub(crate) const REQUEST_UUID: &str = "request_uuid";

/// The id that webhooks bring, to which commands go.
pub(crate) const CALL_UUID: &str = "call_uuid";

pub(crate) fn request_uuid(uuid: impl Into<String>) -> ProviderCallId {
    ProviderCallId::new(REQUEST_UUID, 0, uuid)
}

pub(crate) fn call_uuid(uuid: impl Into<String>) -> ProviderCallId {
    ProviderCallId::new(CALL_UUID, 1, uuid)
}

/// Whether a text can be an id. One that is empty or a dot would make a path that ends all calls.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Who calls or is called: numbers stand without a plus. What is too short for an international
/// number, or begins with 0, is none.
pub(crate) fn party(text: &str) -> Party {
    let text = text.trim();
    let is_number = (7..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { Party::observed(&format!("+{text}")) } else { Party::observed(text) }
}

/// Reads a webhook for this main account. A subaccount's names the account above it, which is not
/// known here: then there is none to compare.
pub(crate) fn parse(
    webhook: &VerifiedWebhook<'_>,
    main_account: Option<&str>,
) -> Result<ParsedWebhook, UndecodableWebhook> {
    let parameters = WebhookForm::read(webhook)?;
    let ours = CalledBack::read(&webhook.request().url);
    let uuid =
        parameters.get("CallUUID").ok_or(UndecodableWebhook { what: "there is no CallUUID" })?;
    if !is_id(uuid) {
        return Err(UndecodableWebhook { what: "the CallUUID cannot be one" });
    }
    let direction = match parameters.get("Direction") {
        Some("inbound") => Some(Direction::Inbound),
        Some("outbound") => Some(Direction::Outbound),
        _ => None,
    };
    let mut ids = ProviderCallIds::of(call_uuid(uuid));
    if let Some(request) = parameters.get("RequestUUID").filter(|request| is_id(request))
        && direction == Some(Direction::Outbound)
    {
        ids.merge(&ProviderCallIds::of(request_uuid(request)));
    }
    let is_callback = is_callback(&ours, &parameters);

    let mut parsed = ParsedWebhook::new(ids, Answer::Document);
    parsed.call = ours.call;
    parsed.step = ours.step;
    parsed.pushed = ours.kind.as_deref() == Some(kind::SCRIPT);
    parsed.direction = direction;
    if is_callback {
        parsed.answer = Answer::Fixed(WebhookReply::acknowledged());
    }
    let is_foreign = |account| parameters.get("ParentAuthID").is_some_and(|named| named != account);
    if main_account.is_some_and(is_foreign) {
        parsed.foreign = true;
        if !is_callback {
            parsed.answer = Answer::Fixed(empty_document());
        }
        return Ok(parsed);
    }
    parsed.events = events(&ours, &parameters, direction, is_callback);
    if ours.call.is_none() && !is_callback {
        let over = parsed.events.iter().any(|event| matches!(event, CallEvent::Ended { .. }));
        if direction == Some(Direction::Inbound) && !over {
            // A kind of ours means that the call is known: it is not its first word.
            let begins = matches!(parameters.get("Event"), None | Some("StartApp"));
            parsed.offer = (ours.kind.is_none() && begins).then(|| Offer {
                from: party(parameters.get("From").unwrap_or_default()),
                to: party(parameters.get("To").unwrap_or_default()),
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
    let by_event = matches!(parameters.get("Event"), Some("Ring" | "Hangup" | "MachineDetection"));
    match ours.kind.as_deref() {
        Some(kind) => by_event || matches!(kind, kind::RING | kind::HANGUP | kind::PARTIAL),
        None => by_event,
    }
}

fn empty_document() -> WebhookReply {
    WebhookReply::document(reply::CONTENT_TYPE, bytes::Bytes::from_static(b"<Response/>"))
}

fn events(
    ours: &CalledBack,
    parameters: &WebhookForm,
    direction: Option<Direction>,
    is_callback: bool,
) -> Vec<CallEvent> {
    if ours.kind.as_deref() == Some(kind::PARTIAL) {
        // The document that listens was fetched: the status tells nothing new.
        return vec![preview(parameters)];
    }
    let mut events: Vec<CallEvent> = progress(parameters, direction).into_iter().collect();
    if let Some(by) = parameters.get("Machine").and_then(answered_by) {
        events.push(CallEvent::AnsweredBy(by));
    }
    if is_callback {
        return events;
    }
    if ours.kind.as_deref() == Some(kind::FALLBACK) {
        let cause = Cause::new("", "Plivo could not fetch or run our first document");
        events.push(CallEvent::Fault(cause));
    }
    events.extend(carried_out(ours, parameters));
    events
}

/// How far the call has come. A request from inside a document repeats `in-progress`; the machine
/// knows it already, and takes it as the answer if the request that said so went astray.
fn progress(parameters: &WebhookForm, direction: Option<Direction>) -> Option<CallEvent> {
    use offhook_core::Progress;
    let (event, word) = (parameters.get("Event"), parameters.get("CallStatus"));
    let parsed = word.and_then(Word::parse);
    if event == Some("Hangup") || matches!(parsed, Some(Word::Over(_))) {
        return Some(ended(parameters, direction));
    }
    match (parsed, event, word) {
        (Some(Word::Live(Progress::Ringing)), _, _) | (None, Some("Ring"), None) => {
            Some(CallEvent::Ringing)
        }
        (Some(Word::Live(_)), _, _) => Some(CallEvent::Answered),
        (None, Some("StartApp"), None) if direction == Some(Direction::Outbound) => {
            Some(CallEvent::Answered)
        }
        (None, _, Some(word)) => Some(CallEvent::Unknown { name: format!("CallStatus={word}") }),
        (None, Some("StartApp" | "MachineDetection") | None, None) => None,
        (None, Some(event), None) => Some(CallEvent::Unknown { name: format!("Event={event}") }),
        (Some(Word::Over(_)), _, _) => None,
    }
}

fn ended(parameters: &WebhookForm, direction: Option<Direction>) -> CallEvent {
    let get = |name| parameters.get(name).unwrap_or_default();
    let lasted = |name| parameters.get(name).is_some_and(|seconds| seconds != "0");
    let hangup = Hangup {
        code: get("HangupCauseCode"),
        name: get("HangupCauseName"),
        cause: get("HangupCause"),
        source: get("HangupSource"),
        word: get("CallStatus"),
        direction,
        answered: lasted("AnswerTime") || lasted("BillDuration"),
    };
    CallEvent::Ended { reason: hangup.reason(), cause: hangup.words() }
}

/// What Plivo has done of a document, if it asks for what follows it by this URL.
fn carried_out(ours: &CalledBack, parameters: &WebhookForm) -> Option<CallEvent> {
    match ours.kind.as_deref()? {
        kind::INPUT => Some(heard(parameters)),
        kind::UNHEARD => Some(CallEvent::NothingHeard),
        kind::SAID => Some(CallEvent::SpeechEnded { completed: true }),
        kind::HELD => Some(CallEvent::HoldEnded),
        kind::SENT => Some(CallEvent::DigitsSent),
        kind::ANSWER | kind::SCRIPT | kind::FALLBACK => None,
        other => Some(CallEvent::Unknown { name: format!("kind={other}") }),
    }
}

fn heard(parameters: &WebhookForm) -> CallEvent {
    if let Some(text) = parameters.get("Speech") {
        CallEvent::Transcript { text: text.into(), is_final: true }
    } else if let Some(digits) = parameters.get("Digits") {
        CallEvent::Digits { digits: digits.into() }
    } else {
        CallEvent::NothingHeard
    }
}

/// What the recogniser has settled on, and what it may still change.
fn preview(parameters: &WebhookForm) -> CallEvent {
    let parts = ["StableSpeech", "UnstableSpeech"];
    let parts: Vec<&str> = parts.iter().filter_map(|name| parameters.get(name)).collect();
    CallEvent::Transcript { text: parts.join(" ").into(), is_final: false }
}
