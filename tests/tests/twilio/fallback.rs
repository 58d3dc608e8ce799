//! The daemon is away for some seconds just when the carrier wants a document.

use std::time::Duration;

use offhook_tests::World;
use serde_json::{Value, json};

use crate::support::{CALLER, PATIENT, heard, world};

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Whether the carrier came by the fallback: it says so by a fault.
async fn fell_back(world: &World, call: &str) -> bool {
    world.timeline(call).await.iter().any(|entry| {
        let events = entry["detail"]["events"].as_array().cloned().unwrap_or_default();
        events.iter().any(|event| event.get("fault").is_some())
    })
}

/// A call that is answered after two seconds, while the daemon is away for so long.
async fn answered_in_absence(away: Duration) -> (World, Value) {
    let mut world = world().await;
    let request = json!({ "to": PATIENT, "mode": "conversation", "message": "Are you there?" });
    let call = world.place(request).await;
    world.crash().await;
    world.run_for(away).await;
    world.start().await;
    world.until_state(&call, "listening").await;
    let line = world.line(&call).await;
    assert_eq!(line["status"], "in-progress", "{line:#}");
    assert_eq!(line["heard"][0]["text"], "Are you there?", "{line:#}");
    assert_eq!(line["heard"].as_array().map(Vec::len), Some(1), "once: {line:#}");
    let view = world.call(&call).await;
    (world, view)
}

#[tokio::test]
async fn a_document_that_could_not_be_fetched_for_three_seconds_is_fetched_by_a_retry() {
    let (world, view) = answered_in_absence(milliseconds(5_000)).await;
    assert!(!fell_back(&world, view["id"].as_str().unwrap_or_default()).await, "{view:#}");
}

#[tokio::test]
async fn a_document_that_could_not_be_fetched_for_six_seconds_is_fetched_by_the_fallback() {
    let (world, view) = answered_in_absence(milliseconds(8_000)).await;
    assert!(fell_back(&world, view["id"].as_str().unwrap_or_default()).await, "{view:#}");
    assert_eq!(view["cause"], Value::Null, "it goes on: {view:#}");
}

#[tokio::test]
async fn an_inbound_call_has_a_fallback_that_no_console_has_set() {
    let mut world = world().await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.until_state(&sid, "listening").await;
    let call = view["id"].as_str().unwrap_or_default().to_owned();
    world.crash().await;
    // The carrier listens for fifteen seconds, then comes back, in vain for six.
    world.run_for(milliseconds(21_000)).await;
    world.start().await;
    world.run_for(milliseconds(2_000)).await;
    assert_eq!(world.line(&call).await["status"], "in-progress");
    assert_eq!(world.call(&call).await["state"], "listening");
    assert!(fell_back(&world, &call).await);
}

/// The carrier gets no answer to requests of this kind, as often as it tries before it falls back.
async fn lost(world: &World, kind: &str) {
    let matching = format!("kind={kind}");
    let fault = json!({ "on": "webhook", "match": matching, "drop": true, "count": 4 });
    world.fault(fault).await;
}

#[tokio::test]
async fn a_message_whose_end_could_not_be_told_is_heard_once() {
    let world = world().await;
    lost(&world, "said").await;
    let request = json!({ "to": PATIENT, "mode": "notify", "message": "Your parcel is here." });
    let call = world.place(request).await;
    let view = world.until_state(&call, "ended").await;
    assert!(fell_back(&world, &call).await);
    assert_eq!(heard(&world, &call).await, ["Your parcel is here."]);
    assert_eq!(view["end_reason"], "hangup-bot", "{view:#}");
    assert_eq!(view["cause"], Value::Null, "all went well in the end: {view:#}");
}

#[tokio::test]
async fn digits_whose_end_could_not_be_told_are_sent_once() {
    let world = world().await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    lost(&world, "sent").await;
    let path = format!("/v1/calls/{call}/dtmf");
    let answer = world.api(http::Method::POST, &path, json!({ "digits": "1234#" })).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.until_state(&call, "listening").await;
    world.run_for(milliseconds(20_000)).await;
    assert!(fell_back(&world, &call).await);
    assert_eq!(world.line(&call).await["digits"], "1234#");
    assert_eq!(world.call(&call).await["state"], "listening", "it goes on as it would have");
}

#[tokio::test]
async fn a_greeting_after_which_nothing_could_be_told_is_heard_once() {
    let world = world().await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.until_state(&sid, "speaking").await;
    let call = view["id"].as_str().unwrap_or_default().to_owned();
    lost(&world, "gather").await;
    world.until_state(&call, "listening").await;
    world.run_for(milliseconds(20_000)).await;
    assert!(fell_back(&world, &call).await);
    assert_eq!(heard(&world, &call).await, ["Hello!"]);
}

#[tokio::test]
async fn a_message_whose_end_was_told_and_whose_answer_was_lost_is_heard_once() {
    let world = world().await;
    let fault = json!({
        "on": "webhook", "match": "kind=said", "drop_after_taking": true, "count": 4,
    });
    world.fault(fault).await;
    let request = json!({ "to": PATIENT, "mode": "notify", "message": "Your parcel is here." });
    let call = world.place(request).await;
    world.until_state(&call, "ended").await;
    assert_eq!(heard(&world, &call).await, ["Your parcel is here."]);
}

#[tokio::test]
async fn a_message_that_was_fetched_by_the_fallback_and_heard_leaves_no_cause() {
    let world = world().await;
    lost(&world, "answer").await;
    let request = json!({ "to": PATIENT, "mode": "notify", "message": "Your parcel is here." });
    let call = world.place(request).await;
    let view = world.until_state(&call, "speaking").await;
    assert!(view["cause"].to_string().contains("could not fetch"), "{view:#}");
    let view = world.until_state(&call, "ended").await;
    assert!(fell_back(&world, &call).await, "the timeline tells it");
    assert_eq!((&view["end_reason"], &view["cause"]), (&json!("hangup-bot"), &Value::Null));
}

#[tokio::test]
async fn a_call_that_ends_because_no_document_could_be_run_says_so() {
    let world = world().await;
    // Something between us and the carrier spoils every document.
    let spoilt = json!({
        "on": "webhook", "match": "kind=", "http_status": 200, "body": "<Respon", "count": 0,
        "content_type": "text/xml",
    });
    world.fault(spoilt).await;
    let request = json!({ "to": PATIENT, "mode": "notify", "message": "Your parcel is here." });
    let call = world.place(request).await;
    let view = world.until_state(&call, "ended").await;
    assert_eq!(view["end_reason"], "completed", "the carrier's word");
    assert_eq!(view["cause"]["code"], "12100", "{view:#}");
    assert_eq!(heard(&world, &call).await, Vec::<String>::new());
}
