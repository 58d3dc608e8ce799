//! A story: what people do and what goes wrong, decided beforehand by a seed.
//!
//! Everything in it stands by itself, so that a story that fails can be made shorter by leaving
//! things out.

use std::fmt;

use crate::chance::Chance;

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
}

/// What the operator decided. Times are in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many calls at once.
    pub limit: usize,
    /// Whether a call waits for a slot.
    pub queue: bool,
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
    Ask,
    /// Listen.
    Listen,
    /// Stop listening.
    StopListening,
    /// Send DTMF.
    SendDigits,
    /// Hang up.
    HangUp,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Says something.
    Say,
    /// Presses keys.
    Press,
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

/// What goes wrong, once. The number beside it in a story tells which one of its kind is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A request finds no connection.
    RequestNotSent,
    /// A request is on its way for so many milliseconds.
    RequestLate(u64),
    /// A request is answered with 429.
    RequestThrottled,
    /// A request is answered with 503, and was not carried out.
    RequestFailed,
    /// A request is carried out, and answered with 500.
    RequestFailedAfterAll,
    /// A request is answered with 401.
    RequestUnauthorized,
    /// A page comes with 200 instead of an answer; nothing was carried out.
    RequestPage,
    /// A request is carried out, and a page comes with 200.
    RequestPageAfterAll,
    /// A request is carried out, and the connection breaks.
    RequestBroken,
    /// A request gets lost.
    RequestLost,
    /// A request is carried out, and its answer gets lost.
    AnswerLost,
    /// The answer to a request comes so many milliseconds late.
    AnswerLate(u64),
    /// A webhook finds no connection.
    WebhookDropped,
    /// A webhook is on its way for so many milliseconds.
    WebhookLate(u64),
    /// A webhook comes once more so many milliseconds later.
    WebhookTwice(u64),
    /// A webhook's answer gets lost.
    WebhookAnswerLost,
    /// A webhook's answer comes when nobody waits any more.
    WebhookAnswerLate,
    /// A commit is refused.
    CommitRefused,
    /// A commit takes so many milliseconds.
    CommitSlow(u64),
    /// A commit is written, and the store does not know.
    CommitUnclearWritten,
    /// A commit is not written, and the store does not know.
    CommitUnclearLost,
    /// The store cannot be read.
    ReadFailed,
}

/// What a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Request,
    Webhook,
    Commit,
    Read,
}

impl Fault {
    pub(crate) const fn befalls(self) -> Kind {
        match self {
            Self::RequestNotSent
            | Self::RequestLate(_)
            | Self::RequestThrottled
            | Self::RequestFailed
            | Self::RequestFailedAfterAll
            | Self::RequestUnauthorized
            | Self::RequestPage
            | Self::RequestPageAfterAll
            | Self::RequestBroken
            | Self::RequestLost
            | Self::AnswerLost
            | Self::AnswerLate(_) => Kind::Request,
            Self::WebhookDropped
            | Self::WebhookLate(_)
            | Self::WebhookTwice(_)
            | Self::WebhookAnswerLost
            | Self::WebhookAnswerLate => Kind::Webhook,
            Self::CommitRefused
            | Self::CommitSlow(_)
            | Self::CommitUnclearWritten
            | Self::CommitUnclearLost => Kind::Commit,
            Self::ReadFailed => Kind::Read,
        }
    }

    /// The word for it, without its number.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::RequestNotSent => "request not sent",
            Self::RequestLate(_) => "request late",
            Self::RequestThrottled => "request throttled",
            Self::RequestFailed => "request 503",
            Self::RequestFailedAfterAll => "request 500, carried out",
            Self::RequestUnauthorized => "request 401",
            Self::RequestPage => "request got a page",
            Self::RequestPageAfterAll => "request got a page, carried out",
            Self::RequestBroken => "request broken off, carried out",
            Self::RequestLost => "request lost",
            Self::AnswerLost => "answer lost",
            Self::AnswerLate(_) => "answer late",
            Self::WebhookDropped => "webhook dropped",
            Self::WebhookLate(_) => "webhook late",
            Self::WebhookTwice(_) => "webhook twice",
            Self::WebhookAnswerLost => "webhook's answer lost",
            Self::WebhookAnswerLate => "webhook's answer too late",
            Self::CommitRefused => "commit refused",
            Self::CommitSlow(_) => "commit slow",
            Self::CommitUnclearWritten => "commit unclear, written",
            Self::CommitUnclearLost => "commit unclear, not written",
            Self::ReadFailed => "read failed",
        }
    }
}

/// What lasts for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weather {
    /// Nothing of ours reaches the carrier.
    CarrierUnreachable,
    /// Our key is refused.
    KeyRevoked,
    /// Nothing of the carrier's reaches us.
    Unreachable,
    /// The store is full.
    StoreFull,
}

impl Weather {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::CarrierUnreachable => "carrier unreachable",
            Self::KeyRevoked => "key revoked",
            Self::Unreachable => "we are unreachable",
            Self::StoreFull => "store full",
        }
    }
}

impl Story {
    /// The story of this seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let terms = Terms {
            limit: chance.between(1, 3) as usize,
            queue: chance.percent(30),
            max_duration: chance.one_of(&[8, 25, 25, 60, 60, 240]),
            ring_timeout: chance.one_of(&[5, 10, 20]),
            transcript_timeout: chance.one_of(&[4, 15]),
        };
        let mut story = Self {
            seed,
            terms,
            deeds: Vec::new(),
            faults: Vec::new(),
            weather: Vec::new(),
            crashes: Vec::new(),
        };
        story.imagine_deeds(&mut chance);
        story.imagine_faults(&mut chance);
        story
    }

    fn imagine_deeds(&mut self, chance: &mut Chance) {
        let calls = chance.one_of(&[1, 1, 1, 1, 2, 2, 3]);
        for _ in 0..calls {
            let at = chance.early(12_000);
            let deed = if chance.percent(30) {
                Deed::Ring {
                    party: chance.one_of(&[Party::Silent, Party::SaysYes, Party::HangsUp]),
                }
            } else {
                Deed::Place {
                    callee: chance.one_of(&[1, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9]),
                    conversation: chance.percent(60),
                    message: chance.percent(75),
                }
            };
            self.deeds.push((at, deed));
        }
        for _ in 0..chance.early(6) {
            let at = chance.between(0, 25_000);
            let deed = match chance.between(0, 9) {
                0 => Deed::PlaceAgain { placing: chance.early(2) as usize },
                1..=5 => Deed::Tell {
                    call: chance.early(2) as usize,
                    order: chance.one_of(&[
                        Order::Speak,
                        Order::Speak,
                        Order::Ask,
                        Order::Ask,
                        Order::Listen,
                        Order::StopListening,
                        Order::SendDigits,
                        Order::HangUp,
                    ]),
                },
                _ => Deed::Person {
                    line: chance.early(2) as usize,
                    act: chance.one_of(&[Act::Say, Act::Say, Act::Press, Act::HangUp]),
                },
            };
            self.deeds.push((at, deed));
        }
        self.deeds.sort_by_key(|(at, _)| *at);
    }

    fn imagine_faults(&mut self, chance: &mut Chance) {
        // One story in ten is told without any: what goes wrong then is plain wrong.
        if chance.percent(10) {
            return;
        }
        for _ in 0..chance.early(7) {
            let fault = fault(chance);
            let which = match fault.befalls() {
                Kind::Request => chance.early(10),
                Kind::Webhook => chance.early(15),
                Kind::Commit => chance.early(25),
                Kind::Read => chance.early(4),
            };
            let is_new = |(other, it): &(u32, Fault)| {
                *other != which as u32 || it.befalls() != fault.befalls()
            };
            if self.faults.iter().all(is_new) {
                self.faults.push((which as u32, fault));
            }
        }
        if chance.percent(12) {
            let from = chance.between(0, 15_000);
            let lasts = chance.one_of(&[800, 4_000, 20_000, 70_000]);
            let weather = chance.one_of(&[
                Weather::CarrierUnreachable,
                Weather::KeyRevoked,
                Weather::Unreachable,
                Weather::StoreFull,
            ]);
            self.weather.push((from, from + lasts, weather));
        }
        for _ in 0..chance.one_of(&[0, 0, 1, 1, 1, 2, 3]) {
            let point = chance.early(110) as u32;
            let away = chance.one_of(&[5, 300, 300, 2_000, 2_000, 9_000, 45_000]);
            self.crashes.push((point, away));
        }
    }

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
        self.deeds.len() + self.faults.len() + self.weather.len() + self.crashes.len()
    }

    /// Whether nothing happens in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn fault(chance: &mut Chance) -> Fault {
    let late = chance.one_of(&[150, 900, 4_000, 8_000]);
    let long = chance.one_of(&[200, 1_500, 6_000, 25_000]);
    chance.one_of(&[
        Fault::RequestNotSent,
        Fault::RequestLate(late),
        Fault::RequestThrottled,
        Fault::RequestFailed,
        Fault::RequestFailedAfterAll,
        Fault::RequestUnauthorized,
        Fault::RequestPage,
        Fault::RequestPageAfterAll,
        Fault::RequestBroken,
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::AnswerLate(late),
        Fault::WebhookDropped,
        Fault::WebhookLate(long),
        Fault::WebhookLate(late),
        Fault::WebhookTwice(long),
        Fault::WebhookTwice(late),
        Fault::WebhookAnswerLost,
        Fault::WebhookAnswerLate,
        Fault::CommitRefused,
        Fault::CommitSlow(late),
        Fault::CommitUnclearWritten,
        Fault::CommitUnclearLost,
        Fault::ReadFailed,
    ])
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
        for (point, away) in &self.crashes {
            writeln!(f, "  crash at point {point}, away for {away} ms")?;
        }
        Ok(())
    }
}
