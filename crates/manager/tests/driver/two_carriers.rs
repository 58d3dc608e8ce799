//! Two carriers beside each other: what holds one of them back leaves the other alone.

use offhook_conformance::Sent;
use offhook_conformance::samples::{call_id, carrier_ids};
use offhook_core::{
    CallEvent, CallId, CallStatus, Capabilities, EndReason, Progress, ProviderName,
};
use offhook_manager::{CallRecord, CallStore, Change, Decision, EffectKind};

use crate::listing::{MANY, all, call, change, talking};
use crate::world::{World, policy, ready};

const OTHER: ProviderName = ProviderName::new("other");

/// The other carrier gets a policy of its own from the next start on.
fn configure_the_other(world: &mut World, capabilities: Capabilities) {
    world.policy.providers.extend(policy(OTHER).providers);
    world.others.insert(OTHER, Some(capabilities));
}

/// The store gets a call of the other carrier's, as far as this one.
fn call_of_the_other(world: &World, like: CallRecord) -> CallId {
    let id = call_id(5_000);
    let ids = carrier_ids("OTHER-1");
    let record = CallRecord { id, provider: OTHER, ids, revision: 1, ..like };
    let change = Change {
        record: record.into(),
        expected_revision: None,
        entries: Vec::new(),
        new_ids: vec!["OTHER-1".to_owned()],
        idempotency: None,
    };
    ready(world.store.commit(&[change])).unwrap();
    id
}

fn decision(world: &World, call: CallId) -> Option<Decision> {
    let report = world.driver.report();
    report.calls.iter().find(|restored| restored.call == call).and_then(|found| found.decision)
}

fn live() -> CallStatus {
    CallStatus::Live { progress: Some(Progress::Answered) }
}

#[test]
fn a_carrier_is_asked_only_where_both_its_policy_and_its_provider_are_there() {
    for (has_policy, has_provider) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut world = World::documents();
        let ours = world.talking("+15550000001", "A");
        let others = call_of_the_other(&world, world.record(ours));
        configure_the_other(&mut world, Capabilities::none());
        if !has_policy {
            world.policy.providers.remove(&OTHER);
        }
        if !has_provider {
            world.others.insert(OTHER, None);
        }
        world.restart();
        world.settle();
        let is_asked = has_policy && has_provider;
        assert_eq!(world.looks().contains(&others), is_asked, "{has_policy} {has_provider}");
        let undecided = if is_asked { None } else { Some(Decision::KeptUnverified) };
        assert_eq!(decision(&world, others), undecided, "{has_policy} {has_provider}");
        assert!(world.looks().contains(&ours));
    }
}

#[test]
fn the_rate_of_one_carrier_holds_back_no_question_to_the_other() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 10);
    let calls = [("+15550000001", "A"), ("+15550000002", "B"), ("+15550000003", "C")]
        .map(|(to, id)| world.talking(to, id));
    let others = call_of_the_other(&world, world.record(calls[0]));
    for of in world.policy.providers.values_mut() {
        of.requests_per_second = 1.0;
    }
    configure_the_other(&mut world, Capabilities::none());
    world.restart();
    world.settle();
    let ours = world.looks().into_iter().filter(|call| calls.contains(call)).count();
    assert_eq!((ours, world.looks().contains(&others)), (1, true));
    // Each of ours has its second; the other is asked once more after three.
    world.look(others, live());
    world.pass(2_999);
    assert_eq!((world.looks().len(), world.looks().contains(&others)), (3, false));
    world.pass(1);
    assert_eq!((world.looks().len(), world.looks().contains(&others)), (4, true));
}

#[test]
fn what_waits_for_the_rate_of_one_carrier_does_not_oversleep_a_question_to_the_other() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 10);
    let ours = world.talking("+15550000001", "A");
    let like = world.record(ours);
    let over = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.webhook(&Sent::about(1, "A").of(ours).event(over));
    let others = call_of_the_other(&world, like);
    for of in world.policy.providers.values_mut() {
        of.requests_per_second = 0.1;
    }
    configure_the_other(&mut world, Capabilities::none());
    world.restart();
    world.settle();
    world.look(others, live());
    world.initiate("+15550000002").unwrap();
    world.initiate("+15550000003").unwrap();
    assert_eq!(world.effects(), [EffectKind::Initiate], "the second waits for ten seconds");
    world.pass(2_999);
    assert_eq!(world.looks(), []);
    world.pass(1);
    assert_eq!(world.looks(), [others]);
}

#[test]
fn the_list_of_one_carrier_tells_nothing_of_the_calls_of_the_other() {
    // A list of each, and that of ours comes first.
    let mut world = talking(2 * MANY);
    for number in MANY..2 * MANY {
        change(&mut world, number, |record| record.provider = OTHER);
    }
    let mut capabilities = Capabilities::none();
    capabilities.list_live = true;
    configure_the_other(&mut world, capabilities);
    world.restart();
    world.settle();
    assert_eq!((world.lists.len(), world.looks().len()), (2, 0));
    world.listed(Ok(all()));
    assert_eq!(decision(&world, call(0)), Some(Decision::Kept));
    assert_eq!(decision(&world, call(MANY)), None);
    assert_eq!(world.looks(), [], "the others wait for their own");

    // Few calls of the other carrier's wait for no list.
    let mut world = talking(MANY + 1);
    change(&mut world, MANY, |record| record.provider = OTHER);
    configure_the_other(&mut world, capabilities);
    world.restart();
    world.settle();
    assert_eq!((world.lists.len(), world.looks()), (1, vec![call(MANY)]));
    // But where one question at a time is permitted, the list is one.
    world.policy.verify_concurrency = 1;
    world.restart();
    world.settle();
    assert_eq!((world.lists.len(), world.looks()), (1, vec![]));
    world.listed(Ok(all()));
    assert_eq!(world.looks(), [call(MANY)]);
}
