//! A dial without a clear answer, at a carrier whose calls cannot be told apart.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::world;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn candidates_of_a_search_are_written_down_and_not_touched() {
    let world = world().await;
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    world.fault(json!({ "match": "POST /2010-04-01", "drop_after_taking": true })).await;
    let answer = world
        .api(Method::POST, "/v1/calls", json!({ "to": "+15550100003", "message": "Hi" }))
        .await;
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    world.run_for(seconds(15)).await;
    let timeline = world.timeline(&call).await;
    let searched = timeline.iter().find(|entry| entry["kind"] == "searched");
    let candidates = searched.map(|entry| entry["detail"]["candidates"].clone());
    let lines = world.lines().await;
    assert_eq!(candidates, Some(json!([lines[0]["id"]])), "{timeline:#?}");
    let view = world.call(&call).await;
    assert_eq!((&view["dial"], &view["provider_call_id"]), (&json!("unknown"), &Value::Null));
    assert_eq!(lines[0]["status"], "ringing", "it may be a colleague's call");
}
