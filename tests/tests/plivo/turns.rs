//! A call survives seventy transfers, and conversations are longer than that.

use http::Method;
use offhook_tests::World;
use serde_json::{Value, json};

use crate::support::{conversation, requests, seconds, setup};

/// What was heard whole on the line of a call, in order.
async fn heard(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    let whole = heard.iter().filter(|heard| heard["complete"] == true);
    whole.filter_map(|heard| heard["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn two_hundred_turns_fit_into_a_call_that_ends_at_the_71st_transfer() {
    const TURNS: usize = 200;
    let mut setup = setup();
    setup.policy.max_duration = seconds(7000);
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    for turn in 0..TURNS {
        world.person(&call, "say", json!({ "text": format!("Question {turn}?") })).await;
        world.run_for(seconds(5)).await;
        let answer = json!({ "text": format!("Answer {turn}.") });
        let spoken = world.api(Method::POST, &format!("/v1/calls/{call}/speak"), answer).await;
        assert_eq!(spoken.status, 202, "turn {turn}: {}", spoken.body);
        world.run_for(seconds(6)).await;
    }
    let view = world.call(&call).await;
    assert_ne!(view["state"], "ended", "{}", view["cause"]);
    let lines = view["transcript"].as_array().cloned().unwrap_or_default();
    let said: Vec<&Value> =
        lines.iter().filter(|line| line["speaker"] == "user").map(|line| &line["text"]).collect();
    let questions: Vec<Value> = (0..TURNS).map(|turn| json!(format!("Question {turn}?"))).collect();
    assert_eq!(said, questions.iter().collect::<Vec<_>>());
    let answers: Vec<String> = (0..TURNS).map(|turn| format!("Answer {turn}.")).collect();
    assert_eq!(heard(&world, &call).await, answers, "each once, and whole");
    let id = view["provider_call_id"].as_str().unwrap_or_default();
    let transfer = format!("/Call/{id}/");
    let transfers = requests(&world, &call).await;
    let transfers = transfers.iter().filter(|it| it.starts_with("POST") && it.ends_with(&transfer));
    assert!((50..=70).contains(&transfers.count()));
}

#[tokio::test]
async fn a_call_that_is_out_of_transfers_can_still_be_hung_up() {
    let mut setup = setup();
    setup.policy.max_duration = seconds(7000);
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    for turn in 0..100 {
        let text = json!({ "text": format!("Answer {turn}.") });
        world.api(Method::POST, &format!("/v1/calls/{call}/speak"), text).await;
        world.run_for(seconds(1)).await;
    }
    assert_ne!(world.call(&call).await["state"], "ended");
    let path = format!("/v1/calls/{call}/hangup");
    assert_eq!(world.api(Method::POST, &path, Value::Null).await.status, 200);
    assert_eq!(world.until_state(&call, "ended").await["end_reason"], "hangup-bot");
    assert!(world.line(&call).await["ended_at"].is_string());
}

#[tokio::test]
async fn transfers_with_unclear_answers_and_those_before_a_restart_are_counted() {
    let mut setup = setup();
    setup.policy.max_duration = seconds(7000);
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    for turn in 0..100 {
        if turn % 3 == 0 {
            world.fault(json!({ "match": "POST ", "drop_after_taking": true })).await;
        }
        if turn == 40 {
            world.crash().await;
            world.start().await;
        }
        let text = json!({ "text": format!("Answer {turn}.") });
        let spoken = world.api(Method::POST, &format!("/v1/calls/{call}/speak"), text).await;
        assert_eq!(spoken.status, 202, "turn {turn}: {}", spoken.body);
        world.run_for(seconds(3)).await;
    }
    world.run_for(seconds(30)).await;
    let view = world.call(&call).await;
    assert_ne!(view["state"], "ended", "{}", view["cause"]);
    let last = heard(&world, &call).await.pop();
    assert_eq!(last.as_deref(), Some("Answer 99."), "what could not be pushed is said later");
}
