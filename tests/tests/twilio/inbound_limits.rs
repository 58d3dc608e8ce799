//! What an inbound call gets of the carrier's own, should we be gone.

use std::time::Duration;

use offhook_tests::World;
use serde_json::json;

use crate::support::{CALLER, setup, world};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A caller who hears a greeting of a hundred seconds, on calls of twenty at most.
async fn a_short_call_with_a_long_greeting() -> World {
    let mut setup = setup();
    setup.policy.max_duration = seconds(20);
    setup.policy.greeting = Some("Welcome to us. ".repeat(100).parse().expect("a greeting"));
    World::with(setup).await
}

#[tokio::test]
async fn the_carrier_ends_an_inbound_call_by_itself_if_the_daemon_is_gone_for_good() {
    let mut world = a_short_call_with_a_long_greeting().await;
    world.somebody_calls(CALLER, "silent").await;
    let began = world.now();
    world.crash().await;
    world.run_for(seconds(49)).await;
    assert_eq!(world.lines().await[0]["status"], "in-progress", "30 s of grace for our own limit");
    world.run_for(seconds(2)).await;
    assert_eq!(world.lines().await[0]["status"], "completed", "{}", world.now() - began);
}

#[tokio::test]
async fn an_update_that_comes_too_early_is_repeated() {
    let world = world().await;
    let not_yet = json!({ "code": 21220, "message": "Call is not in-progress.", "status": 400 });
    let update = "POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Calls/";
    world
        .fault(json!({
            "on": "request", "match": update, "http_status": 400, "body": not_yet.to_string(),
            "count": 2,
        }))
        .await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    world.run_for(seconds(5)).await;
    let entries = world.timeline(&sid).await;
    let of_limit = |kind: &str| {
        let found = entries.iter().filter(|entry| entry["kind"] == kind);
        found.filter(|entry| entry["detail"]["effect"] == "limit").count()
    };
    assert_eq!((of_limit("not_done"), of_limit("done")), (2, 1), "{entries:#?}");
    world.person(&sid, "hangup", json!({})).await;
    assert_eq!(world.call(&sid).await["state"], "ended", "the callback was set after all");
}
