//! What stands in the documents that Twilio gets.

use std::time::Duration;

use http::Method;
use offhook::manager::InboundPolicy;
use offhook_tests::World;
use serde_json::json;

use crate::support::{CALLER, PATIENT, documents, form, listening, setup, world};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn invariant_19_voice_and_language_of_a_call_are_in_its_documents() {
    let world = world().await;
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
    assert!(document.contains(r#"language="de-AT" speechTimeout="#), "the Gather too: {document}");
    // What listens next keeps the language.
    world.until_state(&call, "listening").await;
    let line = world.line(&call).await;
    let last = line["documents"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    assert!(last.as_str().unwrap_or_default().contains(r#"language="de-AT""#), "{last}");
}

#[tokio::test]
async fn outbound_notify_says_and_hangs_up_after_heard_and_delay() {
    let world = world().await;
    let call = world.place(json!({ "to": PATIENT, "message": "Hello." })).await;
    world.until_state(&call, "ended").await;
    let documents = documents(&world, &call).await;
    assert_eq!(documents.len(), 2, "{documents:#?}");
    assert!(documents[0].contains("<Say") && documents[0].contains("<Redirect"));
    assert!(documents[1].contains(r#"<Pause length="3"/><Hangup/>"#), "{}", documents[1]);
}

#[tokio::test]
async fn outbound_conversation_with_a_message_says_then_listens() {
    let world = world().await;
    let call =
        world.place(json!({ "to": PATIENT, "message": "Hello.", "mode": "conversation" })).await;
    world.until_state(&call, "speaking").await;
    let documents = documents(&world, &call).await;
    assert!(documents[0].contains("<Gather") && documents[0].contains("<Say"), "{documents:#?}");
}

#[tokio::test]
async fn outbound_conversation_without_a_message_listens() {
    let world = world().await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    world.until_state(&call, "listening").await;
    let documents = documents(&world, &call).await;
    assert!(documents[0].contains("<Gather") && !documents[0].contains("<Say"), "{documents:#?}");
}

#[tokio::test]
async fn what_is_said_has_the_voice_and_the_language_that_were_asked_for_or_configured() {
    let mut setup = setup();
    setup.policy.voice = "Polly.Vicki".parse().ok();
    setup.policy.locale = "de-AT".parse().expect("a language");
    let world = World::with(setup).await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    let view = world.until_state(&sid, "listening").await;
    let call = view["id"].as_str().unwrap_or_default().to_owned();
    for body in [
        json!({ "text": "Moment." }),
        json!({ "text": "Un moment.", "voice": "Polly.Léa", "locale": "fr-FR" }),
    ] {
        let answer = world.api(Method::POST, &format!("/v1/calls/{call}/speak"), body).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        world.run_for(seconds(4)).await;
    }
    let path = format!("/v1/calls/{call}/listen");
    assert_eq!(world.api(Method::POST, &path, json!({ "locale": "it-IT" })).await.status, 202);
    world.run_for(seconds(1)).await;
    let documents = world.line(&call).await["documents"].to_string();
    for said in [
        r#"<Say voice=\"Polly.Vicki\" language=\"de-AT\">Hello!</Say>"#,
        r#"<Say voice=\"Polly.Vicki\" language=\"de-AT\">Moment.</Say>"#,
        r#"<Say voice=\"Polly.Léa\" language=\"fr-FR\">Un moment.</Say>"#,
        r#"language=\"it-IT\" speechTimeout"#,
    ] {
        assert!(documents.contains(said), "{said}: {documents}");
    }
}

#[tokio::test]
async fn a_redirect_with_equal_parameters_is_not_taken_for_a_repeat() {
    let world = world().await;
    let (call, _) = listening(&world).await;
    // A person who says nothing: every Gather comes back with the same parameters.
    let before = world.line(&call).await["documents"].as_array().map_or(0, Vec::len);
    world.run_for(seconds(70)).await;
    let line = world.line(&call).await;
    let documents = line["documents"].as_array().cloned().unwrap_or_default();
    assert!(documents.len() >= before + 3, "{line:#}");
    assert_ne!(documents[documents.len() - 1], documents[documents.len() - 2]);
    assert_eq!(world.manager().counters().repeats, 0);
    assert_eq!(world.call(&call).await["state"], "listening");
}

#[tokio::test]
async fn a_caller_who_is_not_let_in_is_rejected_by_the_document() {
    let mut setup = setup();
    setup.policy.inbound = InboundPolicy::Disabled;
    let world = World::with(setup).await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    assert!(documents(&world, &sid).await[0].contains(r#"<Reject reason="rejected"/>"#));
}

#[tokio::test]
async fn a_caller_over_the_limit_gets_the_busy_tone_by_the_document() {
    let mut setup = setup();
    setup.policy.max_concurrent_calls = 0;
    let world = World::with(setup).await;
    let sid = world.somebody_calls(CALLER, "silent").await;
    assert!(documents(&world, &sid).await[0].contains(r#"<Reject reason="busy"/>"#));
}

#[tokio::test]
async fn a_call_that_we_do_not_know_or_that_has_ended_gets_a_document_that_hangs_up() {
    let world = world().await;
    let query = "?call=0198c0de-0000-7000-8000-000000000001&step=1&kind=answer";
    let unknown = "CA00000000000000000000000000000abc";
    let answer = world.twilio_webhook(query, &form(unknown, &[]), None).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("<Hangup/>"), "{}", answer.body);

    let call = world.place(json!({ "to": "+15550100002", "message": "Hi" })).await;
    let ended = world.until_state(&call, "ended").await;
    let sid = ended["provider_call_id"].as_str().unwrap_or_default();
    let query = format!("?call={call}&step=1&kind=answer");
    let answer = world.twilio_webhook(&query, &form(sid, &[]), None).await;
    assert!(answer.body.contains("<Hangup/>"), "{}", answer.body);
}
