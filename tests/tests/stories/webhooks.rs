//! Repeats, forgeries, late and unreadable requests.

use std::time::Duration;

use http::Method;
use offhook_tests::{PROVIDERS, Report, Setup, Trouble, World, stories};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";

stories! {
    on every provider:
    a_repeat_gets_the_same_bytes_and_has_no_second_effect,
    a_repeat_after_a_restart_gets_the_same_bytes,
    a_forged_webhook_changes_nothing_and_learns_nothing,
    a_webhook_that_cannot_be_committed_comes_again_and_is_then_taken,
    an_unclear_commit_is_read_back_before_anything_is_said,
    an_unknown_event_is_kept_and_harmless,
    unreadable_requests_get_their_own_status_each,
    no_reply_waits_for_the_carriers_api,
    a_webhook_on_the_path_of_another_provider_changes_nothing,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A live inbound call.
async fn listening(world: &World) -> String {
    let id = world.somebody_calls(CALLER, "silent").await;
    let call = world.call(&id).await["id"].as_str().expect("an id").to_owned();
    world.until_state(&call, "listening").await;
    call
}

/// How often these words stand in a call's transcript.
async fn said(world: &World, call: &str, words: &str) -> usize {
    let view = world.call(call).await;
    let lines = view["transcript"].as_array().cloned().unwrap_or_default();
    lines.iter().filter(|line| line["text"] == words).count()
}

async fn a_repeat_gets_the_same_bytes_and_has_no_second_effect(setup: Setup) {
    let world = World::with(setup).await;
    let call = listening(&world).await;
    let yes = world.report(&call, Report::Said("yes")).await;
    let first = world.send(&yes).await;
    let entries = world.timeline(&call).await.len();
    let second = world.send(&yes).await;
    assert_eq!((first.status, first.body), (second.status, second.body));
    assert_eq!(world.timeline(&call).await.len(), entries);
    assert_eq!(world.manager().counters().repeats, 1);
    assert_eq!(said(&world, &call, "yes").await, 1);
}

async fn a_repeat_after_a_restart_gets_the_same_bytes(setup: Setup) {
    let mut world = World::with(setup).await;
    let call = listening(&world).await;
    let yes = world.report(&call, Report::Said("yes")).await;
    let first = world.send(&yes).await;
    // Something else happens in between, so that the script has moved on.
    let more = world.report(&call, Report::Said("and more")).await;
    world.send(&more).await;
    world.crash().await;
    world.start().await;
    let entries = world.timeline(&call).await.len();
    let second = world.send(&yes).await;
    assert_eq!((first.status, first.body), (second.status, second.body));
    assert_eq!(world.timeline(&call).await.len(), entries);
}

async fn a_forged_webhook_changes_nothing_and_learns_nothing(setup: Setup) {
    let world = World::with(setup).await;
    let call = listening(&world).await;
    let before = world.timeline(&call).await.len();
    let genuine = world.report(&call, Report::Ended).await;
    let mut by_a_stranger = world.settings.clone();
    (world.provider.stranger)(&mut by_a_stranger);
    let view = world.call(&call).await;
    let forged = world.report_as(world.provider, &by_a_stranger, &Report::Ended, |sender| {
        offhook_tests::Sender {
            call: view["id"].as_str(),
            id: view["provider_call_id"].as_str().expect("an id"),
            ..sender
        }
    });
    let signed_so = |with: &str| {
        let mut request = genuine.clone();
        for (name, value) in &mut request.headers {
            if name.contains("signature") {
                with.clone_into(value);
            }
        }
        request
    };
    let mut altered = genuine.clone();
    altered.body.push(' ');
    let mut unsigned = genuine.clone();
    unsigned.headers.truncate(1);
    for request in [
        forged,
        altered,
        unsigned,
        signed_so(""),
        signed_so("AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        signed_so("not base64"),
    ] {
        let answer = world.send(&request).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{request:?}");
    }
    assert_eq!(world.timeline(&call).await.len(), before);
    assert_ne!(world.call(&call).await["state"], "ended");
    assert_eq!(world.send(&genuine).await.status, 200);
    assert_eq!(world.call(&call).await["state"], "ended", "unaltered it is believed");
}

async fn a_webhook_that_cannot_be_committed_comes_again_and_is_then_taken(setup: Setup) {
    let world = World::with(setup).await;
    let call = listening(&world).await;
    let hello = world.report(&call, Report::Said("hello")).await;
    world.trouble(Trouble::Refused);
    assert_eq!(world.send(&hello).await.status, 503);
    world.trouble(Trouble::None);
    assert_eq!(world.send(&hello).await.status, 200);
    assert_eq!(said(&world, &call, "hello").await, 1);

    // The carrier itself comes back, too.
    world.trouble(Trouble::Refused);
    world.person(&call, "hangup", json!({})).await;
    assert_ne!(world.call(&call).await["state"], "ended");
    world.trouble(Trouble::None);
    world.run_for(seconds(3)).await;
    assert_eq!(world.call(&call).await["state"], "ended");
}

async fn an_unclear_commit_is_read_back_before_anything_is_said(setup: Setup) {
    for (trouble, status) in
        [(Trouble::UnclearButWritten, 200), (Trouble::UnclearAndNotWritten, 503)]
    {
        let world = World::with(setup.anew()).await;
        let call = listening(&world).await;
        let hello = world.report(&call, Report::Said("hello")).await;
        world.trouble(trouble);
        assert_eq!(world.send(&hello).await.status, status, "{trouble:?}");
        assert_eq!(world.send(&hello).await.status, 200);
        assert_eq!(said(&world, &call, "hello").await, 1, "{trouble:?}");
    }
}

async fn an_unknown_event_is_kept_and_harmless(setup: Setup) {
    let world = World::with(setup).await;
    let call = listening(&world).await;
    let strange = world.report(&call, Report::Strange("transmogrified")).await;
    assert_eq!(world.send(&strange).await.status, 200);
    assert_eq!(world.call(&call).await["state"], "listening");
    let timeline = world.timeline(&call).await;
    assert!(
        timeline.iter().any(|entry| entry.to_string().contains("transmogrified")),
        "{timeline:#?}"
    );
}

async fn unreadable_requests_get_their_own_status_each(setup: Setup) {
    let world = World::with(setup).await;
    let (at, settings) = (world.provider, &world.settings);
    let unreadable = world.report_as(at, settings, &Report::Unreadable, |sender| sender);
    assert_eq!(world.send(&unreadable).await.status, 400, "signed, and not to be read");

    let mut large = unreadable;
    large.body = "x".repeat(200_000);
    assert_eq!(world.send(&large).await.status, 413);
    let own = format!("/webhooks/{}", at.name);
    for (method, path, status) in [
        (Method::POST, "/webhooks/nobody", 404),
        (Method::POST, "/v1/calls", 404),
        (Method::GET, "/", 404),
        (Method::PUT, own.as_str(), 404),
        (Method::GET, own.as_str(), 401),
    ] {
        let answer = world.raw_webhook(method.clone(), path, &[], Vec::new()).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}

async fn no_reply_waits_for_the_carriers_api(setup: Setup) {
    let world = World::with(setup).await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    // The hangup is on its way to a carrier that does not answer.
    let hangup = world.provider.hangs_up_by;
    world.fault(json!({ "match": hangup, "delay_ms": 60_000 })).await;
    let hung_up = world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await;
    assert_eq!(hung_up.status, 200);
    assert_ne!(hung_up.json()["state"], "ended", "the carrier has not taken it yet");
    let answered = world.report(&call, Report::Answered).await;
    assert_eq!(world.send(&answered).await.status, 200);
}

async fn a_webhook_on_the_path_of_another_provider_changes_nothing(setup: Setup) {
    let world = World::with(setup).await;
    let call = listening(&world).await;
    let before = world.timeline(&call).await.len();
    let own = format!("/webhooks/{}", world.provider.name);
    for other in PROVIDERS.iter().filter(|other| other.name != world.provider.name) {
        let mut astray = world.report(&call, Report::Ended).await;
        astray.url = astray.url.replace(&own, &format!("/webhooks/{}", other.name));
        assert_eq!(world.send(&astray).await.status, 401, "{}", other.name);
    }
    assert_eq!(world.timeline(&call).await.len(), before);
    assert_eq!(world.call(&call).await["state"], "listening");
}
