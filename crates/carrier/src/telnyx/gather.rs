//! Gather: keys that the person presses, perhaps after a prompt.

use jiff::Timestamp;
use serde_json::json;

use super::body::Body;
use super::call::Call;
use super::playback::{Speech, Utterance};
use super::refusal::Refusal;
use super::voice;
use crate::emulator::Shared;

/// What is gathered.
#[derive(Debug, Clone)]
pub(crate) struct Gather {
    id: Option<String>,
    minimum: usize,
    maximum: usize,
    /// The seconds for all of it, or after each prompt.
    timeout: f64,
    initial: Option<f64>,
    between: f64,
    terminating: Option<char>,
    valid: String,
    prompt: Option<Prompt>,
}

#[derive(Debug, Clone)]
struct Prompt {
    text: Utterance,
    invalid: Option<Utterance>,
    tries: u64,
}

/// A running gather.
#[derive(Debug)]
pub(crate) struct Gathering {
    gather: Gather,
    digits: String,
    tries: u64,
    stage: Stage,
    /// When it is over at the latest; with a prompt, counted from its end.
    deadline: Timestamp,
}

#[derive(Debug)]
enum Stage {
    Prompt(Speech),
    Keys { until: Timestamp },
}

impl Gathering {
    pub(crate) const fn due(&self) -> Timestamp {
        match &self.stage {
            Stage::Prompt(speech) => speech.ends,
            Stage::Keys { until } => *until,
        }
    }

    fn status(&self) -> &'static str {
        let is_valid = self.digits.chars().all(|digit| self.gather.valid.contains(digit));
        match self.digits.len() {
            0 => "timeout",
            count if count >= self.gather.minimum && is_valid => "valid",
            _ => "invalid",
        }
    }
}

impl Gather {
    pub(crate) fn parse(body: &Body) -> Result<Self, Refusal> {
        const LONGEST: u64 = 120_000;
        const TIMEOUT: u64 = 60_000;
        const BETWEEN: u64 = 5_000;
        let count = |name, missing| {
            let count = body.number(name, 1, 128)?.unwrap_or(missing);
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        };
        let (minimum, maximum) = (count("minimum_digits", 1)?, count("maximum_digits", 128)?);
        if minimum > maximum {
            return Err(Refusal::out_of_range("minimum_digits", 1, maximum as u64));
        }
        let between = body.number("inter_digit_timeout_millis", 1, LONGEST)?.unwrap_or(BETWEEN);
        let initial = body.number("initial_timeout_millis", 1, LONGEST)?;
        let mut terminating = body.text("terminating_digit")?.unwrap_or("#").chars();
        let valid = body.text("valid_digits")?.unwrap_or("0123456789#*").to_owned();
        let terminating = match (terminating.next(), terminating.next()) {
            (_, Some(_)) => return Err(Refusal::invalid_digits("terminating_digit")),
            (key, None) => key,
        };
        Ok(Self {
            id: body.text("gather_id")?.map(str::to_owned),
            minimum,
            maximum,
            timeout: seconds(body.number("timeout_millis", 1, u64::MAX)?.unwrap_or(TIMEOUT)),
            initial: initial.map(seconds),
            between: seconds(between),
            terminating,
            valid,
            prompt: None,
        })
    }

    /// With a text before it. What is gathered are keys, all the same.
    pub(crate) fn parse_with_prompt(body: &Body) -> Result<Self, Refusal> {
        const TRIES: u64 = 3;
        let invalid = body.get("invalid_payload");
        let prompt = Prompt {
            text: voice::utterance(body, "payload")?,
            invalid: invalid.map(|_| voice::utterance(body, "invalid_payload")).transpose()?,
            tries: body.number("maximum_tries", 1, 128)?.unwrap_or(TRIES),
        };
        Ok(Self { prompt: Some(prompt), ..Self::parse(body)? })
    }
}

fn seconds(millis: u64) -> f64 {
    std::time::Duration::from_millis(millis).as_secs_f64()
}

impl Call {
    pub(crate) fn begin_gather(&mut self, gather: Gather, at: Timestamp, shared: &mut Shared) {
        // There is one at a time, the last.
        self.end_gather("cancelled", at, shared);
        let prompt = gather.prompt.as_ref().map(|prompt| prompt.text.clone());
        self.begin_try(gather, prompt, 1, at, shared);
    }

    fn begin_try(
        &mut self,
        gather: Gather,
        prompt: Option<Utterance>,
        tries: u64,
        at: Timestamp,
        shared: &Shared,
    ) {
        let deadline = shared.settings.paced(at, gather.timeout);
        let stage = match prompt {
            Some(prompt) => Stage::Prompt(self.begin_speech(prompt, at, shared)),
            None => {
                let first = gather.initial.map(|initial| shared.settings.paced(at, initial));
                Stage::Keys { until: first.map_or(deadline, |first| first.min(deadline)) }
            }
        };
        let digits = String::new();
        self.gathering = Some(Gathering { gather, digits, tries, stage, deadline });
    }

    /// The gather's own timer fired.
    pub(crate) fn gather_due(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some(mut gathering) = self.gathering.take() else { return };
        gathering.stage = match gathering.stage {
            Stage::Keys { until } => {
                gathering.stage = Stage::Keys { until };
                return self.gathered(gathering, at, shared);
            }
            Stage::Prompt(speech) => match self.speech_ended(speech, at, shared) {
                Some(again) => Stage::Prompt(again),
                None => {
                    gathering.deadline = shared.settings.paced(at, gathering.gather.timeout);
                    Stage::Keys { until: gathering.deadline }
                }
            },
        };
        self.gathering = Some(gathering);
    }

    /// A key was pressed. One breaks the prompt off.
    pub(crate) fn gather_key(&mut self, key: char, at: Timestamp, shared: &mut Shared) {
        let Some(mut gathering) = self.gathering.take() else { return };
        if let Stage::Prompt(speech) = &gathering.stage {
            self.broken_off(speech, at, shared);
            gathering.deadline = shared.settings.paced(at, gathering.gather.timeout);
        }
        let between = shared.settings.paced(at, gathering.gather.between);
        gathering.stage = Stage::Keys { until: between.min(gathering.deadline) };
        let is_last = gathering.gather.terminating == Some(key);
        if !is_last {
            gathering.digits.push(key);
        }
        if is_last || gathering.digits.len() >= gathering.gather.maximum {
            return self.gathered(gathering, at, shared);
        }
        self.gathering = Some(gathering);
    }

    /// One try is over: its result, or another.
    fn gathered(&mut self, gathering: Gathering, at: Timestamp, shared: &mut Shared) {
        let status = gathering.status();
        if let Some(prompt) = gathering.gather.prompt.clone()
            && status != "valid"
            && gathering.tries < prompt.tries
        {
            let invalid = prompt.invalid.filter(|_| status == "invalid");
            let text = invalid.unwrap_or(prompt.text);
            return self.begin_try(gathering.gather, Some(text), gathering.tries + 1, at, shared);
        }
        self.gathering = Some(gathering);
        self.end_gather(status, at, shared);
    }

    /// Ends the gather, if there is one, and tells.
    pub(crate) fn end_gather(&mut self, status: &str, at: Timestamp, shared: &mut Shared) {
        let Some(gathering) = self.gathering.take() else { return };
        if let Stage::Prompt(speech) = &gathering.stage {
            self.broken_off(speech, at, shared);
        }
        let mut fields = json!({ "digits": gathering.digits, "status": status });
        if let Some(id) = gathering.gather.id {
            fields["gather_id"] = json!(id);
        }
        self.tell("call.gather.ended", &fields, at, shared);
    }
}
