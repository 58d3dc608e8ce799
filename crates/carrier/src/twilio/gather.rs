//! Gather: prompts, and what the person says or presses meanwhile.

use jiff::Timestamp;

use super::call::{Call, Target};
use super::callbacks::{self, Params, param};
use super::document::{Gather, Silence};
use super::interpreter::{Run, resolve};
use crate::emulator::Shared;
use crate::people::speech_seconds;
use crate::sound::Sound;

/// A running Gather.
#[derive(Debug)]
pub(crate) struct Gathering {
    gather: Gather,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Prompt { next: usize, sound: Sound },
    Listen { until: Timestamp },
    Digits { digits: String, until: Timestamp },
    Speech { words: String, until: Timestamp },
}

impl Gathering {
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
}

impl Call {
    pub(crate) fn begin_gather(&mut self, gather: Gather, at: Timestamp, shared: &mut Shared) {
        self.prompt(gather, 0, at, shared);
    }

    /// Plays the prompt of this number, or listens if there is none.
    fn prompt(&mut self, gather: Gather, number: usize, at: Timestamp, shared: &mut Shared) {
        let stage = if let Some(prompt) = gather.prompts.get(number) {
            let sound = self.begin_sound(prompt, at, shared);
            Stage::Prompt { next: number + 1, sound }
        } else {
            if gather.speech
                && let Some((seconds, act)) = self.manner.on_prompt_heard()
            {
                self.act = Some((shared.settings.paced(at, seconds), act));
            }
            Stage::Listen { until: shared.settings.paced(at, gather.timeout) }
        };
        self.script.run = Run::Gathering(Box::new(Gathering { gather, stage }));
    }

    /// The Gather's own timer fired.
    pub(crate) fn gather_due(
        &mut self,
        gathering: Box<Gathering>,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        let Gathering { gather, stage } = *gathering;
        match stage {
            Stage::Prompt { next, sound } => match self.sound_ended(sound, at, shared) {
                Some(sound) => {
                    let stage = Stage::Prompt { next, sound };
                    self.script.run = Run::Gathering(Box::new(Gathering { gather, stage }));
                }
                None => self.prompt(gather, next, at, shared),
            },
            Stage::Listen { .. } => self.gathered_nothing(&gather, at, shared),
            Stage::Digits { digits, .. } => {
                self.gathered_digits(&gather, &digits, None, at, shared);
            }
            Stage::Speech { words, .. } => {
                let confidence = 0.85 + 0.14 * shared.chance.fraction();
                let result = vec![
                    param("SpeechResult", &words),
                    param("Confidence", &format!("{confidence:.8}")),
                    param("Language", &gather.language),
                ];
                self.gathered(&gather, result, at, shared);
            }
        }
    }

    fn gathered_nothing(&mut self, gather: &Gather, at: Timestamp, shared: &mut Shared) {
        if !gather.action_on_empty {
            self.act = None;
            return self.verb_done(at, shared);
        }
        let empty = if gather.dtmf { vec![param("Digits", "")] } else { Params::new() };
        self.gathered(gather, empty, at, shared);
    }

    fn gathered_digits(
        &mut self,
        gather: &Gather,
        digits: &str,
        finished_on: Option<char>,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        if digits.is_empty() {
            return self.gathered_nothing(gather, at, shared);
        }
        let mut result = vec![param("Digits", digits)];
        if let Some(key) = finished_on {
            result.push(param("FinishedOnKey", &key));
        }
        self.gathered(gather, result, at, shared);
    }

    fn gathered(&mut self, gather: &Gather, result: Params, at: Timestamp, shared: &mut Shared) {
        let action = gather.action.as_deref().unwrap_or_default();
        self.follow(action, &gather.method, result, at, shared);
    }

    /// Takes the running Gather if it hears the person now, the prompt broken off.
    fn barge_in(&mut self, speech: bool, at: Timestamp, shared: &mut Shared) -> Option<Gathering> {
        let Run::Gathering(gathering) = &self.script.run else { return None };
        let gather = &gathering.gather;
        let takes = if speech { gather.speech } else { gather.dtmf };
        // The first kind of input decides, the other is then lost.
        let open = match &gathering.stage {
            Stage::Prompt { .. } => gather.barge_in,
            Stage::Listen { .. } => true,
            Stage::Digits { .. } => !speech,
            Stage::Speech { .. } => speech,
        };
        if !takes || !open {
            return None;
        }
        let heard = gathering.sound().and_then(|sound| sound.heard(false, at));
        if let Some(heard) = heard {
            shared.ledger.note(&self.sid, |record| record.heard.push(heard));
        }
        self.act = None;
        match std::mem::take(&mut self.script.run) {
            Run::Gathering(gathering) => Some(*gathering),
            _ => None,
        }
    }

    /// The person speaks. Whether anything listened.
    pub(crate) fn person_says(&mut self, words: &str, at: Timestamp, shared: &mut Shared) -> bool {
        // How long a recogniser waits when it decides by itself.
        const AUTO_SILENCE: f64 = 0.8;
        let Some(Gathering { gather, stage }) = self.barge_in(true, at, shared) else {
            return false;
        };
        let words = match stage {
            Stage::Speech { words: earlier, .. } => format!("{earlier} {words}"),
            _ => words.to_owned(),
        };
        let silence = match gather.silence {
            Silence::Auto => AUTO_SILENCE,
            Silence::Seconds(seconds) => seconds,
        };
        let until = shared.settings.paced(at, speech_seconds(&words) + silence);
        let partial = gather
            .partial
            .as_deref()
            .and_then(|reference| resolve(self.script.base.as_deref(), reference));
        if let Some(url) = partial {
            let target = Target { url, method: gather.partial_method.clone() };
            callbacks::partial_speech(self, &target, &words, at, shared);
        }
        let stage = Stage::Speech { words, until };
        self.script.run = Run::Gathering(Box::new(Gathering { gather, stage }));
        true
    }

    /// The person presses keys. Whether anything listened.
    pub(crate) fn person_presses(
        &mut self,
        keys: &str,
        at: Timestamp,
        shared: &mut Shared,
    ) -> bool {
        let Some(Gathering { gather, stage }) = self.barge_in(false, at, shared) else {
            return false;
        };
        let mut digits = match stage {
            Stage::Digits { digits, .. } => digits,
            _ => String::new(),
        };
        for key in keys.chars() {
            if gather.finish_on_key == Some(key) {
                self.gathered_digits(&gather, &digits, Some(key), at, shared);
                return true;
            }
            digits.push(key);
            if gather.num_digits.is_some_and(|count| digits.chars().count() >= count) {
                self.gathered_digits(&gather, &digits, None, at, shared);
                return true;
            }
        }
        let until = shared.settings.paced(at, gather.timeout);
        let stage = Stage::Digits { digits, until };
        self.script.run = Run::Gathering(Box::new(Gathering { gather, stage }));
        true
    }
}
