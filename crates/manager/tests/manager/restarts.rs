//! A manager ends, in order or not, and the next one takes the calls up.

use std::time::Duration;

use crate::world::{World, offer, until};
use offhook_conformance::{Scripted, Sent};
use offhook_core::{CallEvent, CallStatus, EndReason};
use offhook_manager::{CallStore, Decision, Events, WebhookError};

#[tokio::test]
async fn a_shutdown_leaves_the_calls_running_and_the_next_manager_takes_them_up() {
    let world = World::documents();
    let manager = world.start();
    manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    manager.webhook(&world.name(), offer(2, "IN-2").signed()).await.unwrap();
    manager.shutdown().await.unwrap();
    assert_eq!(world.provider.count("hangup_call"), 0);
    let late = manager.webhook(&world.name(), offer(3, "IN-3").signed()).await;
    assert!(matches!(late, Err(WebhookError::Unavailable)), "a closed manager takes nothing");

    let over = || CallStatus::Ended { reason: EndReason::HangupUser, cause: None };
    world.provider.set_status("IN-2", over);
    world.clock.pass(Duration::from_secs(20));
    let next = world.start();
    until(|| next.restore_report().settled && next.restore_report().calls.len() == 2).await;
    let decisions: Vec<_> =
        next.restore_report().calls.iter().map(|restored| restored.decision).collect();
    assert_eq!(decisions, [Some(Decision::Kept), Some(Decision::Dropped)]);
    until(|| next.slots() == 1).await;
    let kept = next.call_by_carrier_id("IN-1").await.unwrap().unwrap();
    assert!(kept.state.is_connected());
    // Its conversation goes on where it was.
    let sent = Sent::about(4, "IN-1").of(kept.id).step(1).event(CallEvent::NothingHeard).waiting();
    let reply = next.webhook(&world.name(), sent.signed()).await.unwrap();
    assert_eq!(crate::world::text(&reply), "step 2: listen for turn 1 in en-US");
}

/// The id of the next event, which has been committed.
async fn next_id(events: &mut Events) -> u64 {
    tokio::select! {
        biased;
        event = events.next() => event.unwrap().unwrap().id,
        () = crate::world::a_while() => panic!("nothing is told"),
    }
}

#[tokio::test]
async fn who_comes_with_an_entry_of_another_store_is_told_everything() {
    let before = World::documents();
    let manager = before.start();
    for delivery in 1..=2 {
        let id = format!("IN-{delivery}");
        manager.webhook(&before.name(), offer(delivery, &id).signed()).await.unwrap();
    }
    let seen = before.store.last_entry().await.unwrap();

    // A store in memory is empty after a restart.
    let world = World::documents();
    let next = world.start();
    let mut waiting = next.events(Some(seen)).await.unwrap();
    next.webhook(&world.name(), offer(3, "IN-3").signed()).await.unwrap();
    assert_eq!(next_id(&mut waiting).await, 1);
    let mut late = next.events(Some(seen)).await.unwrap();
    assert_eq!(next_id(&mut late).await, 1);

    // What it has itself is told once.
    let last = world.store.last_entry().await.unwrap();
    assert!(last < seen, "{last} of {seen}");
    let mut on = next.events(Some(last)).await.unwrap();
    next.webhook(&world.name(), offer(4, "IN-4").signed()).await.unwrap();
    assert_eq!(next_id(&mut on).await, last + 1);
}

#[tokio::test]
async fn invariant_22_a_crash_in_the_middle_of_a_dial_never_dials_again() {
    for commands in [false, true] {
        let world = if commands { World::commands() } else { World::documents() };
        world.provider.script("initiate_call", Scripted::Silent);
        let manager = world.start();
        let request = world.request(&manager, "+15550000001");
        let id = request.id;
        let dialling = tokio::spawn({
            let manager = manager.clone();
            async move { manager.initiate(request).await }
        });
        until(|| world.provider.count("initiate_call") == 1).await;
        manager.abort();
        dialling.abort();

        let next = world.start();
        until(|| !next.restore_report().calls.is_empty() && next.restore_report().settled).await;
        assert_eq!(next.restore_report().calls[0].decision, Some(Decision::OutcomeUnknown));
        assert_eq!(next.slots(), 1);
        world.clock.pass(Duration::from_secs(1));
        crate::world::a_while().await;
        assert_eq!(world.provider.count("initiate_call"), 1, "nobody is dialled twice");
        // The carrier's webhook proves that the call exists.
        let sent = Sent::about(1, "OUT-1").of(id).event(CallEvent::Answered);
        next.webhook(&world.name(), sent.signed()).await.unwrap();
        let call = next.call(id).await.unwrap().unwrap();
        assert!(call.state.is_connected() && !call.outcome_unknown());
        assert_eq!(world.provider.count("initiate_call"), 1);
    }
}

#[tokio::test]
async fn invariant_22_a_crash_after_a_webhook_overtook_the_dial_s_answer_never_dials_again() {
    let world = World::documents();
    world.provider.script("initiate_call", Scripted::Silent);
    let manager = world.start();
    let request = world.request(&manager, "+15550000001");
    let id = request.id;
    let dialling = tokio::spawn({
        let manager = manager.clone();
        async move { manager.initiate(request).await }
    });
    until(|| world.provider.count("initiate_call") == 1).await;
    let sent = Sent::about(1, "OUT-1").of(id).event(CallEvent::Ringing);
    manager.webhook(&world.name(), sent.signed()).await.unwrap();
    manager.abort();
    dialling.abort();
    let next = world.start();
    until(|| !next.restore_report().calls.is_empty() && next.restore_report().settled).await;
    crate::world::a_while().await;
    assert_eq!(world.provider.count("initiate_call"), 1, "nobody is dialled twice");
}

#[tokio::test]
async fn a_hangup_that_was_under_way_is_sent_by_the_next_manager() {
    let world = World::documents();
    world.provider.script("hangup_call", Scripted::Silent);
    let manager = world.start();
    manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    let call = manager.call_by_carrier_id("IN-1").await.unwrap().unwrap().id;
    manager.hangup(call).await.unwrap();
    until(|| world.provider.count("hangup_call") == 1).await;
    manager.abort();
    let next = world.start();
    until(|| world.provider.count("hangup_call") == 2).await;
    until(|| next.is_ready() && next.slots() == 0).await;
    assert_eq!(next.call(call).await.unwrap().unwrap().end_reason(), Some(EndReason::HangupBot));
}
