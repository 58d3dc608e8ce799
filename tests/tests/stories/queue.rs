//! Calls that wait for their turn (`limits.queue`), from the outside.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, World, stories};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";
const OBLIGING: &str = "+15550100001";

stories! {
    on every provider:
    calls_wait_for_a_slot_and_are_dialled_in_their_order,
    calls_that_wait_survive_a_restart_in_their_order,
    a_shutdown_leaves_those_that_wait_to_the_next_start,
    a_call_that_is_called_off_while_it_waits_is_never_dialled,
    a_call_that_waits_too_long_is_called_off_and_says_so,
    a_call_that_waits_too_long_while_we_are_away_is_not_dialled,
    a_full_queue_refuses_one_more,
    dials_are_paced_without_anybody_asking_again,
    a_throttled_dial_waits_as_long_as_the_carrier_asks_and_is_dialled_once,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One slot, and calls wait for it.
async fn queueing(mut setup: Setup, edit: impl FnOnce(&mut Setup)) -> World {
    setup.policy.max_concurrent_calls = 1;
    setup.policy.queue = true;
    edit(&mut setup);
    World::with(setup).await
}

/// A call that holds the slot until somebody hangs up.
async fn live(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

/// A call that has to wait. Whoever wants it does not wait for the carrier.
async fn waiting(world: &World, mut request: Value) -> String {
    // Those of one millisecond have no order.
    world.run_for(Duration::from_millis(5)).await;
    request["metadata"] = json!({ "at": world.now().to_string() });
    let placing = world.api(Method::POST, "/v1/calls", request.clone());
    let taken = async {
        loop {
            let queued = world.calls("queued").await;
            if let Some(it) = queued.iter().find(|it| it["metadata"] == request["metadata"]) {
                return it["id"].as_str().unwrap().to_owned();
            }
            world.settle().await;
        }
    };
    tokio::select! {
        answer = placing => panic!("it waits: {answer:?}"),
        call = taken => call,
    }
}

async fn hang_up(world: &World, call: &str) -> Value {
    let answer = world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

async fn queued(world: &World) -> Vec<String> {
    let calls = world.calls("queued").await;
    assert!(calls.iter().all(|call| call["state"] == "queued" && call["dial"] == "pending"));
    calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
}

/// Ends the live call, and those that follow it, one after the other: in this order.
async fn are_dialled(world: &World, mut live: String, order: [String; 3]) {
    for (place, next) in order.iter().enumerate() {
        assert_eq!(world.call(next).await["state"], "queued");
        hang_up(world, &live).await;
        world.until_state(next, "listening").await;
        let mut left = order[place + 1..].to_vec();
        left.reverse();
        assert_eq!(queued(world).await, left, "newest first");
        live.clone_from(next);
    }
    assert_eq!(world.lines().await.len(), 4, "each was dialled once");
}

async fn three(world: &World) -> [String; 3] {
    let request = json!({ "to": PATIENT, "mode": "conversation" });
    let first = waiting(world, request.clone()).await;
    let second = waiting(world, request.clone()).await;
    [first, second, waiting(world, request).await]
}

async fn calls_wait_for_a_slot_and_are_dialled_in_their_order(setup: Setup) {
    let world = queueing(setup, |_| {}).await;
    let first = live(&world).await;
    let order = three(&world).await;
    assert_eq!(world.calls("live").await.len(), 4, "who waits is not over");
    assert_eq!(world.lines().await.len(), 1);
    are_dialled(&world, first, order).await;
}

async fn calls_that_wait_survive_a_restart_in_their_order(setup: Setup) {
    let mut world = queueing(setup, |_| {}).await;
    let first = live(&world).await;
    let order = three(&world).await;
    world.crash().await;
    world.start().await;
    world.run_for(seconds(5)).await;
    assert_eq!(world.decision(&order[0]).await.0, "queued");
    are_dialled(&world, first, order).await;
}

async fn a_shutdown_leaves_those_that_wait_to_the_next_start(setup: Setup) {
    let mut world = queueing(setup, |_| {}).await;
    let first = live(&world).await;
    let order = three(&world).await;
    world.stop().await;
    world.start().await;
    are_dialled(&world, first, order).await;
}

async fn a_call_that_is_called_off_while_it_waits_is_never_dialled(setup: Setup) {
    let world = queueing(setup, |_| {}).await;
    let first = live(&world).await;
    let call = waiting(&world, json!({ "to": OBLIGING, "message": "Hi" })).await;
    let ended = hang_up(&world, &call).await;
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("canceled")));
    assert!(queued(&world).await.is_empty());
    hang_up(&world, &first).await;
    world.run_for(seconds(60)).await;
    assert_eq!(world.lines().await.len(), 1);
}

async fn a_call_that_waits_too_long_is_called_off_and_says_so(setup: Setup) {
    let world = queueing(setup, |setup| setup.policy.queue_timeout = seconds(20)).await;
    let first = live(&world).await;
    let request = json!({ "to": OBLIGING, "message": "Hi", "queue_timeout": 40 });
    let patient = waiting(&world, request).await;
    let hasty = waiting(&world, json!({ "to": OBLIGING, "message": "Hi" })).await;
    world.run_for(seconds(19)).await;
    assert_eq!(queued(&world).await, [hasty.clone(), patient.clone()]);
    world.run_for(seconds(2)).await;
    let ended = world.call(&hasty).await;
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("canceled")));
    let text = "it waited 20 s for its turn, and was not dialled";
    assert_eq!(ended["cause"], json!({ "code": "queue-timeout", "text": text }));
    hang_up(&world, &first).await;
    assert_eq!(world.until_state(&patient, "ended").await["end_reason"], "hangup-bot");
    assert_eq!(world.lines().await.len(), 2);
}

async fn a_call_that_waits_too_long_while_we_are_away_is_not_dialled(setup: Setup) {
    let mut world = queueing(setup, |setup| setup.policy.queue_timeout = seconds(20)).await;
    let first = live(&world).await;
    let call = waiting(&world, json!({ "to": OBLIGING, "message": "Hi" })).await;
    world.crash().await;
    world.run_for(seconds(25)).await;
    world.start().await;
    world.run_for(seconds(5)).await;
    assert_eq!(world.decision(&call).await.0, "timed_out");
    assert_eq!(world.call(&call).await["cause"]["code"], "queue-timeout");
    hang_up(&world, &first).await;
    world.run_for(seconds(60)).await;
    assert_eq!(world.lines().await.len(), 1);
}

async fn a_full_queue_refuses_one_more(setup: Setup) {
    let another = json!({ "to": PATIENT, "mode": "conversation" });
    let world = queueing(setup.anew(), |setup| setup.policy.max_queued_calls = 1).await;
    live(&world).await;
    waiting(&world, another.clone()).await;
    let refused = world.api(Method::POST, "/v1/calls", another.clone()).await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("concurrency_limit")));
    assert_eq!(world.calls("all").await.len(), 2, "there is no record of it");

    // Where a slot is free and the rate is what is waited for, it is known when to come again.
    let world = queueing(setup, |setup| {
        setup.policy.max_concurrent_calls = 9;
        setup.policy.max_queued_calls = 1;
        setup.calls_per_second = 0.1;
    })
    .await;
    world.place(another.clone()).await;
    waiting(&world, another.clone()).await;
    let refused = world.api(Method::POST, "/v1/calls", another).await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("rate_limit")));
    let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=11).contains(&retry_after), "{retry_after}");
}

async fn dials_are_paced_without_anybody_asking_again(setup: Setup) {
    let world = queueing(setup, |setup| {
        setup.policy.max_concurrent_calls = 9;
        setup.calls_per_second = 0.5;
    })
    .await;
    live(&world).await;
    world.run_for(seconds(2)).await;
    let request = json!({ "to": PATIENT, "mode": "conversation" });
    world.place(request.clone()).await;
    let order = [waiting(&world, request.clone()).await, waiting(&world, request).await];
    for (dialled, next) in order.iter().enumerate() {
        world.run_for(Duration::from_millis(1_700)).await;
        assert_eq!(world.lines().await.len(), 2 + dialled, "it is not its turn yet");
        world.run_for(Duration::from_millis(300)).await;
        assert_eq!(world.lines().await.len(), 3 + dialled);
        assert_ne!(world.call(next).await["state"], "queued");
    }
}

async fn a_throttled_dial_waits_as_long_as_the_carrier_asks_and_is_dialled_once(setup: Setup) {
    let world = queueing(setup, |_| {}).await;
    let throttled = &world.provider.throttled;
    let mut fault = throttled.fault();
    fault["match"] = json!("POST ");
    fault["count"] = json!(2);
    world.fault(fault).await;
    let request = json!({ "to": OBLIGING, "message": "Hi" });
    let placing = world.api(Method::POST, "/v1/calls", request);
    let (placed, ()) = tokio::join!(placing, world.run_for(seconds(30)));
    let call = placed.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(placed.status, 201);
    let ended = world.until_state(&call, "ended").await;
    assert_eq!((&ended["dial"], &ended["end_reason"]), (&json!("accepted"), &json!("hangup-bot")));
    let text = ended["cause"]["text"].as_str().unwrap_or_default();
    assert!(!text.contains("429"), "it got over that: {text}");
    let refused = world.timeline(&call).await.into_iter();
    let refused: Vec<Value> = refused.filter(|entry| entry["kind"] == "not_done").collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|entry| entry["detail"]["again"] == true));
    assert_eq!(world.lines().await.len(), 1);
}
