//! Plans as TwiML. Pure: the same plan gives the same bytes.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use offhook_core::{CallPlan, CallRef, Listen, RejectReason, Speech, Then};
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

pub(crate) const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// What a callback URL of ours is for.
pub(crate) mod kind {
    /// The first document of an outbound call.
    pub(crate) const ANSWER: &str = "answer";
    /// Call progress.
    pub(crate) const STATUS: &str = "status";
    /// The result of a Gather.
    pub(crate) const GATHER: &str = "gather";
    /// Words while they are spoken.
    pub(crate) const PARTIAL: &str = "partial";
    /// A Say was played to its end.
    pub(crate) const SAID: &str = "said";
    /// A hold ran out.
    pub(crate) const HELD: &str = "held";
    /// Digits were played.
    pub(crate) const SENT: &str = "sent";
    /// The document of a plan that was pushed by its URL.
    pub(crate) const SCRIPT: &str = "script";
    /// Another of our documents could not be fetched or run.
    pub(crate) const FALLBACK: &str = "fallback";
}

/// Without it a 503 of ours is not retried. Fragments are configuration: neither sent nor signed.
/// Source: Twilio, "Webhooks connection overrides".
pub(crate) const RETRY_POLICY: &str = "rc=3&rp=ct,rt,5xx";

/// How long a Gather waits for the first word or key. Its end calls us, and it is renewed.
const LISTEN_SECONDS: &str = "15";

/// The same for keys, and the pause after which what was pressed is the entry: there is one attribute
/// for both.
const DIGITS_SECONDS: &str = "5";

/// How long a Hold lasts before it comes back for more.
const HOLD_SECONDS: &str = "30";

/// Polly takes 3,000 characters at a time, other voices more.
const SAY_LIMIT: usize = 3000;

/// No voice takes more than this, URL-encoded (Twilio's warning 13521).
const SAY_ENCODED_LIMIT: usize = 4500;

/// Most documents are shorter, in bytes.
const USUAL_LENGTH: usize = 1024;

const GATHER: &str = "Gather";

/// The whole document for a plan.
pub(crate) fn document(call: &CallRef, plan: &CallPlan) -> Bytes {
    let mut document = Vec::with_capacity(USUAL_LENGTH);
    document.extend_from_slice(br#"<?xml version="1.0" encoding="UTF-8"?>"#);
    let mut writer = Writer::new(document);
    // Writing into memory does not fail.
    let _ =
        writer.create_element("Response").write_inner_content(|writer| verbs(writer, call, plan));
    Bytes::from(writer.into_inner())
}

/// The URL of a callback, with the retry policy.
pub(crate) fn callback(call: &CallRef, kind: &str) -> String {
    let mut url = call.callback(kind);
    url.push('#');
    url.push_str(RETRY_POLICY);
    url
}

type Verbs = Writer<Vec<u8>>;

fn verbs(writer: &mut Verbs, call: &CallRef, plan: &CallPlan) -> io::Result<()> {
    match plan {
        CallPlan::Say(say) => match &say.then {
            // Inside the Gather, so that speech and keys interrupt it (barge-in).
            Then::Listen(listen) => gather(writer, call, listen, Some(&say.speech)),
            // The fetch of the redirect is the proof that all of it was played.
            Then::Hold | Then::HangUp { .. } => {
                speech(writer, &say.speech)?;
                redirect(writer, call, kind::SAID)
            }
        },
        CallPlan::Listen(listen) => gather(writer, call, listen, None),
        CallPlan::SendDigits { digits, .. } => {
            writer
                .create_element("Play")
                .with_attribute(("digits", digits.as_str()))
                .write_empty()?;
            redirect(writer, call, kind::SENT)
        }
        CallPlan::HangUp { after } => {
            pause(writer, *after)?;
            writer.create_element("Hangup").write_empty()?;
            Ok(())
        }
        CallPlan::Reject(reason) => {
            let reason = match reason {
                RejectReason::Busy => "busy",
                RejectReason::Declined => "rejected",
            };
            writer.create_element("Reject").with_attribute(("reason", reason)).write_empty()?;
            Ok(())
        }
        // Anything else keeps the line open: an empty document would end the call.
        _ => {
            writer
                .create_element("Pause")
                .with_attribute(("length", HOLD_SECONDS))
                .write_empty()?;
            redirect(writer, call, kind::HELD)
        }
    }
}

fn gather(
    writer: &mut Verbs,
    call: &CallRef,
    listen: &Listen,
    prompt: Option<&Speech>,
) -> io::Result<()> {
    let action = callback(call, kind::GATHER);
    let takes_speech = listen.input.takes_speech();
    let digits = listen.input.digits();
    let mut element = BytesStart::from_content(with_room(GATHER), GATHER.len());
    element.extend_attributes([
        ("input", if takes_speech { "dtmf speech" } else { "dtmf" }),
        ("action", action.as_str()),
        ("method", "POST"),
        ("timeout", if digits.is_some() { DIGITS_SECONDS } else { LISTEN_SECONDS }),
        // Without it an empty result runs into the end of the document, which ends the call.
        ("actionOnEmptyResult", "true"),
    ]);
    if takes_speech {
        // Without a retry policy: a preview that does not reach us is followed by a better one.
        let partial = call.callback(kind::PARTIAL);
        element.extend_attributes([
            ("language", listen.locale.as_str()),
            ("speechTimeout", "auto"),
            ("partialResultCallback", partial.as_str()),
            ("partialResultCallbackMethod", "POST"),
        ]);
    }
    if let Some(digits) = digits {
        element.extend_attributes([
            ("numDigits", digits.max_digits().to_string().as_str()),
            ("finishOnKey", digits.finish_on_key().to_string().as_str()),
        ]);
    }
    let Some(prompt) = prompt else { return writer.write_event(Event::Empty(element)) };
    writer.write_event(Event::Start(element))?;
    speech(writer, prompt)?;
    writer.write_event(Event::End(BytesEnd::new(GATHER)))
}

/// The name of an element of many attributes: their room grows once and not with each.
fn with_room(name: &str) -> String {
    let mut content = String::with_capacity(USUAL_LENGTH);
    content.push_str(name);
    content
}

fn speech(writer: &mut Verbs, speech: &Speech) -> io::Result<()> {
    for part in speech.text.parts(fitting) {
        let mut element = writer.create_element("Say");
        if let Some(voice) = &speech.voice {
            element = element.with_attribute(("voice", voice.as_str()));
        }
        element
            .with_attribute(("language", speech.locale.as_str()))
            .write_text_content(BytesText::new(part))?;
    }
    Ok(())
}

/// How many bytes of a text one Say takes.
fn fitting(text: &str) -> usize {
    let mut encoded = 0;
    for (count, (at, character)) in text.char_indices().enumerate() {
        encoded += match character {
            '0'..='9' | 'A'..='Z' | 'a'..='z' => 1,
            other => 3 * other.len_utf8(),
        };
        if count == SAY_LIMIT || encoded > SAY_ENCODED_LIMIT {
            return at;
        }
    }
    text.len()
}

fn redirect(writer: &mut Verbs, call: &CallRef, kind: &str) -> io::Result<()> {
    let url = callback(call, kind);
    writer
        .create_element("Redirect")
        .with_attribute(("method", "POST"))
        .write_text_content(BytesText::new(&url))?;
    Ok(())
}

fn pause(writer: &mut Verbs, length: Duration) -> io::Result<()> {
    let seconds = length.as_secs() + u64::from(length.subsec_nanos() > 0);
    if seconds > 0 {
        let seconds = seconds.to_string();
        writer
            .create_element("Pause")
            .with_attribute(("length", seconds.as_str()))
            .write_empty()?;
    }
    Ok(())
}
