//! A dial without a clear answer, at a carrier that says whose call it is.

use http::Method;
use offhook_tests::World;
use serde_json::{Value, json};

use crate::support::{PATIENT, seconds, world};

/// A dial that was taken, and of which nothing comes back.
async fn an_unclear_dial(world: &World) -> String {
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    world.fault(json!({ "match": "POST /v2/calls", "drop_after_taking": true })).await;
    let request = json!({ "to": PATIENT, "mode": "conversation" });
    let answer = world.api(Method::POST, "/v1/calls", request).await;
    let view = answer.json();
    assert_eq!((answer.status, &view["dial"]), (201, &json!("unknown")), "{view:#}");
    view["id"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_search_adopts_the_call_that_carries_our_id() {
    let world = world().await;
    // A colleague's call to the same number, a moment before.
    let theirs = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&theirs, "listening").await;
    let call = an_unclear_dial(&world).await;
    world.run_for(seconds(6)).await;
    let view = world.call(&call).await;
    assert_eq!(view["dial"], "accepted", "{view:#}");
    let lines = world.lines().await;
    assert_eq!(lines.len(), 2, "dialled once each");
    assert_eq!(view["provider_call_id"], lines[1]["id"]);
    assert_ne!(view["provider_call_id"], world.call(&theirs).await["provider_call_id"]);
    assert!(world.kinds(&call).await.contains(&"adopted".to_owned()));
    // It is ours now: it can be hung up.
    world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await;
    world.until_state(&call, "ended").await;
    assert!(world.line(&call).await["ended_at"].is_string());
}

#[tokio::test]
async fn a_search_after_a_crash_adopts_the_call_that_carries_our_id() {
    let mut world = world().await;
    let call = an_unclear_dial(&world).await;
    world.crash().await;
    world.run_for(seconds(3)).await;
    world.carrier(Method::DELETE, "faults", Value::Null).await;
    world.start().await;
    let view = world.until(&call, |view| view["dial"] == "accepted").await;
    assert_eq!(view["provider_call_id"], world.lines().await[0]["id"]);
    assert_eq!(world.lines().await.len(), 1, "never sent again");
    world.until_state(&call, "listening").await;
}

#[tokio::test]
async fn an_empty_search_proves_nothing() {
    let world = world().await;
    world.fault(json!({ "match": "POST /v2/calls", "http_status": 500 })).await;
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    let call = answer.json()["id"].as_str().unwrap_or_default().to_owned();
    world.run_for(seconds(44)).await;
    assert_eq!(world.call(&call).await["state"], "initiated", "until the dial's own deadline");
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "lost");
    assert_eq!(world.lines().await.len(), 0, "never sent again");
}
