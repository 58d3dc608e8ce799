//! What several of these stories need.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offhook_tests::{Setup, World};
use serde_json::{Value, json};

pub(crate) const PATIENT: &str = "+15550100011";
pub(crate) const CALLER: &str = "+15550100077";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn setup() -> Setup {
    Setup::on("telnyx")
}

/// The usual world, its calls on Telnyx.
pub(crate) async fn world() -> World {
    World::with(setup()).await
}

/// A call that we have placed, on which we listen.
pub(crate) async fn conversation(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

/// What was heard whole on the line of a call, in order.
pub(crate) async fn heard(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    let whole = heard.iter().filter(|heard| heard["complete"] == true);
    whole.filter_map(|heard| heard["text"].as_str().map(str::to_owned)).collect()
}

/// The commands that the carrier was given for a call, in order.
pub(crate) async fn commands(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let requests = line["requests"].as_array().cloned().unwrap_or_default();
    let names = requests.iter().filter_map(|request| {
        Some(request["path"].as_str()?.split_once("/actions/")?.1.to_owned())
    });
    names.collect()
}

/// An event about a call of ours, as Telnyx writes it.
pub(crate) fn event(view: &Value, id: &str, event: &str, payload: Value) -> Value {
    let call = view["id"].as_str().unwrap_or_default();
    let mut all = json!({
        "call_control_id": view["provider_call_id"],
        "connection_id": "1",
        "client_state": STANDARD.encode(call),
    });
    if let (Some(all), Value::Object(payload)) = (all.as_object_mut(), payload) {
        all.extend(payload);
    }
    json!({
        "data": {
            "record_type": "event", "event_type": event, "id": id,
            "occurred_at": "2026-03-01T12:00:00.000000Z", "payload": all,
        },
        "meta": { "attempt": 1 },
    })
}
