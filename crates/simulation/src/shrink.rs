//! Makes a story shorter as long as it still refutes the same invariant.

use crate::invariant::Violation;
use crate::story::Story;
use crate::world::Simulation;

/// No story is told more often than this to make it shorter.
const TRIES: usize = 2_000;

/// The shortest story that was found to refute the same invariant, and how.
pub fn shortest(
    simulation: &mut Simulation,
    story: &Story,
    violation: &Violation,
) -> (Story, Violation) {
    let mut best = (story.clone(), violation.clone());
    let mut tries = 0;
    let mut at_once = best.0.len().div_ceil(2);
    while at_once > 0 && tries < TRIES {
        let mut from = 0;
        let mut shorter = false;
        while from < best.0.len() && tries < TRIES {
            let without = without(&best.0, from, at_once);
            tries += 1;
            match simulation.tell(&without).violation {
                Some(found) if found.invariant == violation.invariant => {
                    best = (without, found);
                    shorter = true;
                }
                _ => from += at_once,
            }
        }
        if !shorter || at_once > 1 {
            at_once = if at_once == 1 { 0 } else { at_once.div_ceil(2).min(at_once - 1) };
        }
    }
    best
}

/// The story without so many of its things, from this one on.
fn without(story: &Story, from: usize, count: usize) -> Story {
    let mut place = 0;
    let mut keeps = || {
        place += 1;
        !(from..from + count).contains(&(place - 1))
    };
    let mut shorter = story.clone();
    shorter.crashes.retain(|_| keeps());
    shorter.stops.retain(|_| keeps());
    shorter.weather.retain(|_| keeps());
    shorter.faults.retain(|_| keeps());
    shorter.deeds.retain(|_| keeps());
    shorter
}
