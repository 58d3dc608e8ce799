//! Plans as Plivo XML. Pure: the same plan gives the same bytes.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use offhook_core::{
    CallPlan, CallRef, Digits, Listen, RejectReason, Speech, Then, carrier_limit_seconds,
};
use quick_xml::Writer;
use quick_xml::events::BytesText;

use crate::voice;

pub(crate) const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// What a callback URL of ours is for.
pub(crate) mod kind {
    /// The first document of an outbound call.
    pub(crate) const ANSWER: &str = "answer";
    /// It rings.
    pub(crate) const RING: &str = "ring";
    /// It is over.
    pub(crate) const HANGUP: &str = "hangup";
    /// The first document could not be fetched.
    pub(crate) const FALLBACK: &str = "fallback";
    /// The document of a plan that was pushed.
    pub(crate) const SCRIPT: &str = "script";
    /// The result of a GetInput.
    pub(crate) const INPUT: &str = "input";
    /// A GetInput without a result.
    pub(crate) const UNHEARD: &str = "unheard";
    /// Words while they are spoken.
    pub(crate) const PARTIAL: &str = "partial";
    /// A Speak was played to its end.
    pub(crate) const SAID: &str = "said";
    /// A hold ran out.
    pub(crate) const HELD: &str = "held";
    /// Digits were sent.
    pub(crate) const SENT: &str = "sent";
}

/// Without it a 503 of ours is not retried. Fragments are configuration: neither sent nor signed.
/// Source: Plivo, "Callback URL configuration".
pub(crate) const RETRY_POLICY: &str = "rc=5&rp=ct,rt,5xx";

/// How long a GetInput waits for something to hear. Its end calls us, and it is renewed.
const LISTEN_SECONDS: &str = "15";

/// The same for keys. It counts for the whole entry, which may be 32 of them.
const DIGITS_SECONDS: &str = "30";

/// The pause after which what was pressed is the entry.
const BETWEEN_DIGITS_SECONDS: &str = "5";

/// The silence that ends what somebody says. Plivo takes no less.
const SILENCE_SECONDS: &str = "2";

/// How long a hold lasts before it comes back. Short, since near the limit of transfers a plan waits
/// for it.
const HOLD_SECONDS: &str = "2";

/// Polly takes 3,000 characters at a time.
const SPEAK_LIMIT: usize = 3000;

/// Most documents are shorter, in bytes.
const USUAL_LENGTH: usize = 1024;

/// The whole document for a plan.
pub(crate) fn document(call: &CallRef, plan: &CallPlan) -> Bytes {
    let mut document = Vec::with_capacity(USUAL_LENGTH);
    document.extend_from_slice(br#"<?xml version="1.0" encoding="UTF-8"?>"#);
    let mut writer = Writer::new(document);
    // Writing into memory does not fail.
    let _ = writer
        .create_element("Response")
        .write_inner_content(|writer| elements(writer, call, plan));
    Bytes::from(writer.into_inner())
}

/// The URL of a callback, with the retry policy.
pub(crate) fn callback(call: &CallRef, kind: &str) -> String {
    let mut url = call.callback(kind);
    url.push('#');
    url.push_str(RETRY_POLICY);
    url
}

type Elements = Writer<Vec<u8>>;

fn elements(writer: &mut Elements, call: &CallRef, plan: &CallPlan) -> io::Result<()> {
    match plan {
        CallPlan::Say(say) => match &say.then {
            // Inside the GetInput, so that speech and keys interrupt it (barge-in).
            Then::Listen(listen) => input(writer, call, listen, Some(&say.speech)),
            // The fetch of the redirect is the proof that all of it was played.
            Then::Hold | Then::HangUp { .. } => {
                speak(writer, &say.speech)?;
                redirect(writer, call, kind::SAID)
            }
        },
        CallPlan::Listen(listen) => input(writer, call, listen, None),
        CallPlan::SendDigits { digits, .. } => {
            let digits = sendable(digits);
            if !digits.is_empty() {
                // What follows it is to follow the tones.
                writer
                    .create_element("DTMF")
                    .with_attribute(("async", "false"))
                    .write_text_content(BytesText::new(&digits))?;
            }
            redirect(writer, call, kind::SENT)
        }
        CallPlan::HangUp { after } => {
            wait(writer, *after)?;
            writer.create_element("Hangup").write_empty()?;
            Ok(())
        }
        CallPlan::Reject(reason) => {
            let reason = match reason {
                RejectReason::Busy => "busy",
                RejectReason::Declined => "rejected",
            };
            writer.create_element("Hangup").with_attribute(("reason", reason)).write_empty()?;
            Ok(())
        }
        CallPlan::Limited { max_duration, plan } => {
            let limit = carrier_limit_seconds(*max_duration).to_string();
            writer
                .create_element("Hangup")
                .with_attribute(("schedule", limit.as_str()))
                .write_empty()?;
            elements(writer, call, plan)
        }
        // Anything else keeps the line open: an empty document would end the call.
        _ => {
            writer.create_element("Wait").with_attribute(("length", HOLD_SECONDS)).write_empty()?;
            redirect(writer, call, kind::HELD)
        }
    }
}

fn input(
    writer: &mut Elements,
    call: &CallRef,
    listen: &Listen,
    prompt: Option<&Speech>,
) -> io::Result<()> {
    let action = callback(call, kind::INPUT);
    let takes_speech = listen.input.takes_speech();
    let digits = listen.input.digits();
    let mut element = writer.create_element("GetInput").with_attributes([
        ("action", action.as_str()),
        ("method", "POST"),
        ("inputType", if takes_speech { "dtmf speech" } else { "dtmf" }),
        ("executionTimeout", if digits.is_some() { DIGITS_SECONDS } else { LISTEN_SECONDS }),
        // What is said and pressed is nobody's but the call's.
        ("log", "false"),
        ("redirect", "true"),
    ]);
    if takes_speech {
        // Without a retry policy: a preview that does not reach us is followed by a better one.
        let partial = call.callback(kind::PARTIAL);
        element = element.with_attributes([
            ("speechEndTimeout", SILENCE_SECONDS),
            ("language", listen.locale.as_str()),
            ("interimSpeechResultsCallback", partial.as_str()),
            ("interimSpeechResultsCallbackMethod", "POST"),
        ]);
    }
    if let Some(digits) = digits {
        element = element.with_attributes([
            ("digitEndTimeout", BETWEEN_DIGITS_SECONDS),
            ("numDigits", digits.max_digits().to_string().as_str()),
            ("finishOnKey", digits.finish_on_key().to_string().as_str()),
        ]);
    }
    match prompt {
        Some(prompt) => {
            element.write_inner_content(|writer| speak(writer, prompt))?;
        }
        None => {
            element.write_empty()?;
        }
    }
    // Carried out only if there was no input. Without it that would be the end of the document, which
    // ends the call.
    redirect(writer, call, kind::UNHEARD)
}

fn speak(writer: &mut Elements, speech: &Speech) -> io::Result<()> {
    let spoken = voice::spoken(speech);
    for part in speech.text.parts(fitting) {
        writer
            .create_element("Speak")
            .with_attribute(("voice", spoken.voice.as_str()))
            .with_attribute(("language", spoken.language.as_str()))
            .write_text_content(BytesText::new(part))?;
    }
    Ok(())
}

/// How many bytes of a text one Speak takes.
fn fitting(text: &str) -> usize {
    text.char_indices().nth(SPEAK_LIMIT).map_or(text.len(), |(at, _)| at)
}

fn redirect(writer: &mut Elements, call: &CallRef, kind: &str) -> io::Result<()> {
    let url = callback(call, kind);
    writer
        .create_element("Redirect")
        .with_attribute(("method", "POST"))
        .write_text_content(BytesText::new(&url))?;
    Ok(())
}

fn wait(writer: &mut Elements, length: Duration) -> io::Result<()> {
    let seconds = length.as_secs() + u64::from(length.subsec_nanos() > 0);
    if seconds > 0 {
        let seconds = seconds.to_string();
        writer.create_element("Wait").with_attribute(("length", seconds.as_str())).write_empty()?;
    }
    Ok(())
}

/// Plivo has no tones A to D, and a document with them would be spoilt.
pub(crate) fn sendable(digits: &Digits) -> String {
    digits.as_str().chars().filter(|digit| !matches!(digit, 'A'..='D')).collect()
}
