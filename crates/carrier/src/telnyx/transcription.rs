//! What the person says, in writing, while somebody asked for it.

use jiff::Timestamp;
use serde_json::json;

use super::body::Body;
use super::call::{Call, Phase};
use super::languages;
use super::refusal::Refusal;
use crate::emulator::Shared;
use crate::people::{Act, speech_seconds};

/// What a client may ask of a transcription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    interim: bool,
    hears_person: bool,
    hears_us: bool,
}

impl Settings {
    /// Reads what stands in a `transcription_start`, or in the `transcription_config` of another
    /// command.
    pub(crate) fn parse(body: &Body) -> Result<Self, Refusal> {
        let engine = body.word("transcription_engine", ENGINES)?.unwrap_or("Google");
        let (hears_person, hears_us) =
            match body.word("transcription_tracks", &["inbound", "outbound", "both"])? {
                Some("outbound") => (false, true),
                Some("both") => (true, true),
                _ => (true, false),
            };
        let mut interim = false;
        if let Some(config) = body.within("transcription_engine_config")? {
            // The configuration is one of several, told apart by its own engine.
            let its_own = config.word("transcription_engine", ENGINES)?;
            let Some(its_own) = its_own else {
                return Err(Refusal::missing("transcription_engine_config/transcription_engine"));
            };
            if modern(its_own) != modern(engine) {
                let field = "transcription_engine_config/transcription_engine";
                return Err(Refusal::none_of(field, &[engine]));
            }
            interim = config.flag("interim_results")?.unwrap_or(false);
            let languages = match modern(engine) {
                "Google" => Some(languages::GOOGLE),
                "Telnyx" => Some(languages::TELNYX),
                _ => None,
            };
            if let (Some(language), Some(languages)) = (config.text("language")?, languages)
                && !languages.contains(&language)
            {
                let field = "transcription_engine_config/language";
                return Err(Refusal::none_of(field, languages));
            }
        }
        Ok(Self { interim, hears_person, hears_us })
    }
}

/// The name that an engine has today.
fn modern(engine: &str) -> &str {
    match engine {
        "A" => "Google",
        "B" => "Telnyx",
        other => other,
    }
}

/// A running transcription.
#[derive(Debug)]
pub(crate) struct Ear {
    settings: Settings,
    sentence: Option<Sentence>,
}

/// What the person is saying.
#[derive(Debug)]
struct Sentence {
    words: String,
    interim_at: Option<Timestamp>,
    ends: Timestamp,
}

impl Ear {
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let sentence = self.sentence.as_ref()?;
        Some(sentence.interim_at.unwrap_or(sentence.ends))
    }
}

impl Call {
    /// Begins to transcribe.
    pub(crate) fn listen(&mut self, settings: Settings, at: Timestamp, shared: &Shared) {
        self.ear = Some(Ear { settings, sentence: None });
        self.await_answer(at, shared);
    }

    /// The person speaks. Whether anything listened.
    pub(crate) fn person_says(&mut self, words: &str, at: Timestamp, shared: &Shared) -> bool {
        // How long a recogniser waits for more.
        const SILENCE: f64 = 0.8;
        if self.phase != Phase::Answered {
            return false;
        }
        let Some(ear) = self.ear.as_mut().filter(|ear| ear.settings.hears_person) else {
            return false;
        };
        // Who speaks needs not be reminded to.
        self.act = self.act.filter(|(_, act)| *act == Act::HangUp);
        let words = match ear.sentence.take() {
            Some(earlier) => format!("{} {words}", earlier.words),
            None => words.to_owned(),
        };
        let seconds = speech_seconds(&words);
        let interim_at = shared.settings.paced(at, seconds / 2.0);
        let ends = shared.settings.paced(at, seconds + SILENCE);
        let interim_at = ear.settings.interim.then_some(interim_at);
        ear.sentence = Some(Sentence { words, interim_at, ends });
        true
    }

    pub(crate) fn ear_due(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some(sentence) = self.ear.as_mut().and_then(|ear| ear.sentence.as_mut()) else {
            return;
        };
        if sentence.interim_at.take().is_some() {
            let words: Vec<&str> = sentence.words.split_whitespace().collect();
            let half = words[..words.len().div_ceil(2)].join(" ");
            return self.heard(&half, false, "inbound", at, shared);
        }
        let words = sentence.words.clone();
        if let Some(ear) = &mut self.ear {
            ear.sentence = None;
        }
        self.heard(&words, true, "inbound", at, shared);
    }

    /// What we have said is in writing too, if that track was asked for.
    pub(crate) fn own_words(&self, words: &str, at: Timestamp, shared: &mut Shared) {
        if self.ear.as_ref().is_some_and(|ear| ear.settings.hears_us) {
            self.heard(words, true, "outbound", at, shared);
        }
    }

    fn heard(&self, words: &str, is_final: bool, track: &str, at: Timestamp, shared: &mut Shared) {
        let confidence = 0.85 + 0.14 * shared.chance.fraction();
        let fields = json!({ "transcription_data": {
            "transcript": words,
            "is_final": is_final,
            "confidence": (confidence * 1e4).round() / 1e4,
            "transcription_track": track,
        }});
        self.tell("call.transcription", &fields, at, shared);
    }
}

const ENGINES: &[&str] = &[
    "Google",
    "Telnyx",
    "Deepgram",
    "Azure",
    "xAI",
    "AssemblyAI",
    "Speechmatics",
    "Soniox",
    "Parakeet",
    "Humain",
    "Reson8",
    "Cohere",
    "A",
    "B",
];
