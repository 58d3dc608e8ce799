//! Who may be called, how many at once, how fast.

use std::time::Duration;

use crate::world::World;
use offhook_conformance::Sent;
use offhook_conformance::samples::carrier_ids;
use offhook_core::{CallEvent, EndReason, ErrorClass, Party, ProviderError, ProviderName};
use offhook_manager::{
    CallState, EffectKind, Idempotency, InitiateError, InitiateRequest, machine::Command,
};

#[test]
fn every_slot_taken_refuses_the_next_call_without_a_record() {
    let mut world = World::documents();
    world.dialled("+15550000001", "A");
    world.dialled("+15550000002", "B");
    let refused = world.initiate("+15550000003");
    assert_eq!(refused, Err(InitiateError::ConcurrencyLimit { limit: 2 }));
    assert_eq!(world.calls(), 2);
}

#[test]
fn two_requests_in_one_turn_do_not_share_the_last_slot() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 1);
    let (one, two) = (world.request("+15550000001"), world.request("+15550000002"));
    let (one, two) = (world.submit_initiate(one), world.submit_initiate(two));
    world.settle();
    assert!(world.initiated(one).is_ok());
    assert_eq!(world.initiated(two), Err(InitiateError::ConcurrencyLimit { limit: 1 }));
    assert_eq!(world.effects(), [EffectKind::Initiate]);
}

#[test]
fn a_slot_that_a_turn_frees_is_free_for_the_rest_of_it() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 1);
    let call = world.talking("+15550000001", "A");
    let ended = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.submit_webhook(&Sent::about(1, "A").of(call).event(ended));
    let request = world.request("+15550000002");
    let next = world.submit_initiate(request);
    world.turn();
    assert!(world.initiated(next).is_ok());
}

#[test]
fn what_else_a_turn_brings_takes_no_slot() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.submit_webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    let request = world.request("+15550000002");
    let second = world.submit_initiate(request);
    world.turn();
    assert!(world.initiated(second).is_ok(), "one of two slots was free");
}

#[test]
fn a_sip_address_is_dialled_where_the_carrier_can() {
    let mut world = World::commands();
    let sip = InitiateRequest::new(world.fresh_id(), Party::observed("sip:bob@example.com"));
    let ticket = world.submit_initiate(sip);
    world.settle();
    assert!(world.initiated(ticket).is_ok());
    assert_eq!(world.effects(), [EffectKind::Initiate]);
    let withheld = InitiateRequest::new(world.fresh_id(), Party::Withheld);
    let ticket = world.submit_initiate(withheld);
    world.settle();
    let name = world.provider.name();
    assert_eq!(world.initiated(ticket), Err(InitiateError::CannotDial { name }));
}

#[test]
fn a_call_may_be_given_times_of_its_own() {
    let mut world = World::documents();
    let mut request = world.request("+15550000001");
    let (max_duration, ring_timeout) = (Duration::from_secs(60), Duration::from_secs(10));
    (request.max_duration, request.ring_timeout) = (Some(max_duration), Some(ring_timeout));
    let ticket = world.submit_initiate(request);
    world.settle();
    let limits = world.initiated(ticket).map(|call| world.record(call).limits).unwrap();
    assert_eq!((limits.max_duration, limits.ring_timeout), (max_duration, ring_timeout));
}

#[test]
fn a_slot_is_free_again_when_its_call_is_over() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 1);
    let call = world.talking("+15550000001", "A");
    world.command(call, Command::HangUp).unwrap();
    assert!(world.initiate("+15550000002").is_err(), "not before the carrier took the hangup");
    world.done(EffectKind::HangUp, Ok(offhook_core::ProviderCallIds::none()));
    assert!(world.initiate("+15550000002").is_ok());
}

#[test]
fn a_destination_is_fenced_while_the_outcome_of_a_dial_to_it_is_unknown() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    assert_eq!(world.initiate("+15550000001"), Err(InitiateError::DestinationFenced { call }));
    assert!(world.initiate("+15550000002").is_ok(), "another destination is free");
    world.pass(100_000);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Lost));
    assert!(world.initiate("+15550000001").is_ok());
}

#[test]
fn a_destination_is_fenced_also_in_the_turn_in_which_the_outcome_becomes_unknown() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    let unclear = ProviderError::new(ErrorClass::Ambiguous, "scripted");
    world.submit_done(EffectKind::Initiate, Err(unclear));
    let request = world.request("+15550000001");
    let again = world.submit_initiate(request);
    world.turn();
    assert_eq!(world.initiated(again), Err(InitiateError::DestinationFenced { call }));
}

#[test]
fn too_many_dials_in_a_second_are_told_when_to_come_again() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 9;
        for of in policy.providers.values_mut() {
            of.calls_per_second = 1.0;
        }
    });
    assert!(world.initiate("+15550000001").is_ok());
    world.pass(400);
    let refused = world.initiate("+15550000002");
    let retry_after = Duration::from_millis(600);
    assert_eq!(refused, Err(InitiateError::RateLimit { retry_after }));
    world.pass(600);
    assert!(world.initiate("+15550000002").is_ok());
}

#[test]
fn a_refused_commit_gives_the_slot_and_the_rate_token_back() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 1;
        for of in policy.providers.values_mut() {
            of.calls_per_second = 1.0;
        }
    });
    world.refuse(1);
    assert_eq!(world.initiate("+15550000001"), Err(InitiateError::StoreUnavailable));
    assert_eq!((world.calls(), world.driver.slots()), (0, 0));
    assert_eq!(world.effects(), []);
    assert!(world.initiate("+15550000001").is_ok(), "both are free at once");
}

#[test]
fn a_queued_call_is_admitted_when_a_slot_is_free_and_never_two_at_once() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 1;
        policy.queue = true;
    });
    let first = world.dialled("+15550000001", "A");
    let second = world.initiate("+15550000002").unwrap();
    let third = world.initiate("+15550000003").unwrap();
    assert_eq!(world.record(second).state, CallState::Queued);
    assert_eq!(world.effects(), []);
    for (over, next, id) in [(first, second, "A"), (second, third, "B")] {
        let ended = CallEvent::Ended { reason: EndReason::Busy, cause: None };
        world.webhook(&Sent::about(world.driver.slots() as u64, id).of(over).event(ended));
        assert_eq!(world.effects(), [EffectKind::Initiate], "one slot, one dial");
        assert_eq!(world.record(next).state, CallState::Initiated, "the oldest comes first");
        world.done(
            EffectKind::Initiate,
            Ok(carrier_ids("B")).map(|ids| if next == third { carrier_ids("C") } else { ids }),
        );
    }
}

#[test]
fn a_call_queued_because_of_the_rate_is_admitted_by_itself() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 9;
        policy.queue = true;
        for of in policy.providers.values_mut() {
            of.calls_per_second = 1.0;
        }
    });
    for to in ["+15550000001", "+15550000002", "+15550000003"] {
        world.initiate(to).unwrap();
    }
    assert_eq!(world.effects().len(), 1);
    world.pass(999);
    assert_eq!(world.effects().len(), 1);
    world.pass(1);
    assert_eq!(world.effects().len(), 2, "nothing else happened meanwhile");
    world.pass(1000);
    assert_eq!(world.effects().len(), 3);
}

#[test]
fn an_admission_that_could_not_be_committed_is_tried_again() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 9;
        policy.queue = true;
        for of in policy.providers.values_mut() {
            of.calls_per_second = 1.0;
        }
    });
    world.initiate("+15550000001").unwrap();
    world.initiate("+15550000002").unwrap();
    world.refuse(1);
    world.pass(1000);
    assert_eq!(world.effects().len(), 1);
    world.pass(500);
    assert_eq!(world.effects().len(), 2);
}

#[test]
fn a_queued_call_waits_for_the_fence_of_its_destination() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 2;
        policy.queue = true;
    });
    world.dialled("+15550000008", "Z");
    let unclear = world.initiate("+15550000001").unwrap();
    let waiting = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    let ended = CallEvent::Ended { reason: EndReason::Busy, cause: None };
    world.webhook(&Sent::about(1, "Z").event(ended));
    assert_eq!(world.record(waiting).state, CallState::Queued);
    world.pass(95_000);
    assert_eq!(world.record(unclear).end_reason(), Some(EndReason::Lost));
    assert_eq!(world.record(waiting).state, CallState::Initiated);
}

#[test]
fn invariant_16_what_cannot_be_dialled_is_refused_before_any_effect() {
    let mut world = World::documents_with(|policy| policy.allow_to = vec!["+1555".to_owned()]);
    let name = world.provider.name();
    let sip = InitiateRequest::new(world.fresh_id(), Party::observed("sip:bob@example.com"));
    let ticket = world.submit_initiate(sip);
    world.settle();
    assert_eq!(world.initiated(ticket), Err(InitiateError::CannotDial { name }));
    assert_eq!(world.initiate("+4366012345"), Err(InitiateError::DestinationNotAllowed));
    let mut elsewhere = world.request("+15550000001");
    elsewhere.provider = Some(ProviderName::new("nobody"));
    let ticket = world.submit_initiate(elsewhere);
    world.settle();
    let name = ProviderName::new("nobody");
    assert_eq!(world.initiated(ticket), Err(InitiateError::UnknownProvider { name }));
    assert_eq!((world.calls(), world.effects()), (0, vec![]));
}

#[test]
fn one_key_places_one_call_also_within_one_turn() {
    let mut world = World::documents();
    let key =
        |fingerprint| Some(Idempotency { key: "order".to_owned(), fingerprint: [fingerprint; 16] });
    let (mut one, mut two, mut three) = (
        world.request("+15550000001"),
        world.request("+15550000001"),
        world.request("+15550000002"),
    );
    one.idempotency = key(1);
    two.idempotency = key(1);
    three.idempotency = key(2);
    let tickets = [one, two, three].map(|request| world.submit_initiate(request));
    world.settle();
    let first = world.initiated(tickets[0]).unwrap();
    assert_eq!(world.initiated(tickets[1]), Ok(first));
    assert_eq!(world.initiated(tickets[2]), Err(InitiateError::KeyReused));
    assert_eq!(world.effects(), [EffectKind::Initiate]);
}
