//! The third table of the design: what becomes of an effect after a crash or an unclear answer.

use std::time::Duration;

use http::Method;
use offhook::manager::machine::Command;
use offhook_core::{Locale, Speech};
use offhook_tests::World;
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";

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

#[tokio::test]
async fn a_hangup_is_sent_again_after_a_crash() {
    let mut world = World::on_disk().await;
    let call = conversation(&world).await;
    world.fault(json!({ "match": "POST /2010-04-01", "drop": true, "delay_ms": 60_000 })).await;
    assert_ne!(hang_up(&world, &call).await["state"], "ended");
    world.crash().await;
    assert_eq!(world.lines().await[0]["status"], "in-progress");
    world.start().await;
    assert_eq!(world.decision(&call).await.0, "ending");
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
    assert_eq!(world.line(&call).await["status"], "completed");
}

#[tokio::test]
async fn a_hangup_is_tried_until_the_carrier_takes_it() {
    let world = World::new().await;
    let call = conversation(&world).await;
    for fault in [
        json!({ "drop": true }),
        json!({ "http_status": 503 }),
        json!({ "drop_after_taking": true }),
    ] {
        let mut fault = fault;
        fault["match"] = json!("POST /2010-04-01");
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
    assert_eq!(world.line(&call).await["status"], "completed");
}

#[tokio::test]
async fn a_hangup_that_was_taken_and_not_done_is_caught_by_one_look() {
    let world = World::new().await;
    let call = conversation(&world).await;
    let view = world.call(&call).await;
    let sid = view["provider_call_id"].as_str().unwrap();
    // The carrier says yes, and does nothing.
    world
        .fault(json!({
            "match": "POST /2010-04-01", "http_status": 200, "content_type": "application/json",
            "body": format!("{{\"sid\":\"{sid}\",\"status\":\"in-progress\"}}"),
        }))
        .await;
    assert_eq!(hang_up(&world, &call).await["state"], "listening");
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
    assert_eq!(world.manager().slots(), 0);
    assert_eq!(world.line(&call).await["status"], "in-progress", "not done");
    world.run_for(seconds(12)).await;
    assert_eq!(world.line(&call).await["status"], "completed");
    assert_eq!(world.call(&call).await["end_reason"], "hangup-bot", "the first reason stays");
}

#[tokio::test]
async fn speech_is_said_once_and_an_interrupted_one_is_marked_as_not_confirmed() {
    let mut world = World::on_disk().await;
    let call = conversation(&world).await;
    world
        .fault(
            json!({ "match": "POST /2010-04-01", "drop_after_taking": true, "delay_ms": 60_000 }),
        )
        .await;
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

#[tokio::test]
async fn speech_with_an_unclear_answer_is_not_said_twice() {
    let world = World::new().await;
    let call = conversation(&world).await;
    world.fault(json!({ "match": "POST /2010-04-01", "drop_after_taking": true })).await;
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

#[tokio::test]
async fn listening_is_asked_for_again_until_the_carrier_takes_it() {
    let world = World::new().await;
    let call = conversation(&world).await;
    world.fault(json!({ "match": "POST /2010-04-01", "http_status": 503, "count": 2 })).await;
    let id = call.parse().unwrap();
    world.manager().command(id, Command::StopListening).await.unwrap();
    world.until_state(&call, "active").await;
    let listen = Command::Listen { locale: Locale::en_us() };
    world.manager().command(id, listen).await.unwrap();
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": "still here" })).await;
    let heard = |view: &Value| view["transcript"].to_string().contains("still here");
    world.until(&call, heard).await;
}

#[tokio::test]
async fn a_command_on_a_call_that_is_not_answered_or_over_is_refused() {
    let world = World::new().await;
    let call = world.place(json!({ "to": "+15550100003", "message": "Hi" })).await;
    let id = call.parse().unwrap();
    let early = world.manager().command(id, Command::Speak { speech: speech("Hello") }).await;
    assert!(early.unwrap_err().to_string().contains("not answered"));
    hang_up(&world, &call).await;
    world.until_state(&call, "ended").await;
    let late = world.manager().command(id, Command::Speak { speech: speech("Hello") }).await;
    assert!(late.unwrap_err().to_string().contains("over"));
}
