//! What is played to the person: one text after another.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::json;

use super::call::Call;
use crate::emulator::Shared;
use crate::people::{Act, speech_seconds};
use crate::record::Heard;

/// A text that is to be spoken.
#[derive(Debug, Clone)]
pub(crate) struct Utterance {
    pub(crate) words: String,
    /// How often, at least once.
    pub(crate) times: u32,
}

/// A text that is being spoken.
#[derive(Debug)]
pub(crate) struct Speech {
    utterance: Utterance,
    began: Timestamp,
    pub(crate) ends: Timestamp,
}

/// The queue of a leg.
#[derive(Debug, Default)]
pub(crate) struct Playback {
    playing: Option<Speech>,
    queue: VecDeque<Utterance>,
}

impl Playback {
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.playing.as_ref().map(|speech| speech.ends)
    }

    pub(crate) const fn is_silent(&self) -> bool {
        self.playing.is_none()
    }
}

/// What is dropped before something else is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Current,
    All,
}

impl Call {
    /// Takes a text to be spoken after those before it, or instead of them.
    pub(crate) fn speak(
        &mut self,
        utterance: Utterance,
        stop: Option<Stop>,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        self.playback.queue.push_back(utterance);
        match stop {
            None if self.playback.is_silent() => self.play_next(at, shared),
            None => {}
            Some(Stop::All) => {
                // The new one is what is left.
                let keep = self.playback.queue.len().saturating_sub(1);
                self.playback.queue.drain(..keep);
                self.break_off(CANCELLED, false, at, shared);
                self.play_next(at, shared);
            }
            Some(Stop::Current) => {
                self.break_off(CANCELLED, false, at, shared);
                self.play_next(at, shared);
            }
        }
    }

    /// Stops what is played, the rest of the queue as well or not.
    pub(crate) fn stop_playback(&mut self, stop: Stop, at: Timestamp, shared: &mut Shared) {
        self.break_off(CANCELLED, stop == Stop::All, at, shared);
        self.play_next(at, shared);
    }

    /// Breaks off what is being spoken, and tells with which status.
    pub(crate) fn break_off(
        &mut self,
        status: &str,
        and_clear: bool,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        if and_clear {
            self.playback.queue.clear();
        }
        let Some(speech) = self.playback.playing.take() else { return };
        self.act = None;
        self.broken_off(&speech, at, shared);
        self.tell("call.speak.ended", &json!({ "status": status }), at, shared);
    }

    fn play_next(&mut self, at: Timestamp, shared: &mut Shared) {
        if !self.playback.is_silent() {
            return;
        }
        match self.playback.queue.pop_front() {
            Some(utterance) => {
                self.tell("call.speak.started", &json!({}), at, shared);
                let speech = self.begin_speech(utterance, at, shared);
                self.playback.playing = Some(speech);
            }
            None => self.await_answer(at, shared),
        }
    }

    pub(crate) fn playback_due(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some(speech) = self.playback.playing.take() else { return };
        self.playback.playing = self.speech_ended(speech, at, shared);
        if self.playback.is_silent() {
            self.tell("call.speak.ended", &json!({ "status": "completed" }), at, shared);
            self.play_next(at, shared);
        }
    }

    pub(crate) fn begin_speech(
        &mut self,
        utterance: Utterance,
        at: Timestamp,
        shared: &Shared,
    ) -> Speech {
        let seconds = speech_seconds(&utterance.words);
        // Nobody answers before the question.
        self.act = self
            .manner
            .in_mid_sentence()
            .map(|act| (shared.settings.paced(at, seconds / 2.0), act));
        Speech { utterance, began: at, ends: shared.settings.paced(at, seconds) }
    }

    /// Ends one turn of a speech; gives it back if it is to be repeated.
    pub(crate) fn speech_ended(
        &mut self,
        mut speech: Speech,
        at: Timestamp,
        shared: &mut Shared,
    ) -> Option<Speech> {
        let text = speech.utterance.words.clone();
        self.own_words(&text, at, shared);
        shared.ledger.note(&self.control_id, |record| {
            record.heard.push(Heard { text, complete: true, at });
        });
        speech.utterance.times = speech.utterance.times.saturating_sub(1);
        let again = speech.utterance.times > 0;
        again.then(|| self.begin_speech(speech.utterance, at, shared))
    }

    pub(crate) fn broken_off(&self, speech: &Speech, at: Timestamp, shared: &mut Shared) {
        if at > speech.began {
            let text = speech.utterance.words.clone();
            shared.ledger.note(&self.control_id, |record| {
                record.heard.push(Heard { text, complete: false, at });
            });
        }
    }

    /// When all is said and somebody listens, the person answers.
    pub(crate) fn await_answer(&mut self, at: Timestamp, shared: &Shared) {
        if self.ear.is_none() || !self.playback.is_silent() {
            return;
        }
        if let Some((seconds, act @ Act::Say(_))) = self.manner.on_prompt_heard() {
            self.act = Some((shared.settings.paced(at, seconds), act));
        }
    }
}

/// The word for playback that was stopped. Telnyx documents it for audio files
/// and leaves it open for speech.
pub(crate) const CANCELLED: &str = "cancelled";
