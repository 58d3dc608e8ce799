//! The first table of the design: on restart, a persisted call that is not over …

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, World, stories};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";

stories! {
    on every provider:
    has_no_provider_call_id_then_it_is_not_live_and_never_dialled_again,
    has_no_provider_call_id_and_a_webhook_brings_it_then_it_is_adopted,
    is_older_than_the_maximum_duration_then_it_is_hung_up_and_ends_as_timeout,
    provider_says_it_is_over_then_it_ends_with_the_providers_reason,
    provider_does_not_know_it_then_a_second_look_ends_it,
    provider_answers_a_live_status_then_it_is_restored_with_its_remaining_time,
    transient_failures_keep_it_and_the_provider_is_asked_until_it_is_known,
    a_revoked_key_keeps_all_calls_and_says_so,
    a_shutdown_leaves_calls_running_and_the_next_start_takes_them_up,
    a_changed_policy_ends_no_running_call,
    many_calls_are_verified_at_the_carriers_rate;
    // The answer to a dial names the request, by which no record of a call is found. A story of
    // Plivo's own tells what becomes of it.
    but not on plivo:
    provider_says_that_nobody_answered_it_then_it_ends_with_the_providers_reason,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn conversation(world: &World) -> String {
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    call
}

/// A daemon that dies while its dial is on the way, and before a webhook comes.
async fn killed_while_dialling(world: &mut World) -> String {
    world.fault(json!({ "on": "webhook", "drop": true, "count": 0 })).await;
    world.fault(json!({ "match": "POST ", "drop_after_taking": true, "delay_ms": 60_000 })).await;
    let placing =
        world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT, "mode": "conversation" }));
    // The API waits for the carrier; the daemon dies before it answers.
    let dying = async {
        while world.lines().await.is_empty() {
            world.settle().await;
        }
        world.calls("live").await
    };
    let live = tokio::select! {
        answer = placing => panic!("nobody has answered: {answer:?}"),
        live = dying => live,
    };
    world.crash().await;
    live[0]["id"].as_str().expect("an id").to_owned()
}

async fn has_no_provider_call_id_then_it_is_not_live_and_never_dialled_again(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = killed_while_dialling(&mut world).await;
    // Nor can it be searched for.
    world.fault(json!({ "match": "GET ", "http_status": 503, "count": 0 })).await;
    world.start().await;
    let view = world.call(&call).await;
    assert_eq!((&view["state"], &view["dial"]), (&json!("initiated"), &json!("unknown")));
    assert_eq!(world.decision(&call).await.0, "outcome_unknown");

    // It keeps its slot, and its destination is fenced.
    assert_eq!(world.manager().slots(), 1);
    let again = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("destination_fenced")));
    // Nothing decides, so the dial's deadline does.
    let ended = world.until_state(&call, "ended").await;
    assert_eq!(ended["end_reason"], "lost");
    assert_eq!(world.lines().await.len(), 1, "never sent again");
    let free = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!(free.status, 201, "the fence is gone: {}", free.body);
}

async fn has_no_provider_call_id_and_a_webhook_brings_it_then_it_is_adopted(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = killed_while_dialling(&mut world).await;
    world.carrier(Method::DELETE, "faults", Value::Null).await;
    world.start().await;
    let view = world.until_state(&call, "listening").await;
    assert_eq!(view["dial"], "accepted");
    assert!(world.kinds(&call).await.contains(&"adopted".to_owned()));
    assert_eq!(world.lines().await.len(), 1, "never sent again");
}

async fn is_older_than_the_maximum_duration_then_it_is_hung_up_and_ends_as_timeout(setup: Setup) {
    let mut world = World::with(setup).await;
    let request = json!({ "to": PATIENT, "mode": "conversation", "max_duration": "8s" });
    let call = world.place(request).await;
    world.until_state(&call, "listening").await;
    world.crash().await;
    world.run_for(seconds(10)).await;
    world.start().await;
    assert_eq!(world.decision(&call).await.0, "timed_out");
    let ended = world.call(&call).await;
    assert_eq!((&ended["state"], &ended["end_reason"]), (&json!("ended"), &json!("timeout")));
    assert!(world.line(&call).await["ended_at"].is_string());
}

async fn provider_says_it_is_over_then_it_ends_with_the_providers_reason(setup: Setup) {
    let mut world = World::with(setup).await;
    let over = conversation(&world).await;
    world.crash().await;
    world.person_on_the_oldest_line("hangup").await;
    world.run_for(seconds(20)).await;
    world.start().await;
    let (decision, why) = world.decision(&over).await;
    assert_eq!(decision, "dropped", "{why}");
    let reason = world.provider.hung_up_by_status;
    assert!(why.contains(reason), "{why}");
    assert_eq!(world.call(&over).await["end_reason"], reason);
    assert_eq!(world.calls("live").await.len(), 0);
    assert_eq!(world.manager().slots(), 0);
}

async fn provider_says_that_nobody_answered_it_then_it_ends_with_the_providers_reason(
    setup: Setup,
) {
    let mut world = World::with(setup).await;
    let busy = world.place(json!({ "to": "+15550100002", "message": "Hi" })).await;
    world.crash().await;
    world.run_for(seconds(20)).await;
    world.start().await;
    assert_eq!(world.decision(&busy).await.0, "dropped");
    assert_eq!(world.call(&busy).await["end_reason"], world.provider.busy_by_status);
    assert_eq!(world.manager().slots(), 0);
}

async fn provider_does_not_know_it_then_a_second_look_ends_it(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    world.crash().await;
    let mut fault = world.provider.no_such_call.fault();
    fault["match"] = json!("GET ");
    fault["count"] = json!(0);
    world.fault(fault).await;
    world.start().await;
    assert_ne!(world.call(&call).await["state"], "ended", "one look proves nothing yet");
    world.run_for(seconds(4)).await;
    assert_eq!(world.call(&call).await["state"], "ended");
    assert_eq!(world.decision(&call).await.0, "dropped");
}

async fn provider_answers_a_live_status_then_it_is_restored_with_its_remaining_time(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    let before = world.call(&call).await;
    world.crash().await;
    world.run_for(seconds(8)).await;
    world.start().await;
    let (decision, why) = world.decision(&call).await;
    assert_eq!(decision, "kept");
    assert!(why.contains("s are left"), "{why}");
    let answered: jiff::Timestamp = before["answered_at"].as_str().unwrap().parse().unwrap();
    let ended = world.until_state(&call, "ended").await;
    let at: jiff::Timestamp = ended["ended_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(ended["end_reason"], "timeout");
    assert_eq!(at.duration_since(answered).as_secs(), 300, "the remaining time, not a new one");
}

async fn transient_failures_keep_it_and_the_provider_is_asked_until_it_is_known(setup: Setup) {
    for fault in [
        json!({ "http_status": 503, "body": "oops" }),
        setup.provider.throttled.fault(),
        json!({ "drop": true }),
        json!({ "http_status": 200, "content_type": "text/html", "body": "<html>login</html>" }),
        json!({ "http_status": 403, "body": "forbidden" }),
        json!({ "http_status": 404, "content_type": "text/html", "body": "<h1>Not Found</h1>" }),
    ] {
        let mut world = World::with(setup.anew()).await;
        let call = conversation(&world).await;
        world.crash().await;
        let mut order = fault.clone();
        order["match"] = json!("GET ");
        order["count"] = json!(2);
        world.fault(order).await;
        world.start().await;
        assert_eq!(world.decision(&call).await.0, "kept_unverified", "{fault}");
        assert_ne!(world.call(&call).await["state"], "ended", "{fault}");
        world.run_for(seconds(12)).await;
        assert_eq!(world.decision(&call).await.0, "kept", "{fault}");
    }
}

async fn a_revoked_key_keeps_all_calls_and_says_so(setup: Setup) {
    let mut world = World::with(setup).await;
    let first = conversation(&world).await;
    let second = world.somebody_calls(CALLER, "silent").await;
    world.crash().await;
    world.revoke_key(world.provider);
    world.start().await;
    let second = world.call(&second).await["id"].as_str().unwrap().to_owned();
    for call in [&first, &second] {
        let (decision, why) = world.decision(call).await;
        assert_eq!(decision, "kept_unverified");
        assert!(why.contains("credentials"), "{why}");
        assert!(why.contains(world.provider.revoked_code.unwrap_or_default()), "{why}");
        assert_ne!(world.call(call).await["state"], "ended");
    }
    // The timers are the fallback. No hangup is taken from us; the next document says it, or the carrier's own limit.
    world.run_for(seconds(250)).await;
    assert_ne!(world.call(&first).await["state"], "ended");
    assert_eq!(world.until_state(&first, "ended").await["end_reason"], "timeout");
}

async fn a_shutdown_leaves_calls_running_and_the_next_start_takes_them_up(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    world.stop().await;
    world.run_for(seconds(2)).await;
    world.start().await;
    assert_eq!(world.decision(&call).await.0, "kept");
    assert!(world.line(&call).await["ended_at"].is_null());
}

async fn a_changed_policy_ends_no_running_call(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = conversation(&world).await;
    world.stop().await;
    world.policy.max_duration = seconds(5);
    world.policy.max_concurrent_calls = 1;
    world.start().await;
    world.run_for(seconds(60)).await;
    assert_ne!(world.call(&call).await["state"], "ended");
}

async fn many_calls_are_verified_at_the_carriers_rate(setup: Setup) {
    let mut setup = Setup { requests_per_second: 5.0, ..setup };
    setup.policy.max_concurrent_calls = 20;
    setup.policy.verify_concurrency = 2;
    let mut world = World::with(setup).await;
    for n in 0..12 {
        world.somebody_calls(&format!("+155501000{:02}", 20 + n), "silent").await;
    }
    // What is told by commands is told at the same rate.
    world.run_for(seconds(10)).await;
    world.crash().await;
    world.start().await;
    let report = world.api(Method::GET, "/v1/restore-report", Value::Null).await.json();
    assert_eq!(report["settled"], false, "five in a second, not all at once: {report:#}");
    world.run_for(seconds(3)).await;
    let report = world.api(Method::GET, "/v1/restore-report", Value::Null).await.json();
    assert_eq!(report["settled"], true, "{report:#}");
    assert_eq!(report["calls"].as_array().map(Vec::len), Some(12));
    assert_eq!(world.calls("live").await.len(), 12);
}
