//! The dial, and the second leg of a transfer.

use jiff::Timestamp;

use super::body::{Body, check_party, check_tones};
use super::call::Terms;
use super::detection::Detection;
use super::events::Targets;
use super::refusal::Refusal;
use super::transcription;
use crate::emulator::Shared;

/// The longest that a call may last, in seconds.
pub(crate) const LONGEST_CALL: f64 = 14_400.0;

/// A leg that is to be.
#[derive(Debug)]
pub(crate) struct NewLeg {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) client_state: Option<String>,
    pub(crate) targets: Targets,
    pub(crate) terms: Terms,
}

impl NewLeg {
    /// Reads a dial.
    pub(crate) fn dialled(body: &Body, shared: &Shared) -> Result<Self, Refusal> {
        if body.required("connection_id")? != shared.settings.telnyx.connection_id {
            return Err(Refusal::no_such_connection());
        }
        let from = check_party("from", body.required("from")?)?;
        let client_state = body.client_state("client_state")?;
        Self::parse(body, from, client_state, own_targets(shared))
    }

    /// Reads a transfer of a call to the number that it was made to.
    pub(crate) fn transferred(
        body: &Body,
        called_number: &str,
        targets: &Targets,
    ) -> Result<Self, Refusal> {
        let from = body.text("from")?.unwrap_or(called_number);
        let from = check_party("from", from)?;
        let client_state = body.client_state("target_leg_client_state")?;
        Self::parse(body, from, client_state, targets.clone())
    }

    fn parse(
        body: &Body,
        from: String,
        client_state: Option<String>,
        mut targets: Targets,
    ) -> Result<Self, Refusal> {
        let (to, digits) = called(body)?;
        targets.change(body)?;
        let mut terms = terms(body)?;
        terms.send_digits = terms.send_digits.or(digits);
        Ok(Self { from, to, client_state, targets, terms })
    }
}

/// The targets that the connection has by itself.
pub(crate) fn own_targets(shared: &Shared) -> Targets {
    let account = &shared.settings.telnyx;
    let url = account.webhook_url.clone();
    let url = url.or_else(|| shared.settings.webhook_of(super::PROVIDER));
    Targets::new(url, account.failover_url.clone())
}

/// Who is called, and the tones behind a comma that are sent after the answer.
fn called(body: &Body) -> Result<(String, Option<String>), Refusal> {
    const FIELD: &str = "to";
    if let Some(several) = body.get(FIELD).and_then(|to| to.as_array()) {
        let [only] = several.as_slice() else {
            let detail = "The emulator dials one destination at a time.";
            return Err(Refusal::bad(FIELD, detail));
        };
        return Ok((check_party(FIELD, only.as_str().unwrap_or_default())?, None));
    }
    let to = body.required(FIELD)?;
    match to.split_once(',') {
        Some((to, digits)) => Ok((check_party(FIELD, to)?, Some(check_tones(FIELD, digits)?))),
        None => Ok((check_party(FIELD, to)?, None)),
    }
}

fn terms(body: &Body) -> Result<Terms, Refusal> {
    const TIMEOUT: u64 = 30;
    const LONGEST_NAME: usize = 128;
    const LONGEST_DIGITS: usize = 64;
    let timeout = body.number("timeout_secs", 5, 600)?.unwrap_or(TIMEOUT);
    let time_limit = body.number("time_limit_secs", 60, 14_400)?;
    let name = body.text("from_display_name")?.unwrap_or_default();
    if name.chars().count() > LONGEST_NAME {
        return Err(Refusal::out_of_range("from_display_name", 0, 128));
    }
    let send_digits = body.tones("send_digits_on_answer")?;
    if send_digits.as_ref().is_some_and(|digits| digits.len() > LONGEST_DIGITS) {
        return Err(Refusal::out_of_range("send_digits_on_answer", 1, 64));
    }
    let detection = body.word("answering_machine_detection", Detection::WORDS)?;
    Ok(Terms {
        timeout: std::time::Duration::from_secs(timeout).as_secs_f64(),
        retries_on_timeout: body.flag("retry_on_timeout")?.unwrap_or(true),
        time_limit: time_limit
            .map_or(LONGEST_CALL, |limit| std::time::Duration::from_secs(limit).as_secs_f64()),
        send_digits,
        detection: detection.and_then(Detection::of_word),
        transcription: transcription_asked(body)?,
    })
}

/// The transcription that begins with the answer, if the body asks for one.
pub(crate) fn transcription_asked(body: &Body) -> Result<Option<transcription::Settings>, Refusal> {
    if body.flag("transcription")? != Some(true) {
        return Ok(None);
    }
    let config = body.within("transcription_config")?;
    let config = config.map_or_else(|| Body::parse(b""), Ok)?;
    transcription::Settings::parse(&config).map(Some)
}

/// The commands to dial that are still known, each with its call.
#[derive(Debug, Default)]
pub(crate) struct Dials {
    known: Vec<(Timestamp, String, usize)>,
}

impl Dials {
    pub(crate) fn of(&mut self, id: &str, now: Timestamp) -> Option<usize> {
        self.known.retain(|(at, _, _)| super::call::is_known(*at, now));
        self.known.iter().find(|(_, known, _)| known == id).map(|(_, _, call)| *call)
    }

    pub(crate) fn note(&mut self, id: &str, call: usize, now: Timestamp) {
        self.known.push((now, id.to_owned(), call));
    }
}
