//! `offhook speak`, `ask` and `dtmf`.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::arguments::{Ask, Connection};
use crate::client::{Client, path_of};
use crate::failure::Failure;
use crate::output;

/// How much longer than the answer of a call the daemon's own answer is waited for.
const LEEWAY: Duration = Duration::from_secs(15);

/// The longest that a question can wait: the longest call.
const ANSWER_AT_MOST: Duration = Duration::from_hours(4);

pub(crate) async fn speak(
    id: &str,
    text: &str,
    connection: &Connection,
    json: bool,
) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let spoken = client.post(&path_of(id, "/speak"), &json!({ "text": text })).await?;
    match json {
        true => output::line(&spoken),
        false => output::line(format_args!("{id} is told, in turn {}", spoken["turn"])),
    }
}

pub(crate) async fn ask(ask: &Ask, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let mut request = json!({ "text": ask.text });
    if let Some(input) = ask.input {
        request["input"] = Value::from(input.word());
    }
    if let Some(max_digits) = ask.max_digits {
        request["max_digits"] = Value::from(max_digits);
    }
    if let Some(key) = ask.finish_on_key {
        request["finish_on_key"] = Value::from(key.to_string());
    }
    let patience = match &ask.timeout {
        Some(timeout) => {
            let timeout = offhook_server::parse_duration(timeout)
                .map_err(|error| Failure::Usage(format!("--timeout {timeout}: {error}")))?;
            request["timeout"] = Value::from(timeout.as_secs_f64());
            timeout
        }
        // The daemon's own; it answers in any case.
        None => ANSWER_AT_MOST,
    };
    let patience = patience.saturating_add(LEEWAY);
    let path = path_of(&ask.id, "/ask");
    let answered = client.send_within(Method::POST, &path, Some(&request), patience).await??;
    match json {
        true => output::line(&answered),
        false => {
            let answer = answered["transcript"].as_str().or_else(|| answered["digits"].as_str());
            output::line(answer.unwrap_or_default())
        }
    }
}

pub(crate) async fn dtmf(
    id: &str,
    digits: &str,
    connection: &Connection,
    json: bool,
) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let sent = client.post(&path_of(id, "/dtmf"), &json!({ "digits": digits })).await?;
    match json {
        true => output::line(&sent),
        false => output::line(format_args!("{id} is sent {digits}")),
    }
}
