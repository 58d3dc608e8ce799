//! `offhook tail`: events as they happen, over breaks of the connection and restarts of the daemon.

mod lines;
mod sse;

use std::time::Duration;

use http::{StatusCode, header};
use serde_json::Value;

use crate::arguments::{Connection, Tail};
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::refusal::Refusal;
use crate::report::Waiting;
use lines::Lines;
use sse::{Event, Parser};

/// A connection on which nothing comes, not even what keeps it alive, is dead.
const SILENCE: Duration = Duration::from_secs(120);

/// How long to wait before connecting again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

pub(crate) async fn run(tail: &Tail, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let http = plain_client()?;
    let after = tail.after.map(|id| id.to_string());
    let mut parser = Parser::after(after.unwrap_or_default());
    // A daemon that is not there from the start is told; later it may be restarting.
    let mut response = connect(&client, &http, &parser).await?;
    let mut lines = (!json).then(|| Lines::new(output::colour()));
    if let Some(lines) = &lines {
        output::line(lines.head())?;
    }
    loop {
        while let Ok(Some(bytes)) = response.chunk().await {
            for (id, event) in parser.push(&bytes) {
                output::line(told(&id, &event, lines.as_mut()))?;
            }
        }
        parser.begin_again();
        response = reconnect(&client, &http, &parser).await?;
    }
}

/// The guarded client reads whole bodies; this one does not end.
fn plain_client() -> Result<reqwest::Client, Failure> {
    // No process-wide default is installed otherwise; a second one would be the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(SILENCE);
    builder.build().map_err(Failure::operation)
}

async fn connect(
    client: &Client,
    http: &reqwest::Client,
    parser: &Parser,
) -> Result<reqwest::Response, Failure> {
    let mut request = http
        .get(client.url("/v1/events")?)
        .header(header::AUTHORIZATION, client.authorization().clone())
        .header(header::ACCEPT, "text/event-stream");
    if !parser.last_id().is_empty() {
        request = request.header("last-event-id", parser.last_id());
    }
    let response = request.send().await.map_err(|error| {
        let hint = if error.is_connect() { "; is `offhook serve` running?" } else { "" };
        let base = client.base();
        Failure::Unreachable(format!("the daemon at {base} is not reachable{hint}"))
    })?;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let is = |prefix: &str| {
        kind.as_ref().is_some_and(|kind| kind.as_bytes().starts_with(prefix.as_bytes()))
    };
    if status == StatusCode::OK && is("text/event-stream") {
        return Ok(response);
    }
    let headers = response.headers().clone();
    let body = response.bytes().await.unwrap_or_default();
    match serde_json::from_slice::<Value>(&body) {
        Ok(problem) if !status.is_success() => Err(Refusal::new(status, &headers, problem).into()),
        _ => Err(Failure::Unreachable(format!(
            "no Offhook daemon answers at {}, but something else ({status}); is the address right?",
            client.base()
        ))),
    }
}

/// Until the daemon is there again. What it refuses, it refuses for good.
async fn reconnect(
    client: &Client,
    http: &reqwest::Client,
    parser: &Parser,
) -> Result<reqwest::Response, Failure> {
    let mut waiting = Waiting::default();
    loop {
        match connect(client, http, parser).await {
            Err(failure) if failure.is_transient() => waiting.tell(&failure),
            other => return other,
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

fn told(id: &str, event: &Event, lines: Option<&mut Lines>) -> String {
    let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
        // Not ours, and not to be hidden.
        return event.data.clone();
    };
    match lines {
        Some(lines) => lines.told(id, data["kind"].as_str().unwrap_or(&event.kind), &data),
        None => data.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_for_people_and_for_machines() {
        let data = r#"{"id": 7, "at": "2026-03-01T12:00:00Z", "call": "c1", "kind": "ended",
            "detail": {"reason": "busy"}}"#;
        let event = Event { kind: "ended".to_owned(), data: data.to_owned() };
        let mut lines = Lines::new(false);
        let told_first = told("7", &event, Some(&mut lines));
        assert!(told_first.starts_with("2026-03-01\n") && told_first.ends_with("busy"));
        assert_eq!(told("7", &event, Some(&mut lines)).lines().count(), 1);
        let machine: Value = serde_json::from_str(&told("7", &event, None)).unwrap();
        assert_eq!(machine["detail"]["reason"], "busy");
        assert!(!told("7", &event, None).contains('\n'));
    }
}
