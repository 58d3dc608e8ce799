//! The carrier is told to come again, and when it does all is well.

use std::time::Duration;

use crate::world::{Fault, World, offer, text, until};
use offhook_manager::{CallStore, CommandError, InitiateError, StoreError, WebhookError};

#[tokio::test]
async fn invariant_07_a_refused_commit_tells_the_carrier_to_come_again() {
    let world = World::documents();
    let manager = world.start();
    world.store.next_commit(Fault::Refused);
    let refused = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await;
    assert!(matches!(refused, Err(WebhookError::Unavailable)));
    assert_eq!(manager.slots(), 0);
    let reply = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    assert_eq!(text(&reply), "step 1: listen for turn 1 in en-US");
    assert_eq!((manager.slots(), manager.counters().repeats), (1, 0));
}

#[tokio::test]
async fn an_unclear_commit_that_was_written_counts_as_written() {
    let world = World::documents();
    let manager = world.start();
    world.store.next_commit(Fault::UnclearWritten);
    let first = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    let again = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!((manager.slots(), manager.counters().repeats), (1, 1));
}

#[tokio::test]
async fn an_unclear_commit_that_was_not_written_did_not_happen() {
    let world = World::documents();
    let manager = world.start();
    world.store.next_commit(Fault::UnclearNotWritten);
    let refused = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await;
    assert!(matches!(refused, Err(WebhookError::Unavailable)));
    assert!(manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.is_ok());
    assert_eq!((manager.slots(), manager.counters().repeats), (1, 0));
}

#[tokio::test]
async fn an_unclear_dial_intent_is_read_back_before_anything_is_dialled() {
    for (fault, dials) in [(Fault::UnclearWritten, 1), (Fault::UnclearNotWritten, 0)] {
        let world = World::documents();
        let manager = world.start();
        until(|| manager.is_ready()).await;
        world.store.next_commit(fault);
        world.store.fail_reads(3);
        let request = world.request(&manager, "+15550000001");
        let dialling = tokio::spawn({
            let manager = manager.clone();
            async move { manager.initiate(request).await }
        });
        for _ in 0..3 {
            crate::world::a_while().await;
            assert_eq!(world.provider.count("initiate_call"), 0, "{fault:?}");
            world.clock.pass(Duration::from_millis(500));
        }
        let result = dialling.await.unwrap();
        assert_eq!(result.is_ok(), dials == 1, "{fault:?}");
        assert_eq!(world.provider.count("initiate_call"), dials);
    }
}

#[tokio::test]
async fn a_refused_dial_and_a_refused_command_did_not_happen() {
    let world = World::documents();
    let manager = world.start();
    world.store.next_commit(Fault::Refused);
    let refused = manager.initiate(world.request(&manager, "+15550000001")).await;
    assert_eq!(refused.unwrap_err(), InitiateError::StoreUnavailable);
    assert_eq!(world.provider.requests(), []);
    // What no one waits for rests for a moment after a refused commit.
    world.clock.pass(Duration::from_millis(500));
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap();
    world.store.next_commit(Fault::Refused);
    assert_eq!(manager.hangup(call.id).await.unwrap_err(), CommandError::StoreUnavailable);
    assert_eq!(world.provider.count("hangup_call"), 0);
    manager.hangup(call.id).await.unwrap();
    until(|| world.provider.count("hangup_call") == 1).await;
}

#[tokio::test]
async fn the_carrier_s_answer_survives_a_refused_commit() {
    let world = World::documents();
    let manager = world.start();
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap().id;
    // The hangup is committed, and what the carrier answers to it is refused.
    world.store.next_commit(Fault::Taken);
    world.store.next_commit(Fault::Refused);
    manager.hangup(call).await.unwrap();
    until(|| world.provider.count("hangup_call") == 1).await;
    crate::world::a_while().await;
    assert_eq!(manager.slots(), 1, "not committed, so not over");
    world.clock.pass(Duration::from_millis(500));
    until(|| manager.slots() == 0).await;
    assert_eq!(world.provider.count("hangup_call"), 1);
}

#[tokio::test]
async fn an_unclear_command_is_read_back_by_its_revision() {
    let world = World::documents();
    let manager = world.start();
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap().id;
    world.store.next_commit(Fault::UnclearNotWritten);
    assert_eq!(manager.hangup(call).await.unwrap_err(), CommandError::StoreUnavailable);
    crate::world::a_while().await;
    assert_eq!(world.provider.count("hangup_call"), 0);
}

#[tokio::test]
async fn a_store_that_cannot_be_loaded_stops_the_manager_with_its_reason() {
    let world = World::documents();
    world.store.fail_reads(1);
    let manager = world.start();
    let error = manager.stopped_early().await;
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    let refused = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await;
    assert!(matches!(refused, Err(WebhookError::Unavailable)));
}

#[tokio::test]
async fn a_dial_that_is_committed_while_we_are_told_to_stop_is_still_sent() {
    let world = World::documents();
    let manager = world.start();
    until(|| manager.is_ready()).await;
    world.store.next_commit(Fault::UnclearWritten);
    world.store.fail_reads(1);
    let request = world.request(&manager, "+15550000001");
    let call = request.id;
    let dialling = tokio::spawn({
        let manager = manager.clone();
        async move { manager.initiate(request).await }
    });
    crate::world::a_while().await;
    let stopping = tokio::spawn({
        let manager = manager.clone();
        async move { manager.shutdown().await }
    });
    crate::world::a_while().await;
    assert_eq!(world.provider.count("initiate_call"), 0, "nobody knows that it is committed");
    world.clock.pass(Duration::from_millis(500));
    stopping.await.unwrap().unwrap();
    assert_eq!(world.provider.count("initiate_call"), 1);
    let record = CallStore::get(&*world.store, call).await.unwrap().unwrap();
    assert!(!record.ids.is_empty(), "and its answer is taken in");
    drop(dialling);
}
