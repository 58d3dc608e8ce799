//! What is said and heard on the line.

use std::time::Duration;

use offhook::manager::machine::Command;
use offhook_core::{CallId, Locale, Speech};
use offhook_tests::{Setup, World, stories};
use serde_json::{Value, json};

const CALLER: &str = "+15550100077";

stories! {
    on every provider:
    a_sentence_that_is_on_its_way_when_the_carrier_asks_is_begun_once,
    a_sentence_whose_command_comes_late_is_begun_once,
}

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

async fn a_sentence_that_is_on_its_way_when_the_carrier_asks_is_begun_once(setup: Setup) {
    is_begun_once(setup, seconds(2)).await;
}

async fn a_sentence_whose_command_comes_late_is_begun_once(setup: Setup) {
    // Longer than a carrier may be held meanwhile, and than it takes to say the sentence.
    is_begun_once(setup, seconds(9)).await;
}

async fn is_begun_once(setup: Setup, late: Duration) {
    let world = World::with(setup).await;
    let call = listening(&world).await;
    world.hold_requests(true);
    let command = Command::Speak { speech: speech("One moment, please.") };
    world.manager().command(call, command).await.expect("it is taken");
    // Meanwhile the person says something, and the carrier asks what comes next.
    world.person(&call.to_string(), "say", json!({ "text": "Hello?" })).await;
    world.run_for(late).await;
    world.hold_requests(false);
    world.run_for(seconds(6)).await;
    let line = world.line(&call.to_string()).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    let begun = heard.iter().filter(|heard| heard["text"] == "One moment, please.").count();
    assert_eq!(begun, 1, "{line:#}");
    assert_eq!(times_heard(&world, call, "One moment, please.").await, 1);
}
