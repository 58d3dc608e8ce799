//! The whole manager: its task, on a clock that a test moves and a store that can fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asking;
mod forgetting;
mod own_thread;
mod restarts;
mod stores_that_fail;
mod world;

use std::time::Duration;

use offhook_conformance::{Scripted, Sent, signed};
use offhook_core::{CallEvent, ErrorClass, ProviderError, ProviderName, WebhookRejection};
use offhook_manager::machine::{Command, CommandRefusal};
use offhook_manager::{CommandError, DialOutcome, Idempotency, InitiateError, WebhookError};
use world::{World, offer, text, until};

#[tokio::test]
async fn a_call_is_initiated_answered_and_hung_up() {
    let world = World::documents();
    let manager = world.start();
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap();
    assert!(matches!(call.dial.unwrap().outcome, DialOutcome::Accepted { .. }));
    let id = call.ids.value().unwrap().to_owned();
    let sent = Sent::about(1, id).of(call.id).step(1).event(CallEvent::Answered).waiting();
    let reply = manager.webhook(&world.name(), sent.signed()).await.unwrap();
    assert_eq!(text(&reply), "step 1: say \"Hello.\" then hang up after 3000 ms");
    manager.hangup(call.id).await.unwrap();
    until(|| world.provider.count("hangup_call") == 1).await;
    until(|| manager.slots() == 0).await;
    let record = manager.call(call.id).await.unwrap().unwrap();
    assert!(record.state.is_ended());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn webhooks_that_are_not_right_are_refused_by_kind() {
    let world = World::documents();
    let manager = world.start();
    let mut forged = offer(1, "IN-1").signed();
    forged.headers.clear();
    let refused = manager.webhook(&world.name(), forged).await;
    assert!(matches!(refused, Err(WebhookError::Rejected(WebhookRejection::MissingHeader { .. }))));
    let refused = manager.webhook(&world.name(), signed(b"not json".to_vec())).await;
    assert!(matches!(refused, Err(WebhookError::Undecodable(_))));
    let stranger = ProviderName::new("nobody");
    let refused = manager.webhook(&stranger, offer(1, "IN-1").signed()).await;
    assert!(matches!(refused, Err(WebhookError::UnknownProvider { .. })));
    assert_eq!(manager.slots(), 0);
}

#[tokio::test]
async fn invariant_08_a_repeat_gets_the_same_bytes_from_the_store() {
    let world = World::documents();
    let manager = world.start();
    let first = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    let again = Sent::about(2, "IN-1").step(1).event(CallEvent::NothingHeard).waiting();
    let second = manager.webhook(&world.name(), again.signed()).await.unwrap();
    assert_ne!(first, second);
    for _ in 0..3 {
        let repeat = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
        assert_eq!(repeat, first);
    }
    assert_eq!(manager.slots(), 1);
}

#[tokio::test]
async fn invariant_10_no_answer_to_a_carrier_waits_for_a_carrier() {
    let world = World::commands();
    world.provider.script("answer_call", Scripted::Silent);
    let manager = world.start();
    let mut sent = offer(1, "IN-1");
    sent.document = false;
    assert!(manager.webhook(&world.name(), sent.signed()).await.is_ok());
    until(|| world.provider.count("answer_call") == 1).await;
    // Other calls go on meanwhile.
    let mut sent = offer(2, "IN-2");
    sent.document = false;
    assert!(manager.webhook(&world.name(), sent.signed()).await.is_ok());
    until(|| world.provider.count("answer_call") == 2).await;
}

#[tokio::test]
async fn a_carrier_that_refuses_the_dial_gives_a_failed_call() {
    let world = World::documents();
    let error = ProviderError::new(ErrorClass::Rejected, "not a valid number").with_code("21211");
    world.provider.script("initiate_call", Scripted::Failed(error));
    let manager = world.start();
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap();
    assert!(call.state.is_ended());
    assert_eq!(call.cause.unwrap().code, "21211");
    until(|| manager.slots() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_carrier_that_never_answers_leaves_the_outcome_unknown() {
    let world = World::documents();
    world.provider.script("initiate_call", Scripted::Silent);
    let manager = world.start();
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap();
    assert!(call.outcome_unknown());
    assert_eq!(world.provider.count("initiate_call"), 1);
}

#[tokio::test]
async fn a_user_waits_ten_seconds_for_a_dial_and_no_longer() {
    let world = World::documents();
    world.provider.script("initiate_call", Scripted::Silent);
    let manager = world.start();
    let request = world.request(&manager, "+15550000001");
    let waiting = tokio::spawn({
        let manager = manager.clone();
        async move { manager.initiate(request).await }
    });
    until(|| world.provider.count("initiate_call") == 1).await;
    world.clock.pass(Duration::from_millis(9_999));
    world::a_while().await;
    assert!(!waiting.is_finished());
    world.clock.pass(Duration::from_millis(1));
    let call = waiting.await.unwrap().unwrap();
    assert_eq!(call.dial.unwrap().outcome, DialOutcome::Pending);
}

#[tokio::test]
async fn a_repeated_key_gives_the_same_call_at_once_and_dials_once() {
    let world = World::documents();
    let manager = world.start();
    let request = |fingerprint| {
        let mut request = world.request(&manager, "+15550000001");
        request.idempotency =
            Some(Idempotency { key: "order".to_owned(), fingerprint: [fingerprint; 16] });
        request
    };
    let first = manager.initiate(request(1)).await.unwrap();
    // The clock stands still: whoever waits for it here waits for ever.
    let second = manager.initiate(request(1)).await.unwrap();
    assert_eq!(first.id, second.id);
    let third = manager.initiate(request(2)).await;
    assert_eq!(third.unwrap_err(), InitiateError::KeyReused);
    assert_eq!(world.provider.count("initiate_call"), 1);
}

#[tokio::test]
async fn a_refused_dial_leaves_nothing_behind() {
    let world = World::documents();
    let manager = world.start();
    for number in ["+15550000001", "+15550000002"] {
        manager.initiate(world.request(&manager, number)).await.unwrap();
    }
    let mut earlier: Option<String> = None;
    for _ in 0..5 {
        let request = world.request(&manager, "+15550000003");
        let id = request.id.to_string();
        let refused = manager.initiate(request).await;
        assert_eq!(refused.unwrap_err(), InitiateError::ConcurrencyLimit { limit: 2 });
        if let Some(earlier) = earlier.replace(id) {
            assert!(!format!("{manager:?}").contains(&earlier), "nobody watches it any more");
        }
    }
}

#[tokio::test]
async fn commands_for_calls_that_are_over_or_unknown_are_refused_by_kind() {
    let world = World::documents();
    let manager = world.start();
    let nobody = manager.draw_id();
    assert_eq!(manager.hangup(nobody).await.unwrap_err(), CommandError::NoSuchCall);
    let call = manager.initiate(world.request(&manager, "+15550000001")).await.unwrap().id;
    let stop = manager.command(call, Command::StopListening).await;
    assert_eq!(stop.unwrap_err(), CommandError::Refused(CommandRefusal::NotAnswered));
    manager.hangup(call).await.unwrap();
    until(|| manager.slots() == 0).await;
    assert!(manager.hangup(call).await.is_ok(), "hanging up a call that is over is right");
    let stop = manager.command(call, Command::StopListening).await;
    assert_eq!(stop.unwrap_err(), CommandError::Refused(CommandRefusal::Ended));
}

#[tokio::test]
async fn invariant_21_deadlines_follow_the_clock_that_is_given() {
    let world = World::documents();
    let manager = world.start();
    let reply = manager.webhook(&world.name(), offer(1, "IN-1").signed()).await.unwrap();
    assert_eq!(text(&reply), "step 1: listen for turn 1 in en-US");
    world.clock.pass(Duration::from_secs(299));
    world::a_while().await;
    assert_eq!(world.provider.count("hangup_call"), 0);
    world.clock.pass(Duration::from_secs(1));
    until(|| world.provider.count("hangup_call") == 1).await;
}
