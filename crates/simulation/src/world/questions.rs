//! Users who have asked something: what becomes of their questions.

use offhook_core::{CallId, Turn};
use offhook_manager::TurnOutcome;

use super::commits::REREAD_PAUSE;
use super::{Event, World};
use crate::invariant::Invariant;
use crate::plant::Plant;
use crate::process::{Asker, short};

impl World<'_> {
    /// A question was taken: who asked waits for the entry that ends its turn.
    pub(super) fn wait_for_words(&mut self, call: CallId, turn: Turn) {
        let asked_at = self.now;
        if let Some(process) = &mut self.process {
            process.askers.push(Asker { call, turn, asked_at });
        }
        self.read_answers(call);
    }

    /// A call has changed: is any question on it settled?
    pub(super) fn read_answers(&mut self, call: CallId) {
        let Some(process) = &mut self.process else { return };
        if self.plant == Some(Plant::AskersForgotten) {
            return;
        }
        let (of_call, others): (Vec<Asker>, Vec<Asker>) =
            std::mem::take(&mut process.askers).into_iter().partition(|asker| asker.call == call);
        process.askers = others;
        for asker in of_call {
            let waits = match self.outcome(call, asker.turn) {
                Ok(Some(TurnOutcome::Open)) => true,
                Ok(Some(outcome)) => {
                    self.settle(&asker, &outcome);
                    false
                }
                Ok(None) => {
                    let detail = format!("{} never came to turn {}", short(call), asker.turn.0);
                    self.oracle.refute(Invariant::WaitersSettled, self.now, detail);
                    false
                }
                Err(_) => {
                    let life = self.life;
                    self.come(REREAD_PAUSE, Event::AnswersRead { life, call });
                    true
                }
            };
            if waits && let Some(process) = &mut self.process {
                process.askers.push(asker);
            }
        }
    }

    fn settle(&mut self, asker: &Asker, outcome: &TurnOutcome) {
        let word = match outcome {
            TurnOutcome::Heard { .. } => "heard",
            TurnOutcome::Entered { .. } => "entered",
            TurnOutcome::TimedOut => "timed out",
            TurnOutcome::Superseded => "superseded",
            TurnOutcome::Ended { .. } => "ended",
            _ => "other",
        };
        self.tally.question(word);
        let (call, turn) = (asker.call, asker.turn);
        self.tell(|| format!("USER has {outcome:?} for turn {} of {}", turn.0, short(call)));
        if let TurnOutcome::Heard { text, .. } = outcome {
            let planted = self.plant == Some(Plant::AnswersMixed);
            let words = if planted { "words of somebody else" } else { text.as_str() };
            self.oracle.heard_answer(call, turn, words, self.now);
        }
        if let TurnOutcome::Entered { digits, .. } = outcome {
            let planted = self.plant == Some(Plant::EntriesMixed);
            let digits = if planted { "987654" } else { digits.as_str() };
            self.oracle.entered_answer(call, turn, digits, self.now);
        }
    }
}
