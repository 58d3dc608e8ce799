//! Telnyx reads no answer: all that it does it is told by commands, and it waits for an answer for
//! two seconds only.

use std::time::Duration;

use offhook_tests::{Report, World};
use serde_json::{Value, json};

use crate::support::{CALLER, PATIENT, commands, conversation, heard, seconds, setup, world};

/// The webhooks of a line, each with how often it was sent and what it was answered.
async fn webhooks(world: &World, id: &str) -> Vec<(String, u64, u64)> {
    let line = world.carrier(http::Method::GET, &format!("calls/{id}"), Value::Null).await;
    let all = line["webhooks"].as_array().cloned().unwrap_or_default();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let told = all.iter().map(|webhook| {
        let kind = webhook["kind"].as_str().unwrap_or_default().to_owned();
        (kind, number(&webhook["attempts"]), number(&webhook["status"]))
    });
    told.collect()
}

#[tokio::test]
async fn a_webhook_that_wants_a_command_is_answered_before_the_command_is_even_sent() {
    let world = world().await;
    world.hold_requests(true);
    // The time of a world stands still while something is under way: were an answer to wait for
    // the command, this would never come to rest.
    let id = world.somebody_calls(CALLER, "silent").await;
    assert_eq!(webhooks(&world, &id).await, [("call.initiated".to_owned(), 1, 200)]);
    assert_eq!(world.call(&id).await["answered_at"], Value::Null, "nobody has been told to answer");
    world.run_for(seconds(3)).await;
    assert_eq!(webhooks(&world, &id).await.len(), 1, "and nothing had to come again");
    world.hold_requests(false);
    world.until_state(&id, "listening").await;
    assert_eq!(heard(&world, &id).await, ["Hello!"]);
    for (kind, attempts, status) in webhooks(&world, &id).await {
        assert_eq!((attempts, status), (1, 200), "{kind}");
    }
}

#[tokio::test]
async fn every_step_of_a_call_is_answered_within_its_request_while_no_command_gets_through() {
    let mut setup = setup();
    setup.policy.greeting = None;
    let world = World::with(setup).await;
    let call = conversation(&world).await;
    world.hold_requests(true);
    for report in [
        Report::Saying("Hel"),
        Report::Said("Hello?"),
        Report::Strange("call.unheard.of"),
        Report::Answered,
        Report::Ended,
    ] {
        let request = world.report(&call, report).await;
        let answer = tokio::time::timeout(Duration::from_secs(2), world.send(&request)).await;
        let answer = answer.unwrap_or_else(|_| panic!("{report:?} waited"));
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{report:?}");
    }
    world.hold_requests(false);
}

#[tokio::test]
async fn what_follows_a_speech_is_told_when_the_speech_has_ended() {
    let world = world().await;
    let request = json!({ "to": PATIENT, "mode": "conversation", "message": "Shall I?" });
    let call = world.place(request).await;
    world.until_state(&call, "speaking").await;
    assert_eq!(commands(&world, &call).await, ["speak"]);
    world.until_state(&call, "listening").await;
    assert_eq!(commands(&world, &call).await, ["speak", "transcription_start"]);
}

#[tokio::test]
async fn a_speech_takes_the_place_of_one_that_is_being_spoken_and_its_end_is_not_mistaken() {
    let world = world().await;
    let request = json!({
        "to": PATIENT, "mode": "conversation", "message": "A long story that nobody wants. ".repeat(10),
    });
    let call = world.place(request).await;
    world.until_state(&call, "speaking").await;
    let path = format!("/v1/calls/{call}/speak");
    let answer = world.api(http::Method::POST, &path, json!({ "text": "Never mind that." })).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.run_for(Duration::from_millis(200)).await;
    assert_eq!(world.call(&call).await["state"], "speaking", "the second, not the first, goes on");
    world.until_state(&call, "listening").await;
    assert_eq!(heard(&world, &call).await, ["Never mind that."]);
}
