//! What is said and heard on the line.

use std::time::Duration;

use offhook::manager::machine::Command;
use offhook_core::{CallId, Locale, Speech};
use offhook_tests::World;
use serde_json::{Value, json};

const CALLER: &str = "+15550100077";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn speech(text: &str) -> Speech {
    Speech { text: text.parse().expect("a text"), voice: None, locale: Locale::en_us() }
}

fn id(view: &Value) -> CallId {
    view["id"].as_str().expect("an id").parse().expect("a UUID")
}

/// An inbound call on which we listen.
async fn listening(world: &World) -> CallId {
    let sid = world.somebody_calls(CALLER, "silent").await;
    id(&world.until_state(&sid, "listening").await)
}

/// How often the person has heard all of a text.
async fn times_heard(world: &World, call: CallId, text: &str) -> usize {
    let line = world.line(&call.to_string()).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    heard.iter().filter(|heard| heard["text"] == text && heard["complete"] == true).count()
}

#[tokio::test]
async fn speech_that_comes_before_the_call_is_connected_at_the_carrier_is_said_a_moment_later() {
    let world = World::new().await;
    let call = listening(&world).await;
    let not_yet = json!({ "code": 21220, "message": "Call is not in-progress.", "status": 400 });
    let fault = json!({
        "on": "request", "match": "POST ", "http_status": 400, "body": not_yet.to_string(),
        "count": 3,
    });
    world.fault(fault).await;
    let command = Command::Speak { speech: speech("One moment.") };
    world.manager().command(call, command).await.expect("it is taken");
    world.settle().await;
    world.until_state(&call.to_string(), "speaking").await;
    world.run_for(seconds(5)).await;
    assert_eq!(times_heard(&world, call, "One moment.").await, 1);
}

#[tokio::test]
async fn a_sentence_that_is_on_its_way_when_the_carrier_asks_is_begun_once() {
    let world = World::new().await;
    let call = listening(&world).await;
    world.hold_requests(true);
    let command = Command::Speak { speech: speech("One moment, please.") };
    world.manager().command(call, command).await.expect("it is taken");
    // Meanwhile the person says something, and the carrier asks what comes next.
    world.person(&call.to_string(), "say", json!({ "text": "Hello?" })).await;
    world.run_for(seconds(2)).await;
    world.hold_requests(false);
    world.run_for(seconds(6)).await;
    let line = world.line(&call.to_string()).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    let begun = heard.iter().filter(|heard| heard["text"] == "One moment, please.").count();
    assert_eq!(begun, 1, "{line:#}");
    assert_eq!(times_heard(&world, call, "One moment, please.").await, 1);
}

#[tokio::test]
async fn words_while_they_are_spoken_show_that_somebody_speaks_and_flood_no_timeline() {
    let world = World::new().await;
    let call = listening(&world).await;
    let speaking = Command::Speak { speech: speech("Please tell us in your own words.") };
    let (_, turn) = world.manager().command(call, speaking).await.expect("it is taken");
    world.settle().await;
    assert_eq!(world.call(&call.to_string()).await["state"], "speaking");
    let before = world.timeline(&call.to_string()).await.len();
    for words in ["My", "parcel", "is", "lost"] {
        world.person(&call.to_string(), "say", json!({ "text": words })).await;
        let view = world.call(&call.to_string()).await;
        assert_eq!(view["state"], "listening", "the first word interrupts us");
    }
    let previews = world.timeline(&call.to_string()).await.len() - before;
    assert_eq!(previews, 1);
    world.run_for(seconds(4)).await;
    let view = world.call(&call.to_string()).await;
    let said = view["transcript"].as_array().and_then(|all| all.last()).cloned();
    let said = said.unwrap_or_default();
    assert_eq!((&said["text"], &said["turn"]), (&json!("My parcel is lost"), &json!(turn)));
}

#[tokio::test]
async fn who_answered_is_told_and_ends_no_call() {
    let world = World::new().await;
    for (word, by) in [
        ("human", "human"),
        ("machine_start", "machine"),
        ("machine_end_beep", "machine"),
        ("machine_end_silence", "machine"),
        ("machine_end_other", "machine"),
        ("fax", "fax"),
        ("unknown", "unknown"),
    ] {
        let call = world.place(json!({ "to": "+15550100011", "mode": "conversation" })).await;
        let view = world.call(&call).await;
        let sid = view["provider_call_id"].as_str().unwrap_or_default().to_owned();
        // Detection before the document: its result comes with the request for it.
        let form = [
            ("CallSid", sid.as_str()),
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("CallStatus", "in-progress"),
            ("Direction", "outbound-api"),
            ("AnsweredBy", word),
        ];
        let query = format!("?call={call}&step=1&kind=answer");
        let reply = world.webhook(&query, &form, None).await;
        assert!(reply.body.contains("<Gather"), "{word}: the call goes on: {}", reply.body);
        let view = world.call(&call).await;
        assert_eq!(view["answered_by"], by, "{word}");
        assert_eq!(view["state"], "listening", "{word}");
        world.manager().hangup(id(&view)).await.expect("it is taken");
        world.settle().await;
    }
}
