//! Each invariant bites: a fault that is planted into the shell refutes it, and no other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use offhook_simulation::{Invariant, Plant, Simulation, Story, carrier};

/// How often a plant has to be found.
const FOUND: usize = 3;

/// Within so many stories.
const STORIES: u64 = 1_000;

fn bites(provider: &str, plant: Plant, invariant: Invariant) {
    let mut simulation = Simulation::new(carrier(provider).unwrap()).unwrap().with(plant);
    let stories = (1..=STORIES).filter_map(|seed| {
        simulation.tell(&Story::of(seed)).violation.map(|violation| (seed, violation))
    });
    let found: Vec<_> = stories.take(FOUND).collect();
    assert_eq!(found.len(), FOUND, "{plant:?} is found too seldom: {found:?}");
    for (seed, violation) in found {
        assert_eq!(violation.invariant, invariant, "{plant:?} with seed {seed}: {violation}");
    }
}

macro_rules! bite {
    ($($name:ident: $provider:literal, $plant:ident => $invariant:ident;)*) => {
        $(
            #[test]
            fn $name() {
                bites($provider, Plant::$plant, Invariant::$invariant);
            }
        )*

        #[test]
        fn every_invariant_has_its_bite() {
            let bitten = [$(Invariant::$invariant),*];
            for invariant in Invariant::ALL {
                assert!(bitten.contains(&invariant), "{invariant} was never seen to bite");
            }
        }
    };
}

bite! {
    a_phantom_is_seen: "telnyx", EndsUnheard => NoPhantom;
    an_orphan_is_seen: "telnyx", HangupsPretended => NoOrphan;
    a_call_that_nobody_made_is_seen: "plivo", CallsInvented => NoneOfNothing;
    a_second_dial_is_seen: "twilio", DialsTwice => OneDial;
    a_call_too_many_is_seen: "twilio", LimitRaised => WithinLimit;
    an_acknowledgement_of_nothing_is_seen: "telnyx", AcknowledgedUnread => AcknowledgedIsStored;
    a_refused_webhook_is_seen: "telnyx", WrongKey => GenuineIsTaken;
    a_second_effect_is_seen: "telnyx", KeysDiffer => AppliedOnce;
    another_reason_is_seen: "twilio", ReasonRewritten => EndedIsFinal;
    a_call_too_long_is_seen: "twilio", DurationRaised => MaxDuration;
    a_missed_deadline_is_seen: "telnyx", NeverWoken => HasDeadline;
    a_forgotten_effect_is_seen: "twilio", EffectsForgotten => EffectsAreStarted;
    another_answer_is_seen: "plivo", RepeatAnsweredBare => RepeatEqualsFirst;
    a_waiter_without_answer_is_seen: "twilio", AnswersLost => WaitersSettled;
    a_question_that_nobody_settles_is_seen: "plivo", AskersForgotten => WaitersSettled;
    an_answer_that_nobody_gave_is_seen: "plivo", AnswersMixed => AnswersAreHeard;
    digits_that_nobody_pressed_are_seen: "telnyx", EntriesMixed => AnswersAreHeard;
    a_lost_hangup_is_seen: "telnyx", HangupsForgotten => HangupGetsThrough;
    a_sentence_heard_twice_is_seen: "twilio", SpeaksTwice => HeardOnce;
    a_dial_too_soon_is_seen: "twilio", RateRaised => TurnsAreKept;
    another_order_is_seen: "telnyx", QueueReversed => TurnsAreKept;
    a_queued_call_that_is_dropped_is_seen: "plivo", QueueDropped => QueuedIsNotLost;
    a_turn_that_never_comes_is_seen: "twilio", SlotsWithheld => QueuedIsNotLost;
    a_manager_without_rest_is_seen: "twilio", NeverRests => ComesToRest;
}
