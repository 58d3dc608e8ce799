//! Several providers in one daemon.

use std::time::Duration;

use http::Method;
use offhook_tests::{PROVIDERS, Provider, Setup, World, provider};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The usual, with the first provider as the default.
fn setup() -> Setup {
    Setup::on(PROVIDERS[0].name.as_str())
}

async fn world() -> World {
    World::with(setup()).await
}

/// A call at this provider, on which we listen.
async fn conversation(world: &World, at: &Provider) -> String {
    let request = json!({ "to": PATIENT, "mode": "conversation", "provider": at.name.as_str() });
    let call = world.place(request).await;
    world.until_state(&call, "listening").await;
    call
}

/// Asks for a call that may be refused.
async fn ask_for_a_call(world: &World, at: &Provider) -> (u16, Value) {
    let request = json!({ "to": PATIENT, "provider": at.name.as_str() });
    let answer = world.api(Method::POST, "/v1/calls", request).await;
    (answer.status, answer.json())
}

/// A fault of this carrier's API, until it is cleared.
async fn all_requests_fail(world: &World, at: &Provider, fault: Value) {
    let mut fault = fault;
    fault["provider"] = json!(at.name.as_str());
    fault["count"] = json!(0);
    world.fault(fault).await;
}

#[tokio::test]
async fn a_call_goes_through_the_provider_that_it_names_or_through_the_default() {
    let world = world().await;
    for at in PROVIDERS {
        let call = conversation(&world, at).await;
        assert_eq!(world.call(&call).await["provider"], at.name.as_str());
        assert_eq!(world.line(&call).await["provider"], at.name.as_str());
    }
    let call = world.place(json!({ "to": PATIENT, "message": "Hi" })).await;
    assert_eq!(world.call(&call).await["provider"], PROVIDERS[0].name.as_str());
    let nobody = json!({ "to": PATIENT, "provider": "nobody" });
    let refused = world.api(Method::POST, "/v1/calls", nobody).await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("invalid_request")));
    assert_eq!(world.lines().await.len(), PROVIDERS.len() + 1);
}

#[tokio::test]
async fn calls_of_all_providers_run_side_by_side_each_with_its_own_webhooks() {
    let world = world().await;
    let mut calls = Vec::new();
    for at in PROVIDERS {
        calls.push(conversation(&world, at).await);
        let inbound = world.somebody_calls_at(at, CALLER, "silent").await;
        calls.push(world.until_state(&inbound, "listening").await["id"].as_str().unwrap().into());
    }
    for (number, call) in calls.iter().enumerate() {
        world.person(call, "say", json!({ "text": format!("This is {number}") })).await;
    }
    world.run_for(seconds(5)).await;
    for (number, call) in calls.iter().enumerate() {
        let view = world.call(call).await;
        let said: Vec<&Value> = view["transcript"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["speaker"] == "user")
            .map(|line| &line["text"])
            .collect();
        assert_eq!(said, [&json!(format!("This is {number}"))], "{view:#}");
        let line = world.line(call).await;
        let own = format!("/webhooks/{}", view["provider"].as_str().unwrap());
        for webhook in line["webhooks"].as_array().unwrap() {
            let url = webhook["url"].as_str().unwrap();
            assert!(url.contains(&own), "{url} of {}", view["provider"]);
        }
    }
}

#[tokio::test]
async fn one_limit_counts_the_calls_of_all_providers() {
    let mut setup = setup();
    setup.policy.max_concurrent_calls = PROVIDERS.len();
    let world = World::with(setup).await;
    for at in PROVIDERS {
        conversation(&world, at).await;
    }
    for at in PROVIDERS {
        let (status, problem) = ask_for_a_call(&world, at).await;
        assert_eq!((status, &problem["code"]), (429, &json!("concurrency_limit")), "{}", at.name);
        let id = world.somebody_calls_at(at, CALLER, "silent").await;
        assert_eq!(world.call(&id).await["end_reason"], "busy", "{}", at.name);
    }
    assert_eq!(world.manager().slots(), PROVIDERS.len());
}

#[tokio::test]
async fn the_rate_of_one_provider_holds_no_call_of_another_back() {
    let mut setup = setup();
    setup.calls_per_second = 1.0;
    let world = World::with(setup).await;
    for at in PROVIDERS {
        assert_eq!(ask_for_a_call(&world, at).await.0, 201, "{}", at.name);
    }
    for at in PROVIDERS {
        let (status, problem) = ask_for_a_call(&world, at).await;
        assert_eq!((status, &problem["code"]), (429, &json!("rate_limit")), "{}", at.name);
    }
    world.run_for(seconds(1)).await;
    for at in PROVIDERS {
        assert_eq!(ask_for_a_call(&world, at).await.0, 201, "{}", at.name);
    }
}

#[tokio::test]
async fn after_a_restart_each_call_is_asked_about_at_its_own_provider() {
    let mut world = world().await;
    let mut calls = Vec::new();
    for at in PROVIDERS {
        calls.push((at, conversation(&world, at).await));
    }
    let before = world.lines().await.len();
    world.crash().await;
    world.start().await;
    for (at, call) in &calls {
        let (decision, why) = world.decision(call).await;
        assert_eq!(decision, "kept", "{}: {why}", at.name);
        let line = world.line(call).await;
        let asked = line["requests"].as_array().unwrap().iter().filter(|it| it["method"] == "GET");
        assert!(asked.count() >= 1, "{}: {line:#}", at.name);
    }
    assert_eq!(world.lines().await.len(), before, "nothing was dialled");
}

#[tokio::test]
async fn a_provider_that_fails_keeps_its_calls_while_those_of_the_others_are_verified() {
    for failing in PROVIDERS {
        for fault in [
            json!({ "on": "request", "http_status": 503 }),
            json!({ "on": "request", "drop": true }),
            json!({ "on": "request", "delay_ms": 600_000 }),
        ] {
            let mut world = world().await;
            let mut calls = Vec::new();
            for at in PROVIDERS {
                calls.push((at, conversation(&world, at).await));
            }
            world.crash().await;
            all_requests_fail(&world, failing, fault.clone()).await;
            world.start().await;
            world.run_for(seconds(2)).await;
            for (at, call) in &calls {
                let (decision, why) = world.decision(call).await;
                let wanted: &[&str] = match at.name == failing.name {
                    // As long as there is no answer at all, nothing is decided.
                    true => &["kept_unverified", ""],
                    false => &["kept"],
                };
                assert!(wanted.contains(&decision.as_str()), "{}: {decision}, {why}", at.name);
                assert_ne!(world.call(call).await["state"], "ended", "{} {fault}", at.name);
            }
        }
    }
}

#[tokio::test]
async fn a_revoked_key_of_one_provider_is_no_matter_of_the_others() {
    for failing in PROVIDERS {
        let mut world = world().await;
        let mut calls = Vec::new();
        for at in PROVIDERS {
            calls.push((at, conversation(&world, at).await));
        }
        world.crash().await;
        world.revoke_key(failing);
        world.start().await;
        for (at, call) in &calls {
            let (decision, why) = world.decision(call).await;
            let wanted = if at.name == failing.name { "kept_unverified" } else { "kept" };
            assert_eq!(decision, wanted, "{}: {why}", at.name);
            let (status, problem) = ask_for_a_call(&world, at).await;
            match at.name == failing.name {
                true => {
                    assert_eq!(problem["carrier_code"], json!(failing.revoked_code), "{problem:#}");
                }
                false => assert_eq!(status, 201, "{}: {problem:#}", at.name),
            }
        }
    }
}

#[tokio::test]
async fn a_carrier_id_that_two_providers_use_is_no_conflict() {
    use offhook_tests::{Report, Sender};

    let mut world = world().await;
    let id = "the-same-id-everywhere";
    // The carriers know no such call, and are not to be asked.
    world.hold_requests(true);
    let report = |world: &World, at: &'static Provider, report| {
        let change = |sender| Sender { id, ..sender };
        world.report_as(at, &world.settings, &report, change)
    };
    for at in PROVIDERS {
        let offer = report(&world, at, Report::Offered(CALLER));
        assert_eq!(world.send(&offer).await.status, 200, "{}", at.name);
    }
    let live = world.calls("live").await;
    assert_eq!(live.len(), PROVIDERS.len(), "{live:#?}");
    assert!(live.iter().all(|call| call["provider_call_id"] == id), "{live:#?}");
    // What one carrier says of it ends its own call only, in a new process, too.
    world.crash().await;
    world.start().await;
    for (already, at) in PROVIDERS.iter().enumerate() {
        let over = report(&world, at, Report::Ended);
        assert_eq!(world.send(&over).await.status, 200);
        let ended = world.calls("ended").await;
        assert_eq!(ended.len(), already + 1, "{}: {ended:#?}", at.name);
        assert!(ended.iter().any(|call| call["provider"] == at.name.as_str()), "{}", at.name);
    }
}

#[tokio::test]
async fn calls_of_a_provider_that_is_configured_no_more_are_kept_and_stop_nobody() {
    let mut world = world().await;
    let kept = conversation(&world, provider("twilio")).await;
    let gone = conversation(&world, provider("telnyx")).await;
    world.crash().await;
    world.policy.providers.remove(&provider("telnyx").name);
    world.start().await;
    assert_eq!(world.decision(&gone).await.0, "kept_unverified");
    assert_eq!(world.decision(&kept).await.0, "kept");
    assert_ne!(world.call(&gone).await["state"], "ended");
    let (status, problem) = ask_for_a_call(&world, provider("telnyx")).await;
    assert_eq!(status, 422, "{problem:#}");
    assert_eq!(ask_for_a_call(&world, provider("twilio")).await.0, 201);
}
