//! A person is never rung twice: what becomes of a dial without a clear answer.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, Trouble, World};
use serde_json::{Value, json};

const OBLIGING: &str = "+15550100001";
const PATIENT: &str = "+15550100011";

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

#[tokio::test]
async fn a_call_that_waits_for_a_slot_is_still_to_be_dialled() {
    let mut setup = Setup::default();
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

#[tokio::test]
async fn an_unclear_answer_holds_the_slot_fences_the_destination_and_is_never_sent_again() {
    for mut fault in unclear_answers() {
        let world = World::new().await;
        fault["match"] = json!("POST /2010-04-01");
        // No webhook gets through either, so that nothing decides but time.
        world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
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

        // Ring timeout and Twilio's queue: 30 + 60 s after it was sent.
        world.run_for(seconds(89)).await;
        assert_eq!(world.call(call).await["state"], "initiated", "{fault}");
        world.run_for(seconds(2)).await;
        let ended = world.call(call).await;
        assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("lost")));
        assert_eq!(world.manager().slots(), 0);
        assert!(world.lines().await.len() <= 1, "never sent again");
    }
}

#[tokio::test]
async fn a_webhook_with_our_id_adopts_a_call_whose_answer_was_lost() {
    let world = World::new().await;
    world.fault(json!({ "match": "POST /2010-04-01", "drop_after_taking": true })).await;
    let answer =
        world.api(Method::POST, "/v1/calls", json!({ "to": OBLIGING, "message": "Hi" })).await;
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    let ended = world.until_state(&call, "ended").await;
    assert_eq!((&ended["dial"], &ended["end_reason"]), (&json!("accepted"), &json!("hangup-bot")));
    assert_eq!(world.lines().await.len(), 1);
    assert_eq!(world.line(&call).await["heard"][0]["complete"], true);
}

#[tokio::test]
async fn candidates_of_a_search_are_written_down_and_not_touched() {
    let world = World::new().await;
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

#[tokio::test]
async fn a_lost_call_that_turns_up_after_all_is_hung_up() {
    let world = World::new().await;
    world.fault(json!({ "on": "webhook", "delay_ms": 120_000, "count": 0 })).await;
    world.fault(json!({ "match": "POST /2010-04-01", "drop_after_taking": true })).await;
    let answer = world
        .api(Method::POST, "/v1/calls", json!({ "to": PATIENT, "mode": "conversation" }))
        .await;
    let call = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "lost");
    world.run_for(seconds(60)).await;
    let lines = world.lines().await;
    assert_eq!(lines.len(), 1);
    assert_ne!(lines[0]["status"], "in-progress", "nobody is left on the line");
    assert_eq!(world.call(&call).await["end_reason"], "lost");
    assert_eq!(world.calls("all").await.len(), 1);
}

#[tokio::test]
async fn a_refused_dial_tells_why_with_the_carriers_code() {
    let world = World::new().await;
    world
        .fault(json!({
            "match": "POST /2010-04-01", "http_status": 400, "content_type": "application/json",
            "body": "{\"code\":21211,\"message\":\"The 'To' number +15550100011 is not valid\",\"status\":400}",
        }))
        .await;
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (502, &json!("carrier_rejected")));
    assert_eq!(problem["carrier_code"], "21211");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("is not valid") && !detail.contains(PATIENT), "{detail}");
    let call = world.call(problem["call"].as_str().unwrap()).await;
    assert_eq!((&call["state"], &call["end_reason"]), (&json!("ended"), &json!("failed")));
    assert_eq!(world.manager().slots(), 0);
}

#[tokio::test]
async fn a_throttled_dial_is_not_taken_and_frees_its_slot() {
    let world = World::new().await;
    world
        .fault(json!({
            "match": "POST /2010-04-01", "http_status": 429, "content_type": "application/json",
            "body": "{\"code\":20429,\"message\":\"Too Many Requests\",\"status\":429}",
        }))
        .await;
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((answer.status, &answer.json()["carrier_code"]), (502, &json!("20429")));
    assert_eq!(world.manager().slots(), 0);
    let again = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!(again.status, 201, "no fence: it was not taken");
}

#[tokio::test]
async fn a_hangup_that_is_asked_before_the_dial_is_answered_is_carried_out_after_it() {
    let world = World::new().await;
    world.fault(json!({ "match": "POST /2010-04-01", "delay_ms": 2000 })).await;
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
    assert_ne!(lines[0]["status"], "in-progress");
}

#[tokio::test]
async fn a_dial_whose_intent_cannot_be_committed_is_never_sent() {
    let world = World::new().await;
    world.trouble(Trouble::Refused);
    let answer = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((answer.status, &answer.json()["code"]), (503, &json!("store_unavailable")));
    world.trouble(Trouble::None);
    world.run_for(seconds(5)).await;
    assert_eq!(world.lines().await.len(), 0);
    assert_eq!(world.manager().slots(), 0);
    assert_eq!(world.calls("all").await.len(), 0);
}
