//! Dials that a carrier does not take, as too many for the moment (429).

use std::time::Duration;

use crate::world::World;
use offhook_conformance::samples::carrier_ids;
use offhook_core::{CallId, EndReason, ErrorClass, ProviderError, ProviderName};
use offhook_manager::{CallState, EffectKind, JobKind, Policy, machine::Command};

const OTHER: ProviderName = ProviderName::new("other");

fn queueing(edit: impl FnOnce(&mut Policy)) -> World {
    World::documents_with(|policy| {
        policy.queue = true;
        let like = policy.providers.values().next().unwrap().clone();
        policy.providers.insert(OTHER, like);
        edit(policy);
    })
}

fn dials(world: &World) -> Vec<CallId> {
    let is_dial = |job: &&offhook_manager::CallJob| matches!(job.kind, JobKind::Effect(effect) if effect.kind == EffectKind::Initiate);
    world.jobs.iter().filter(is_dial).map(|job| job.call.id).collect()
}

fn too_many(world: &mut World, retry_after: Option<u64>) {
    let error = ProviderError::new(ErrorClass::Throttled, "too many requests").with_code("20429");
    let error = error.with_retry_after(retry_after.map(Duration::from_secs));
    world.submit_done(EffectKind::Initiate, Err(error));
    world.settle();
}

#[test]
fn a_throttled_dial_waits_as_long_as_the_carrier_asks_and_keeps_its_place() {
    let mut world = queueing(|policy| policy.max_concurrent_calls = 1);
    let first = world.initiate("+15550000001").unwrap();
    let second = world.initiate("+15550000002").unwrap();
    too_many(&mut world, Some(7));
    let record = world.record(first);
    assert_eq!((record.state, record.dial), (CallState::Queued, None));
    assert_eq!(record.cause.unwrap().code, "20429");
    assert_eq!(world.driver.slots(), 0);
    world.pass(6_999);
    assert_eq!(dials(&world), [], "nobody else of this provider is dialled either");
    world.pass(1);
    assert_eq!(dials(&world), [first]);
    world.done(EffectKind::Initiate, Ok(carrier_ids("A")));
    assert_eq!((world.record(first).cause, world.record(first).throttled), (None, None));
    assert_eq!(world.record(second).state, CallState::Queued);
}

#[test]
fn a_carrier_that_throttles_holds_no_other_carrier_s_calls_back() {
    let mut world = queueing(|policy| policy.max_concurrent_calls = 1);
    world.initiate("+15550000001").unwrap();
    let mut request = world.request("+15550000002");
    request.provider = Some(OTHER);
    let other = request.id;
    world.submit_initiate(request);
    world.settle();
    too_many(&mut world, Some(7));
    assert_eq!(dials(&world), [other], "it has the slot");
}

#[test]
fn a_new_call_waits_behind_one_that_was_throttled() {
    let mut world = queueing(|_| {});
    let first = world.initiate("+15550000001").unwrap();
    too_many(&mut world, Some(7));
    let second = world.initiate("+15550000002").unwrap();
    assert_eq!(dials(&world), []);
    world.pass(7_000);
    assert_eq!(dials(&world), [first, second]);
}

#[test]
fn what_a_carrier_asked_for_holds_over_a_restart() {
    let mut world = queueing(|_| {});
    let call = world.initiate("+15550000001").unwrap();
    too_many(&mut world, Some(7));
    world.pass(3_000);
    world.restart();
    world.settle();
    world.pass(3_999);
    assert_eq!(dials(&world), []);
    world.pass(1);
    assert_eq!(dials(&world), [call]);
}

#[test]
fn a_dial_that_is_throttled_again_waits_longer_each_time() {
    let mut world = queueing(|_| {});
    let call = world.initiate("+15550000001").unwrap();
    for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
        too_many(&mut world, None);
        world.pass(wait - 1);
        assert_eq!(dials(&world), [], "before {wait} ms");
        world.pass(1);
        assert_eq!(dials(&world), [call], "after {wait} ms");
    }
    too_many(&mut world, Some(40));
    world.pass(39_999);
    assert_eq!(dials(&world), [], "the carrier asks for more");
}

#[test]
fn a_throttled_dial_waits_no_longer_than_its_call_may() {
    let mut world = queueing(|policy| policy.queue_timeout = Duration::from_secs(20));
    let call = world.initiate("+15550000001").unwrap();
    too_many(&mut world, Some(60));
    world.pass(19_999);
    assert_eq!(world.record(call).state, CallState::Queued);
    world.pass(1);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Canceled));
    let cause = world.record(call).cause.unwrap();
    assert!(cause.text.contains("refused its dial as one too many, 1 times"), "{cause}");
    world.pass(60_000);
    assert_eq!(dials(&world), []);
}

#[test]
fn a_throttled_dial_of_a_call_that_is_to_be_hung_up_is_its_end() {
    let mut world = queueing(|_| {});
    let call = world.initiate("+15550000001").unwrap();
    world.command(call, Command::HangUp).unwrap();
    too_many(&mut world, Some(2));
    assert!(world.record(call).state.is_ended());
    world.pass(10_000);
    assert_eq!(dials(&world), []);
}

#[test]
fn without_a_queue_a_throttled_dial_has_failed() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    too_many(&mut world, Some(2));
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Failed));
}

#[test]
fn a_crash_while_a_throttled_dial_is_sent_again_makes_it_unknown_and_no_third_one() {
    let mut world = queueing(|_| {});
    let call = world.initiate("+15550000001").unwrap();
    too_many(&mut world, Some(2));
    world.pass(2_000);
    assert_eq!(dials(&world), [call]);
    world.restart();
    world.settle();
    assert!(world.record(call).outcome_unknown());
    world.pass(50_000);
    assert_eq!(dials(&world), []);
}

#[test]
fn only_a_definite_refusal_is_waited_out() {
    for class in [ErrorClass::Ambiguous, ErrorClass::Undecodable, ErrorClass::Rejected] {
        let mut world = queueing(|_| {});
        let call = world.initiate("+15550000001").unwrap();
        world.done(EffectKind::Initiate, Err(class));
        assert_ne!(world.record(call).state, CallState::Queued, "{class:?}");
        world.pass(40_000);
        assert_eq!(dials(&world), [], "{class:?}");
    }
}
