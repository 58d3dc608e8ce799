//! The second table of the design: what a call does first.

use std::time::Duration;

use http::Method;
use offhook::manager::InboundPolicy;
use offhook_tests::{Report, Sender, Setup, World, stories};
use serde_json::{Value, json};

const OBLIGING: &str = "+15550100001";
const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";

stories! {
    on every provider:
    outbound_notify_says_and_hangs_up_after_heard_and_delay,
    outbound_conversation_with_a_message_says_then_listens,
    outbound_conversation_without_a_message_listens,
    inbound_accepted_is_greeted_once_then_listened_to_and_each_final_transcript_is_an_event,
    inbound_refused_by_policy_is_declined_and_leaves_an_ended_record,
    inbound_over_the_limit_is_busy_and_leaves_an_ended_record,
    our_call_id_but_unknown_never_makes_a_new_call,
    our_call_id_but_ended_stays_ended,
    an_outbound_call_that_is_not_ours_is_acknowledged_and_leaves_no_record,
    a_late_end_of_a_call_that_nobody_knows_makes_no_phantom;
    // What Plivo sends names no account but the main one; whose it is, the token that signs says.
    but not on plivo:
    a_webhook_of_another_account_is_acknowledged_without_effect,
}

/// What was heard on the line of a call, in order.
async fn heard(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let heard = line["heard"].as_array().cloned().unwrap_or_default();
    heard.iter().filter_map(|heard| heard["text"].as_str().map(str::to_owned)).collect()
}

async fn outbound_notify_says_and_hangs_up_after_heard_and_delay(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": OBLIGING, "message": "Hello." })).await;
    world.until_state(&call, "ended").await;
    let line = world.line(&call).await;
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let after = time(&line["ended_at"]).duration_since(time(&line["heard"][0]["at"]));
    assert!((3..=4).contains(&after.as_secs()), "{after}: {line:#}");
}

async fn outbound_conversation_with_a_message_says_then_listens(setup: Setup) {
    let world = World::with(setup).await;
    let call =
        world.place(json!({ "to": PATIENT, "message": "Hello.", "mode": "conversation" })).await;
    world.until_state(&call, "speaking").await;
    world.until_state(&call, "listening").await;
    assert_eq!(heard(&world, &call).await, ["Hello."]);
}

async fn outbound_conversation_without_a_message_listens(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    assert_eq!(heard(&world, &call).await, [""; 0]);
}

async fn inbound_accepted_is_greeted_once_then_listened_to_and_each_final_transcript_is_an_event(
    setup: Setup,
) {
    let world = World::with(setup).await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let call = world.call(&sid).await["id"].as_str().unwrap().to_owned();
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": "Is anybody there?" })).await;
    // No carrier waits so long for the rest of a sentence.
    world.run_for(Duration::from_secs(5)).await;
    world.person(&call, "say", json!({ "text": "Hello?" })).await;
    let said = |view: &Value| view["transcript"].as_array().is_some_and(|lines| lines.len() == 3);
    let view = world.until(&call, said).await;
    let texts: Vec<&str> =
        view["transcript"].as_array().unwrap().iter().filter_map(|l| l["text"].as_str()).collect();
    assert_eq!(texts, ["Hello!", "Is anybody there?", "Hello?"]);
    let turns: Vec<_> =
        view["transcript"].as_array().unwrap().iter().map(|l| l["turn"].clone()).collect();
    assert_eq!(turns, [json!(1), json!(1), json!(2)]);
    assert_eq!(heard(&world, &call).await, ["Hello!"], "the greeting is said once");
}

async fn inbound_refused_by_policy_is_declined_and_leaves_an_ended_record(setup: Setup) {
    let mut setup = setup;
    setup.policy.inbound = InboundPolicy::Allowlist(vec!["+15550100078".parse().unwrap()]);
    let world = World::with(setup).await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.call(&sid).await;
    assert_eq!((&view["state"], &view["end_reason"]), (&json!("ended"), &json!("rejected")));
    let call = view["id"].as_str().unwrap();
    assert!(world.line(call).await["ended_at"].is_string());
    assert_eq!(heard(&world, call).await, [""; 0]);
    let friend = world.somebody_calls("+15550100078", "silent").await;
    assert_ne!(world.call(&friend).await["state"], "ended");
}

async fn inbound_over_the_limit_is_busy_and_leaves_an_ended_record(setup: Setup) {
    let mut setup = setup;
    setup.policy.max_concurrent_calls = 1;
    let world = World::with(setup).await;
    let first = world.somebody_calls(CALLER, "silent").await;
    let second = world.somebody_calls("+15550100078", "silent").await;
    assert_ne!(world.call(&first).await["state"], "ended");
    let view = world.call(&second).await;
    assert_eq!((&view["state"], &view["end_reason"]), (&json!("ended"), &json!("busy")));
    let call = view["id"].as_str().unwrap();
    assert!(world.line(call).await["ended_at"].is_string());
    // One counter for both directions.
    let outbound = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((outbound.status, &outbound.json()["code"]), (429, &json!("concurrency_limit")));
}

async fn our_call_id_but_unknown_never_makes_a_new_call(setup: Setup) {
    let world = World::with(setup).await;
    let call = Some("0198c0de-0000-7000-8000-000000000001");
    for is_outbound in [true, false] {
        for report in [Report::Offered(CALLER), Report::Answered, Report::Said("Hello?")] {
            let change = |sender| Sender { call, is_outbound, ..sender };
            let request = world.report_as(world.provider, &world.settings, &report, change);
            assert_eq!(world.send(&request).await.status, 200, "{report:?}");
        }
    }
    assert_eq!(world.calls("all").await.len(), 0);
}

async fn our_call_id_but_ended_stays_ended(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": "+15550100002", "message": "Hi" })).await;
    let before = world.until_state(&call, "ended").await;
    for report in [Report::Answered, Report::Said("Hello?"), Report::Ended] {
        let late = world.report(&call, report).await;
        assert_eq!(world.send(&late).await.status, 200);
    }
    let after = world.call(&call).await;
    assert_eq!((&after["end_reason"], &after["ended_at"]), (&json!("busy"), &before["ended_at"]));
    assert_eq!(world.calls("all").await.len(), 1);
}

async fn an_outbound_call_that_is_not_ours_is_acknowledged_and_leaves_no_record(setup: Setup) {
    let world = World::with(setup).await;
    for report in [Report::Offered("+15550100100"), Report::Answered, Report::Ended] {
        let change = |sender| Sender { is_outbound: true, ..sender };
        let request = world.report_as(world.provider, &world.settings, &report, change);
        assert_eq!(world.send(&request).await.status, 200, "{report:?}");
    }
    assert_eq!(world.calls("all").await.len(), 0);
}

async fn a_late_end_of_a_call_that_nobody_knows_makes_no_phantom(setup: Setup) {
    let world = World::with(setup).await;
    let late = world.report_as(world.provider, &world.settings, &Report::Ended, |sender| sender);
    assert_eq!(world.send(&late).await.status, 200);
    assert_eq!(world.calls("all").await.len(), 0);
}

async fn a_webhook_of_another_account_is_acknowledged_without_effect(setup: Setup) {
    let world = World::with(setup).await;
    let change = |sender| Sender { is_foreign: true, ..sender };
    let offer = Report::Offered(CALLER);
    let foreign = world.report_as(world.provider, &world.settings, &offer, change);
    assert_eq!(world.send(&foreign).await.status, 200);
    assert_eq!(world.calls("all").await.len(), 0);
    assert_eq!(world.manager().counters().foreign, 1);
}
