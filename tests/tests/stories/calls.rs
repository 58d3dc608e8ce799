//! Calls from their beginning to their end.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, World};
use serde_json::{Value, json};

const OBLIGING: &str = "+15550100001";
const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_notify_call_hangs_up_after_its_message_was_heard_and_not_before() {
    let world = World::new().await;
    let text = "Your parcel is at the door.";
    let call = world.place(json!({ "to": OBLIGING, "message": text })).await;
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "hangup-bot");
    assert_eq!(ended["dial"], "accepted");
    let line = world.line(&call).await;
    assert_eq!(line["heard"].as_array().map(Vec::len), Some(1), "{line:#}");
    assert_eq!(line["heard"][0]["text"], text);
    assert_eq!(line["heard"][0]["complete"], true);
}

#[tokio::test]
async fn a_long_message_in_a_script_that_is_spoken_slowly_is_heard_whole() {
    let world = World::new().await;
    // 360 characters, for which a Chinese voice takes 80 seconds.
    let text =
        "您的包裹已经送到门口请您尽快取走谢谢您".repeat(20).chars().take(360).collect::<String>();
    let request = json!({ "to": PATIENT, "message": text, "locale": "cmn-Hans-CN" });
    let call = world.place(request).await;
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "hangup-bot", "{ended:#}");
    let line = world.line(&call).await;
    assert_eq!(line["heard"].as_array().map(Vec::len), Some(1), "{line:#}");
    assert_eq!(
        (&line["heard"][0]["text"], &line["heard"][0]["complete"]),
        (&json!(text), &json!(true))
    );
}

#[tokio::test]
async fn a_conversation_speaks_listens_and_keeps_what_was_said() {
    let world = World::new().await;
    let call =
        world.place(json!({ "to": OBLIGING, "message": "Shall I?", "mode": "conversation" })).await;
    let heard = |view: &Value| view["transcript"].as_array().is_some_and(|lines| lines.len() >= 2);
    let view = world.until(&call, heard).await;
    assert_eq!(view["transcript"][0]["speaker"], "bot");
    assert_eq!(view["transcript"][0]["text"], "Shall I?");
    assert_eq!(view["transcript"][1]["speaker"], "user");
    assert_eq!(view["transcript"][1]["turn"], 1);
    assert_eq!(view["state"], "listening", "the line stays open for the next turn");
    let hung_up = world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await;
    assert_eq!(hung_up.status, 200);
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "hangup-bot");
    // Asking again is as right as the first time.
    let again = world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await;
    assert_eq!((again.status, &again.json()["end_reason"]), (200, &json!("hangup-bot")));
}

#[tokio::test]
async fn busy_no_answer_and_failed_end_with_the_carriers_reason() {
    let world = World::new().await;
    for (number, reason) in
        [("+15550100002", "busy"), ("+15550100003", "no-answer"), ("+15550100004", "failed")]
    {
        let call = world.place(json!({ "to": number, "message": "Hello" })).await;
        let ended = world.until_state(&call, "ended").await;
        assert_eq!(ended["end_reason"], reason, "{number}: {ended:#}");
    }
    assert_eq!(world.calls("live").await.len(), 0);
}

#[tokio::test]
async fn a_person_who_hangs_up_ends_the_call() {
    let world = World::new().await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    world.person(&call, "hangup", json!({})).await;
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "completed");
}

#[tokio::test]
async fn the_maximum_duration_ends_a_call_as_timeout() {
    let world = World::new().await;
    let call =
        world.place(json!({ "to": PATIENT, "mode": "conversation", "max_duration": "60s" })).await;
    let view = world.until_state(&call, "listening").await;
    let answered: jiff::Timestamp = view["answered_at"].as_str().unwrap().parse().unwrap();
    let ended = world.until_state(&call, "ended").await;
    let ended_at: jiff::Timestamp = ended["ended_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(ended["end_reason"], "timeout");
    assert_eq!(ended_at.duration_since(answered).as_secs(), 60);
    assert_eq!(world.line(&call).await["status"], "completed", "hung up at the carrier too");
}

#[tokio::test]
async fn an_inbound_call_that_lives_40_s_without_any_further_webhook_is_not_hung_up() {
    let world = World::new().await;
    // Nothing that the carrier sends after the first request reaches us.
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.call(&sid).await;
    let call = view["id"].as_str().unwrap().to_owned();
    assert_eq!(view["direction"], "inbound");
    assert!(view["answered_at"].is_string(), "the first document answered it: {view:#}");
    world.fault(json!({ "on": "webhook", "delay_ms": 600_000, "count": 0 })).await;
    world.run_for(seconds(45)).await;
    let view = world.call(&call).await;
    assert_ne!(view["state"], "ended", "{view:#}");
    assert_eq!(world.line(&call).await["status"], "in-progress");
}

#[tokio::test]
async fn a_call_without_news_is_asked_about_and_its_lost_end_is_found() {
    let world = World::new().await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    // The callback that tells of the end is lost for good.
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    world.person(&call, "hangup", json!({})).await;
    world.run_for(seconds(30)).await;
    assert_eq!(world.call(&call).await["state"], "listening", "nothing has told us");
    world.run_for(seconds(60)).await;
    let ended = world.call(&call).await;
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("completed")));
}

#[tokio::test]
async fn a_carrier_at_its_most_capricious_changes_no_outcome() {
    // First webhooks before the answer, callbacks out of order, reads a second old.
    for seed in 1..=6 {
        let mut carrier = offhook_carrier::Settings::default();
        carrier.seed = seed;
        carrier.calls_per_second = 100.0;
        carrier.webhook_before_answer = offhook_carrier::Habit::Always;
        carrier.late_callbacks = offhook_carrier::Habit::Always;
        let setup = Setup { carrier, ..Setup::default() };
        let world = World::with(setup).await;
        // The carrier holds its answer back until its first webhook is out: time must move
        // while we wait.
        let request = json!({ "to": OBLIGING, "message": "Hello there." });
        let placed = world.api(Method::POST, "/v1/calls", request);
        let (placed, ()) = tokio::join!(placed, world.run_for(seconds(2)));
        assert_eq!(placed.status, 201, "{}", placed.body);
        let call = placed.json()["id"].as_str().unwrap().to_owned();
        let ended = world.until_state(&call, "ended").await;
        assert_eq!(ended["end_reason"], "hangup-bot", "seed {seed}: {ended:#}");
        world.run_for(seconds(30)).await;
        assert_eq!(world.lines().await.len(), 1, "seed {seed}: dialled once");
        assert_eq!(world.calls("all").await.len(), 1, "seed {seed}: no phantom");
        assert_eq!(world.call(&call).await["end_reason"], "hangup-bot", "seed {seed}");
    }
}

#[tokio::test]
async fn invariant_19_voice_language_and_ring_timeout_of_a_call_reach_the_carrier() {
    let world = World::new().await;
    let call = world
        .place(json!({
            "to": PATIENT, "mode": "conversation", "message": "Grüß Gott!", "voice": "Polly.Vicki",
            "locale": "de-AT", "ring_timeout": "17s", "max_duration": "2m",
        }))
        .await;
    world.until_state(&call, "speaking").await;
    let line = world.line(&call).await;
    let document = line["documents"][0].as_str().unwrap_or_default();
    assert!(
        document.contains(r#"<Say voice="Polly.Vicki" language="de-AT">Grüß Gott!</Say>"#),
        "{document}"
    );
    assert!(document.contains(r#"language="de-AT" timeout="#), "the Gather too: {document}");
    // What listens next keeps the language.
    world.until_state(&call, "listening").await;
    let line = world.line(&call).await;
    let last = line["documents"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    assert!(last.as_str().unwrap_or_default().contains(r#"language="de-AT""#), "{last}");

    // The carrier has limits of its own, should we be gone: it gives up by itself.
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    let call = world.place(json!({ "to": "+15550100003", "ring_timeout": "17s" })).await;
    world.run_for(seconds(25)).await;
    let lines = world.lines().await;
    assert_eq!(lines.last().map(|line| &line["status"]), Some(&json!("no-answer")), "{call}");
}
