//! What several of these stories need.

use std::time::Duration;

use offhook_tests::{Setup, World};
use serde_json::{Value, json};

pub(crate) const PATIENT: &str = "+15550100011";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn setup() -> Setup {
    Setup::on("plivo")
}

/// The usual world, its calls on Plivo.
pub(crate) async fn world() -> World {
    World::with(setup()).await
}

/// A call that we have placed, on which we listen.
pub(crate) async fn conversation(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

/// Method and path of the requests that the carrier has got about a call, in order.
pub(crate) async fn requests(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let requests = line["requests"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    requests.iter().map(|it| format!("{} {}", text(&it["method"]), text(&it["path"]))).collect()
}
