//! What is said comes by a transcription that runs beside everything else.

use http::Method;
use serde_json::{Value, json};

use crate::support::{commands, conversation, heard, seconds, world};

#[tokio::test]
async fn one_transcription_serves_many_turns() {
    let world = world().await;
    let call = conversation(&world).await;
    for words in ["One", "Two", "Three"] {
        world.person(&call, "say", json!({ "text": words })).await;
        world.run_for(seconds(4)).await;
    }
    let view = world.call(&call).await;
    let lines = view["transcript"].as_array().cloned().unwrap_or_default();
    let turns: Vec<(&Value, &Value)> =
        lines.iter().map(|line| (&line["text"], &line["turn"])).collect();
    assert_eq!(
        turns,
        [(&json!("One"), &json!(1)), (&json!("Two"), &json!(2)), (&json!("Three"), &json!(3))]
    );
    assert_eq!(commands(&world, &call).await, ["transcription_start"]);
    assert_eq!(view["state"], "listening");
}

#[tokio::test]
async fn words_while_they_are_spoken_answer_nothing_and_flood_no_timeline() {
    let world = world().await;
    let call = conversation(&world).await;
    let words = "My parcel has been lost somewhere on its long way from the warehouse";
    world.person(&call, "say", json!({ "text": words })).await;
    world.run_for(seconds(3)).await;
    let line = world.line(&call).await;
    let sent = line["webhooks"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    assert_eq!((&sent["kind"], &sent["status"]), (&json!("call.transcription"), &json!(200)));
    assert!(!world.timeline(&call).await.iter().any(|it| it.to_string().contains("My parcel")));
    assert_eq!(world.call(&call).await["transcript"], json!([]), "half a sentence is no answer");
    world.run_for(seconds(4)).await;
    assert_eq!(world.call(&call).await["transcript"][0]["text"], words);
}

#[tokio::test]
async fn words_that_interrupt_a_question_answer_it_and_it_is_not_asked_again() {
    let world = world().await;
    let call = conversation(&world).await;
    let path = format!("/v1/calls/{call}/ask");
    let question = "Would you like to hear all of the many terms and conditions now? ".repeat(2);
    let asking = world.api(Method::POST, &path, json!({ "text": question }));
    let answering = async {
        let is_question = |entry: &Value| entry["detail"]["command"] == "ask";
        while !world.timeline(&call).await.iter().any(is_question) {}
        world.run_for(seconds(1)).await;
        world.person(&call, "say", json!({ "text": "No" })).await;
        world.run_for(seconds(3)).await;
    };
    let (asked, ()) = tokio::join!(asking, answering);
    assert_eq!((asked.status, &asked.json()["transcript"]), (200, &json!("No")), "{}", asked.body);
    world.run_for(seconds(30)).await;
    assert!(heard(&world, &call).await.len() <= 1);
    assert_eq!(world.call(&call).await["state"], "listening");
}

#[tokio::test]
async fn a_transcription_that_is_stopped_hears_nothing_until_it_is_started_again() {
    let world = world().await;
    let call = conversation(&world).await;
    let steer = |what: &str| format!("/v1/calls/{call}/{what}");
    world.api(Method::POST, &steer("stop-listening"), Value::Null).await;
    world.until_state(&call, "active").await;
    world.person(&call, "say", json!({ "text": "Hello?" })).await;
    world.run_for(seconds(3)).await;
    assert_eq!(world.call(&call).await["transcript"], json!([]));
    world.api(Method::POST, &steer("listen"), json!({ "locale": "de-DE" })).await;
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": "Hallo?" })).await;
    world.run_for(seconds(3)).await;
    assert_eq!(world.call(&call).await["transcript"][0]["text"], "Hallo?");
}

#[tokio::test]
async fn keys_come_unasked_while_we_listen() {
    let world = world().await;
    let call = conversation(&world).await;
    world.person(&call, "dtmf", json!({ "digits": "42#" })).await;
    world.run_for(seconds(3)).await;
    let entries = world.timeline(&call).await;
    let keys: Vec<String> = entries
        .iter()
        .flat_map(|entry| entry["detail"]["events"].as_array().cloned().unwrap_or_default())
        .filter_map(|event| event["key_pressed"]["key"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(keys, ["4", "2", "#"], "{entries:#?}");
    assert_eq!(world.call(&call).await["state"], "listening");
}

#[tokio::test]
async fn nothing_is_transcribed_while_digits_are_gathered_and_another_plan_stops_the_gather() {
    let world = world().await;
    let call = conversation(&world).await;
    let steer = |what: &str| format!("/v1/calls/{call}/{what}");
    let digits = json!({ "input": "digits", "max_digits": 1 });
    world.api(Method::POST, &steer("listen"), digits).await;
    world.run_for(seconds(2)).await;
    let mut expected = vec!["transcription_start", "transcription_stop", "gather"];
    assert_eq!(commands(&world, &call).await, expected);
    world.person(&call, "dtmf", json!({ "digits": "5" })).await;
    world.run_for(seconds(2)).await;
    expected.push("gather");
    assert_eq!(commands(&world, &call).await, expected, "each entry needs a gather of its own");
    world.api(Method::POST, &steer("speak"), json!({ "text": "Thank you." })).await;
    world.until_state(&call, "listening").await;
    world.run_for(seconds(4)).await;
    expected.extend(["gather_stop", "speak", "transcription_start"]);
    assert_eq!(commands(&world, &call).await, expected);
    let line = world.line(&call).await;
    let ended = |webhook: &&Value| webhook["kind"] == "call.gather.ended";
    let ended = line["webhooks"].as_array().map_or(0, |all| all.iter().filter(ended).count());
    assert_eq!(ended, 2, "one by its entry, one by the command: {line:#}");
}
