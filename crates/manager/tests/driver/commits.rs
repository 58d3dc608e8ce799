//! Save, then release; and what a commit that fails leaves behind.

use crate::world::World;
use offhook_conformance::Sent;
use offhook_conformance::samples::carrier_ids;
use offhook_core::{CallEvent, CallStatus, EndReason, PrivateText, Search};
use offhook_manager::{
    CallStore, Change, CommandError, CommitError, EffectKind, WebhookAnswer, machine::Command,
};

#[test]
fn invariant_07_a_refused_commit_changes_nothing_and_the_repeat_succeeds() {
    let mut world = World::documents();
    let call = world.dialled("+15550000001", "A");
    let before = world.record(call);
    world.refuse(1);
    let sent = Sent::about(1, "A").of(call).step(1).event(CallEvent::Answered).waiting();
    assert!(matches!(world.webhook(&sent), WebhookAnswer::Unavailable));
    assert_eq!(world.record(call), before);
    assert_eq!(world.driver.counters().refused_commits, 1);
    // The same delivery, and it is no repeat.
    let answer = world.webhook(&sent);
    assert_eq!(world.reply(answer), "step 1: say \"Hello.\" then hang up after 3000 ms");
    assert_eq!(world.driver.counters().repeats, 0);
}

#[test]
fn invariant_07_a_refused_inbound_call_frees_its_slot_and_comes_in_again() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 1);
    world.refuse(1);
    let mut sent = Sent::about(1, "IN-1").offering("+15550002222", "+15550001111");
    sent.document = true;
    assert!(matches!(world.webhook(&sent), WebhookAnswer::Unavailable));
    assert_eq!((world.calls(), world.driver.slots()), (0, 0));
    assert!(matches!(world.webhook(&sent), WebhookAnswer::Plan { .. }));
    assert_eq!((world.calls(), world.driver.slots()), (1, 1));
}

#[test]
fn a_command_whose_commit_is_refused_did_not_happen() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.refuse(1);
    assert_eq!(world.command(call, Command::HangUp), Err(CommandError::StoreUnavailable));
    assert_eq!(world.record(call).ending, None);
    assert_eq!(world.effects(), []);
    world.command(call, Command::HangUp).unwrap();
    assert_eq!(world.effects(), [EffectKind::HangUp]);
}

#[test]
fn the_carrier_s_answer_to_an_effect_is_kept_until_it_can_be_committed() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    world.refuse(3);
    world.done(EffectKind::Initiate, Ok(carrier_ids("A")));
    assert!(world.record(call).ids.is_empty());
    assert_eq!(world.effects(), [], "nothing is dialled again meanwhile");
    world.pass(2000);
    assert_eq!(world.record(call).ids.value(), Some("A"));
    assert_eq!(world.effects(), []);
}

#[test]
fn in_the_pause_after_a_refused_commit_only_those_are_served_who_wait_for_an_answer() {
    let mut world = World::documents();
    let talking = world.talking("+15550000001", "A");
    let call = world.initiate("+15550000002").unwrap();
    world.refuse(1);
    world.done(EffectKind::Initiate, Ok(carrier_ids("B")));
    for delivery in 1..=3 {
        world.pass(100);
        let sent = Sent::about(delivery, "A").of(talking).event(CallEvent::Ringing);
        assert!(matches!(world.webhook(&sent), WebhookAnswer::Fixed(_)));
        assert!(world.record(call).ids.is_empty(), "the store has its pause");
    }
    world.pass(199);
    assert!(world.record(call).ids.is_empty());
    world.pass(1);
    assert_eq!(world.record(call).ids.value(), Some("B"));
}

#[test]
fn a_deadline_whose_commit_is_refused_is_applied_later() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.refuse(2);
    world.pass(400_000);
    assert!(world.record(call).ending.is_some());
}

#[test]
fn a_conflict_is_applied_again_on_what_the_others_wrote() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    let mut theirs = world.record(call);
    let expected_revision = Some(theirs.revision);
    theirs.revision += 1;
    theirs.metadata.insert("by".to_owned(), "another node".into());
    let change = Change {
        record: theirs.into(),
        expected_revision,
        entries: Vec::new(),
        new_ids: Vec::new(),
        idempotency: None,
    };
    crate::world::ready(world.store.commit(&[change])).unwrap();
    let ended = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    assert!(matches!(
        world.webhook(&Sent::about(1, "A").of(call).event(ended)),
        WebhookAnswer::Fixed(_)
    ));
    let record = world.record(call);
    assert_eq!(record.end_reason(), Some(EndReason::HangupUser));
    assert_eq!(record.metadata.get("by").map(PrivateText::as_str), Some("another node"));
}

#[test]
fn a_call_that_the_store_does_not_have_any_more_holds_nothing() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.driver.reload(call, None);
    assert!(!world.driver.knows(call));
    assert_eq!(world.driver.known_by(&world.provider.name(), "A"), None);
    assert_eq!((world.driver.slots(), world.driver.next_wakeup()), (0, None));
}

#[test]
fn after_a_conflict_only_the_first_word_of_a_call_is_looked_up() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.submit_webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    let offer = Sent::about(2, "IN-1").offering("+15550002222", "+15550001111");
    let first_word = world.submit_webhook(&offer.waiting());
    assert_eq!(world.driver.turn(world.now).len(), 2);
    let conflict = CommitError::Conflict { calls: vec![call] };
    let released = world.driver.committed(Err(conflict), world.now);
    assert_eq!(released.reload, [call]);
    let looked_up: Vec<_> = released.find.iter().map(|(ticket, ..)| *ticket).collect();
    assert_eq!(looked_up, [first_word]);
}

#[test]
fn the_first_word_of_a_call_that_the_store_knows_after_all_attaches_to_it() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    let ended = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.webhook(&Sent::about(1, "A").of(call).event(ended));
    // Two of them in one turn: each is found, and neither makes a call of its own.
    let offer = |delivery| Sent::about(delivery, "A").offering("+15550002222", "+15550001111");
    let tickets = [2, 3].map(|delivery| world.submit_webhook(&offer(delivery).waiting()));
    let told = world.entries(call).len();
    world.settle();
    for ticket in tickets {
        let answer = world.answered(ticket);
        assert!(world.reply(answer).ends_with("hang up after 0 ms"));
    }
    assert_eq!((world.calls(), world.entries(call).len()), (1, told + 2));
}

#[test]
fn a_conflict_without_end_is_refused_and_not_tried_for_ever() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    for _ in 0..2 {
        world.refusals.push_back(CommitError::Conflict { calls: vec![call] });
    }
    let sent = Sent::about(1, "A").of(call).event(CallEvent::Ringing);
    assert!(matches!(world.webhook(&sent), WebhookAnswer::Unavailable));
    assert!(matches!(world.webhook(&sent), WebhookAnswer::Fixed(_)));
}

#[test]
fn a_look_whose_answer_could_not_be_committed_counts_once() {
    let mut world = World::commands();
    world.driver = offhook_manager::Driver::new(
        {
            world.policy.verify_concurrency = 1;
            world.policy.max_concurrent_calls = 9;
            world.policy.clone()
        },
        [(world.provider.name(), world.provider.capabilities())].into(),
        world.now,
    );
    let calls = [("+15550000001", "A"), ("+15550000002", "B"), ("+15550000003", "C")]
        .map(|(to, id)| world.talking(to, id));
    for kind in world.effects() {
        world.done(kind, Ok(offhook_core::ProviderCallIds::none()));
    }
    world.pass(65_000);
    assert_eq!(world.looks().len(), 1);
    let call = world.looks()[0];
    world.refuse(3);
    let ended = CallStatus::Ended { reason: EndReason::Completed, cause: None };
    world.look(call, ended);
    for _ in 0..40 {
        world.pass(50);
        assert!(world.looks().len() <= 1, "one look at a time, whatever the store does");
    }
    assert!(world.record(call).state.is_ended());
    assert_eq!(world.looks().len(), 1);
    assert_eq!(calls.len(), 3);
}

#[test]
fn a_search_whose_answer_could_not_be_committed_counts_once() {
    let mut world = World::commands();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(offhook_core::ErrorClass::Ambiguous));
    let mut searches = 0;
    for _ in 0..44 {
        world.pass(1000);
        if world.jobs.iter().any(|job| job.kind == offhook_manager::JobKind::Search) {
            searches += 1;
            world.refuse(1);
            world.searched(call, Search::Candidates(vec![carrier_ids("X")]));
        }
    }
    // After 2, 5, 10, 20 and 40 s.
    assert_eq!(searches, 5);
}
