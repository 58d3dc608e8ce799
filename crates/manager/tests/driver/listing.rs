//! After a restart with many calls: the carrier is asked for a list first.

use offhook_conformance::Sent;
use offhook_conformance::samples::{call_id, carrier_ids};
use offhook_core::{
    CallEvent, CallId, CallStatus, EndReason, ErrorClass, Progress, ProviderCallId,
    ProviderCallIds, ProviderName, RunningCall, Search,
};
use offhook_manager::{
    CallRecord, CallState, CallStore, Change, Decision, EffectKind, JobKind, Mode, RestoredCall,
    machine::Command,
};

use crate::world::{World, ready};

/// So many calls that a list comes first.
pub(crate) const MANY: u128 = 501;

fn id_of(number: u128) -> String {
    format!("ID-{number}")
}

/// The number-th call of a world.
pub(crate) fn call(number: u128) -> CallId {
    call_id(1_000_000 + number)
}

fn running(number: u128) -> RunningCall {
    RunningCall { ids: carrier_ids(&id_of(number)), call: None, progress: None }
}

pub(crate) fn all() -> Vec<RunningCall> {
    (0..MANY).map(running).collect()
}

/// Many more calls like this one, which is over itself.
fn many_like(world: &mut World, one: CallId, calls: u128) {
    let like = world.record(one);
    let over = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.webhook(&Sent::about(99, like.ids.value().unwrap()).of(one).event(over));
    let record = |number: u128| CallRecord {
        id: call(number),
        ids: carrier_ids(&id_of(number)),
        revision: 1,
        ..like.clone()
    };
    let changes: Vec<Change> = (0..calls)
        .map(|number| Change {
            record: record(number).into(),
            expected_revision: None,
            entries: Vec::new(),
            new_ids: vec![id_of(number)],
            idempotency: None,
        })
        .collect();
    ready(world.store.commit(&changes)).unwrap();
}

/// Writes a call anew while we are away.
pub(crate) fn change(world: &mut World, number: u128, change: impl FnOnce(&mut CallRecord)) {
    let mut record = world.record(call(number));
    let expected_revision = Some(record.revision);
    record.revision += 1;
    change(&mut record);
    let (record, entries, new_ids) = (record.into(), Vec::new(), Vec::new());
    let change = Change { record, expected_revision, entries, new_ids, idempotency: None };
    ready(world.store.commit(&[change])).unwrap();
}

/// A world at whose carrier live calls can be listed.
fn world() -> World {
    let mut world = World::documents_with(|policy| {
        policy.mode = Mode::Conversation;
        policy.max_concurrent_calls = 2000;
    });
    world.capabilities.list_live = true;
    world
}

/// Calls in mid-conversation.
pub(crate) fn talking(calls: u128) -> World {
    let mut world = world();
    let one = world.talking("+15550000001", "THE-FIRST");
    many_like(&mut world, one, calls);
    world
}

/// The same after a restart a while later.
fn restarted() -> World {
    let mut world = talking(MANY);
    world.pass(5_000);
    world.restart();
    world.settle();
    world
}

fn reported(world: &World, call: CallId) -> RestoredCall {
    let report = world.driver.report();
    report.calls.iter().find(|restored| restored.call == call).unwrap().clone()
}

fn decision(world: &World, call: CallId) -> Option<Decision> {
    reported(world, call).decision
}

/// All questions that are under way are answered: those calls live.
fn found_live(world: &mut World) {
    for call in world.looks() {
        let status = CallStatus::Live { progress: Some(Progress::Answered) };
        world.look_asked_at(call, status, world.now);
    }
    world.settle();
}

#[test]
fn two_lists_verify_501_calls_and_nobody_is_asked_about_one() {
    let mut world = restarted();
    assert_eq!((world.lists.len(), world.looks().len()), (1, 0), "one request, not 501");
    assert_eq!(reported(&world, call(7)).why, "the carrier is asked which calls are live");
    world.pass(700);
    assert_eq!((world.lists.len(), world.looks().len()), (1, 0), "all wait for it");

    world.listed(Ok(all()));
    assert!(world.driver.report().settled);
    for restored in &world.driver.report().calls {
        assert_eq!(restored.decision, Some(Decision::Kept));
        assert_eq!(restored.why, "listed as live; 294 s are left");
    }
    let noted = world.entries(call(7)).len();
    // A list may be a second old, as any answer of a carrier: once more.
    world.pass(2_900);
    assert_eq!(world.lists.len(), 0);
    world.pass(100);
    assert_eq!((world.lists.len(), world.looks().len()), (1, 0));
    world.listed(Ok(all()));
    assert_eq!(world.entries(call(7)).len(), noted, "it tells nothing new");
    world.pass(50_000);
    assert_eq!((world.lists.len(), world.looks().len()), (0, 0));
    assert_eq!(world.driver.slots(), 501);
}

#[test]
fn five_hundred_calls_are_asked_about_one_by_one() {
    let mut world = talking(500);
    world.restart();
    world.settle();
    assert_eq!((world.lists.len(), world.looks().len()), (0, 32));
}

#[test]
fn a_carrier_that_has_no_list_is_asked_about_each_call() {
    let mut world = talking(MANY);
    world.capabilities.list_live = false;
    world.restart();
    world.settle();
    assert_eq!((world.lists.len(), world.looks().len()), (0, 32));
}

#[test]
fn who_is_not_listed_is_asked_about_and_not_taken_for_over() {
    let mut world = restarted();
    let listed = all().into_iter().filter(|listed| listed.ids.value() != Some("ID-7"));
    world.listed(Ok(listed.collect()));
    assert_eq!(world.looks(), [call(7)]);
    let why = "the carrier does not list it as live; it is asked about it";
    assert_eq!((decision(&world, call(7)), reported(&world, call(7)).why.as_str()), (None, why));
    found_live(&mut world);
    assert_eq!(decision(&world, call(7)), Some(Decision::Kept));
    assert_eq!(world.record(call(7)).end_reason(), None);
    world.pass(3_000);
    assert_eq!((world.lists.len(), world.looks().len()), (0, 32), "no list for the other 500");
}

#[test]
fn who_is_gone_from_the_second_list_is_asked_about() {
    let mut world = restarted();
    world.listed(Ok(all()));
    world.pass(3_000);
    world.listed(Ok((1..MANY).map(running).collect()));
    assert_eq!(world.looks(), [call(0)]);
    world.look(call(0), CallStatus::Ended { reason: EndReason::HangupUser, cause: None });
    assert_eq!(world.record(call(0)).end_reason(), Some(EndReason::HangupUser));
    assert_eq!(world.driver.slots(), 500);
}

#[test]
fn few_that_are_listed_are_asked_about_once_more_without_a_list() {
    let mut world = restarted();
    world.listed(Ok(vec![running(3)]));
    while decision(&world, call(MANY - 1)).is_none() {
        assert!(!world.looks().contains(&call(3)), "the list has just told that it lives");
        found_live(&mut world);
    }
    world.pass(3_000);
    assert_eq!(world.lists.len(), 0);
    assert!(world.looks().contains(&call(3)));
}

#[test]
fn any_of_its_ids_names_a_listed_call() {
    let mut world = restarted();
    let mut ids = carrier_ids("ID-7");
    ids.merge(&ProviderCallIds::of(ProviderCallId::new("leg", 2, "UNHEARD-OF")));
    assert_eq!(ids.value(), Some("UNHEARD-OF"));
    let mut list: Vec<RunningCall> = (8..MANY).map(running).collect();
    list.push(RunningCall { ids, call: None, progress: None });
    world.listed(Ok(list));
    assert_eq!(decision(&world, call(7)), Some(Decision::Kept));
    assert_eq!(decision(&world, call(6)), None);
}

#[test]
fn news_that_are_newer_than_the_list_win() {
    let mut world = restarted();
    world.pass(1_000);
    let over = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.webhook(&Sent::about(1, id_of(1)).of(call(1)).event(over));
    world.webhook(&Sent::about(2, id_of(2)).of(call(2)).event(CallEvent::SpeechStarted));
    world.command(call(3), Command::HangUp).unwrap();
    world.done(EffectKind::HangUp, Ok(ProviderCallIds::none()));
    world.listed(Ok(all()));

    assert_eq!(decision(&world, call(1)), Some(Decision::Dropped));
    assert_eq!(world.record(call(1)).end_reason(), Some(EndReason::HangupUser));
    assert_eq!(decision(&world, call(2)), Some(Decision::Kept));
    assert_eq!(reported(&world, call(2)).why, "the carrier reported on it");
    // Of what we did after the list was asked for it says nothing.
    assert_eq!(world.record(call(3)).end_reason(), Some(EndReason::HangupBot));
    assert_eq!(world.effects(), [], "it is not hung up twice");
    assert_eq!(world.driver.slots(), 499);
}

#[test]
fn news_that_come_together_with_an_older_list_win() {
    let mut world = talking(MANY);
    change(&mut world, 1, |record| {
        (record.state, record.answered_at) = (CallState::Initiated, None);
    });
    world.restart();
    world.settle();
    world.pass(1_000);
    let rings = Sent::about(1, id_of(1)).of(call(1)).event(CallEvent::Ringing);
    world.submit_webhook(&rings);
    let mut list = all();
    list[1].progress = Some(Progress::Answered);
    world.listed(Ok(list));
    assert_eq!(world.record(call(1)).state, CallState::Ringing);
    assert_eq!(reported(&world, call(1)).why, "the carrier reported on it");
}

#[test]
fn a_call_that_rings_is_asked_about_unless_the_list_tells_how_far_it_is() {
    let mut world = talking(MANY);
    for number in [1, 2] {
        change(&mut world, number, |record| {
            (record.state, record.answered_at) = (CallState::Ringing, None);
        });
    }
    world.restart();
    world.settle();
    let mut list = all();
    list[2].progress = Some(Progress::Answered);
    world.listed(Ok(list));
    assert_eq!(world.looks(), [call(1)]);
    assert!(world.record(call(2)).answered_at.is_some());
    assert_eq!(decision(&world, call(2)), Some(Decision::Kept));
}

#[test]
fn a_list_that_fails_in_passing_is_asked_for_again() {
    for class in [ErrorClass::Transient, ErrorClass::Throttled, ErrorClass::Ambiguous] {
        let mut world = restarted();
        world.listed(Err(class));
        assert_eq!((world.lists.len(), world.looks().len()), (0, 0), "{class:?}");
        world.pass(1_900);
        assert_eq!(world.lists.len(), 0);
        world.pass(100);
        world.listed(Err(class));
        world.pass(3_900);
        assert_eq!((world.lists.len(), world.looks().len()), (0, 0), "it waits longer");
        world.pass(100);
        world.listed(Ok(all()));
        assert!(world.driver.report().settled);
        assert_eq!(world.looks(), []);
    }
}

#[test]
fn a_list_that_fails_for_good_leads_to_a_question_about_each() {
    let told = |world: &World| {
        let why = reported(world, call(7)).why;
        assert!(why.starts_with("the carrier did not list what is live (scripted"), "{why}");
        assert_eq!((world.lists.len(), world.looks().len()), (0, 32));
    };
    for class in [ErrorClass::Unauthenticated, ErrorClass::Undecodable, ErrorClass::Rejected] {
        let mut world = restarted();
        world.listed(Err(class));
        told(&world);
    }
    // It passes, but not within ten seconds of the first attempt.
    let mut world = restarted();
    let mut attempts = 0;
    while world.looks().is_empty() {
        attempts += usize::from(!world.lists.is_empty());
        if !world.lists.is_empty() {
            world.listed(Err(ErrorClass::Transient));
        }
        world.pass(100);
    }
    assert_eq!(attempts, 3);
    told(&world);
    while !world.driver.report().settled {
        found_live(&mut world);
    }
    world.pass(20_000);
    assert_eq!(world.lists.len(), 0, "nor is there one for the second look");
}

#[test]
fn a_list_that_is_not_answered_holds_nobody_up_for_longer_than_one_request_may_take() {
    let mut world = restarted();
    world.pass(30_000);
    // The shell has given it up.
    world.listed(Err(ErrorClass::Transient));
    assert_eq!((world.lists.len(), world.looks().len()), (0, 32));
}

#[test]
fn a_list_is_one_of_the_looks_that_may_be_under_way_and_waits_for_the_rate() {
    let mut world = talking(MANY);
    world.policy.verify_concurrency = 1;
    world.pass(5_000);
    world.restart();
    world.settle();
    assert_eq!((world.lists.len(), world.looks().len()), (1, 0));
    world.listed(Err(ErrorClass::Rejected));
    assert_eq!(world.looks().len(), 1, "its place is free again");

    for of in world.policy.providers.values_mut() {
        of.requests_per_second = 1.0;
    }
    world.restart();
    // A hangup takes the token.
    world.driver.turn(world.now);
    world.driver.committed(Ok(()), world.now);
    world.command(call(3), Command::HangUp).unwrap();
    world.settle();
    assert_eq!((world.effects().len(), world.lists.len()), (1, 0));
    world.pass(900);
    assert_eq!(world.lists.len(), 0);
    world.pass(100);
    assert_eq!(world.lists.len(), 1);
}

#[test]
fn a_list_whose_result_could_not_be_committed_is_applied_again() {
    let mut world = restarted();
    world.refuse(1);
    world.listed(Ok(all()));
    assert!(!world.driver.report().settled);
    assert_eq!(world.looks(), [], "nobody is asked about meanwhile");
    world.pass(600);
    assert!(world.driver.report().settled);
    world.pass(3_000);
    assert_eq!((world.lists.len(), world.looks().len()), (1, 0), "the second");
}

#[test]
fn a_listed_call_that_carries_our_id_is_what_a_search_would_have_found() {
    let mut world = world();
    let unclear = world.initiate("+15550000002").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    let one = world.talking("+15550000001", "THE-FIRST");
    many_like(&mut world, one, MANY + 1);
    // One of another carrier, of which this one knows nothing.
    let others = call(0);
    let sought = world.record(unclear);
    change(&mut world, 0, |record| {
        record.provider = ProviderName::new("other");
        (record.dial, record.ids) = (sought.dial, sought.ids);
        (record.state, record.answered_at) = (sought.state, None);
    });
    world.restart();
    world.settle();
    assert_eq!(decision(&world, unclear), Some(Decision::OutcomeUnknown));
    let calls = world.calls();
    let mut list = all();
    list.push(RunningCall { call: Some(unclear), ..running(777_777) });
    list.push(RunningCall { call: Some(others), ..running(666_666) });
    // Ours by its id, and nobody knows it here; and a colleague's.
    list.push(RunningCall { call: Some(call_id(555_555)), ..running(888_888) });
    list.push(running(999_999));
    world.listed(Ok(list));
    let adopted = world.record(unclear);
    assert_eq!(adopted.ids.value(), Some("ID-777777"));
    assert!(world.record(others).ids.is_empty(), "another carrier's call");
    assert_eq!(world.calls(), calls, "no call is made of a list");
    assert_eq!(world.effects(), [], "and nothing is done to what is not known");
}

#[test]
fn a_lost_call_that_is_listed_is_hung_up_as_after_a_search() {
    // It is searched for where no document would end it.
    let mut world = World::commands();
    world.capabilities.list_live = true;
    let lost = world.initiate("+15550000002").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    for _ in 0..100 {
        world.pass(1_000);
        if world.jobs.iter().any(|job| job.kind == JobKind::Search) {
            let cause = offhook_core::ProviderError::new(ErrorClass::Transient, "5xx");
            world.searched(lost, Search::Unknown { cause });
        }
    }
    assert_eq!(world.record(lost).end_reason(), Some(EndReason::Lost));
    let one = world.talking("+15550000001", "THE-FIRST");
    many_like(&mut world, one, MANY);
    world.restart();
    world.settle();
    let mut list = all();
    list.push(RunningCall { call: Some(lost), ..running(777_777) });
    world.listed(Ok(list));
    let hung_up: Vec<CallId> = world
        .jobs
        .iter()
        .filter(
            |job| matches!(job.kind, JobKind::Effect(effect) if effect.kind == EffectKind::HangUp),
        )
        .map(|job| job.call.id)
        .collect();
    assert_eq!(hung_up, [lost]);
    assert_eq!(world.record(lost).end_reason(), Some(EndReason::Lost));
}
