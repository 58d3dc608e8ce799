//! After a restart: every decision of the table, and the report.

use crate::world::World;
use offhook_conformance::samples::{call_id, carrier_ids, live_record};
use offhook_conformance::{CommandProvider, Sent};
use offhook_core::{
    CallEvent, CallId, CallStatus, EndReason, ErrorClass, Progress, ProviderCallIds, ProviderError,
    ProviderName, RejectReason,
};
use offhook_manager::{
    CallState, CallStore, Change, Decision, EffectKind, EntryKind, InboundPolicy, JobKind, Mode,
    machine::Command,
};

fn decision(world: &World, call: CallId) -> Option<Decision> {
    let report = world.driver.report();
    report.calls.iter().find(|restored| restored.call == call).and_then(|found| found.decision)
}

fn noted(world: &World, call: CallId) -> Vec<Decision> {
    let of = |kind: &EntryKind| match kind {
        EntryKind::Restored { decision, .. } => Some(*decision),
        _ => None,
    };
    world.entries(call).iter().filter_map(|entry| of(&entry.kind)).collect()
}

/// A call in mid-conversation, and a restart a while later.
fn restarted() -> (World, CallId) {
    let mut world = World::documents_with(|policy| policy.mode = Mode::Conversation);
    let call = world.talking("+15550000001", "A");
    world.pass(20_000);
    world.restart();
    world.settle();
    assert_eq!(world.looks(), [call], "the carrier is asked at once");
    assert_eq!(decision(&world, call), None);
    assert!(!world.driver.report().settled);
    assert_eq!(world.driver.slots(), 1, "it holds its slot meanwhile");
    (world, call)
}

#[test]
fn a_call_that_the_carrier_says_is_live_is_kept_with_the_time_that_it_has_left() {
    let (mut world, call) = restarted();
    let answered_at = world.record(call).answered_at;
    world.look(call, CallStatus::Live { progress: Some(Progress::Answered) });
    assert_eq!(decision(&world, call), Some(Decision::Kept));
    assert!(world.driver.report().settled);
    assert_eq!(noted(&world, call), [Decision::Kept]);
    assert_eq!(world.record(call).answered_at, answered_at);
    assert!(world.driver.report().calls[0].why.contains("280 s are left"));
}

#[test]
fn invariant_03_a_call_that_the_carrier_says_is_over_is_dropped_with_its_reason() {
    let (mut world, call) = restarted();
    world.look(call, CallStatus::Ended { reason: EndReason::HangupUser, cause: None });
    assert_eq!(decision(&world, call), Some(Decision::Dropped));
    assert_eq!(world.record(call).end_reason(), Some(EndReason::HangupUser));
    assert_eq!(noted(&world, call), [Decision::Dropped]);
    assert_eq!(world.driver.slots(), 0);
}

#[test]
fn invariant_03_a_call_that_the_carrier_does_not_know_is_dropped() {
    let (mut world, call) = restarted();
    // Its last news are 20 s old: a second look.
    world.look(call, CallStatus::NotFound);
    assert_eq!(decision(&world, call), None);
    world.pass(3_000);
    world.look(call, CallStatus::NotFound);
    assert_eq!(decision(&world, call), Some(Decision::Dropped));
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Completed));
    assert_eq!(noted(&world, call), [Decision::Dropped]);
    assert!(world.driver.report().settled);
}

#[test]
fn invariant_03_a_call_of_which_nothing_is_known_is_kept_and_asked_about_until_it_is() {
    for class in [
        ErrorClass::Transient,
        ErrorClass::Throttled,
        ErrorClass::Unauthenticated,
        ErrorClass::Undecodable,
    ] {
        let (mut world, call) = restarted();
        let unknown = || CallStatus::Unknown { cause: ProviderError::new(class, "no answer") };
        world.look(call, unknown());
        assert_eq!(decision(&world, call), Some(Decision::KeptUnverified), "{class:?}");
        assert!(world.driver.report().settled, "every call is decided");
        for _ in 0..5 {
            while world.looks().is_empty() {
                world.pass(500);
            }
            world.look(call, unknown());
        }
        assert_eq!(noted(&world, call), [Decision::KeptUnverified], "said once");
        while world.looks().is_empty() {
            world.pass(500);
        }
        world.look(call, CallStatus::Live { progress: None });
        assert_eq!(decision(&world, call), Some(Decision::Kept));
    }
}

#[test]
fn invariant_03_unknown_is_not_ended_but_the_timers_are_the_fallback() {
    let (mut world, call) = restarted();
    let unknown = CallStatus::Unknown { cause: ProviderError::new(ErrorClass::Transient, "5xx") };
    world.look(call, unknown);
    world.pass(281_000);
    assert_eq!(world.record(call).ending.map(|ending| ending.reason), Some(EndReason::Timeout));
    assert_eq!(world.effects(), [EffectKind::HangUp]);
}

#[test]
fn a_call_that_is_older_than_it_may_become_is_hung_up_as_timed_out() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.now += std::time::Duration::from_secs(3600);
    world.restart();
    world.settle();
    assert_eq!(decision(&world, call), Some(Decision::TimedOut));
    assert_eq!(world.effects(), [EffectKind::HangUp]);
    world.done(EffectKind::HangUp, Ok(ProviderCallIds::none()));
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Timeout));
}

#[test]
fn a_dial_without_an_answer_is_unknown_fenced_and_never_sent_again() {
    let mut world = World::commands();
    let call = world.initiate("+15550000001").unwrap();
    assert_eq!(world.effects(), [EffectKind::Initiate]);
    world.restart();
    world.settle();
    assert_eq!(decision(&world, call), Some(Decision::OutcomeUnknown));
    assert_eq!(world.effects(), []);
    assert_eq!(world.driver.slots(), 1);
    assert!(world.initiate("+15550000001").is_err(), "the destination is fenced");
    world.pass(2_500);
    assert!(world.jobs.iter().any(|job| job.kind == JobKind::Search), "it is searched for");
    world.pass(100_000);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Lost));
    assert_eq!(world.driver.slots(), 0);
    assert_eq!(world.effects(), []);
}

#[test]
fn a_call_that_was_being_hung_up_is_hung_up() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.command(call, Command::HangUp).unwrap();
    world.restart();
    world.settle();
    assert_eq!(decision(&world, call), Some(Decision::Ending));
    assert_eq!(world.effects(), [EffectKind::HangUp]);
}

#[test]
fn a_rejection_that_was_not_sent_yet_waits_for_nothing_else() {
    let mut world = World::with(Box::new(CommandProvider::new()), |policy| {
        policy.inbound = InboundPolicy::Disabled;
    });
    world.webhook(&Sent::about(1, "IN-1").offering("+15550002222", "+15550001111"));
    let reject = EffectKind::Reject(RejectReason::Declined);
    assert_eq!(world.effects(), [reject]);
    world.restart();
    // What is runnable is looked at before what has arrived, and then it is not settled yet.
    assert!(world.driver.start(world.now).is_empty());
    assert!(world.driver.turn(world.now).is_empty(), "nothing changes");
    world.driver.committed(Ok(()), world.now);
    assert_eq!(world.driver.next_wakeup(), Some(jiff::Timestamp::MIN), "somebody is ringing");
    world.settle();
    assert_eq!(world.effects(), [reject]);
}

#[test]
fn a_call_that_waits_for_a_slot_still_waits() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 1;
        policy.queue = true;
    });
    let first = world.talking("+15550000001", "A");
    let second = world.initiate("+15550000002").unwrap();
    world.restart();
    world.settle();
    assert_eq!(decision(&world, second), Some(Decision::Queued));
    assert_eq!(world.record(second).state, CallState::Queued);
    world.look(first, CallStatus::Ended { reason: EndReason::Completed, cause: None });
    assert_eq!(world.record(second).state, CallState::Initiated);
    assert_eq!(world.effects(), [EffectKind::Initiate]);
}

#[test]
fn news_from_the_carrier_decide_before_its_answer_does() {
    let (mut world, call) = restarted();
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::SpeechStarted));
    assert_eq!(decision(&world, call), Some(Decision::Kept));
    let (mut world, call) = restarted();
    let ended = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.webhook(&Sent::about(1, "A").of(call).event(ended));
    assert_eq!(decision(&world, call), Some(Decision::Dropped));
}

#[test]
fn a_call_that_ends_while_the_carrier_is_asked_settles_the_report() {
    let (mut world, call) = restarted();
    world.command(call, Command::HangUp).unwrap();
    world.done(EffectKind::HangUp, Ok(ProviderCallIds::none()));
    assert!(world.driver.report().settled);
    assert_eq!(decision(&world, call), Some(Decision::Dropped));
}

#[test]
fn a_call_that_is_only_looked_after_is_no_part_of_the_report() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.command(call, Command::HangUp).unwrap();
    world.done(EffectKind::HangUp, Ok(ProviderCallIds::none()));
    world.restart();
    world.settle();
    assert!(world.driver.report().calls.is_empty() && world.driver.report().settled);
    assert_eq!(noted(&world, call), [], "nothing is decided of a call that is over");
    world.pass(10_000);
    assert_eq!(world.looks(), [call], "but its hangup is still looked after");
}

#[test]
fn invariant_22_nothing_is_dialled_again_if_the_first_commit_after_a_restart_is_refused() {
    let mut world = World::documents();
    let call = world.initiate("+15550000001").unwrap();
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    world.restart();
    world.refuse(1);
    world.turn();
    assert_eq!(world.effects(), []);
    // A webhook is taken during the pause after a refused commit.
    world.submit_webhook(&Sent::about(2, "A").of(call).event(CallEvent::Answered));
    world.turn();
    assert_eq!(world.effects(), []);
    world.pass(5_000);
    assert_eq!(world.effects(), []);
    assert!(world.record(call).outbox.is_empty());
}

#[test]
fn looks_after_a_restart_are_bounded_by_concurrency_and_rate() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 100;
        policy.verify_concurrency = 5;
    });
    let calls: Vec<CallId> = (0..20)
        .map(|number| world.talking(&format!("+1555000{number:04}"), &format!("ID-{number}")))
        .collect();
    world.restart();
    world.settle();
    let mut asked = Vec::new();
    while asked.len() < 20 {
        let looks = world.looks();
        assert_eq!(looks.len(), 5.min(20 - asked.len()));
        let call = looks[0];
        assert!(!asked.contains(&call));
        asked.push(call);
        world.look(call, CallStatus::Live { progress: Some(Progress::Answered) });
    }
    assert!(world.driver.report().settled);
    assert!(calls.iter().all(|call| decision(&world, *call) == Some(Decision::Kept)));

    world.pass(5_000);
    for of in world.policy.providers.values_mut() {
        of.requests_per_second = 4.0;
    }
    world.restart();
    world.settle();
    let mut asked = world.looks().len();
    assert_eq!(asked, 1, "a second's worth is not asked at once");
    for second in 1..=3 {
        for _ in 0..4 {
            for call in world.looks() {
                world.look(call, CallStatus::Live { progress: Some(Progress::Answered) });
            }
            world.pass(250);
            asked += world.looks().len();
        }
        assert!((4 * second - 1..=4 * second + 1).contains(&asked), "{asked} in {second} s");
    }
}

#[test]
fn what_somebody_waits_for_finds_room_beside_the_looks_after_a_restart() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 100;
        for of in policy.providers.values_mut() {
            of.requests_per_second = 20.0;
        }
    });
    let calls: Vec<CallId> = (0..20)
        .map(|number| {
            world.pass(1_000);
            world.talking(&format!("+1555000{number:04}"), &format!("ID-{number}"))
        })
        .collect();
    world.restart();
    world.settle();
    assert_eq!(world.looks().len(), 2);
    for call in &calls[10..] {
        world.command(*call, Command::HangUp).unwrap();
    }
    assert_eq!(world.effects(), [EffectKind::HangUp; 10], "none of them waits for a look");
}

#[test]
fn calls_of_a_provider_that_is_gone_hold_no_look_and_stop_nobody() {
    let mut world = World::documents_with(|policy| policy.verify_concurrency = 1);
    let mut orphan = live_record(call_id(900));
    orphan.provider = ProviderName::new("gone");
    orphan.ids = carrier_ids("ORPHAN");
    orphan.outbox.clear();
    orphan.ring_overdue_at = None;
    orphan.answered_at = Some(world.now);
    orphan.state = CallState::Active;
    let change = Change {
        record: orphan.into(),
        expected_revision: None,
        entries: Vec::new(),
        new_ids: vec!["ORPHAN".to_owned()],
        idempotency: None,
    };
    crate::world::ready(world.store.commit(&[change])).unwrap();
    world.restart();
    world.settle();
    assert_eq!(decision(&world, call_id(900)), Some(Decision::KeptUnverified));
    assert!(world.driver.report().settled);
    let call = world.talking("+15550000001", "A");
    world.pass(61_000);
    assert_eq!(world.looks(), [call]);
}
