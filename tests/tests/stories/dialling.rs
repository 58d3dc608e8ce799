//! A person is never rung twice: what becomes of a dial without a clear answer.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, Trouble, World, stories};
use serde_json::{Value, json};

const OBLIGING: &str = "+15550100001";
const PATIENT: &str = "+15550100011";

stories! {
    on every provider:
    a_call_that_waits_for_a_slot_is_still_to_be_dialled,
    an_unclear_answer_holds_the_slot_fences_the_destination_and_is_never_sent_again,
    a_webhook_with_our_id_adopts_a_call_whose_answer_was_lost,
    a_lost_call_that_turns_up_after_all_is_hung_up,
    a_refused_dial_tells_why_with_the_carriers_code,
    a_throttled_dial_is_not_taken_and_frees_its_slot,
    a_hangup_that_is_asked_before_the_dial_is_answered_is_carried_out_after_it,
    a_dial_whose_intent_cannot_be_committed_is_never_sent,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Everything that may have been taken, and what the carrier then knows of it.
fn unclear_answers() -> Vec<Value> {
    vec![
        json!({ "drop_after_taking": true }),
        json!({ "http_status": 500, "body": "oops" }),
        json!({ "http_status": 503, "content_type": "application/json", "body": "{\"code\":20500,\"message\":\"internal\"}" }),
        json!({ "http_status": 200, "content_type": "text/html", "body": "<html>portal</html>" }),
        json!({ "http_status": 201, "content_type": "application/json", "body": "{}" }),
    ]
}

/// No webhook gets through, and no search finds anything, so that nothing decides but time.
async fn nothing_is_heard_of_it(world: &World) {
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    world.fault(json!({ "match": "GET ", "http_status": 503, "count": 0 })).await;
}

async fn a_call_that_waits_for_a_slot_is_still_to_be_dialled(setup: Setup) {
    let mut setup = setup;
    setup.policy.max_concurrent_calls = 1;
    setup.policy.queue = true;
    let world = World::with(setup).await;
    let first = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    let second = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT, "message": "Hi" }));
    let (second, ()) = tokio::join!(second, world.run_for(seconds(11)));
    let view = second.json();
    assert_eq!(
        (second.status, &view["state"], &view["dial"]),
        (201, &json!("queued"), &json!("pending"))
    );
    let hang_up = format!("/v1/calls/{first}/hangup");
    world.api(Method::POST, &hang_up, Value::Null).await;
    let second = view["id"].as_str().unwrap_or_default();
    assert_eq!(world.until_state(second, "ended").await["dial"], "accepted");
    assert_eq!(world.call(second).await["end_reason"], "hangup-bot");
}

async fn an_unclear_answer_holds_the_slot_fences_the_destination_and_is_never_sent_again(
    setup: Setup,
) {
    for mut fault in unclear_answers() {
        let world = World::with(setup.anew()).await;
        fault["match"] = json!("POST ");
        nothing_is_heard_of_it(&world).await;
        world.fault(fault.clone()).await;
        let answer =
            world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT, "message": "Hi" })).await;
        assert_eq!(answer.status, 201, "{fault}: {}", answer.body);
        let view = answer.json();
        assert_eq!((&view["state"], &view["dial"]), (&json!("initiated"), &json!("unknown")));
        let call = view["id"].as_str().unwrap();
        assert_eq!(world.manager().slots(), 1);
        let again = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
        assert_eq!((again.status, &again.json()["code"]), (409, &json!("destination_fenced")));
        assert_eq!(again.json()["call"], call);

        // The ring timeout, and the time for which the carrier may keep it in a queue.
        world.run_for(seconds(30 + world.provider.dial_slack - 1)).await;
        assert_eq!(world.call(call).await["state"], "initiated", "{fault}");
        world.run_for(seconds(2)).await;
        let ended = world.call(call).await;
        assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("lost")));
        assert_eq!(world.manager().slots(), 0);
        assert!(world.lines().await.len() <= 1, "never sent again");
    }
}

async fn a_webhook_with_our_id_adopts_a_call_whose_answer_was_lost(setup: Setup) {
    let world = World::with(setup).await;
    world.fault(json!({ "match": "POST ", "drop_after_taking": true })).await;
    let answer =
        world.api(Method::POST, "/v1/calls", json!({ "to": OBLIGING, "message": "Hi" })).await;
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    let ended = world.until_state(&call, "ended").await;
    assert_eq!((&ended["dial"], &ended["end_reason"]), (&json!("accepted"), &json!("hangup-bot")));
    assert_eq!(world.lines().await.len(), 1);
    assert_eq!(world.line(&call).await["heard"][0]["complete"], true);
}

async fn a_lost_call_that_turns_up_after_all_is_hung_up(setup: Setup) {
    let world = World::with(setup).await;
    world.fault(json!({ "match": "GET ", "http_status": 503, "count": 0 })).await;
    world.fault(json!({ "on": "webhook", "delay_ms": 120_000, "count": 0 })).await;
    world.fault(json!({ "match": "POST ", "drop_after_taking": true })).await;
    let answer = world
        .api(Method::POST, "/v1/calls", json!({ "to": PATIENT, "mode": "conversation" }))
        .await;
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "lost");
    world.run_for(seconds(120)).await;
    let lines = world.lines().await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0]["ended_at"].is_string(), "nobody is left on the line");
    assert_eq!(world.call(&call).await["end_reason"], "lost");
    assert_eq!(world.calls("all").await.len(), 1);
}

async fn a_refused_dial_tells_why_with_the_carriers_code(setup: Setup) {
    let world = World::with(setup).await;
    let refusal = (world.provider.refused_dial)(PATIENT);
    let mut fault = refusal.fault();
    fault["match"] = json!("POST ");
    world.fault(fault).await;
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (502, &json!("carrier_rejected")));
    assert_eq!(problem["carrier_code"], json!(refusal.code));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("is not valid") && !detail.contains(PATIENT), "{detail}");
    let call = world.call(problem["call"].as_str().unwrap()).await;
    assert_eq!((&call["state"], &call["end_reason"]), (&json!("ended"), &json!("failed")));
    assert_eq!(world.manager().slots(), 0);
}

async fn a_throttled_dial_is_not_taken_and_frees_its_slot(setup: Setup) {
    let world = World::with(setup).await;
    let throttled = &world.provider.throttled;
    let mut fault = throttled.fault();
    fault["match"] = json!("POST ");
    world.fault(fault).await;
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((answer.status, &answer.json()["carrier_code"]), (502, &json!(throttled.code)));
    assert_eq!(world.manager().slots(), 0);
    let again = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!(again.status, 201, "no fence: it was not taken");
}

async fn a_hangup_that_is_asked_before_the_dial_is_answered_is_carried_out_after_it(setup: Setup) {
    let world = World::with(setup).await;
    world.fault(json!({ "match": "POST ", "delay_ms": 2000 })).await;
    let request = json!({ "to": PATIENT, "mode": "conversation" });
    let placing = world.api(Method::POST, "/v1/calls", request);
    let hanging_up = async {
        world.settle().await;
        let live = world.calls("live").await;
        let path = format!("/v1/calls/{}/hangup", live[0]["id"].as_str().unwrap());
        let answer = world.api(Method::POST, &path, Value::Null).await;
        assert_eq!(answer.status, 200);
        world.run_for(seconds(5)).await;
    };
    let (placed, ()) = tokio::join!(placing, hanging_up);
    let call = placed.json()["id"].as_str().unwrap().to_owned();
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "hangup-bot");
    world.run_for(seconds(15)).await;
    let lines = world.lines().await;
    assert!(lines[0]["ended_at"].is_string());
}

async fn a_dial_whose_intent_cannot_be_committed_is_never_sent(setup: Setup) {
    let world = World::with(setup).await;
    world.trouble(Trouble::Refused);
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((answer.status, &answer.json()["code"]), (503, &json!("store_unavailable")));
    world.trouble(Trouble::None);
    world.run_for(seconds(5)).await;
    assert_eq!(world.lines().await.len(), 0);
    assert_eq!(world.manager().slots(), 0);
    assert_eq!(world.calls("all").await.len(), 0);
}
