//! What users are told that people said and pressed.

use std::ops::Range;

use jiff::Timestamp;
use offhook_core::{CallId, Turn};

use super::Oracle;
use crate::invariant::Invariant;
use crate::process::short;

/// What a person says to every question, if they say anything by themselves.
const YES: &str = "yes";

/// The keys that were pressed on a line, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    keys: String,
    /// Which of them have answered which turn.
    taken: Vec<(Range<usize>, Turn)>,
}

impl Pressed {
    /// Whether these digits were pressed, and answer no other turn. Then they answer this one.
    fn answer(&mut self, turn: Turn, digits: &str) -> bool {
        let is_free = |keys: &Range<usize>| {
            let mut others = self.taken.iter().filter(|(_, other)| *other != turn);
            others.all(|(taken, _)| taken.end <= keys.start || keys.end <= taken.start)
        };
        let places = self.keys.char_indices().map(|(from, _)| from..from + digits.len());
        let mut entries = places.filter(|keys| self.keys.get(keys.clone()) == Some(digits));
        let found = entries.find(is_free).filter(|_| !digits.is_empty());
        let is_found = found.is_some();
        self.taken.extend(found.map(|keys| (keys, turn)));
        is_found
    }
}

impl Oracle {
    /// A person says something that nobody says twice.
    pub(crate) fn said(&mut self, line: usize, words: String) {
        self.said.insert((line, words));
    }

    /// A person presses these keys, one behind the other.
    pub(crate) fn pressed(&mut self, line: usize, keys: &str) {
        self.pressed.entry(line).or_default().keys.push_str(keys);
    }

    /// A user gets these digits as the answer to a question.
    pub(crate) fn entered_answer(
        &mut self,
        call: CallId,
        turn: Turn,
        digits: &str,
        now: Timestamp,
    ) {
        let line = self.lines.iter().position(|line| line.call == Some(call));
        let pressed = line.map(|line| self.pressed.entry(line).or_default());
        if !pressed.is_some_and(|pressed| pressed.answer(turn, digits)) {
            let detail = format!(
                "{digits:?}, for turn {} of {}, is no entry of its own",
                turn.0,
                short(call)
            );
            self.refute(Invariant::AnswersAreHeard, now, detail);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(keys: &str, answers: &[(u32, &str)]) -> bool {
        let mut pressed = Pressed { keys: keys.to_owned(), taken: Vec::new() };
        answers.iter().all(|(turn, digits)| pressed.answer(Turn(*turn), digits))
    }

    #[test]
    fn keys_answer_once_and_in_the_order_in_which_they_were_pressed() {
        assert!(holds("0151#02", &[(1, "0151"), (2, "02")]));
        assert!(holds("0151", &[(1, "0151"), (1, "0151")]), "one question, read twice");
        assert!(holds("777", &[(1, "7"), (2, "77")]));
        assert!(!holds("0151", &[(1, "0151"), (2, "0151")]), "another question");
        assert!(!holds("0151", &[(1, "0151"), (2, "51")]), "a part of it");
        assert!(!holds("0151", &[(1, "5101")]), "another order");
        assert!(!holds("0151", &[(1, "")]), "nothing");
    }
}
