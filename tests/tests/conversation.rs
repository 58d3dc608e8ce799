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
    world.run_for(seconds(3)).await;
    let line = world.line(&call.to_string()).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    let times = heard.iter().filter(|heard| heard["text"] == "One moment.").count();
    assert_eq!(times, 1, "{line:#}");
}
