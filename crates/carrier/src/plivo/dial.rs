//! What a request for a call asks for.

use std::collections::BTreeSet;

use super::body::{Body, party};
use super::call::Terms;
use super::detection::Detection;
use super::document::is_tone;
use super::refusal::Refusal;

/// The longest that any call lasts, in seconds.
const LONGEST_CALL: u32 = 86_400;

/// How long a call lasts unless told otherwise, in seconds.
pub(crate) const USUAL_CALL: u32 = 14_400;

/// How long it rings unless told otherwise, in seconds.
pub(crate) const USUAL_RING: u32 = 120;

/// The most numbers in one request.
const MOST_NUMBERS: usize = 1000;

/// One request for one or several calls.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Whether the answer lists several requests.
    pub(crate) is_bulk: bool,
    pub(crate) terms: Terms,
}

impl Dial {
    pub(crate) fn read(body: &Body) -> Result<Self, Refusal> {
        let from = party("from", &body.required("from")?)?;
        let given = body.required("to")?;
        let mut seen = BTreeSet::new();
        let mut to = Vec::new();
        for number in given.split('<') {
            let number = party("to", number)?;
            if number == from {
                return Err(Refusal::bad("src and destination cannot overlap"));
            }
            if seen.insert(number.clone()) {
                to.push(number);
            }
        }
        if to.len() > MOST_NUMBERS {
            return Err(Refusal::invalid("to"));
        }
        Ok(Self { from, to, is_bulk: given.contains('<'), terms: terms(body)? })
    }
}

fn terms(body: &Body) -> Result<Terms, Refusal> {
    const LONGEST_NAME: usize = 50;
    let answer = body.target("answer")?.ok_or_else(|| Refusal::missing("answer_url"))?;
    let caller_name = body.text("caller_name")?;
    if caller_name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(Refusal::invalid("caller_name"));
    }
    let hangup = body.target("hangup")?;
    Ok(Terms {
        hangup: Some(hangup.unwrap_or_else(|| answer.clone())),
        answer,
        fallback: body.target("fallback")?,
        ring: body.target("ring")?,
        caller_name,
        ring_timeout: body.number("ring_timeout", 0, u32::MAX)?.unwrap_or(USUAL_RING),
        time_limit: body
            .number("time_limit", 1, u32::MAX)?
            .map_or(USUAL_CALL, |seconds| seconds.min(LONGEST_CALL)),
        hangup_on_ring: body.number("hangup_on_ring", 0, u32::MAX)?,
        send_digits: send_digits(body)?,
        detection: detection(body)?,
    })
}

fn send_digits(body: &Body) -> Result<Option<String>, Refusal> {
    let Some(text) = body.text("send_digits")? else { return Ok(None) };
    // Behind an @ stands how long a tone is.
    let tones = text.split('@').next().unwrap_or_default();
    if tones.is_empty() || !tones.chars().all(is_tone) {
        return Err(Refusal::invalid("send_digits"));
    }
    Ok(Some(tones.to_owned()))
}

fn detection(body: &Body) -> Result<Option<Detection>, Refusal> {
    const USUAL: u32 = 5000;
    let millis = body.number("machine_detection_time", 2000, 10_000)?.unwrap_or(USUAL);
    body.number("machine_detection_maximum_speech_length", 1000, 6000)?;
    body.number("machine_detection_initial_silence", 2000, 10_000)?;
    let callback = body.target("machine_detection")?;
    let hangs_up = match body.text("machine_detection")?.as_deref() {
        None | Some("false") => return Ok(None),
        Some("true") => false,
        Some("hangup") => true,
        Some(_) => return Err(Refusal::invalid("machine_detection")),
    };
    Ok(Some(Detection { hangs_up, longest: f64::from(millis) / 1000.0, callback }))
}
