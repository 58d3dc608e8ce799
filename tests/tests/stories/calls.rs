//! Calls from their beginning to their end.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, World, stories};
use serde_json::{Value, json};

const OBLIGING: &str = "+15550100001";
const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";

stories! {
    on every provider:
    a_notify_call_hangs_up_after_its_message_was_heard_and_not_before,
    a_long_message_in_a_script_that_is_spoken_slowly_is_heard_whole,
    a_conversation_speaks_listens_and_keeps_what_was_said,
    busy_no_answer_and_failed_end_with_the_carriers_reason,
    a_person_who_hangs_up_ends_the_call,
    the_maximum_duration_ends_a_call_as_timeout,
    an_inbound_call_that_lives_40_s_without_any_further_webhook_is_not_hung_up,
    a_call_without_news_is_asked_about_and_its_lost_end_is_found,
    a_carrier_at_its_most_capricious_changes_no_outcome,
    a_carrier_gives_up_ringing_by_itself_should_we_be_gone,
    a_call_at_the_carriers_own_limit_ends_should_we_be_gone,
    our_own_limit_comes_first_and_tells_the_reason,
    a_caller_who_hangs_up_ends_our_record_without_our_asking,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn a_notify_call_hangs_up_after_its_message_was_heard_and_not_before(setup: Setup) {
    let world = World::with(setup).await;
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

async fn a_long_message_in_a_script_that_is_spoken_slowly_is_heard_whole(setup: Setup) {
    let world = World::with(setup).await;
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

async fn a_conversation_speaks_listens_and_keeps_what_was_said(setup: Setup) {
    let world = World::with(setup).await;
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

async fn busy_no_answer_and_failed_end_with_the_carriers_reason(setup: Setup) {
    let world = World::with(setup).await;
    for (number, reason) in
        [("+15550100002", "busy"), ("+15550100003", "no-answer"), ("+15550100004", "failed")]
    {
        let call = world.place(json!({ "to": number, "message": "Hello" })).await;
        let ended = world.until_state(&call, "ended").await;
        assert_eq!(ended["end_reason"], reason, "{number}: {ended:#}");
    }
    assert_eq!(world.calls("live").await.len(), 0);
}

async fn a_person_who_hangs_up_ends_the_call(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    world.person(&call, "hangup", json!({})).await;
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], world.provider.person_hung_up);
}

async fn the_maximum_duration_ends_a_call_as_timeout(setup: Setup) {
    let world = World::with(setup).await;
    let call =
        world.place(json!({ "to": PATIENT, "mode": "conversation", "max_duration": "60s" })).await;
    let view = world.until_state(&call, "listening").await;
    let answered: jiff::Timestamp = view["answered_at"].as_str().unwrap().parse().unwrap();
    let ended = world.until_state(&call, "ended").await;
    let ended_at: jiff::Timestamp = ended["ended_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(ended["end_reason"], "timeout");
    assert_eq!(ended_at.duration_since(answered).as_secs(), 60);
    assert!(world.line(&call).await["ended_at"].is_string(), "hung up at the carrier too");
}

async fn an_inbound_call_that_lives_40_s_without_any_further_webhook_is_not_hung_up(setup: Setup) {
    let world = World::with(setup).await;
    // Nothing that the carrier sends after the first request reaches us.
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.call(&sid).await;
    let call = view["id"].as_str().unwrap().to_owned();
    assert_eq!(view["direction"], "inbound");
    assert!(view["answered_at"].is_string(), "nothing else will tell: {view:#}");
    world.fault(json!({ "on": "webhook", "delay_ms": 600_000, "count": 0 })).await;
    world.run_for(seconds(45)).await;
    let view = world.call(&call).await;
    assert_ne!(view["state"], "ended", "{view:#}");
    assert!(world.line(&call).await["ended_at"].is_null());
}

async fn a_call_without_news_is_asked_about_and_its_lost_end_is_found(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    // The callback that tells of the end is lost for good.
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    world.person(&call, "hangup", json!({})).await;
    world.run_for(seconds(30)).await;
    assert_eq!(world.call(&call).await["state"], "listening", "nothing has told us");
    world.run_for(seconds(60)).await;
    let ended = world.call(&call).await;
    let reason = json!(world.provider.hung_up_by_status);
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &reason));
}

async fn a_carrier_at_its_most_capricious_changes_no_outcome(setup: Setup) {
    // First webhooks before the answer, callbacks out of order, reads a second old.
    for seed in 1..=6 {
        let mut setup = setup.anew();
        setup.carrier = offhook_carrier::Settings::default();
        setup.carrier.seed = seed;
        setup.carrier.calls_per_second = 100.0;
        setup.carrier.webhook_before_answer = offhook_carrier::Habit::Always;
        setup.carrier.late_callbacks = offhook_carrier::Habit::Always;
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

async fn a_carrier_gives_up_ringing_by_itself_should_we_be_gone(setup: Setup) {
    let mut world = World::with(setup).await;
    world.place(json!({ "to": "+15550100003", "ring_timeout": "17s" })).await;
    world.crash().await;
    world.run_for(seconds(15)).await;
    assert!(world.lines().await[0]["ended_at"].is_null(), "it rings");
    world.run_for(seconds(10)).await;
    assert!(world.lines().await[0]["ended_at"].is_string());
}

async fn a_call_at_the_carriers_own_limit_ends_should_we_be_gone(setup: Setup) {
    let mut world = World::with(setup).await;
    let request = json!({ "to": PATIENT, "mode": "conversation", "max_duration": "90s" });
    let call = world.place(request).await;
    world.until_state(&call, "listening").await;
    world.crash().await;
    // What Twilio does without its documents is another story.
    world.fault(json!({ "on": "webhook", "delay_ms": 600_000, "count": 0 })).await;
    world.run_for(seconds(130)).await;
    assert!(world.lines().await[0]["ended_at"].is_string(), "30 s of grace for our own limit");
}

async fn our_own_limit_comes_first_and_tells_the_reason(mut setup: Setup) {
    setup.policy.max_duration = seconds(20);
    setup.policy.greeting = Some("Welcome to us. ".repeat(100).parse().expect("a greeting"));
    let world = World::with(setup).await;
    let id = world.somebody_calls(CALLER, "silent").await;
    world.run_for(seconds(21)).await;
    let call = world.call(&id).await;
    assert_eq!(call["end_reason"], "timeout", "{call:#}");
    assert!(world.line(&id).await["ended_at"].is_string());
}

async fn a_caller_who_hangs_up_ends_our_record_without_our_asking(setup: Setup) {
    let world = World::with(setup).await;
    let id = world.somebody_calls(CALLER, "silent").await;
    world.run_for(seconds(2)).await;
    world.person(&id, "hangup", json!({})).await;
    // No time has passed: nobody was asked.
    let call = world.call(&id).await;
    let reason = json!(world.provider.person_hung_up);
    assert_eq!((&call["state"], &call["end_reason"]), (&json!("ended"), &reason));
}
