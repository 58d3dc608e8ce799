//! `offhook calls` and `hangup`.

use offhook::manager::{Clock, SystemClock};
use serde_json::{Value, json};

use super::table;
use crate::arguments::{Calls, Connection, State};
use crate::client::{Client, path_of};
use crate::failure::Failure;
use crate::output;

/// How many calls are asked for at once: with all of their metadata they fit into one answer.
const PAGE: usize = 100;

pub(crate) async fn list(list: Calls, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let state = match list.state {
        State::Live => "live",
        State::Queued => "queued",
        State::Ended => "ended",
        State::All => "all",
    };
    let (calls, next_cursor) = pages(&client, state, list.limit.get()).await?;
    if json {
        return output::line(json!({ "calls": calls, "next_cursor": next_cursor }));
    }
    if calls.is_empty() {
        return match state {
            "all" => output::line("no calls"),
            _ => output::line(format_args!("no {state} calls")),
        };
    }
    let now = SystemClock.now();
    let rows: Vec<Vec<String>> = calls
        .iter()
        .map(|call| {
            let text = |name: &str| call[name].as_str().unwrap_or("-").to_owned();
            let state = match call["end_reason"].as_str() {
                Some(reason) => format!("ended: {reason}"),
                None => text("state"),
            };
            let started = table::ago(&text("started_at"), now);
            vec![text("id"), text("direction"), text("from"), text("to"), state, started]
        })
        .collect();
    output::line(table::render(&["ID", "DIRECTION", "FROM", "TO", "STATE", "STARTED"], &rows))?;
    match next_cursor {
        Some(_) => output::line("There may be more: raise --limit."),
        None => Ok(()),
    }
}

/// So many calls at most, page by page, and where the rest begins.
async fn pages(
    client: &Client,
    state: &str,
    limit: usize,
) -> Result<(Vec<Value>, Option<String>), Failure> {
    let mut calls = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let wanted = PAGE.min(limit.saturating_sub(calls.len()));
        let mut path = format!("/v1/calls?state={state}&limit={wanted}");
        if let Some(cursor) = &cursor {
            path.push_str("&cursor=");
            path.push_str(cursor);
        }
        let mut page = client.get(&path).await?;
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if let Value::Array(more) = page["calls"].take() {
            calls.extend(more);
        }
        if cursor.is_none() || calls.len() >= limit {
            return Ok((calls, cursor));
        }
    }
}

pub(crate) async fn hangup(id: &str, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let call = client.post(&path_of(id, "/hangup"), &json!({})).await?;
    if json {
        output::line(&call)
    } else if let Some(reason) = call["end_reason"].as_str() {
        output::line(format_args!("{id} ended: {reason}"))
    } else {
        output::line(format_args!("{id} is being hung up"))
    }
}
