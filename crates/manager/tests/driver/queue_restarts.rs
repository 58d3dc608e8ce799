//! Calls that wait for their turn while the process stops, dies and begins anew.

use std::time::Duration;

use crate::queue::{OTHER, dials, over, paced, placed_with, queueing, states, submit_over};
use crate::world::{World, ready};
use offhook_conformance::samples::carrier_ids;
use offhook_core::EndReason;
use offhook_manager::{CallState, CallStore, Decision, EffectKind, InitiateError};

#[test]
fn after_a_restart_calls_wait_in_the_same_order() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let mut waiting = Vec::new();
    for n in 2..6 {
        // Two of them within one millisecond.
        world.pass(u64::from(n != 3));
        waiting.push(world.initiate(&format!("+1555000000{n}")).unwrap());
    }
    world.restart();
    world.settle();
    assert_eq!(states(&world, &waiting), [CallState::Queued; 4]);
    let mut live = (first, "A".to_owned());
    for next in waiting {
        over(&mut world, live.0, &live.1);
        world.jobs.retain(|job| job.call.id == next);
        assert_eq!(world.effects(), [EffectKind::Initiate], "it is {next}'s turn");
        live = (next, format!("B-{next}"));
        world.done(EffectKind::Initiate, Ok(carrier_ids(&live.1)));
        world.restart();
        world.settle();
    }
}

#[test]
fn a_call_that_waited_too_long_while_we_were_away_is_not_dialled_after_the_restart() {
    let mut world = queueing(|policy| policy.queue_timeout = Duration::from_secs(60));
    let first = world.dialled("+15550000001", "A");
    let late = world.initiate("+15550000002").unwrap();
    world.pass(30_000);
    let in_time = world.initiate("+15550000003").unwrap();
    world.now += Duration::from_secs(31);
    world.restart();
    world.settle();
    let calls = &world.driver.report().calls;
    let decision = |call| calls.iter().find(|restored| restored.call == call).unwrap().decision;
    assert_eq!(decision(late), Some(Decision::TimedOut));
    assert_eq!(decision(in_time), Some(Decision::Queued));
    assert_eq!(world.record(late).end_reason(), Some(EndReason::Canceled));
    assert_eq!(world.record(late).cause.unwrap().code, "queue-timeout");
    over(&mut world, first, "A");
    assert_eq!(states(&world, &[in_time]), [CallState::Initiated]);
}

#[test]
fn a_restart_in_mid_second_lets_no_second_dial_through() {
    let mut world = queueing(|policy| paced(policy, None));
    world.dialled("+15550000001", "A");
    world.initiate("+15550000002").unwrap();
    world.pass(400);
    world.restart();
    world.settle();
    assert_eq!(world.effects(), []);
    world.pass(599);
    assert_eq!(world.effects(), []);
    world.pass(1);
    assert_eq!(world.effects(), [EffectKind::Initiate]);
}

#[test]
fn a_crash_between_the_commit_of_a_turn_and_its_dial_dials_nobody_twice() {
    let mut world = queueing(|policy| policy.max_concurrent_calls = 2);
    let first = world.dialled("+15550000001", "A");
    world.dialled("+15550000009", "B");
    let admitted = world.initiate("+15550000002").unwrap();
    let next = world.initiate("+15550000003").unwrap();
    submit_over(&mut world, first, "A");
    let changes = world.driver.turn(world.now);
    assert!(changes.iter().any(|change| change.record.id == admitted));
    ready(world.store.commit(&changes)).unwrap();
    // Nobody was told that it is committed.
    world.restart();
    world.settle();
    assert_eq!(states(&world, &[admitted, next]), [CallState::Initiated, CallState::Queued]);
    assert!(world.record(admitted).outcome_unknown(), "it holds the slot");
    world.pass(80_000);
    assert_eq!(dials(&world), [], "neither is dialled until it is decided");
    world.pass(20_000);
    assert_eq!(world.record(admitted).end_reason(), Some(EndReason::Lost));
    assert_eq!(dials(&world), [next]);
}

#[test]
fn a_turn_that_could_not_be_committed_before_a_crash_was_none() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let waiting = world.initiate("+15550000002").unwrap();
    submit_over(&mut world, first, "A");
    world.driver.turn(world.now);
    world.restart();
    world.settle();
    assert_eq!(states(&world, &[waiting]), [CallState::Queued]);
    over(&mut world, first, "A");
    assert_eq!(dials(&world), [waiting]);
}

#[test]
fn who_waits_is_dialled_also_if_the_queue_is_turned_off_meanwhile() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let waiting = world.initiate("+15550000002").unwrap();
    world.policy.queue = false;
    world.restart();
    world.settle();
    submit_over(&mut world, first, "A");
    let limit = InitiateError::ConcurrencyLimit { limit: 1 };
    assert_eq!(world.initiate("+15550000003"), Err(limit), "and nobody overtakes it");
    assert_eq!(dials(&world), [waiting]);
}

#[test]
fn who_waits_for_a_provider_that_is_not_configured_any_more_takes_no_slot() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let of_nobody = placed_with(&mut world, OTHER, "+15550000002");
    let waiting = world.initiate("+15550000003").unwrap();
    world.policy.providers.remove(&OTHER);
    world.restart();
    world.settle();
    over(&mut world, first, "A");
    assert_eq!(dials(&world), [waiting]);
    world.pass(300_000);
    assert_eq!(world.record(of_nobody).cause.unwrap().code, "queue-timeout");
}

#[test]
fn a_driver_that_closes_begins_no_dial_and_who_waits_is_dialled_after_the_next_start() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let waiting = world.initiate("+15550000002").unwrap();
    world.driver.close();
    submit_over(&mut world, first, "A");
    let request = world.request("+15550000003");
    let ticket = world.submit_initiate(request);
    world.turn();
    let last = world.initiated(ticket).unwrap();
    assert_eq!(states(&world, &[waiting, last]), [CallState::Queued; 2]);
    world.restart();
    world.settle();
    assert_eq!(dials(&world), [waiting]);
}

#[test]
fn without_a_queue_a_driver_that_closes_places_no_call() {
    let mut world = World::documents();
    world.driver.close();
    let request = world.request("+15550000001");
    let ticket = world.submit_initiate(request);
    world.turn();
    assert_eq!(world.initiated(ticket), Err(InitiateError::NotRunning));
    assert_eq!(world.calls(), 0);
}
