//! The books of carrier, database and API, as they are now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::super::support::{Carrier, Daemon};
use super::comparison::{ApiCall, Asked, Books, CarrierCall, StoredCall};
use super::load::Load;

/// Reads them all. The carrier is read first: what it acknowledged by then is to be in the others.
pub(super) fn read(load: &Load, daemon: &Daemon, carrier: &Carrier, ring: Duration) -> Books {
    let said = load.said.lock().unwrap().clone();
    let carrier: Vec<CarrierCall> = carrier
        .calls()
        .iter()
        .map(|call| carrier_call(&carrier.call(text(&call["id"])), &said))
        .collect();
    let asked: Vec<Asked> = load.asked.lock().unwrap().clone();
    let api = calls(daemon).iter().map(|call| api_call(daemon, call, ring)).collect();
    let (stored, keys) = stored(&daemon.folder().join("offhook.db"));
    Books { asked, carrier, api, stored, keys }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Some carriers write numbers without their plus.
fn number(value: &Value) -> String {
    format!("+{}", text(value).trim_start_matches('+'))
}

fn carrier_call(call: &Value, said: &[(String, String)]) -> CarrierCall {
    let id = text(&call["id"]);
    let all = |name: &str| call[name].as_array().cloned().unwrap_or_default();
    let acknowledged: Vec<Value> = all("webhooks")
        .into_iter()
        .filter(|webhook| webhook["status"].as_u64().is_some_and(|status| status / 100 == 2))
        .collect();
    // What a carrier takes back is kept in no transcript.
    let is_guess = |webhook: &Value| {
        let kind = text(&webhook["kind"]);
        let transcription = text(&webhook["params"]["transcription_data"]);
        ["partial", "interim"].contains(&kind) || transcription.contains(r#""is_final":false"#)
    };
    let was_brought = |words: &str| {
        let mut final_ones = acknowledged.iter().filter(|webhook| !is_guess(webhook));
        final_ones.any(|webhook| webhook["params"].to_string().contains(words))
    };
    let said = said.iter().filter(|(on, words)| on == id && was_brought(words));
    CarrierCall {
        id: id.to_owned(),
        provider: text(&call["provider"]).to_owned(),
        is_inbound: call["direction"] == "inbound",
        to: number(&call["to"]),
        is_over: !call["ended_at"].is_null(),
        heard: all("heard").iter().map(|heard| text(&heard["text"]).to_owned()).collect(),
        is_acknowledged: acknowledged.iter().any(|webhook| {
            // Of a call whose first word never came through, no later one makes a record.
            let first_words = ["document", "answer", "call.initiated"];
            first_words.contains(&text(&webhook["kind"]))
        }),
        said: said.map(|(_, words)| words.clone()).collect(),
    }
}

fn calls(daemon: &Daemon) -> Vec<Value> {
    let mut calls = Vec::new();
    let mut path = "/v1/calls?state=all&limit=1000".to_owned();
    loop {
        let page = daemon.get(&path).json();
        calls.extend(page["calls"].as_array().expect("a page of calls").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return calls };
        path = format!("/v1/calls?state=all&limit=1000&cursor={cursor}");
    }
}

fn api_call(daemon: &Daemon, call: &Value, ring: Duration) -> ApiCall {
    let id = text(&call["id"]);
    let whole = daemon.get(&format!("/v1/calls/{id}")).json();
    let said = whole["transcript"].as_array().cloned().unwrap_or_default();
    let provider = text(&whole["provider"]);
    // The carriers' queues: 60 s with Twilio and Plivo, and Telnyx has none. Then the 10 s by which
    // the carrier's own limit is to be first, and some for the machine.
    let slack = Duration::from_secs(if provider == "telnyx" { 15 } else { 60 } + 15);
    let decided_by = text(&whole["started_at"]).parse().unwrap_or(Timestamp::MIN) + ring + slack;
    let is_unknown = matches!(text(&whole["dial"]), "pending" | "unknown");
    ApiCall {
        id: id.to_owned(),
        provider: provider.to_owned(),
        provider_call_id: whole["provider_call_id"].as_str().map(str::to_owned),
        is_inbound: whole["direction"] == "inbound",
        to: number(&whole["to"]),
        is_over: whole["state"] == "ended",
        is_undecided: is_unknown && now() < decided_by,
        transcript: said.iter().map(|said| text(&said["text"]).to_owned()).collect(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the daemon goes by the time of day, too")]
fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).expect("a time of day")
}

/// The file itself, which must be sound. Its daemon may have it open.
pub(crate) fn stored(path: &Path) -> (Vec<StoredCall>, BTreeMap<String, String>) {
    let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let verdict: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let id = |bytes: [u8; 16]| uuid::Uuid::from_bytes(bytes).to_string();
    // One look for all of it: the daemon goes on writing.
    let store = store.unchecked_transaction().unwrap();
    let mut ids = BTreeMap::<i64, BTreeSet<String>>::new();
    let mut rows = store
        .prepare("SELECT call, value FROM carrier_id UNION SELECT call, value FROM new_carrier_id")
        .unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for (call, value) in rows.map(Result::unwrap) {
        ids.entry(call).or_default().insert(value);
    }
    let sql = "SELECT number, id, ended_at IS NOT NULL FROM call";
    let mut rows = store.prepare(sql).unwrap();
    let calls = rows.query_map([], |row| {
        let carrier_ids = ids.get(&row.get(0)?).cloned().unwrap_or_default();
        Ok(StoredCall { id: id(row.get(1)?), is_over: row.get(2)?, carrier_ids })
    });
    let calls = calls.unwrap().map(Result::unwrap).collect();
    let sql = "SELECT idempotency.key, call.id FROM idempotency
               JOIN call ON call.number = idempotency.call";
    let mut rows = store.prepare(sql).unwrap();
    let keys = rows.query_map([], |row| Ok((row.get(0)?, id(row.get(1)?)))).unwrap();
    (calls, keys.map(Result::unwrap).collect())
}
