//! Who or what has answered: the results of answering-machine detection.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::json;

use super::call::Call;
use crate::emulator::Shared;
use crate::people::Manner;
use crate::settings::Settings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detection {
    /// Who answered, as soon as it is known.
    Detect,
    /// Only whether there was a beep.
    DetectBeep,
    /// Who answered, and the end of a greeting: at the beep.
    DetectWords,
    /// Who answered, and the end of a greeting.
    GreetingEnd,
    /// The same in the events of the premium kind.
    Premium,
}

/// A result, and when it is known.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) at: Timestamp,
    event: &'static str,
    result: &'static str,
}

impl Detection {
    pub(crate) const WORDS: &[&str] = &[
        "premium",
        "premium_ios_call_screening_detection",
        "detect",
        "detect_beep",
        "detect_words",
        "greeting_end",
        "disabled",
    ];

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        match word {
            "detect" => Some(Self::Detect),
            "detect_beep" => Some(Self::DetectBeep),
            "detect_words" => Some(Self::DetectWords),
            "greeting_end" => Some(Self::GreetingEnd),
            "premium" | "premium_ios_call_screening_detection" => Some(Self::Premium),
            _ => None,
        }
    }

    /// What is found out about this person, or machine.
    pub(crate) fn findings(
        self,
        manner: Manner,
        from: Timestamp,
        settings: &Settings,
    ) -> VecDeque<Finding> {
        const PERSON: f64 = 1.5;
        const MACHINE: f64 = 3.0;
        const BEEP: f64 = 6.0;
        let finding =
            |seconds, event, result| Finding { at: settings.paced(from, seconds), event, result };
        let detected = "call.machine.detection.ended";
        let greeted = "call.machine.greeting.ended";
        let is_machine = manner == Manner::Machine;
        let found = match (self, is_machine) {
            (Self::DetectBeep, false) => vec![],
            (Self::DetectBeep, true) => vec![finding(BEEP, greeted, "beep_detected")],
            (Self::Premium, false) => {
                vec![finding(PERSON, "call.machine.premium.detection.ended", "human_residence")]
            }
            (Self::Premium, true) => vec![
                finding(MACHINE, "call.machine.premium.detection.ended", "machine"),
                finding(BEEP, "call.machine.premium.greeting.ended", "beep_detected"),
            ],
            (_, false) => vec![finding(PERSON, detected, "human")],
            (Self::Detect, true) => vec![finding(MACHINE, detected, "machine")],
            (Self::DetectWords, true) => {
                vec![finding(MACHINE, detected, "machine"), finding(BEEP, greeted, "beep_detected")]
            }
            (Self::GreetingEnd, true) => {
                vec![finding(MACHINE, detected, "machine"), finding(BEEP, greeted, "ended")]
            }
        };
        found.into()
    }
}

impl Call {
    /// The next result is known.
    pub(crate) fn found(&mut self, at: Timestamp, shared: &mut Shared) {
        if self.findings.front().is_none_or(|finding| finding.at > at) {
            return;
        }
        if let Some(finding) = self.findings.pop_front() {
            self.tell(finding.event, &json!({ "result": finding.result }), at, shared);
        }
    }
}
