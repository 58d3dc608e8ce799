//! `offhook call`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::timeline;
use crate::arguments::{Call, Connection, Mode};
use crate::client::{Client, path_of};
use crate::failure::Failure;
use crate::output;
use crate::report::Waiting;

/// How often a call that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(crate) async fn run(call: Call, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let mode = call.mode.map(|mode| match mode {
        Mode::Notify => "notify",
        Mode::Conversation => "conversation",
    });
    let mut request = Map::new();
    request.insert("to".to_owned(), json!(call.to));
    for (name, value) in [
        ("provider", call.provider.as_deref()),
        ("from", call.from.as_deref()),
        ("message", call.message.as_deref()),
        ("mode", mode),
    ] {
        if let Some(value) = value {
            request.insert(name.to_owned(), json!(value));
        }
    }
    let mut placed = client.post("/v1/calls", &Value::Object(request)).await?;
    if call.wait {
        placed = wait(&client, placed).await?;
    }
    if json {
        output::line(&placed)?;
    } else {
        output::line(sentence(&placed))?;
    }
    let missed = matches!(
        placed["end_reason"].as_str(),
        Some("busy" | "no-answer" | "failed" | "rejected" | "canceled" | "lost" | "error")
    );
    if missed { Err(Failure::Told) } else { Ok(()) }
}

async fn wait(client: &Client, placed: Value) -> Result<Value, Failure> {
    let path = path_of(placed["id"].as_str().unwrap_or_default(), "");
    let mut waiting = Waiting::default();
    loop {
        match client.get(&path).await {
            Ok(call) if call["state"] == "ended" => return Ok(call),
            Ok(_) => waiting = Waiting::default(),
            // The call goes on without the daemon, which takes it up again.
            Err(failure) if failure.is_transient() => waiting.tell(&failure),
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn sentence(call: &Value) -> String {
    let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let (id, to) = (text("id"), text("to"));
    match (text("state").as_str(), text("dial").as_str()) {
        ("ended", _) => {
            let cause = timeline::cause(&call["cause"]);
            let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
            format!("{id}  to {to} ended: {}{cause}", text("end_reason"))
        }
        ("queued", _) => format!("{id}  to {to} waits for its turn"),
        (_, "unknown") => {
            format!(
                "{id}  to {to}: the carrier did not answer clearly; it is watched, not redialled"
            )
        }
        (state, _) => format!("{id}  to {to} is {state}"),
    }
}
