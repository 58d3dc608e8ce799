//! The second table of the design: what a call does first.

use std::time::Duration;

use http::Method;
use offhook::manager::InboundPolicy;
use offhook_tests::{Setup, World};
use serde_json::{Value, json};

const OBLIGING: &str = "+15550100001";
const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";
const SID: &str = "CA00000000000000000000000000000abc";
const ACCOUNT: &str = "AC00000000000000000000000000000001";

async fn documents(world: &World, call: &str) -> Vec<String> {
    let line = world.line(call).await;
    let documents = line["documents"].as_array().cloned().unwrap_or_default();
    documents.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn outbound_notify_says_and_hangs_up_after_heard_and_delay() {
    let world = World::new().await;
    let call = world.place(json!({ "to": OBLIGING, "message": "Hello." })).await;
    world.until_state(&call, "ended").await;
    let documents = documents(&world, &call).await;
    assert_eq!(documents.len(), 2, "{documents:#?}");
    assert!(documents[0].contains("<Say") && documents[0].contains("<Redirect"));
    assert!(documents[1].contains(r#"<Pause length="3"/><Hangup/>"#), "{}", documents[1]);
}

#[tokio::test]
async fn outbound_conversation_with_a_message_says_then_listens() {
    let world = World::new().await;
    let call =
        world.place(json!({ "to": PATIENT, "message": "Hello.", "mode": "conversation" })).await;
    world.until_state(&call, "speaking").await;
    let documents = documents(&world, &call).await;
    assert!(documents[0].contains("<Gather") && documents[0].contains("<Say"), "{documents:#?}");
}

#[tokio::test]
async fn outbound_conversation_without_a_message_listens() {
    let world = World::new().await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    let documents = documents(&world, &call).await;
    assert!(documents[0].contains("<Gather") && !documents[0].contains("<Say"), "{documents:#?}");
}

#[tokio::test]
async fn inbound_accepted_is_greeted_once_then_listened_to_and_each_final_transcript_is_an_event() {
    let world = World::new().await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let call = world.call(&sid).await["id"].as_str().unwrap().to_owned();
    world.until_state(&call, "listening").await;
    world.person(&call, "say", json!({ "text": "Is anybody there?" })).await;
    world.run_for(Duration::from_secs(3)).await;
    world.person(&call, "say", json!({ "text": "Hello?" })).await;
    let said = |view: &Value| view["transcript"].as_array().is_some_and(|lines| lines.len() == 3);
    let view = world.until(&call, said).await;
    let texts: Vec<&str> =
        view["transcript"].as_array().unwrap().iter().filter_map(|l| l["text"].as_str()).collect();
    assert_eq!(texts, ["Hello!", "Is anybody there?", "Hello?"]);
    let turns: Vec<_> =
        view["transcript"].as_array().unwrap().iter().map(|l| l["turn"].clone()).collect();
    assert_eq!(turns, [json!(1), json!(1), json!(2)]);
    let greetings =
        documents(&world, &call).await.iter().filter(|text| text.contains("Hello!")).count();
    assert_eq!(greetings, 1, "the greeting is said once");
}

#[tokio::test]
async fn inbound_refused_by_policy_is_declined_and_leaves_an_ended_record() {
    let mut setup = Setup::default();
    setup.policy.inbound = InboundPolicy::Allowlist(vec!["+15550100078".parse().unwrap()]);
    let world = World::with(setup).await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.call(&sid).await;
    assert_eq!((&view["state"], &view["end_reason"]), (&json!("ended"), &json!("rejected")));
    let call = view["id"].as_str().unwrap();
    assert!(documents(&world, call).await[0].contains(r#"<Reject reason="rejected"/>"#));
    let friend = world.somebody_calls("+15550100078", "silent").await;
    assert_ne!(world.call(&friend).await["state"], "ended");
}

#[tokio::test]
async fn inbound_over_the_limit_is_busy_and_leaves_an_ended_record() {
    let mut setup = Setup::default();
    setup.policy.max_concurrent_calls = 1;
    let world = World::with(setup).await;
    let first = world.somebody_calls(CALLER, "silent").await;
    let second = world.somebody_calls("+15550100078", "silent").await;
    assert_ne!(world.call(&first).await["state"], "ended");
    let view = world.call(&second).await;
    assert_eq!((&view["state"], &view["end_reason"]), (&json!("ended"), &json!("busy")));
    let call = view["id"].as_str().unwrap();
    assert!(documents(&world, call).await[0].contains(r#"<Reject reason="busy"/>"#));
    // One counter for both directions.
    let outbound = world.api(Method::POST, "/v1/calls", json!({ "to": PATIENT })).await;
    assert_eq!((outbound.status, &outbound.json()["code"]), (429, &json!("concurrency_limit")));
}

fn form<'a>(status: &'a str, direction: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("CallSid", SID),
        ("AccountSid", ACCOUNT),
        ("From", CALLER),
        ("To", "+15550100100"),
        ("CallStatus", status),
        ("Direction", direction),
    ]
}

#[tokio::test]
async fn our_call_id_but_unknown_gets_a_hangup_and_never_a_new_call() {
    let world = World::new().await;
    let query = "?call=0198c0de-0000-7000-8000-000000000001&step=1&kind=answer";
    for direction in ["outbound-api", "inbound"] {
        let answer = world.webhook(query, &form("in-progress", direction), None).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("<Hangup/>"), "{}", answer.body);
    }
    assert_eq!(world.calls("all").await.len(), 0);
}

#[tokio::test]
async fn our_call_id_but_ended_gets_a_hangup_and_stays_ended() {
    let world = World::new().await;
    let call = world.place(json!({ "to": "+15550100002", "message": "Hi" })).await;
    let before = world.until_state(&call, "ended").await;
    let sid = before["provider_call_id"].as_str().unwrap().to_owned();
    let query = format!("?call={call}&step=1&kind=answer");
    let mut late = form("in-progress", "outbound-api");
    late[0].1 = &sid;
    let answer = world.webhook(&query, &late, None).await;
    assert!(answer.body.contains("<Hangup/>"), "{}", answer.body);
    let after = world.call(&call).await;
    assert_eq!((&after["end_reason"], &after["ended_at"]), (&json!("busy"), &before["ended_at"]));
    assert_eq!(world.calls("all").await.len(), 1);
}

#[tokio::test]
async fn an_outbound_call_that_is_not_ours_is_acknowledged_and_leaves_no_record() {
    let world = World::new().await;
    let answer = world.webhook("", &form("in-progress", "outbound-api"), None).await;
    assert_eq!(answer.status, 200);
    let answer = world.webhook("", &form("completed", "outbound-dial"), None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.calls("all").await.len(), 0);
}

#[tokio::test]
async fn a_late_end_of_a_call_that_nobody_knows_makes_no_phantom() {
    let world = World::new().await;
    let mut late = form("completed", "inbound");
    late.push(("CallDuration", "12"));
    let answer = world.webhook("", &late, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.calls("all").await.len(), 0);
}

#[tokio::test]
async fn a_webhook_of_another_account_is_acknowledged_without_effect() {
    let world = World::new().await;
    let mut foreign = form("ringing", "inbound");
    foreign[1].1 = "AC0000000000000000000000000000ffff";
    let answer = world.webhook("", &foreign, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.calls("all").await.len(), 0);
    assert_eq!(world.manager().counters().foreign, 1);
}
