//! A call that comes in is answered or rejected by a command.

use http::Method;
use offhook::manager::InboundPolicy;
use offhook_tests::World;
use serde_json::{Value, json};

use crate::support::{CALLER, commands, heard, seconds, setup, world};

/// What became of the line with this id of the carrier's.
async fn ended_at_the_carrier(world: &World, id: &str) -> Value {
    world.carrier(Method::GET, &format!("calls/{id}"), Value::Null).await["cause"].clone()
}

#[tokio::test]
async fn a_call_is_answered_when_the_carrier_says_so_and_then_greeted() {
    let world = world().await;
    let id = world.somebody_calls(CALLER, "silent").await;
    let view = world.until_state(&id, "listening").await;
    assert_eq!(heard(&world, &id).await, ["Hello!"]);
    assert_eq!(commands(&world, &id).await, ["answer", "speak", "transcription_start"]);
    assert!(view["answered_at"].is_string());
}

#[tokio::test]
async fn a_refused_caller_is_rejected_with_the_reason_and_never_answered() {
    let mut setup = setup();
    setup.policy.max_concurrent_calls = 1;
    setup.policy.inbound = InboundPolicy::Allowlist(vec![
        CALLER.parse().expect("a number"),
        "+15550100079".parse().expect("a number"),
    ]);
    let world = World::with(setup).await;
    let stranger = world.somebody_calls("+15550100078", "silent").await;
    assert_eq!(ended_at_the_carrier(&world, &stranger).await, "call_rejected");
    assert_eq!(world.call(&stranger).await["end_reason"], "rejected");
    assert_eq!(commands(&world, &stranger).await, ["reject"]);
    world.somebody_calls(CALLER, "silent").await;
    let second = world.somebody_calls("+15550100079", "silent").await;
    assert_eq!(ended_at_the_carrier(&world, &second).await, "user_busy");
    assert_eq!(world.call(&second).await["end_reason"], "busy");
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_answer_leaves_nobody_ringing() {
    let mut world = world().await;
    world.hold_requests(true);
    let id = world.somebody_calls(CALLER, "silent").await;
    assert_eq!(world.call(&id).await["state"], "ringing");
    world.crash().await;
    world.hold_requests(false);
    world.run_for(seconds(5)).await;
    assert_eq!(world.lines().await[0]["status"], "parked", "nobody has answered");
    world.start().await;
    world.until_state(&id, "listening").await;
    assert_eq!(heard(&world, &id).await, ["Hello!"]);
    assert_eq!(world.calls("all").await.len(), 1);
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_rejection_leaves_nobody_ringing() {
    let mut setup = setup();
    setup.policy.inbound = InboundPolicy::Disabled;
    let mut world = World::with(setup).await;
    world.hold_requests(true);
    let id = world.somebody_calls(CALLER, "silent").await;
    world.crash().await;
    world.hold_requests(false);
    world.run_for(seconds(5)).await;
    world.start().await;
    world.run_for(seconds(2)).await;
    assert_eq!(ended_at_the_carrier(&world, &id).await, "call_rejected");
    assert_eq!(world.call(&id).await["end_reason"], "rejected");
    assert_eq!(world.manager().slots(), 0);
}

#[tokio::test]
async fn an_answer_that_was_taken_and_never_confirmed_is_given_once() {
    let mut world = world().await;
    let fault =
        json!({ "match": "/actions/answer", "drop_after_taking": true, "delay_ms": 60_000 });
    world.fault(fault).await;
    let id = world.somebody_calls(CALLER, "silent").await;
    world.crash().await;
    world.run_for(seconds(3)).await;
    world.start().await;
    world.until_state(&id, "listening").await;
    assert_eq!(heard(&world, &id).await, ["Hello!"], "greeted once");
}

#[tokio::test]
async fn a_caller_who_gives_up_before_we_answer_leaves_an_ended_call() {
    let world = world().await;
    world.hold_requests(true);
    let id = world.somebody_calls(CALLER, "silent").await;
    world.person(&id, "hangup", json!({})).await;
    world.hold_requests(false);
    world.run_for(seconds(5)).await;
    let view = world.call(&id).await;
    assert_eq!((&view["state"], &view["end_reason"]), (&json!("ended"), &json!("canceled")));
    assert_eq!(view["answered_at"], Value::Null);
    assert_eq!(world.manager().slots(), 0);
}
