//! A dial is answered with the id of a request; the id of the call comes with its first webhook,
//! before that answer or long after it.

use http::Method;
use offhook_carrier::Habit;
use offhook_tests::World;
use serde_json::{Value, json};

use crate::support::{PATIENT, requests, seconds, setup, world};

const BUSY: &str = "+15550100002";

async fn hang_up(world: &World, call: &str) {
    let path = format!("/v1/calls/{call}/hangup");
    let answer = world.api(Method::POST, &path, Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The carrier's own id of the only call, which is never that of its request.
async fn only_line(world: &World) -> Value {
    let lines = world.lines().await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines[0].clone()
}

#[tokio::test]
async fn the_id_of_a_call_that_comes_before_the_answer_to_its_dial_stays() {
    let mut setup = setup();
    setup.carrier.webhook_before_answer = Habit::Always;
    let world = World::with(setup).await;
    let request = json!({ "to": PATIENT, "mode": "conversation" });
    let placing = world.api(Method::POST, "/v1/calls", request);
    let (placed, ()) = tokio::join!(placing, world.run_for(seconds(5)));
    assert_eq!(placed.status, 201, "{}", placed.body);
    let call = placed.json()["id"].as_str().unwrap().to_owned();
    let view = world.call(&call).await;
    assert_eq!(view["provider_call_id"], only_line(&world).await["id"], "not the request's");
    assert_eq!((&view["dial"], world.calls("all").await.len()), (&json!("accepted"), 1));
    hang_up(&world, &call).await;
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
    assert!(only_line(&world).await["ended_at"].is_string());
}

#[tokio::test]
async fn a_call_of_which_only_the_request_is_known_is_hung_up_all_the_same() {
    // In the queue, and when it rings.
    for wait in [0, 1] {
        let world = world().await;
        world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
        let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
        world.run_for(seconds(wait)).await;
        let view = world.call(&call).await;
        assert_ne!(view["provider_call_id"], only_line(&world).await["id"], "the request's");
        hang_up(&world, &call).await;
        assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
        assert!(only_line(&world).await["ended_at"].is_string(), "after {wait} s");
        let asked = requests(&world, &call).await;
        assert!(asked.iter().any(|it| it.starts_with("DELETE ")), "{asked:?}");
    }
}

#[tokio::test]
async fn a_call_that_was_over_before_its_id_came_ends_after_a_second_look() {
    let mut world = world().await;
    let call = world.place(json!({ "to": BUSY, "message": "Hi" })).await;
    world.crash().await;
    world.run_for(seconds(20)).await;
    world.start().await;
    assert_ne!(world.call(&call).await["state"], "ended", "one look proves nothing yet");
    world.run_for(seconds(4)).await;
    // Records do not name the request that a call came of: why it ended, nobody tells.
    let ended = world.call(&call).await;
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("failed")));
    assert_eq!(world.manager().slots(), 0);
    assert_eq!(world.lines().await.len(), 1, "never dialled again");
}
