//! A story: what people do and what goes wrong, decided beforehand by a seed.
//!
//! Everything in it stands by itself, so that a story that fails can be made shorter by leaving
//! things out.

use std::fmt;

mod fault;
mod imagined;

pub(crate) use fault::Kind;
pub use fault::{Fault, Weather};

/// All that happens from outside.
#[derive(Clone, Debug)]
pub struct Story {
    /// The seed that it came from, which also decides all that is left to chance on the way.
    pub seed: u64,
    /// What the operator decided.
    pub terms: Terms,
    /// What people do, on either side.
    pub deeds: Vec<(u64, Deed)>,
    /// What goes wrong, and with which of its kind.
    pub faults: Vec<(u32, Fault)>,
    /// When everything of a kind goes wrong: from, to.
    pub weather: Vec<(u64, u64, Weather)>,
    /// At which points the process dies, and for how long it is away.
    pub crashes: Vec<(u32, u64)>,
    /// When the process is asked to stop, and for how long it is away.
    pub stops: Vec<(u64, u64)>,
}

/// What the operator decided. Times are in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many calls at once.
    pub limit: usize,
    /// Whether a call waits for its turn.
    pub queue: bool,
    /// How many may wait.
    pub queue_length: usize,
    /// How long each of them may.
    pub queue_timeout: u64,
    /// How many calls may be placed in a second.
    pub dials_per_second: f64,
    /// How long a call may last.
    pub max_duration: u64,
    /// How long it may ring.
    pub ring_timeout: u64,
    /// How long a question waits.
    pub transcript_timeout: u64,
}

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A user places a call.
    Place {
        /// The last digit of the number, which decides who answers.
        callee: u64,
        /// Whether it is a conversation.
        conversation: bool,
        /// Whether it begins with a message.
        message: bool,
    },
    /// A user sends the request of an earlier placing again, under the same key.
    PlaceAgain {
        /// Which.
        placing: usize,
    },
    /// A user tells a call something.
    Tell {
        /// Which of the calls that users know.
        call: usize,
        /// What.
        order: Order,
    },
    /// The person on a line does something.
    Person {
        /// Which of the carrier's calls.
        line: usize,
        /// What.
        act: Act,
    },
    /// A person calls us.
    Ring {
        /// How they behave.
        party: Party,
    },
}

/// What a user tells a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Speak.
    Speak,
    /// Speak, and wait for the answer.
    Ask(Wanted),
    /// Listen.
    Listen(Wanted),
    /// Stop listening.
    StopListening,
    /// Send DTMF.
    SendDigits,
    /// Hang up.
    HangUp,
}

/// What is listened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Words.
    Speech,
    /// Four digits, or fewer and `#`.
    Digits,
    /// Whichever comes first; digits, where the carrier takes one at a time.
    Either,
}

/// What is pressed. Each entry but that of one key is of other digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// One key.
    One,
    /// As many as an entry has.
    Whole,
    /// Fewer, and the key that finishes an entry.
    Finished,
    /// Fewer, and no more.
    TooFew,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Says something.
    Say,
    /// Presses keys.
    Press(Keys),
    /// Hangs up.
    HangUp,
}

/// How a caller behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Listens.
    Silent,
    /// Says yes to every question.
    SaysYes,
    /// Hangs up in mid-sentence.
    HangsUp,
}

impl Story {
    /// The fault that befalls the one of its kind that has this number.
    pub(crate) fn fault(&self, kind: Kind, number: u32) -> Option<Fault> {
        let mut faults = self.faults.iter();
        faults
            .find(|(which, fault)| *which == number && fault.befalls() == kind)
            .map(|(_, fault)| *fault)
    }

    /// How many things happen in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.deeds.len()
            + self.faults.len()
            + self.weather.len()
            + self.crashes.len()
            + self.stops.len()
    }

    /// Whether nothing happens in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:?}", self.terms)?;
        for (at, deed) in &self.deeds {
            writeln!(f, "  at {:.3} s: {deed:?}", *at as f64 / 1000.0)?;
        }
        for (number, fault) in &self.faults {
            writeln!(f, "  {:?} no. {number}: {fault:?}", fault.befalls())?;
        }
        for (from, to, weather) in &self.weather {
            let (from, to) = (*from as f64 / 1000.0, *to as f64 / 1000.0);
            writeln!(f, "  from {from:.3} to {to:.3} s: {weather:?}")?;
        }
        for (at, away) in &self.stops {
            writeln!(
                f,
                "  at {:.3} s: a stop in good order, away for {away} ms",
                *at as f64 / 1000.0
            )?;
        }
        for (point, away) in &self.crashes {
            writeln!(f, "  crash at point {point}, away for {away} ms")?;
        }
        Ok(())
    }
}
