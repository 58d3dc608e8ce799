//! What a seed makes of a story.

use super::{Act, Deed, Fault, Keys, Kind, Order, Party, Story, Terms, Wanted, Weather};
use crate::chance::Chance;

impl Story {
    /// The story of this seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let terms = Terms {
            limit: chance.between(1, 3) as usize,
            queue: chance.percent(30),
            queue_length: 50,
            queue_timeout: 60,
            dials_per_second: 20.0,
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
            stops: Vec::new(),
        };
        story.imagine_deeds(&mut chance);
        story.imagine_faults(&mut chance);
        if terms.queue {
            story.imagine_queue(&mut chance);
        }
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
                        Order::Ask(Wanted::Speech),
                        Order::Ask(Wanted::Digits),
                        Order::Listen(Wanted::Speech),
                        Order::Listen(Wanted::Digits),
                        Order::StopListening,
                        Order::SendDigits,
                        Order::HangUp,
                    ]),
                },
                _ => Deed::Person {
                    line: chance.early(2) as usize,
                    act: match chance.between(0, 3) {
                        0 | 1 => Act::Say,
                        2 => Act::Press(keys(chance)),
                        _ => Act::HangUp,
                    },
                },
            };
            self.deeds.push((at, deed));
        }
        // A question, and somebody who answers it, in time or not.
        for _ in 0..chance.one_of(&[0, 0, 1, 2]) {
            let call = chance.early(2) as usize;
            let at = chance.between(2_000, 20_000);
            let wanted = wanted(chance);
            self.deeds.push((at, Deed::Tell { call, order: Order::Ask(wanted) }));
            if chance.percent(70) {
                let answered_at = at + chance.between(50, 9_000);
                let presses = match wanted {
                    Wanted::Speech => false,
                    Wanted::Digits => true,
                    Wanted::Either => chance.percent(50),
                };
                let act = if presses { Act::Press(keys(chance)) } else { Act::Say };
                self.deeds.push((answered_at, Deed::Person { line: call, act }));
            }
        }
        self.deeds.sort_by_key(|(at, _)| *at);
    }

    /// More calls than slots, or than the rate permits, and what becomes of those that wait.
    fn imagine_queue(&mut self, chance: &mut Chance) {
        self.terms.queue_timeout = chance.one_of(&[3, 10, 30, 60]);
        if chance.percent(65) {
            return;
        }
        self.terms.queue_length = chance.one_of(&[1, 2, 50, 50]);
        self.terms.dials_per_second = chance.one_of(&[0.5, 1.0, 1.0, 20.0]);
        let from = chance.one_of(&[0, 0, 3_000]);
        for _ in 0..chance.between(2, 4) {
            let deed = Deed::Place {
                callee: chance.one_of(&[1, 1, 2, 3, 4, 6, 7]),
                conversation: false,
                message: chance.percent(50),
            };
            self.deeds.push((from + chance.early(3_000), deed));
        }
        if chance.percent(40) {
            let deed = Deed::Tell { call: chance.between(1, 5) as usize, order: Order::HangUp };
            self.deeds.push((from + chance.early(8_000), deed));
        }
        self.deeds.sort_by_key(|(at, _)| *at);
        for request in 0..3 {
            if chance.percent(15) && self.fault(Kind::Request, request).is_none() {
                self.faults.push((request, Fault::RequestThrottled));
            }
        }
        if chance.percent(40) {
            let away = chance.one_of(&[5, 300, 2_000, 9_000]);
            self.crashes.push((chance.between(5, 60) as u32, away));
        }
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
            let weather = chance.one_of(&Weather::ALL);
            self.weather.push((from, from + lasts, weather));
        }
        for _ in 0..chance.one_of(&[0, 0, 1, 1, 1, 2, 3, 5]) {
            let point = chance.early(110) as u32;
            let away = chance.one_of(&[5, 300, 300, 2_000, 2_000, 9_000, 45_000]);
            self.crashes.push((point, away));
        }
        if chance.percent(12) {
            let at = chance.between(500, 25_000);
            self.stops.push((at, chance.one_of(&[5, 2_000, 2_000, 30_000])));
        }
    }
}

fn wanted(chance: &mut Chance) -> Wanted {
    chance.one_of(&[Wanted::Speech, Wanted::Speech, Wanted::Digits, Wanted::Digits, Wanted::Either])
}

fn keys(chance: &mut Chance) -> Keys {
    chance.one_of(&[Keys::Whole, Keys::Whole, Keys::Finished, Keys::TooFew, Keys::One])
}

fn fault(chance: &mut Chance) -> Fault {
    let late = chance.one_of(&[150, 900, 4_000, 8_000]);
    let long = chance.one_of(&[200, 1_500, 6_000, 25_000]);
    match chance.one_of(&Fault::KINDS) {
        Fault::RequestLate(_) => Fault::RequestLate(late),
        Fault::AnswerLate(_) => Fault::AnswerLate(late),
        Fault::WebhookLate(_) => Fault::WebhookLate(chance.one_of(&[late, long])),
        Fault::WebhookTwice(_) => Fault::WebhookTwice(chance.one_of(&[late, long])),
        Fault::CommitSlow(_) => Fault::CommitSlow(late),
        other => other,
    }
}
