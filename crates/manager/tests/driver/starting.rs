//! When what is to be done at a carrier is begun.

use offhook_conformance::Sent;
use offhook_core::{ProviderCallIds, ProviderName};
use offhook_manager::{EffectKind, Job, JobKind, Submission, machine::Command};

use crate::world::World;

#[test]
fn what_waited_for_an_overtaken_speech_begins_when_that_comes_back_and_not_with_the_next_event() {
    let mut world = World::commands();
    let call = world.talking("+15550000001", "A");
    let speech = world.job(|job| matches!(job.kind, JobKind::Effect(_)));
    let JobKind::Effect(overtaken) = speech.kind else { unreachable!("it is an effect") };
    // Said before the first speech is taken: it waits, since one command of a call is under way.
    world.command(call, Command::StopListening).unwrap();
    assert_eq!(world.effects(), []);

    // As the task has it: nothing is started between the commit and the question when to wake.
    let result = Ok(ProviderCallIds::none());
    world.driver.submit(Submission::EffectDone { call, effect: overtaken.id, result });
    assert!(world.driver.turn(world.now).is_empty(), "it tells nothing new");
    assert!(world.driver.committed(Ok(()), world.now).is_empty());
    assert!(world.driver.next_wakeup().is_some_and(|due| due <= world.now));
    world.begin();
    let effects = world.jobs.iter().map(|job| job.kind).collect::<Vec<_>>();
    assert!(
        matches!(effects[..], [JobKind::Effect(effect)] if effect.kind != overtaken.kind),
        "{effects:?}"
    );
    assert!(matches!(overtaken.kind, EffectKind::Perform(_)));
}

#[test]
fn what_waits_for_the_rate_is_begun_though_a_turn_that_told_nothing_lasted_until_then() {
    let mut world = World::documents_with(|policy| {
        for of in policy.providers.values_mut() {
            of.requests_per_second = 1.0;
        }
    });
    world.initiate("+15550000001").unwrap();
    world.initiate("+15550000002").unwrap();
    assert_eq!(world.effects(), [EffectKind::Initiate], "the second waits for the rate");
    let due = world.driver.next_wakeup().unwrap();
    assert!(due > world.now);
    // Something else wakes the driver, and the time has come when it is done with that.
    assert!(world.driver.turn(world.now).is_empty());
    world.now = due;
    assert!(world.driver.committed(Ok(()), world.now).is_empty());
    assert!(world.driver.next_wakeup().is_some_and(|wake| wake <= world.now), "it sleeps on");
    world.begin();
    assert_eq!(world.effects().len(), 2);
}

#[test]
fn what_nobody_waits_for_gets_what_the_others_leave_of_the_rate() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 9;
        for of in policy.providers.values_mut() {
            of.requests_per_second = 1.0;
        }
    });
    world.initiate("+15550000001").unwrap();
    world.webhook(&Sent::about(1, "IN-1").offering("+15550002222", "+15550001111").waiting());
    world.initiate("+15550000002").unwrap();
    assert_eq!(world.effects(), [EffectKind::Initiate]);
    world.pass(1_000);
    assert_eq!(world.effects(), [EffectKind::Initiate; 2], "somebody waits for the second dial");
    world.pass(1_000);
    assert_eq!(world.effects()[2..], [EffectKind::Limit], "and nobody for the limit");
}

#[test]
fn a_dial_is_told_from_all_else_that_is_started() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    let dial = world.job(|job| job.call.id == call);
    assert!(Job::Call(dial).is_dial());
    let talking = world.talking("+15550000002", "B");
    world.command(talking, Command::HangUp).unwrap();
    let hangup = world.job(|job| job.call.id == talking);
    assert!(!Job::Call(hangup).is_dial());
    assert!(!Job::List(ProviderName::new("test")).is_dial());
}
