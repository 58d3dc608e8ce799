//! `offhook calls`, `show` and `hangup`.

use offhook::manager::{Clock, SystemClock};
use serde_json::{Value, json};

use super::table;
use crate::arguments::{Calls, Connection, State};
use crate::client::{Client, path_of};
use crate::failure::Failure;

pub(crate) async fn list(list: Calls, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let state = match list.state {
        State::Live => "live",
        State::Ended => "ended",
        State::All => "all",
    };
    let path = format!("/v1/calls?state={state}&limit={}", list.limit);
    let page = client.get(&path).await?;
    if json {
        println!("{page}");
        return Ok(());
    }
    let calls = page["calls"].as_array().cloned().unwrap_or_default();
    if calls.is_empty() {
        println!("no {} calls", if state == "all" { "" } else { state }.trim());
        return Ok(());
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
    table::print(&["ID", "DIRECTION", "FROM", "TO", "STATE", "STARTED"], &rows);
    Ok(())
}

pub(crate) async fn show(id: &str, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let call = client.get(&path_of(id, "")).await?;
    let timeline = client.get(&path_of(id, "/timeline")).await?;
    if json {
        println!("{}", json!({ "call": call, "timeline": timeline["entries"] }));
        return Ok(());
    }
    for (name, value) in call.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Array(lines) => {
                for line in lines {
                    let speaker = line["speaker"].as_str().unwrap_or_default();
                    println!(
                        "{:<17} {speaker}: {}",
                        name,
                        line["text"].as_str().unwrap_or_default()
                    );
                }
            }
            Value::String(text) => println!("{name:<17} {text}"),
            other => println!("{name:<17} {other}"),
        }
    }
    println!();
    let entries = timeline["entries"].as_array().cloned().unwrap_or_default();
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let detail = match &entry["detail"] {
                Value::Null => String::new(),
                detail => detail.to_string(),
            };
            vec![text("at"), text("kind"), detail]
        })
        .collect();
    table::print(&["AT", "WHAT", "DETAIL"], &rows);
    Ok(())
}

pub(crate) async fn hangup(id: &str, connection: &Connection, json: bool) -> Result<(), Failure> {
    let client = Client::connect(connection)?;
    let call = client.post(&path_of(id, "/hangup"), &json!({})).await?;
    if json {
        println!("{call}");
    } else if let Some(reason) = call["end_reason"].as_str() {
        println!("{id} ended: {reason}");
    } else {
        println!("{id} is being hung up");
    }
    Ok(())
}
