//! Some stories of each carrier. `cargo xtask simulate` tells many more.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use offhook_simulation::{CARRIERS, Simulation, Story, shortest};

/// So many of each carrier, if the time permits.
const STORIES: u64 = 1_000;

/// For all carriers together.
const AT_MOST: Duration = Duration::from_secs(10);

#[test]
fn no_story_refutes_an_invariant() {
    for carrier in CARRIERS {
        let mut simulation = Simulation::new(carrier).unwrap();
        let started = Instant::now();
        for seed in 1..=STORIES {
            let story = Story::of(seed);
            if let Some(violation) = simulation.tell(&story).violation {
                let (story, violation) = shortest(&mut simulation, &story, &violation);
                let trace = simulation.tell_all(&story).trace.join("\n");
                panic!("{} seed {seed}: {violation}\n{story}\n{trace}", carrier.name);
            }
            if started.elapsed() > AT_MOST / CARRIERS.len() as u32 {
                break;
            }
        }
    }
}

/// So many stories reach all that must be reached.
const REACHES: u64 = 250;

#[test]
fn every_kind_of_fault_strikes_and_every_point_is_died_at() {
    for carrier in CARRIERS {
        let mut simulation = Simulation::new(carrier).unwrap();
        for seed in 1..=REACHES {
            simulation.tell(&Story::of(seed));
        }
        assert_eq!(simulation.tally().gaps(), Vec::<&str>::new(), "{}", carrier.name);
    }
}

#[test]
fn one_seed_is_one_run() {
    for carrier in CARRIERS {
        for seed in [6, 31, 461] {
            let trace = || {
                let mut simulation = Simulation::new(carrier).unwrap();
                // What was told before leaves nothing behind.
                simulation.tell(&Story::of(seed + 1));
                simulation.tell_all(&Story::of(seed)).trace
            };
            let first = trace();
            assert!(first.len() > 10, "{first:?}");
            assert_eq!(first, trace(), "{} seed {seed}", carrier.name);
        }
    }
}
