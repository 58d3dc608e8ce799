//! Input: prompts, and what the person says or presses meanwhile.

use jiff::Timestamp;

use super::call::Call;
use super::callbacks::{self, Params, param};
use super::fetching::{Purpose, Target};
use super::input::{Input, Kind};
use super::interpreter::Run;
use crate::emulator::Shared;
use crate::people::speech_seconds;
use crate::sound::Sound;

/// An element that takes input, at work.
#[derive(Debug)]
pub(crate) struct Listening {
    input: Input,
    /// How often its prompts began, this time included.
    attempt: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Prompt { next: usize, sound: Sound },
    Listen { until: Timestamp },
    // Input that has begun ends by itself, or with the time for all of it.
    Digits { digits: String, until: Timestamp, latest: Timestamp },
    Speech { words: String, until: Timestamp, latest: Timestamp },
}

impl Listening {
    pub(crate) const fn due(&self) -> Timestamp {
        match &self.stage {
            Stage::Prompt { sound, .. } => sound.ends(),
            Stage::Listen { until } | Stage::Digits { until, .. } | Stage::Speech { until, .. } => {
                *until
            }
        }
    }

    /// The prompt that is being heard.
    pub(crate) const fn sound(&self) -> Option<&Sound> {
        match &self.stage {
            Stage::Prompt { sound, .. } => Some(sound),
            _ => None,
        }
    }

    /// The instant by which all input ends.
    fn latest(&self, at: Timestamp, shared: &Shared) -> Timestamp {
        match (&self.stage, self.input.element) {
            (Stage::Listen { until }, Kind::GetInput) => *until,
            (Stage::Digits { latest, .. } | Stage::Speech { latest, .. }, _) => *latest,
            // It is counted from the end of the prompts.
            (Stage::Prompt { .. }, Kind::GetInput) => {
                shared.settings.paced(at, self.input.patience)
            }
            (_, Kind::GetDigits) => Timestamp::MAX,
        }
    }
}

impl Call {
    pub(crate) fn listen(&mut self, input: Input, at: Timestamp, shared: &mut Shared) {
        self.prompt(input, 1, 0, at, shared);
    }

    /// Plays the prompt of this number, or listens if there is none.
    fn prompt(
        &mut self,
        input: Input,
        attempt: u32,
        number: usize,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        let stage = if let Some(prompt) = input.prompts.get(number) {
            let sound = self.begin_sound(prompt, at, shared);
            Stage::Prompt { next: number + 1, sound }
        } else {
            if input.speech
                && let Some((seconds, act)) = self.manner.on_prompt_heard()
            {
                self.act = Some((shared.settings.paced(at, seconds), act));
            }
            Stage::Listen { until: shared.settings.paced(at, input.patience) }
        };
        self.script.run = Run::Listening(Box::new(Listening { input, attempt, stage }));
    }

    /// The element's own timer fired.
    pub(crate) fn listening_due(
        &mut self,
        listening: Listening,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        let Listening { input, attempt, stage } = listening;
        match stage {
            Stage::Prompt { next, sound } => match self.sound_ended(sound, at, shared) {
                Some(sound) => {
                    let stage = Stage::Prompt { next, sound };
                    self.script.run = Run::Listening(Box::new(Listening { input, attempt, stage }));
                }
                None => self.prompt(input, attempt, next, at, shared),
            },
            Stage::Listen { .. } if attempt < input.attempts => {
                self.prompt(input, attempt + 1, 0, at, shared);
            }
            // Nobody said anything: the action is not asked.
            Stage::Listen { .. } => {
                self.act = None;
                self.verb_done(at, shared);
            }
            Stage::Digits { digits, .. } => self.took_digits(&input, &digits, at, shared),
            Stage::Speech { words, .. } => self.took_speech(&input, &words, at, shared),
        }
    }

    fn took_digits(&mut self, input: &Input, digits: &str, at: Timestamp, shared: &mut Shared) {
        let mut result = vec![param("Digits", digits)];
        if input.element == Kind::GetInput {
            result.extend([
                param("InputType", "dtmf"),
                param("Speech", ""),
                param("SpeechConfidenceScore", ""),
                param("BilledAmount", "0.00000"),
            ]);
        }
        self.took(input, result, at, shared);
    }

    fn took_speech(&mut self, input: &Input, words: &str, at: Timestamp, shared: &mut Shared) {
        // What was not understood is told as well, as nothing.
        let confidence =
            if words.is_empty() { 0.0 } else { 0.85 + 0.14 * shared.chance.fraction() };
        let result = vec![
            param("InputType", "speech"),
            param("Digits", ""),
            param("Speech", words),
            param("SpeechConfidenceScore", &format!("{confidence:.8}")),
            param("BilledAmount", "0.02000"),
        ];
        self.took(input, result, at, shared);
    }

    fn took(&mut self, input: &Input, result: Params, at: Timestamp, shared: &mut Shared) {
        let Some(url) = input.action.clone() else { return self.verb_done(at, shared) };
        let target = Target { url, method: input.method.clone() };
        if input.redirects {
            return self.fetch(Purpose::Action, &target, result, at, shared);
        }
        callbacks::document(self, Purpose::Action, &target, result, at, shared);
        self.verb_done(at, shared);
    }

    /// Takes what listens now, the prompt broken off.
    fn barge_in(&mut self, speech: bool, at: Timestamp, shared: &mut Shared) -> Option<Listening> {
        let Run::Listening(listening) = &self.script.run else { return None };
        let takes = if speech { listening.input.speech } else { listening.input.dtmf };
        // The first kind of input decides, the other is then lost.
        let open = match &listening.stage {
            Stage::Prompt { .. } | Stage::Listen { .. } => true,
            Stage::Digits { .. } => !speech,
            Stage::Speech { .. } => speech,
        };
        if !takes || !open {
            return None;
        }
        let heard = listening.sound().and_then(|sound| sound.heard(false, at));
        if let Some(heard) = heard {
            shared.ledger.note(&self.id, |record| record.heard.push(heard));
        }
        self.act = None;
        match std::mem::take(&mut self.script.run) {
            Run::Listening(listening) => Some(*listening),
            _ => None,
        }
    }

    /// The person speaks. Whether anything listened.
    pub(crate) fn person_says(&mut self, words: &str, at: Timestamp, shared: &mut Shared) -> bool {
        let Some(listening) = self.barge_in(true, at, shared) else { return false };
        let latest = listening.latest(at, shared);
        let Listening { input, attempt, stage } = listening;
        let words = match stage {
            Stage::Speech { words: earlier, .. } => format!("{earlier} {words}"),
            _ => words.to_owned(),
        };
        let until = shared.settings.paced(at, speech_seconds(&words) + input.silence).min(latest);
        if let Some(url) = input.interim.clone() {
            let target = Target { url, method: input.interim_method.clone() };
            callbacks::interim_speech(self, &target, &words, at, shared);
        }
        let stage = Stage::Speech { words, until, latest };
        self.script.run = Run::Listening(Box::new(Listening { input, attempt, stage }));
        true
    }

    /// The person presses keys. Whether anything listened.
    pub(crate) fn person_presses(
        &mut self,
        keys: &str,
        at: Timestamp,
        shared: &mut Shared,
    ) -> bool {
        let Some(listening) = self.barge_in(false, at, shared) else { return false };
        let latest = listening.latest(at, shared);
        let Listening { input, attempt, stage } = listening;
        let mut digits = match stage {
            Stage::Digits { digits, .. } => digits,
            _ => String::new(),
        };
        for key in keys.chars() {
            if input.finish_on_key == Some(key) {
                self.took_digits(&input, &digits, at, shared);
                return true;
            }
            if input.valid_digits.as_ref().is_some_and(|valid| !valid.contains(key)) {
                continue;
            }
            digits.push(key);
            if digits.chars().count() >= input.num_digits {
                self.took_digits(&input, &digits, at, shared);
                return true;
            }
        }
        let stage = if digits.is_empty() {
            // None of them counted.
            Stage::Listen { until: shared.settings.paced(at, input.patience) }
        } else {
            let until = shared.settings.paced(at, input.digit_pause).min(latest);
            Stage::Digits { digits, until, latest }
        };
        self.script.run = Run::Listening(Box::new(Listening { input, attempt, stage }));
        true
    }
}
