//! Runs documents: what a call does between its answer and its end.

use std::collections::VecDeque;

use http::header;
use jiff::Timestamp;
use url::Url;

use super::call::{Call, End, Phase, Target};
use super::callbacks::{self, Params, param};
use super::document::{DocumentError, Verb, parse};
use super::gather::Gathering;
use crate::emulator::Shared;
use crate::exchange::{DeliveryFault, WebhookAnswer};
use crate::outbox::Outcome;
use crate::people::{speech_seconds, tone_seconds};
use crate::sound::Sound;

/// The document that a call runs, and where in it the call is.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Where the document came from; none if it was given inline.
    pub(crate) base: Option<String>,
    verbs: VecDeque<Verb>,
    pub(crate) run: Run,
}

#[derive(Debug, Default)]
pub(crate) enum Run {
    #[default]
    Idle,
    /// Tones are sent, or a machine detection decides when the document begins.
    BeforeDocument {
        until: Timestamp,
    },
    Fetching {
        order: u64,
        target: Target,
        is_fallback: bool,
    },
    Sounding(Sound),
    Gathering(Box<Gathering>),
}

impl Script {
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match &self.run {
            Run::Idle | Run::Fetching { .. } => None,
            Run::BeforeDocument { until } => Some(*until),
            Run::Sounding(sound) => Some(sound.ends()),
            Run::Gathering(gathering) => Some(gathering.due()),
        }
    }
}

impl Call {
    /// Begins with what the client gave for the answered, or arriving, call.
    pub(crate) fn first_document(&mut self, at: Timestamp, shared: &mut Shared) {
        if let Some(voice) = self.instructions.voice.clone() {
            self.fetch(voice, Params::new(), at, shared);
        } else {
            let twiml = self.instructions.twiml.clone().unwrap_or_default();
            self.run_inline(&twiml, at, shared);
        }
    }

    /// Drops the running document for another.
    pub(crate) fn replace_document(
        &mut self,
        voice: Option<Target>,
        twiml: &str,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.interrupt(at, shared);
        match voice {
            Some(voice) => self.fetch(voice, Params::new(), at, shared),
            None => self.run_inline(twiml, at, shared),
        }
    }

    /// Breaks off whatever the person is hearing.
    pub(crate) fn interrupt(&mut self, at: Timestamp, shared: &mut Shared) {
        self.act = None;
        let sound = match &self.script.run {
            Run::Sounding(sound) => Some(sound),
            Run::Gathering(gathering) => gathering.sound(),
            _ => None,
        };
        let heard = sound.and_then(|sound| sound.heard(false, at));
        if let Some(heard) = heard {
            shared.ledger.note(&self.sid, |record| record.heard.push(heard));
        }
        self.script.run = Run::Idle;
    }

    pub(crate) fn fetch(
        &mut self,
        target: Target,
        extra: Params,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.fetch_as(target, extra, false, at, shared);
    }

    fn fetch_as(
        &mut self,
        target: Target,
        extra: Params,
        is_fallback: bool,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.act = None;
        match callbacks::document(self, &target, extra, at, shared) {
            Some(order) => self.script.run = Run::Fetching { order, target, is_fallback },
            None => {
                let error = DocumentError::new(11100, "invalid URL");
                self.fail(&target, is_fallback, &error, at, shared);
            }
        }
    }

    /// Fetches what a document names by a URL that may be relative, or empty
    /// for the document itself.
    pub(crate) fn follow(
        &mut self,
        reference: &str,
        method: &http::Method,
        extra: Params,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        match resolve(self.script.base.as_deref(), reference) {
            Some(url) => self.fetch(Target { url, method: method.clone() }, extra, at, shared),
            None => {
                let url = reference.to_owned();
                let error = DocumentError::new(11100, "a relative URL in an inline document");
                let target = Target { url, method: method.clone() };
                self.fail(&target, false, &error, at, shared);
            }
        }
    }

    /// The last word on a webhook of this call. Only the awaited document matters.
    pub(crate) fn webhook_finished(
        &mut self,
        finished: u64,
        outcome: Outcome,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        match &self.script.run {
            Run::Fetching { order, .. } if *order == finished => {}
            _ => return,
        }
        let run = std::mem::take(&mut self.script.run);
        let Run::Fetching { target, is_fallback, .. } = run else { return };
        match received(outcome) {
            Ok(Received::Document(text)) => {
                shared.ledger.note(&self.sid, |record| record.documents.push(text.clone()));
                match parse(&text) {
                    Ok(verbs) => self.run_verbs(Some(target.url), verbs, at, shared),
                    Err(error) => self.fail(&target, is_fallback, &error, at, shared),
                }
            }
            Ok(Received::Verbs(verbs)) => self.run_verbs(Some(target.url), verbs, at, shared),
            Err(error) => self.fail(&target, is_fallback, &error, at, shared),
        }
    }

    fn run_inline(&mut self, twiml: &str, at: Timestamp, shared: &mut Shared) {
        shared.ledger.note(&self.sid, |record| record.documents.push(twiml.to_owned()));
        match parse(twiml) {
            Ok(verbs) => self.run_verbs(None, verbs, at, shared),
            Err(error) => {
                let target = Target { url: String::new(), method: http::Method::POST };
                self.fail(&target, false, &error, at, shared);
            }
        }
    }

    fn run_verbs(
        &mut self,
        base: Option<String>,
        verbs: Vec<Verb>,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.script = Script { base, verbs: verbs.into(), run: Run::Idle };
        self.next_verb(at, shared);
    }

    /// An application error: the fallback, else the end.
    fn fail(
        &mut self,
        target: &Target,
        is_fallback: bool,
        error: &DocumentError,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        if let Some(fallback) = self.instructions.fallback.clone().filter(|_| !is_fallback) {
            let extra = vec![param("ErrorCode", &error.code), param("ErrorUrl", &target.url)];
            return self.fetch_as(fallback, extra, true, at, shared);
        }
        let text = format!("application error {error}");
        shared.ledger.note(&self.sid, |record| record.error = Some(text));
        self.connect(at, shared);
        self.end(End::Completed, at, shared);
    }

    fn next_verb(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some(verb) = self.script.verbs.pop_front() else {
            self.connect(at, shared);
            return self.end(End::Completed, at, shared);
        };
        match verb {
            // A pause or a redirect before anything else leaves the phone ringing.
            Verb::Pause { .. } => self.sound(&verb, at, shared),
            Verb::Redirect { url, method } => {
                self.follow(&url, &method, Params::new(), at, shared);
            }
            Verb::Say { .. } | Verb::Play { .. } => {
                self.connect(at, shared);
                self.sound(&verb, at, shared);
            }
            Verb::Gather(gather) => {
                self.connect(at, shared);
                self.begin_gather(*gather, at, shared);
            }
            Verb::Hangup => {
                self.connect(at, shared);
                self.end(End::Completed, at, shared);
            }
            Verb::Reject { busy } => {
                let end = match self.phase {
                    Phase::Ringing { .. } if busy => End::Busy,
                    Phase::Ringing { .. } => End::Declined,
                    _ => End::Completed,
                };
                self.end(end, at, shared);
            }
        }
    }

    /// Goes on with the verb after this one.
    pub(crate) fn verb_done(&mut self, at: Timestamp, shared: &mut Shared) {
        self.script.run = Run::Idle;
        self.next_verb(at, shared);
    }

    fn sound(&mut self, verb: &Verb, at: Timestamp, shared: &mut Shared) {
        let sound = self.begin_sound(verb, at, shared);
        self.script.run = Run::Sounding(sound);
    }

    pub(crate) fn begin_sound(&mut self, verb: &Verb, at: Timestamp, shared: &mut Shared) -> Sound {
        // How long an audio file plays is not known without fetching it.
        const AUDIO_SECONDS: f64 = 2.0;
        let (words, seconds, times) = match verb {
            Verb::Say { text, times } => (Some(text.clone()), speech_seconds(text), *times),
            Verb::Play { digits: Some(digits), times } => {
                shared.ledger.note(&self.sid, |record| record.digits.push_str(digits));
                (None, tone_seconds(digits), *times)
            }
            Verb::Play { digits: None, times } => (None, AUDIO_SECONDS, *times),
            Verb::Pause { seconds } => (None, *seconds, 1),
            _ => (None, 0.0, 1),
        };
        if words.is_some()
            && let Some(act) = self.manner.in_mid_sentence()
        {
            self.act = Some((shared.settings.paced(at, seconds / 2.0), act));
        }
        Sound::new(words, seconds, times, at, &shared.settings)
    }

    /// Ends one turn of a sound; gives it back if it is to be repeated.
    pub(crate) fn sound_ended(
        &self,
        sound: Sound,
        at: Timestamp,
        shared: &mut Shared,
    ) -> Option<Sound> {
        if let Some(heard) = sound.heard(true, at) {
            shared.ledger.note(&self.sid, |record| record.heard.push(heard));
        }
        sound.again(at, &shared.settings)
    }

    /// The script's own timer fired.
    pub(crate) fn go_on(&mut self, at: Timestamp, shared: &mut Shared) {
        match std::mem::take(&mut self.script.run) {
            Run::BeforeDocument { .. } => {
                if self.instructions.send_digits.is_none() {
                    self.detected(at, shared);
                }
                self.first_document(at, shared);
            }
            Run::Sounding(sound) => match self.sound_ended(sound, at, shared) {
                Some(again) => self.script.run = Run::Sounding(again),
                None => self.verb_done(at, shared),
            },
            Run::Gathering(gathering) => self.gather_due(gathering, at, shared),
            other @ (Run::Idle | Run::Fetching { .. }) => self.script.run = other,
        }
    }
}

pub(crate) fn resolve(base: Option<&str>, reference: &str) -> Option<String> {
    if reference.is_empty() {
        return base.map(str::to_owned);
    }
    match base.and_then(|base| Url::parse(base).ok()) {
        Some(base) => base.join(reference).ok().map(Into::into),
        None => Url::parse(reference).ok().map(Into::into),
    }
}

enum Received {
    Document(String),
    Verbs(Vec<Verb>),
}

/// What an answer to a request for a document amounts to.
fn received(outcome: Outcome) -> Result<Received, DocumentError> {
    let answer: WebhookAnswer = match outcome {
        Ok(answer) => answer,
        Err(DeliveryFault::Connect) => return Err(DocumentError::new(11205, "no connection")),
        Err(fault) => return Err(DocumentError::new(11200, fault.to_string())),
    };
    if !answer.status.is_success() {
        return Err(DocumentError::new(11200, format!("HTTP status {}", answer.status.as_u16())));
    }
    let Ok(text) = std::str::from_utf8(&answer.body).map(str::to_owned) else {
        return Err(DocumentError::new(12100, "not UTF-8"));
    };
    if text.is_empty() {
        return Ok(Received::Document(text));
    }
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/xml" | "application/xml" | "text/html" => Ok(Received::Document(text)),
        "text/plain" => Ok(Received::Verbs(vec![Verb::Say { text, times: 1 }])),
        audio if audio.starts_with("audio/") => {
            Ok(Received::Verbs(vec![Verb::Play { digits: None, times: 1 }]))
        }
        other => Err(DocumentError::new(12300, format!("content type {other:?}"))),
    }
}
