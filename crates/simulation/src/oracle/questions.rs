//! What users are told that people said.

use jiff::Timestamp;
use offhook_core::{CallId, Turn};

use super::Oracle;
use crate::invariant::Invariant;
use crate::process::short;

/// What a person says to every question, if they say anything by themselves.
const YES: &str = "yes";

impl Oracle {
    /// A person says something that nobody says twice.
    pub(crate) fn said(&mut self, line: usize, words: String) {
        self.said.insert((line, words));
    }

    /// A user gets these words as the answer to a question: of one sentence, or of several that were
    /// said one behind the other.
    pub(crate) fn heard_answer(&mut self, call: CallId, turn: Turn, words: &str, now: Timestamp) {
        let line = self.lines.iter().position(|line| line.call == Some(call));
        let mut others = words.replace(YES, "");
        for (_, said) in
            self.said.iter().filter(|(on, said)| Some(*on) == line && words.contains(said.as_str()))
        {
            others = others.replace(said, "");
            let answered = *self.answers.entry((call, said.clone())).or_insert(turn);
            if answered != turn {
                let turns = (answered.0, turn.0);
                let detail = format!("{said:?} answers the turns {turns:?} of {}", short(call));
                return self.refute(Invariant::AnswersAreHeard, now, detail);
            }
        }
        if !others.trim().is_empty() {
            let detail = format!("nobody said {words:?} on {}", short(call));
            self.refute(Invariant::AnswersAreHeard, now, detail);
        }
    }
}
