//! Calls that wait for their turn.

use std::time::Duration;

use crate::world::World;
use offhook_conformance::Sent;
use offhook_conformance::samples::carrier_ids;
use offhook_core::{CallEvent, CallId, EndReason, ErrorClass, ProviderName};
use offhook_manager::{
    CallState, EffectKind, EntryKind, InitiateError, JobKind, Policy,
    machine::{Command, DeadlineKind},
};

pub(crate) const OTHER: ProviderName = ProviderName::new("other");

/// One slot, and calls wait for it. There is a second provider, too.
fn queue(policy: &mut Policy) {
    policy.max_concurrent_calls = 1;
    policy.queue = true;
    let like = policy.providers.values().next().unwrap().clone();
    policy.providers.insert(OTHER, like);
}

pub(crate) fn queueing(edit: impl FnOnce(&mut Policy)) -> World {
    World::documents_with(|policy| {
        queue(policy);
        edit(policy);
    })
}

pub(crate) fn paced(policy: &mut Policy, provider: Option<&ProviderName>) {
    policy.max_concurrent_calls = 9;
    for (name, of) in &mut policy.providers {
        if provider.is_none_or(|provider| provider == name) {
            of.calls_per_second = 1.0;
        }
    }
}

pub(crate) fn placed_with(world: &mut World, provider: ProviderName, to: &str) -> CallId {
    let mut request = world.request(to);
    request.provider = Some(provider);
    let ticket = world.submit_initiate(request);
    world.settle();
    world.initiated(ticket).unwrap()
}

/// The call is over at the carrier, and its slot is free with the next turn.
pub(crate) fn submit_over(world: &mut World, call: CallId, carrier_id: &str) {
    let ended = CallEvent::Ended { reason: EndReason::Busy, cause: None };
    world.submit_webhook(&Sent::about(900, carrier_id).of(call).event(ended));
}

pub(crate) fn over(world: &mut World, call: CallId, carrier_id: &str) {
    submit_over(world, call, carrier_id);
    world.settle();
}

/// The calls whose dials were begun and not answered, in that order.
pub(crate) fn dials(world: &World) -> Vec<CallId> {
    let is_dial = |job: &&offhook_manager::CallJob| matches!(job.kind, JobKind::Effect(effect) if effect.kind == EffectKind::Initiate);
    world.jobs.iter().filter(is_dial).map(|job| job.call.id).collect()
}

pub(crate) fn states(world: &World, calls: &[CallId]) -> Vec<CallState> {
    calls.iter().map(|call| world.record(*call).state).collect()
}

#[test]
fn a_slot_that_is_free_is_the_oldest_one_s_and_a_new_call_does_not_overtake() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let second = world.initiate("+15550000002").unwrap();
    submit_over(&mut world, first, "A");
    // In the turn that frees the slot.
    let newest = world.request("+15550000003");
    let ticket = world.submit_initiate(newest);
    world.settle();
    let third = world.initiated(ticket).unwrap();
    assert_eq!(states(&world, &[second, third]), [CallState::Initiated, CallState::Queued]);
    assert_eq!(dials(&world), [second]);
}

#[test]
fn with_an_empty_queue_a_call_is_dialled_by_the_turn_that_takes_it() {
    let mut world = queueing(|_| {});
    let request = world.request("+15550000001");
    let ticket = world.submit_initiate(request);
    world.turn();
    let call = world.initiated(ticket).unwrap();
    assert_eq!(dials(&world), [call]);
    assert_eq!(world.record(call).revision, 1, "one commit");
}

#[test]
fn one_provider_s_rate_holds_no_other_s_calls_back() {
    let mut world = World::documents();
    let slow = world.provider.name();
    world = queueing(|policy| paced(policy, Some(&slow)));
    world.initiate("+15550000001").unwrap();
    let waiting = world.initiate("+15550000002").unwrap();
    let others = ["+15550000003", "+15550000004"].map(|to| placed_with(&mut world, OTHER, to));
    assert_eq!(states(&world, &[waiting]), [CallState::Queued]);
    assert_eq!(states(&world, &others), [CallState::Initiated; 2]);
}

#[test]
fn where_slots_are_short_the_oldest_of_all_providers_is_next() {
    let mut world = queueing(|_| {});
    let own = world.provider.name();
    let mut live = world.dialled("+15550000009", "A");
    let mut waiting = Vec::new();
    for (provider, to) in
        [(OTHER, "+15550000001"), (own.clone(), "+15550000002"), (OTHER, "+15550000003")]
    {
        world.pass(10);
        waiting.push(placed_with(&mut world, provider, to));
    }
    for next in waiting {
        world.command(live, Command::HangUp).unwrap();
        let ended = Ok(offhook_core::ProviderCallIds::none());
        world.done(EffectKind::HangUp, ended);
        assert_eq!(dials(&world), [next]);
        world.done(EffectKind::Initiate, Ok(carrier_ids(&format!("B-{next}"))));
        live = next;
    }
}

#[test]
fn a_call_that_waited_as_long_as_it_may_is_called_off_and_says_so() {
    let mut world = queueing(|policy| policy.queue_timeout = Duration::from_secs(60));
    world.dialled("+15550000001", "A");
    let patient = world.initiate("+15550000002").unwrap();
    let mut request = world.request("+15550000003");
    request.queue_timeout = Some(Duration::from_secs(5));
    let ticket = world.submit_initiate(request);
    world.settle();
    let hasty = world.initiated(ticket).unwrap();
    world.pass(4_999);
    assert_eq!(states(&world, &[patient, hasty]), [CallState::Queued; 2]);
    world.pass(1);
    assert_eq!(world.record(hasty).end_reason(), Some(EndReason::Canceled));
    let cause = world.record(hasty).cause.unwrap();
    assert_eq!(
        (cause.code.as_str(), cause.text.as_str()),
        ("queue-timeout", "it waited 5 s for its turn, and was not dialled")
    );
    let expired = EntryKind::Deadline { deadline: DeadlineKind::Queue };
    assert!(world.entries(hasty).iter().any(|entry| entry.kind == expired));
    assert_eq!(states(&world, &[patient]), [CallState::Queued]);
    assert!(dials(&world).is_empty());
}

#[test]
fn a_call_that_is_called_off_while_it_waits_is_never_dialled() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let called_off = world.initiate("+15550000002").unwrap();
    let next = world.initiate("+15550000003").unwrap();
    world.command(called_off, Command::HangUp).unwrap();
    assert_eq!(world.record(called_off).end_reason(), Some(EndReason::Canceled));
    over(&mut world, first, "A");
    assert_eq!(dials(&world), [next]);
    assert!(world.driver.queued(None, 9).is_empty());
}

#[test]
fn a_call_that_is_called_off_in_the_turn_of_its_dial_is_not_dialled() {
    let mut world = queueing(|_| {});
    let first = world.dialled("+15550000001", "A");
    let called_off = world.initiate("+15550000002").unwrap();
    let next = world.initiate("+15550000003").unwrap();
    submit_over(&mut world, first, "A");
    world.command(called_off, Command::HangUp).unwrap();
    assert_eq!(dials(&world), [next]);
}

#[test]
fn who_waits_is_listed_newest_first_page_by_page() {
    let mut world = queueing(|policy| policy.max_queued_calls = 9);
    let own = world.provider.name();
    world.dialled("+15550000001", "A");
    let mut waiting = Vec::new();
    for provider in [OTHER, own, OTHER] {
        world.pass(5);
        waiting.push(placed_with(&mut world, provider, "+15550000002"));
    }
    waiting.reverse();
    let ids = |page: Vec<std::sync::Arc<offhook_manager::CallRecord>>| -> Vec<CallId> {
        page.iter().map(|record| record.id).collect()
    };
    assert_eq!(ids(world.driver.queued(None, 9)), waiting);
    assert_eq!(ids(world.driver.queued(None, 2)), waiting[..2]);
    // Also if the last call of the page before does not wait any more.
    let last = world.record(waiting[1]);
    world.command(last.id, Command::HangUp).unwrap();
    assert_eq!(ids(world.driver.queued(Some((last.started_at, last.id)), 9)), waiting[2..]);
}

#[test]
fn a_full_queue_refuses_one_more_and_says_what_it_waits_for() {
    let mut world = queueing(|policy| policy.max_queued_calls = 2);
    let first = world.dialled("+15550000001", "A");
    let next = world.initiate("+15550000002").unwrap();
    world.initiate("+15550000003").unwrap();
    let calls = world.calls();
    let full = InitiateError::QueueFull { limit: 2, retry_after: None };
    assert_eq!(world.initiate("+15550000004"), Err(full));
    assert_eq!(world.calls(), calls, "there is no record of it");
    placed_with(&mut world, OTHER, "+15550000005");
    // In the turn in which one of them leaves the queue there is room for another.
    submit_over(&mut world, first, "A");
    assert!(world.initiate("+15550000004").is_ok());
    assert_eq!(dials(&world), [next]);
}

#[test]
fn a_full_queue_that_waits_for_the_rate_tells_when_to_come_again() {
    let mut world = queueing(|policy| {
        paced(policy, None);
        policy.max_queued_calls = 1;
    });
    world.initiate("+15550000001").unwrap();
    world.initiate("+15550000002").unwrap();
    world.pass(300);
    let retry_after = Some(Duration::from_millis(700));
    let full = InitiateError::QueueFull { limit: 1, retry_after };
    assert_eq!(world.initiate("+15550000003"), Err(full));
}

#[test]
fn a_turn_s_requests_together_do_not_overfill_the_queue() {
    let mut world = queueing(|policy| policy.max_queued_calls = 2);
    let tickets: Vec<_> = (1..=4)
        .map(|n| {
            let request = world.request(&format!("+1555000000{n}"));
            world.submit_initiate(request)
        })
        .collect();
    world.settle();
    let placed: Vec<bool> =
        tickets.into_iter().map(|ticket| world.initiated(ticket).is_ok()).collect();
    assert_eq!(placed, [true, true, true, false], "one is dialled, two wait");
}

#[test]
fn a_call_behind_a_fence_keeps_its_place_and_holds_nobody_up() {
    let mut world = queueing(|policy| policy.max_concurrent_calls = 2);
    let unclear = world.initiate("+15550000001").unwrap();
    let mut live = world.initiate("+15550000009").unwrap();
    let fenced = world.initiate("+15550000001").unwrap();
    let others = ["+15550000002", "+15550000003"].map(|to| world.initiate(to).unwrap());
    world.jobs.retain(|job| job.call.id == unclear);
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    world
        .command(
            fenced,
            Command::Listen {
                locale: offhook_core::Locale::en_us(),
                input: offhook_core::ListenFor::Speech,
            },
        )
        .unwrap_err();
    over(&mut world, live, "B");
    live = others[0];
    assert_eq!(dials(&world), [live], "it goes past the one that nobody may dial");
    assert_eq!(world.driver.queued(None, 9).len(), 2, "which still waits");
    world.restart();
    world.settle();
    world.pass(100_000);
    assert_eq!(world.record(unclear).end_reason(), Some(EndReason::Lost));
    assert_eq!(dials(&world)[0], fenced, "its place is before the last one's");
}

#[test]
fn a_call_behind_a_fence_can_be_called_off() {
    let mut world = queueing(|policy| policy.max_concurrent_calls = 2);
    let unclear = world.initiate("+15550000001").unwrap();
    let live = world.initiate("+15550000009").unwrap();
    let fenced = world.initiate("+15550000001").unwrap();
    world.jobs.retain(|job| job.call.id == unclear);
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    over(&mut world, live, "B");
    world.command(fenced, Command::HangUp).unwrap();
    assert!(world.driver.queued(None, 9).is_empty());
    world.pass(100_000);
    assert_eq!(world.record(fenced).state, CallState::Ended(EndReason::Canceled));
    assert_eq!(world.effects(), []);
}

#[test]
fn a_place_behind_a_fence_counts_as_long_as_its_call_waits_and_no_longer() {
    let mut world = queueing(|policy| {
        policy.max_concurrent_calls = 2;
        policy.max_queued_calls = 1;
    });
    let unclear = world.initiate("+15550000001").unwrap();
    let live = world.initiate("+15550000009").unwrap();
    let fenced = world.initiate("+15550000001").unwrap();
    world.jobs.retain(|job| job.call.id == unclear);
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    over(&mut world, live, "B");
    let full = world.initiate("+15550000002");
    assert!(matches!(full, Err(InitiateError::QueueFull { limit: 1, .. })), "{full:?}");
    world.command(fenced, Command::HangUp).unwrap();
    let next = world.initiate("+15550000002").unwrap();
    assert_eq!(dials(&world), [next]);
    // Nor does it come back to its place when the fence is gone.
    world.pass(100_000);
    assert_eq!(world.record(unclear).end_reason(), Some(EndReason::Lost));
    assert!(world.initiate("+15550000003").is_ok());
}
