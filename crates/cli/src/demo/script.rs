//! The story itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::phone::Phones;
use super::teller::Teller;
use crate::commands::carrier::settings;
use crate::failure::Failure;

/// Says yes when asked.
const OBLIGING: &str = "+15550100001";
/// Answers, and stays on the line.
const PATIENT: &str = "+15550100011";
/// Calls us.
const CALLER: &str = "+15550100077";
const OUR_NUMBER: &str = "+15550100100";

/// No step takes longer.
const PATIENCE: Duration = Duration::from_secs(12);

/// How long the daemon is away. (What the carrier's API reads is up to a second old.)
const ABSENCE: Duration = Duration::from_millis(1500);

pub(super) async fn play(provider: &str, speed: f64, teller: &mut Teller) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(Failure::operation)?;
    let (listener, carrier) = Phones::listen().await?;
    let mut settings = settings(String::new(), speed, 20.0);
    let mut daemon = Daemon::prepare(folder.path(), provider, &settings, carrier)?;
    settings.webhook_base = Some(daemon.webhook_base());
    let phones = Phones::start(provider, listener, settings)?;

    teller.chapter(&format!(
        "A daemon and a carrier ({provider}, emulated; its wire format is real)"
    ));
    daemon.start().await?;
    teller.tell("the daemon runs as a process of its own, its store is an SQLite file");

    notify(&daemon, &phones, teller).await?;
    let (kept, dropped) = two_live_calls(&daemon, &phones, teller).await?;
    crash(&mut daemon, &phones, &dropped, teller).await?;
    come_back(&mut daemon, &kept, &dropped, teller).await?;
    go_on(&daemon, &phones, &kept, teller).await
}

/// A live call: our id and the carrier's.
struct Line {
    ours: String,
    carriers: String,
}

impl Line {
    fn of(call: &Value) -> Self {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        Self { ours: text("id"), carriers: text("provider_call_id") }
    }
}

async fn notify(daemon: &Daemon, phones: &Phones, teller: &mut Teller) -> Result<(), Failure> {
    teller.chapter("1. A message is delivered");
    let text = "Your parcel is at the door.";
    let call = daemon.client.post("/v1/calls", &json!({ "to": OBLIGING, "message": text })).await?;
    let line = Line::of(&call);
    teller.tell(&format!("we call {OBLIGING} to say: “{text}”"));
    let ended = daemon.call_when(&line.ours, PATIENCE, |call| call["state"] == "ended").await?;
    let heard = phones.call_when(&line.carriers, PATIENCE, |_| true).await?;
    let complete = heard["heard"][0]["complete"] == true && heard["heard"][0]["text"] == text;
    teller.check(complete, "the person heard the whole message");
    teller.check(
        ended["end_reason"] == "hangup-bot",
        "and only then we hung up: the call ended as hangup-bot",
    );
    Ok(())
}

async fn two_live_calls(
    daemon: &Daemon,
    phones: &Phones,
    teller: &mut Teller,
) -> Result<(Line, Line), Failure> {
    teller.chapter("2. Two calls are live, and two are permitted");
    let question = "Hello! Shall I book the table for four?";
    let request = json!({ "to": PATIENT, "message": question, "mode": "conversation" });
    let outbound = Line::of(&daemon.client.post("/v1/calls", &request).await?);
    let talking = |call: &Value| call["state"] == "speaking" || call["state"] == "listening";
    let call = daemon.call_when(&outbound.ours, PATIENCE, talking).await?;
    teller.check(talking(&call), &format!("outbound: {PATIENT} answered, we ask a question"));

    let inbound = phones.somebody_calls(CALLER, OUR_NUMBER).await?;
    let call = wait_for_inbound(daemon, &inbound, talking).await?;
    teller.check(talking(&call), &format!("inbound: {CALLER} calls us, we greet and listen"));

    let third = daemon
        .client
        .send(http::Method::POST, "/v1/calls", Some(&json!({ "to": OBLIGING })))
        .await?;
    let refused = matches!(&third, Err(refusal) if refusal.problem["code"] == "concurrency_limit");
    teller.check(refused, "a third call is refused: concurrency_limit");
    Ok((Line::of(&call), outbound))
}

async fn wait_for_inbound(
    daemon: &Daemon,
    carriers: &str,
    is_right: impl Fn(&Value) -> bool,
) -> Result<Value, Failure> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = daemon
            .client
            .send(http::Method::GET, &crate::client::path_of(carriers, ""), None)
            .await?;
        match found {
            Ok(call) if is_right(&call) || tokio::time::Instant::now() >= deadline => {
                return Ok(call);
            }
            Err(refusal) if tokio::time::Instant::now() >= deadline => return Err(refusal.into()),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn crash(
    daemon: &mut Daemon,
    phones: &Phones,
    dropped: &Line,
    teller: &mut Teller,
) -> Result<(), Failure> {
    teller.chapter("3. The daemon is killed in mid-call");
    daemon.kill().await?;
    teller.tell("SIGKILL: no handler runs, nothing is flushed, nobody is told");
    phones.hang_up(&dropped.carriers).await?;
    let over = |call: &Value| call["ended_at"].is_string();
    let call = phones.call_when(&dropped.carriers, PATIENCE, over).await?;
    teller.check(
        over(&call),
        &format!("meanwhile {PATIENT} hangs up: over at the carrier, and nobody listens"),
    );
    tokio::time::sleep(ABSENCE).await;
    teller.tell("nobody answers the carrier's callbacks");
    Ok(())
}

async fn come_back(
    daemon: &mut Daemon,
    kept: &Line,
    dropped: &Line,
    teller: &mut Teller,
) -> Result<(), Failure> {
    teller.chapter("4. The daemon comes back and asks the carrier");
    daemon.start().await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let report = loop {
        let report = daemon.client.get("/v1/restore-report").await?;
        if report["settled"] == true || tokio::time::Instant::now() >= deadline {
            break report;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let of = |line: &Line| {
        let calls = report["calls"].as_array().cloned().unwrap_or_default();
        let found = calls.into_iter().find(|call| call["call"] == line.ours.as_str());
        let found = found.unwrap_or(Value::Null);
        let text = |name: &str| found[name].as_str().unwrap_or("nothing").to_owned();
        (text("decision"), text("why"))
    };
    let (decision, why) = of(dropped);
    teller.check(decision == "dropped", &format!("the call to {PATIENT}: {decision}; {why}"));
    let (decision, why) = of(kept);
    teller.check(decision == "kept", &format!("the call from {CALLER}: {decision}; {why}"));
    let call = daemon.client.get(&crate::client::path_of(&dropped.ours, "")).await?;
    let reason = call["end_reason"].as_str().unwrap_or("nothing");
    teller.check(
        // Plivo's callback comes again, and says who hung up.
        call["state"] == "ended" && matches!(reason, "completed" | "hangup-user"),
        &format!("the dropped one has the carrier's reason: {reason}"),
    );
    Ok(())
}

async fn go_on(
    daemon: &Daemon,
    phones: &Phones,
    kept: &Line,
    teller: &mut Teller,
) -> Result<(), Failure> {
    teller.chapter("5. Life goes on");
    let request = json!({ "to": OBLIGING, "message": "The slot is free again." });
    let placed = daemon.client.send(http::Method::POST, "/v1/calls", Some(&request)).await?;
    teller.check(placed.is_ok(), "the slot is free: a new call is taken");
    let words = "I can still hear you.";
    phones.say(&kept.carriers, words).await?;
    let heard = |call: &Value| {
        let lines = call["transcript"].as_array().cloned().unwrap_or_default();
        lines.iter().any(|line| line["speaker"] == "user" && line["text"] == words)
    };
    let call = daemon.call_when(&kept.ours, PATIENCE, heard).await?;
    teller.check(heard(&call), &format!("the caller who was kept says “{words}”, and is heard"));

    let path = crate::client::path_of(&kept.ours, "/hangup");
    daemon.client.post(&path, &json!({})).await?;
    let over = |call: &Value| call["state"] == "ended";
    let call = daemon.call_when(&kept.ours, PATIENCE, over).await?;
    teller.check(call["end_reason"] == "hangup-bot", "we hang up: the call ended as hangup-bot");
    if let Ok(call) = placed {
        let line = Line::of(&call);
        let call = daemon.call_when(&line.ours, PATIENCE, over).await?;
        teller.check(call["end_reason"] == "hangup-bot", "the new call delivered its message");
    }
    let dialled = phones.dialled().await?;
    teller.check(
        dialled == 3,
        &format!("the carrier was asked to dial {dialled} times for 3 calls: nobody twice"),
    );
    let live = daemon.client.get("/v1/calls?state=live").await?;
    let none = live["calls"].as_array().is_some_and(Vec::is_empty);
    teller.check(none, "no call is left over: no phantom, no orphan");
    Ok(())
}
