//! Runs documents: what a call does between its answer and its end.

use std::collections::VecDeque;

use http::Method;
use jiff::Timestamp;

use super::call::{Call, Phase};
use super::callbacks::{self, Params};
use super::document::{DocumentError, Verb, parse};
use super::ending::Ending;
use super::fetching::{Purpose, Target, received};
use super::input;
use super::listening::Listening;
use crate::emulator::Shared;
use crate::outbox::Outcome;
use crate::people::{speech_seconds, tone_seconds};
use crate::sound::Sound;

/// The document that a call runs, and where in it the call is.
#[derive(Debug, Default)]
pub(crate) struct Script {
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
        purpose: Purpose,
        /// Whether this is the fallback of the answer URL already.
        is_fallback: bool,
    },
    Sounding(Sound),
    Listening(Box<Listening>),
}

impl Script {
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match &self.run {
            Run::Idle | Run::Fetching { .. } => None,
            Run::BeforeDocument { until } => Some(*until),
            Run::Sounding(sound) => Some(sound.ends()),
            Run::Listening(listening) => Some(listening.due()),
        }
    }
}

impl Call {
    /// Asks what to do with the answered, or arriving, call.
    pub(crate) fn first_document(&mut self, at: Timestamp, shared: &mut Shared) {
        let answer = self.terms.answer.clone();
        self.fetch(Purpose::Answer, &answer, Params::new(), at, shared);
    }

    /// Drops the running document for that of a transfer. One transfer too many ends the call.
    pub(crate) fn transfer(&mut self, target: &Target, at: Timestamp, shared: &mut Shared) {
        self.transfers += 1;
        if self.transfers > super::call::MOST_TRANSFERS {
            return self.end(Ending::LOOP, at, shared);
        }
        self.interrupt(at, shared);
        self.fetch(Purpose::Transfer, target, Params::new(), at, shared);
    }

    /// Breaks off whatever the person is hearing of the document.
    pub(crate) fn interrupt(&mut self, at: Timestamp, shared: &mut Shared) {
        self.act = None;
        let sound = match &self.script.run {
            Run::Sounding(sound) => Some(sound),
            Run::Listening(listening) => listening.sound(),
            _ => None,
        };
        let heard = sound.and_then(|sound| sound.heard(false, at));
        if let Some(heard) = heard {
            shared.ledger.note(&self.id, |record| record.heard.push(heard));
        }
        self.script.run = Run::Idle;
    }

    pub(crate) fn fetch(
        &mut self,
        purpose: Purpose,
        target: &Target,
        extra: Params,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.fetch_as(purpose, target, extra, false, at, shared);
    }

    fn fetch_as(
        &mut self,
        purpose: Purpose,
        target: &Target,
        extra: Params,
        is_fallback: bool,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.act = None;
        match callbacks::document(self, purpose, target, extra, at, shared) {
            Some(order) => self.script.run = Run::Fetching { order, purpose, is_fallback },
            None => {
                let error = DocumentError::url(purpose, "invalid URL");
                self.fail(purpose, is_fallback, &error, at, shared);
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
        let (purpose, is_fallback) = match &self.script.run {
            Run::Fetching { order, purpose, is_fallback } if *order == finished => {
                (*purpose, *is_fallback)
            }
            _ => return,
        };
        self.script.run = Run::Idle;
        let document = received(outcome).and_then(|text| {
            shared.ledger.note(&self.id, |record| record.documents.push(text.clone()));
            parse(&text)
        });
        match document {
            Ok(verbs) => {
                self.script = Script { verbs: verbs.into(), run: Run::Idle };
                self.next_verb(at, shared);
            }
            Err(error) => self.fail(purpose, is_fallback, &error, at, shared),
        }
    }

    /// A document that cannot be had or understood: the fallback for that of the answer URL, else
    /// the end.
    fn fail(
        &mut self,
        purpose: Purpose,
        is_fallback: bool,
        error: &DocumentError,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        if purpose == Purpose::Answer
            && !is_fallback
            && let Some(fallback) = self.terms.fallback.clone()
        {
            return self.fetch_as(purpose, &fallback, Params::new(), true, at, shared);
        }
        let answered = self.answered.is_some();
        let ending = Ending::faulty(error.problem, error.of.unwrap_or(purpose), answered);
        let text = format!("{} {}: {error}", ending.code, ending.name);
        shared.ledger.note(&self.id, |record| record.error = Some(text));
        self.end(ending, at, shared);
    }

    fn next_verb(&mut self, at: Timestamp, shared: &mut Shared) {
        while let Some(verb) = self.script.verbs.pop_front() {
            match verb {
                // These take no time.
                Verb::Schedule { seconds } => {
                    self.hangup_at = Some(shared.settings.paced(at, seconds));
                }
                Verb::Tones { waits: false, .. } => {
                    self.connect(at, shared);
                    self.begin_sound(&verb, at, shared);
                }
                verb => return self.carry_out(verb, at, shared),
            }
        }
        self.end(Ending::END_OF_XML, at, shared);
    }

    fn carry_out(&mut self, verb: Verb, at: Timestamp, shared: &mut Shared) {
        match verb {
            // What stands before anything else may leave the phone ringing.
            Verb::Wait { .. }
            | Verb::Schedule { .. }
            | Verb::Speak { answers: false, .. }
            | Verb::Play { answers: false, .. } => self.sound(&verb, at, shared),
            Verb::Redirect { url, method } => self.redirect(&url, method, at, shared),
            Verb::Hangup { busy, refuses } => {
                let rings = matches!(self.phase, Phase::Ringing { .. });
                let ending =
                    if rings && refuses { Ending::refused(busy) } else { Ending::HANGUP_ELEMENT };
                self.end(ending, at, shared);
            }
            Verb::Speak { .. } | Verb::Play { .. } | Verb::Tones { .. } => {
                self.connect(at, shared);
                self.sound(&verb, at, shared);
            }
            Verb::Input(input) => {
                self.connect(at, shared);
                self.listen(*input, at, shared);
            }
        }
    }

    fn redirect(&mut self, url: &str, method: Method, at: Timestamp, shared: &mut Shared) {
        match input::absolute(url, Purpose::Redirect) {
            Ok(url) => {
                let target = Target { url, method };
                self.fetch(Purpose::Redirect, &target, Params::new(), at, shared);
            }
            Err(error) => self.fail(Purpose::Redirect, false, &error, at, shared),
        }
    }

    /// Goes on with the element after this one.
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
            Verb::Speak { text, times, .. } => return self.speech(text, *times, at, shared),
            Verb::Tones { tones, .. } => {
                shared.ledger.note(&self.id, |record| record.digits.push_str(tones));
                (None, tone_seconds(tones), 1)
            }
            Verb::Play { times, .. } => (None, AUDIO_SECONDS, *times),
            Verb::Wait { seconds } => (None, *seconds, 1),
            _ => (None, 0.0, 1),
        };
        Sound::new(words, seconds, times, at, &shared.settings)
    }

    /// Words that are spoken towards the person, who may not let them end.
    pub(crate) fn speech(
        &mut self,
        text: &str,
        times: u32,
        at: Timestamp,
        shared: &mut Shared,
    ) -> Sound {
        let seconds = speech_seconds(text);
        if let Some(act) = self.manner.in_mid_sentence() {
            self.act = Some((shared.settings.paced(at, seconds / 2.0), act));
        }
        Sound::new(Some(text.to_owned()), seconds, times, at, &shared.settings)
    }

    /// Ends one turn of a sound; gives it back if it is to be repeated.
    pub(crate) fn sound_ended(
        &self,
        sound: Sound,
        at: Timestamp,
        shared: &mut Shared,
    ) -> Option<Sound> {
        if let Some(heard) = sound.heard(true, at) {
            shared.ledger.note(&self.id, |record| record.heard.push(heard));
        }
        sound.again(at, &shared.settings)
    }

    /// The script's own timer fired.
    pub(crate) fn go_on(&mut self, at: Timestamp, shared: &mut Shared) {
        match std::mem::take(&mut self.script.run) {
            Run::BeforeDocument { .. } => self.waited(at, shared),
            Run::Sounding(sound) => match self.sound_ended(sound, at, shared) {
                Some(again) => self.script.run = Run::Sounding(again),
                None => self.verb_done(at, shared),
            },
            Run::Listening(listening) => self.listening_due(*listening, at, shared),
            other @ (Run::Idle | Run::Fetching { .. }) => self.script.run = other,
        }
    }
}
