//! What Twilio calls back, and what it is told while it is about to.

use std::time::Duration;

use offhook::manager::machine::Command;
use offhook_core::{CallId, Locale, Speech};
use offhook_tests::{Setup, World};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, PATIENT, form, heard, listening, setup, step, world};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn speech(text: &str) -> Speech {
    Speech { text: text.parse().expect("a text"), voice: None, locale: Locale::en_us() }
}

fn id(call: &str) -> CallId {
    call.parse().expect("a UUID")
}

#[tokio::test]
async fn words_of_an_older_step_are_kept_and_answer_no_turn() {
    let world = world().await;
    let (call, sid) = listening(&world).await;
    let old = step(&world, &call).await;
    world.person(&call, "say", json!({ "text": "first" })).await;
    world.run_for(seconds(2)).await;
    let late = format!("?call={call}&step={old}&kind=gather");
    let answer =
        world.twilio_webhook(&late, &form(&sid, &[("SpeechResult", "too late")]), None).await;
    assert!(answer.body.contains("<Gather"), "the current script: {}", answer.body);
    let view = world.call(&call).await;
    let lines = view["transcript"].as_array().cloned().unwrap_or_default();
    let late = lines.iter().find(|line| line["text"] == "too late").cloned().unwrap_or_default();
    assert_eq!(late["turn"], Value::Null, "{lines:#?}");
    assert_eq!(lines.iter().find(|line| line["text"] == "first").unwrap()["turn"], 1);
}

#[tokio::test]
async fn the_callbacks_of_a_call_lead_to_the_same_end_in_whatever_order_they_arrive() {
    let setup = Setup { calls_per_second: 1e6, requests_per_second: 1e6, ..setup() };
    let world = World::with(setup).await;
    // Time stands still, so the carrier itself reports nothing. SequenceNumber tells the order in
    // which it sent them.
    let sent = [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")];
    for order in orders(&sent) {
        let call = world.place(json!({ "to": PATIENT, "message": "Hello." })).await;
        let view = world.call(&call).await;
        let sid = view["provider_call_id"].as_str().unwrap().to_owned();
        for (sequence, status) in &order {
            let form = [
                ("CallSid", sid.as_str()),
                ("AccountSid", ACCOUNT),
                ("CallStatus", status),
                ("Direction", "outbound-api"),
                ("CallbackSource", "call-progress-events"),
                ("SequenceNumber", sequence),
            ];
            let query = format!("?call={call}&step=1&kind=status");
            assert_eq!(world.twilio_webhook(&query, &form, None).await.status, 200);
        }
        let view = world.call(&call).await;
        let end = (&view["state"], &view["end_reason"], &view["dial"]);
        assert_eq!(end, (&json!("ended"), &json!("completed"), &json!("accepted")), "{order:?}");
    }
    assert_eq!(world.calls("live").await.len(), 0);
}

/// All orders in which these can arrive.
fn orders<T: Copy>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in of.iter().enumerate() {
        let mut rest = of.to_vec();
        rest.remove(place);
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, *first);
            order
        }));
    }
    all
}

#[tokio::test]
async fn words_while_they_are_spoken_show_that_somebody_speaks_and_flood_no_timeline() {
    let world = world().await;
    let (call, _) = listening(&world).await;
    let speaking = Command::Speak { speech: speech("Please tell us in your own words.") };
    let (_, turn) = world.manager().command(id(&call), speaking).await.expect("it is taken");
    world.settle().await;
    assert_eq!(world.call(&call).await["state"], "speaking");
    let before = world.timeline(&call).await.len();
    for words in ["My", "parcel", "is", "lost"] {
        world.person(&call, "say", json!({ "text": words })).await;
        let view = world.call(&call).await;
        assert_eq!(view["state"], "listening", "the first word interrupts us");
    }
    let previews = world.timeline(&call).await.len() - before;
    assert_eq!(previews, 1);
    world.run_for(seconds(4)).await;
    let view = world.call(&call).await;
    let said = view["transcript"].as_array().and_then(|all| all.last()).cloned();
    let said = said.unwrap_or_default();
    assert_eq!((&said["text"], &said["turn"]), (&json!("My parcel is lost"), &json!(turn)));
}

#[tokio::test]
async fn who_answered_is_told_and_ends_no_call() {
    let world = world().await;
    for (word, by) in [
        ("human", "human"),
        ("machine_start", "machine"),
        ("machine_end_beep", "machine"),
        ("machine_end_silence", "machine"),
        ("machine_end_other", "machine"),
        ("fax", "fax"),
        ("unknown", "unknown"),
    ] {
        let call = world.place(json!({ "to": "+15550100011", "mode": "conversation" })).await;
        let view = world.call(&call).await;
        let sid = view["provider_call_id"].as_str().unwrap_or_default().to_owned();
        // Detection before the document: its result comes with the request for it.
        let form = [
            ("CallSid", sid.as_str()),
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("CallStatus", "in-progress"),
            ("Direction", "outbound-api"),
            ("AnsweredBy", word),
        ];
        let query = format!("?call={call}&step=1&kind=answer");
        let reply = world.twilio_webhook(&query, &form, None).await;
        assert!(reply.body.contains("<Gather"), "{word}: the call goes on: {}", reply.body);
        let view = world.call(&call).await;
        assert_eq!(view["answered_by"], by, "{word}");
        assert_eq!(view["state"], "listening", "{word}");
        world.manager().hangup(id(&call)).await.expect("it is taken");
        world.settle().await;
    }
}

#[tokio::test]
async fn speech_that_comes_before_the_call_is_connected_at_the_carrier_is_said_a_moment_later() {
    let world = world().await;
    let (call, _) = listening(&world).await;
    let not_yet = json!({ "code": 21220, "message": "Call is not in-progress.", "status": 400 });
    let fault = json!({
        "on": "request", "match": "POST /2010-04-01", "http_status": 400, "body": not_yet.to_string(),
        "count": 3,
    });
    world.fault(fault).await;
    let command = Command::Speak { speech: speech("One moment.") };
    world.manager().command(id(&call), command).await.expect("it is taken");
    world.settle().await;
    world.until_state(&call, "speaking").await;
    world.run_for(seconds(5)).await;
    assert_eq!(heard(&world, &call).await.iter().filter(|text| *text == "One moment.").count(), 1);
}
