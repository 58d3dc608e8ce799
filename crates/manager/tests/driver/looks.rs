//! When the carrier is asked how a call stands, and what its answers may change.

use crate::world::World;
use offhook_conformance::samples::carrier_ids;
use offhook_conformance::{CommandProvider, Sent};
use offhook_core::{
    CallEvent, CallStatus, EndReason, ErrorClass, Progress, ProviderCallIds, ProviderError, Search,
};
use offhook_manager::{CallState, DialOutcome, EffectKind, JobKind, machine::Command};

fn unknown() -> CallStatus {
    CallStatus::Unknown { cause: ProviderError::new(ErrorClass::Transient, "5xx") }
}

fn live() -> CallStatus {
    CallStatus::Live { progress: None }
}

#[test]
fn a_call_without_news_for_a_minute_is_asked_about() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.pass(59_999);
    assert!(world.looks().is_empty());
    world.pass(1);
    assert_eq!(world.looks(), [call]);
    world.look(call, live());
    world.pass(59_999);
    assert!(world.looks().is_empty());
    world.pass(1);
    assert_eq!(world.looks(), [call]);
}

#[test]
fn news_put_the_next_look_off() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.pass(50_000);
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::SpeechStarted));
    world.pass(59_999);
    assert!(world.looks().is_empty());
    world.pass(1);
    assert_eq!(world.looks(), [call]);
}

#[test]
fn an_answer_asked_for_before_newer_news_does_not_override_them() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.pass(60_000);
    let asked_at = world.now;
    world.pass(500);
    // Both wait in the same batch: first the news, then the answer that is older.
    world.submit_webhook(&Sent::about(1, "A").of(call).event(CallEvent::SpeechStarted));
    world.look_asked_at(call, CallStatus::NotFound, asked_at);
    world.settle();
    assert!(!world.record(call).state.is_ended());
}

#[test]
fn not_found_needs_a_second_look_three_seconds_later_if_the_news_are_young() {
    let mut world = World::documents();
    let call = world.dialled("+15550000001", "A");
    // The ring deadline asks early.
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    world.pass(40_000);
    assert_eq!(world.looks(), [call]);
    world.look(call, CallStatus::NotFound);
    assert!(!world.record(call).state.is_ended());
    world.pass(2_999);
    assert!(world.looks().is_empty());
    world.pass(1);
    world.look(call, CallStatus::NotFound);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Failed));
}

#[test]
fn news_of_a_call_that_a_first_look_did_not_find_put_the_second_off() {
    let mut world = World::documents();
    let call = world.dialled("+15550000001", "A");
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::Ringing));
    world.pass(40_000);
    world.look(call, CallStatus::NotFound);
    world.pass(1_000);
    world.webhook(&Sent::about(2, "A").of(call).event(CallEvent::Answered));
    world.pass(59_999);
    assert!(world.looks().is_empty(), "the carrier has it: nothing is missing");
    world.pass(1);
    assert_eq!(world.looks(), [call]);
}

#[test]
fn a_call_that_is_found_between_two_looks_is_not_missing() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.pass(60_000);
    world.look(call, live());
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::SpeechStarted));
    world.pass(60_000);
    assert_eq!(world.looks(), [call]);
}

#[test]
fn what_the_carrier_cannot_tell_is_asked_again_with_backoff() {
    let mut world = World::documents_with(|policy| {
        policy.max_duration = std::time::Duration::from_secs(3600);
    });
    let call = world.talking("+15550000001", "A");
    world.webhook(
        &Sent::about(1, "A").of(call).step(1).event(CallEvent::SpeechEnded { completed: true }),
    );
    world.pass(60_000);
    let mut waits = Vec::new();
    for _ in 0..7 {
        world.look(call, unknown());
        let before = world.now;
        while world.looks().is_empty() {
            world.pass(100);
        }
        waits.push((world.now.as_millisecond() - before.as_millisecond()) as f64 / 1000.0);
    }
    for (wait, base) in waits.iter().zip([2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]) {
        assert!((base * 0.75..=base * 1.25 + 0.1).contains(wait), "{waits:?}");
    }
}

#[test]
fn a_ringing_that_is_overdue_is_asked_about_also_right_after_another_look() {
    let mut world = World::commands();
    let call = world.dialled("+15550000001", "A");
    world.pass(10_000);
    world.restart();
    world.settle();
    world.look(call, live());
    world.pass(3_000);
    world.look(call, live());
    // Overdue 45 s after its dial: the answer came while we were away, and nothing tells it.
    world.pass(32_000);
    assert_eq!(world.looks(), [call], "asked before it is hung up");
    world.look(call, live());
    assert!(world.record(call).answered_at.is_some());
    assert_eq!(world.record(call).ending, None);
}

#[test]
fn an_accepted_hangup_is_looked_after_in_ten_seconds_and_until_it_is_done() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.command(call, Command::HangUp).unwrap();
    world.done(EffectKind::HangUp, Ok(ProviderCallIds::none()));
    assert_eq!(world.driver.slots(), 0);
    for _ in 0..3 {
        world.pass(9_999);
        assert!(world.looks().is_empty());
        world.pass(1);
        assert_eq!(world.looks(), [call]);
        world.look(call, CallStatus::Live { progress: Some(Progress::Answered) });
        assert_eq!(world.effects(), [EffectKind::HangUp]);
        world.done(EffectKind::HangUp, Ok(ProviderCallIds::none()));
    }
    world.pass(10_000);
    world.look(call, CallStatus::NotFound);
    assert!(!world.driver.knows(call), "nothing is left to do");
    assert_eq!(world.driver.next_wakeup(), None);
}

#[test]
fn a_hangup_that_fails_leads_to_a_look() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.command(call, Command::HangUp).unwrap();
    assert!(world.looks().is_empty(), "it is under way");
    world.done(EffectKind::HangUp, Err(ErrorClass::Rejected));
    assert_eq!(world.looks(), [call], "perhaps it is over already");
    world.look(call, live());
    world.pass(900);
    assert!(world.looks().is_empty(), "a live answer is not asked for again at once");
    world.pass(100);
    world.done(EffectKind::HangUp, Err(ErrorClass::Rejected));
    world.pass(60_000);
    world.look(call, CallStatus::Ended { reason: EndReason::Completed, cause: None });
    assert_eq!(world.record(call).end_reason(), Some(EndReason::HangupBot));
}

#[test]
fn an_unclear_dial_is_searched_for_and_found() {
    let mut world = World::commands();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    let mut asked = Vec::new();
    for second in 1..=20 {
        world.pass(1000);
        if world.jobs.iter().any(|job| job.kind == JobKind::Search) {
            asked.push(second);
            let found = second == 20;
            let result = if found { Search::Found(carrier_ids("A")) } else { Search::Nothing };
            world.searched(call, result);
        }
    }
    assert_eq!(asked, [2, 5, 10, 20]);
    let record = world.record(call);
    assert_eq!(record.ids.value(), Some("A"));
    assert!(matches!(record.dial.unwrap().outcome, DialOutcome::Accepted { .. }));
}

#[test]
fn a_search_that_has_come_back_makes_room_for_the_next_question() {
    let mut world = World::with(Box::new(CommandProvider::new()), |policy| {
        policy.verify_concurrency = 1;
    });
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    world.pass(2_000);
    world.searched(call, Search::Nothing);
    world.pass(3_000);
    world.searched(call, Search::Found(carrier_ids("A")));
    world.pass(60_000);
    assert_eq!(world.looks(), [call]);
}

#[test]
fn requests_are_paced_and_the_driver_sleeps_meanwhile() {
    let mut world = World::documents_with(|policy| {
        policy.max_concurrent_calls = 100;
        policy.max_duration = std::time::Duration::from_secs(3600);
        for of in policy.providers.values_mut() {
            of.requests_per_second = 2.0;
        }
    });
    let mut calls = Vec::new();
    for number in 0..10 {
        let call = world.initiate(&format!("+1555000{number:04}")).unwrap();
        while world.effects().is_empty() {
            world.pass(100);
        }
        world.done(EffectKind::Initiate, Ok(carrier_ids(&format!("ID-{number}"))));
        calls.push(call);
    }
    for (delivery, call) in (1..).zip(&calls) {
        let id = world.record(*call).ids.value().unwrap().to_owned();
        let ended = CallEvent::SpeechEnded { completed: true };
        let sent = Sent::about(delivery, id).of(*call).step(1).event(CallEvent::Answered);
        world.webhook(&sent.event(ended));
    }
    world.pass(60_000);
    let mut most = 0;
    for _ in 0..12 {
        let before = world.looks().len();
        // `pass` panics if the driver wakes up again and again without being able to ask.
        world.pass(500);
        most = most.max(world.looks().len() - before);
    }
    assert_eq!(world.looks().len(), 10);
    assert!(most <= 2, "{most} in half a second");
}

#[test]
fn a_call_that_waited_long_for_its_slot_is_young_when_it_is_dialled() {
    let mut world = World::with(Box::new(CommandProvider::new()), |policy| {
        policy.queue = true;
        policy.max_concurrent_calls = 1;
    });
    let first = world.talking("+15550000001", "A");
    let second = world.initiate("+15550000002").unwrap();
    world.pass(70_000);
    let over = CallEvent::Ended { reason: EndReason::HangupUser, cause: None };
    world.webhook(&Sent::about(9, "A").of(first).event(over));
    world.done(EffectKind::Initiate, Ok(carrier_ids("B")));
    // Nothing was heard of it for 70 s, since there was nothing: it is not looked at at once, and one
    // answer that the carrier does not know it yet would not end it.
    assert!(!world.looks().contains(&second));
    assert_eq!(world.record(second).state, CallState::Initiated);
}

#[test]
fn a_call_that_was_lost_while_the_carrier_could_not_be_searched_is_found_later_and_hung_up() {
    let mut world = World::commands();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    let cause = || ProviderError::new(ErrorClass::Transient, "5xx");
    for _ in 0..200 {
        world.pass(1_000);
        if world.jobs.iter().any(|job| job.kind == JobKind::Search) {
            world.searched(call, Search::Unknown { cause: cause() });
        }
    }
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Lost));
    assert_eq!(world.driver.slots(), 0);
    while !world.jobs.iter().any(|job| job.kind == JobKind::Search) {
        world.pass(1_000);
    }
    world.searched(call, Search::Found(carrier_ids("A")));
    assert_eq!(world.effects(), [EffectKind::HangUp]);
    assert_eq!(world.record(call).end_reason(), Some(EndReason::Lost));
}

#[test]
fn a_lost_call_is_searched_for_at_longer_and_longer_intervals() {
    let mut world = World::commands();
    let call = world.initiate("+15550000001").unwrap();
    world.done(EffectKind::Initiate, Err(ErrorClass::Ambiguous));
    let search = |world: &mut World| {
        let cause = ProviderError::new(ErrorClass::Transient, "5xx");
        let is_searched = world.jobs.iter().any(|job| job.kind == JobKind::Search);
        if is_searched {
            world.searched(call, Search::Unknown { cause });
        }
        is_searched
    };
    while !world.record(call).state.is_ended() {
        search(&mut world);
        world.pass(1_000);
    }
    let mut searches = 0;
    for _ in 0..120 {
        searches += usize::from(search(&mut world));
        world.pass(1_000);
    }
    // The carrier is asked again after 2, 4, 8, 16 s and then every 30 s, a quarter more or less.
    assert!((4..=12).contains(&searches), "{searches} in two minutes");
}

#[test]
fn news_while_a_look_is_under_way_begin_no_second_one() {
    let mut world = World::documents();
    let call = world.talking("+15550000001", "A");
    world.pass(60_000);
    assert_eq!(world.looks(), [call]);
    world.webhook(&Sent::about(1, "A").of(call).event(CallEvent::SpeechStarted));
    world.pass(70_000);
    assert_eq!(world.looks(), [call], "the first is not answered yet");
}

#[test]
fn calls_that_a_carrier_could_not_tell_of_at_once_are_not_asked_about_at_once_again() {
    let mut world = World::documents_with(|policy| policy.max_concurrent_calls = 100);
    let calls: Vec<_> = (0..30)
        .map(|number| world.talking(&format!("+1555000{number:04}"), &format!("ID-{number}")))
        .collect();
    world.pass(60_000);
    assert_eq!(world.looks().len(), 30);
    for call in &calls {
        world.look_asked_at(*call, unknown(), world.now);
    }
    world.settle();
    let mut waits = std::collections::BTreeSet::new();
    for step in 0..300 {
        let before = world.looks().len();
        world.pass(10);
        if world.looks().len() > before {
            waits.insert(step);
        }
    }
    assert_eq!(world.looks().len(), 30, "all within 2.5 s");
    assert!(waits.len() >= 15, "they are spread over a second: {waits:?}");
}
