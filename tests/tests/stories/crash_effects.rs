//! The third table of the design: what becomes of an effect after a crash or an unclear answer.

use std::time::Duration;

use http::Method;
use offhook::manager::machine::Command;
use offhook_core::{ListenFor, Locale, Speech};
use offhook_tests::{Setup, World, stories};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";

stories! {
    on every provider:
    a_hangup_is_sent_again_after_a_crash,
    a_hangup_is_tried_until_the_carrier_takes_it,
    a_hangup_that_was_taken_and_not_done_is_caught_by_one_look,
    speech_is_said_once_and_an_interrupted_one_is_marked_as_not_confirmed,
    speech_with_an_unclear_answer_is_not_said_twice,
    listening_is_asked_for_again_until_the_carrier_takes_it,
    a_command_on_a_call_that_is_not_answered_or_over_is_refused,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn speech(text: &str) -> Speech {
    Speech { text: text.parse().expect("text"), voice: None, locale: Locale::en_us() }
}

async fn conversation(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

async fn hang_up(world: &World, call: &str) -> Value {
    world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await.json()
}

async fn a_hangup_is_sent_again_after_a_crash(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    let hangup = world.provider.hangs_up_by;
    world.fault(json!({ "match": hangup, "drop": true, "delay_ms": 60_000 })).await;
    assert_ne!(hang_up(&world, &call).await["state"], "ended");
    world.crash().await;
    assert!(world.lines().await[0]["ended_at"].is_null());
    world.start().await;
    assert_eq!(world.decision(&call).await.0, "ending");
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
    assert!(world.line(&call).await["ended_at"].is_string());
}

async fn a_hangup_is_tried_until_the_carrier_takes_it(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    for fault in [
        json!({ "drop": true }),
        json!({ "http_status": 503 }),
        json!({ "drop_after_taking": true }),
    ] {
        let mut fault = fault;
        fault["match"] = json!(world.provider.hangs_up_by);
        world.fault(fault).await;
    }
    assert_ne!(
        hang_up(&world, &call).await["state"],
        "ended",
        "the slot is kept until it is taken"
    );
    assert_eq!(world.manager().slots(), 1);
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "hangup-bot");
    assert!(world.line(&call).await["ended_at"].is_string());
}

async fn a_hangup_that_was_taken_and_not_done_is_caught_by_one_look(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    let view = world.call(&call).await;
    let id = view["provider_call_id"].as_str().unwrap();
    // The carrier says yes, and does nothing.
    world
        .fault(json!({
            "match": world.provider.hangs_up_by, "http_status": 200,
            "content_type": "application/json", "body": (world.provider.taken)(id).to_string(),
        }))
        .await;
    assert_eq!(hang_up(&world, &call).await["state"], "listening");
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
    assert_eq!(world.manager().slots(), 0);
    assert!(world.line(&call).await["ended_at"].is_null(), "not done");
    world.run_for(seconds(12)).await;
    assert!(world.line(&call).await["ended_at"].is_string());
    assert_eq!(world.call(&call).await["end_reason"], "hangup-bot", "the first reason stays");
}

async fn speech_is_said_once_and_an_interrupted_one_is_marked_as_not_confirmed(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    world.fault(json!({ "match": "POST ", "drop_after_taking": true, "delay_ms": 60_000 })).await;
    // A carrier that fetches what is to be said has not done so when we crash.
    world.fault(json!({ "on": "webhook", "match": "kind=script", "delay_ms": 1000 })).await;
    let id = call.parse().unwrap();
    let spoken =
        world.manager().command(id, Command::Speak { speech: speech("One moment.") }).await;
    assert!(spoken.is_ok(), "{spoken:?}");
    world.settle().await;
    world.crash().await;
    world.start().await;
    assert!(world.kinds(&call).await.contains(&"not_confirmed".to_owned()));
    world.run_for(seconds(60)).await;
    let line = world.line(&call).await;
    let said =
        line["heard"].as_array().unwrap().iter().filter(|heard| heard["text"] == "One moment.");
    assert_eq!(said.count(), 1, "{line:#}");
    assert_ne!(world.call(&call).await["state"], "ended");
}

async fn speech_with_an_unclear_answer_is_not_said_twice(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    world.fault(json!({ "match": "POST ", "drop_after_taking": true })).await;
    let id = call.parse().unwrap();
    world.manager().command(id, Command::Speak { speech: speech("One moment.") }).await.unwrap();
    world.run_for(seconds(60)).await;
    let line = world.line(&call).await;
    let said =
        line["heard"].as_array().unwrap().iter().filter(|heard| heard["text"] == "One moment.");
    assert_eq!(said.count(), 1, "{line:#}");
    assert!(world.kinds(&call).await.contains(&"not_confirmed".to_owned()));
    assert_eq!(world.call(&call).await["state"], "listening", "and the call goes on");
}

async fn listening_is_asked_for_again_until_the_carrier_takes_it(setup: Setup) {
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    world.fault(json!({ "match": "POST ", "http_status": 503, "count": 2 })).await;
    let id = call.parse().unwrap();
    world.manager().command(id, Command::StopListening).await.unwrap();
    world.until_state(&call, "active").await;
    let listen = Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech };
    world.manager().command(id, listen).await.unwrap();
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": "still here" })).await;
    let heard = |view: &Value| view["transcript"].to_string().contains("still here");
    world.until(&call, heard).await;
}

async fn a_command_on_a_call_that_is_not_answered_or_over_is_refused(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": "+15550100003", "message": "Hi" })).await;
    let id = call.parse().unwrap();
    let early = world.manager().command(id, Command::Speak { speech: speech("Hello") }).await;
    assert!(early.unwrap_err().to_string().contains("not answered"));
    hang_up(&world, &call).await;
    world.until_state(&call, "ended").await;
    let late = world.manager().command(id, Command::Speak { speech: speech("Hello") }).await;
    assert!(late.unwrap_err().to_string().contains("over"));
}
