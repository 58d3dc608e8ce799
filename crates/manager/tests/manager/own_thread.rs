//! A manager on a thread of its own: the same calls, and a store that may hold that thread up.

use std::sync::PoisonError;
use std::thread;

use crate::world::{Fault, World, offer, text};
use offhook_core::EndReason;
use offhook_manager::{CallStore, CommandError, DialOutcome, StoreError, WebhookError};

#[tokio::test]
async fn the_store_is_written_on_the_thread_of_the_calls_and_on_no_other() {
    let world = World::documents();
    let manager = world.builder().start_on_thread().unwrap();
    let reply = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    assert_eq!(text(&reply), "step 1: listen for turn 1 in en-US");
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap();
    assert!(matches!(call.dial.unwrap().outcome, DialOutcome::Accepted { .. }));
    assert_eq!(world.provider.count("initiate_call"), 1);
    manager.shutdown().await.unwrap();
    let threads = world.store.held_up.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(threads.len() >= 2, "each commit went this way: {threads:?}");
    assert!(threads.iter().all(|held_up| *held_up == threads[0]));
    assert_ne!(threads[0], thread::current().id());
}

#[tokio::test]
async fn a_manager_among_other_tasks_holds_nobody_up() {
    let world = World::documents();
    let manager = world.start();
    manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    manager.shutdown().await.unwrap();
    assert!(world.store.held_up.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
}

#[tokio::test]
async fn what_the_store_refuses_there_is_refused_and_what_is_unclear_is_read_back() {
    let world = World::documents();
    let manager = world.builder().start_on_thread().unwrap();
    world.store.next_commit(Fault::Refused);
    let refused = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await;
    assert!(matches!(refused, Err(WebhookError::Unavailable)));
    world.store.next_commit(Fault::UnclearWritten);
    let first = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    let again = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    assert_eq!(first, again);
    world.store.next_commit(Fault::UnclearNotWritten);
    let refused = manager.webhook(&world.name(), offer(2, "IN-2").signed()).await;
    assert!(matches!(refused, Err(WebhookError::Unavailable)));
    manager.shutdown().await.unwrap();
    assert_eq!(world.store.inner.load_live(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_abort_stops_the_thread_and_the_next_manager_takes_the_calls_up() {
    let world = World::documents();
    let manager = world.builder().start_on_thread().unwrap();
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap();
    manager.abort();
    assert!(matches!(manager.stopped_early().await, StoreError::Failed { .. }));
    assert_eq!(manager.hangup(call.id).await.unwrap_err(), CommandError::NotRunning);
    let next = world.builder().start_on_thread().unwrap();
    let ending = next.hangup(call.id).await.unwrap().ending;
    assert!(ending.is_some_and(|ending| ending.reason == EndReason::HangupBot));
    next.shutdown().await.unwrap();
}
