//! Webhooks that are late, repeated, newly signed, or in no order.

use offhook_tests::World;
use serde_json::{Value, json};

use crate::support::{PATIENT, conversation, event, heard, seconds, setup, world};

fn said(words: &str) -> Value {
    json!({ "transcription_data": {
        "transcript": words, "is_final": true, "transcription_track": "inbound",
    } })
}

#[tokio::test]
async fn a_retry_that_is_newly_signed_has_no_second_effect_and_gets_the_same_answer() {
    let mut world = world().await;
    let call = conversation(&world).await;
    let view = world.call(&call).await;
    let mut yes = event(&view, "e1", "call.transcription", said("yes"));
    let first = world.telnyx_webhook("", &yes).await;
    let entries = world.timeline(&call).await.len();
    for attempt in 2..5 {
        // Another time, another signature, another body: the same event.
        world.run_for(seconds(2)).await;
        yes["meta"]["attempt"] = json!(attempt);
        let again = world.telnyx_webhook("?kind=outbound", &yes).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
    }
    world.crash().await;
    world.start().await;
    let again = world.telnyx_webhook("", &yes).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let timeline = world.timeline(&call).await;
    let webhooks = timeline.iter().skip(entries).filter(|entry| entry["kind"] == "webhook");
    assert_eq!(webhooks.count(), 0, "{timeline:#?}");
    let transcript = world.call(&call).await["transcript"].clone();
    assert_eq!(transcript.as_array().map(Vec::len), Some(1), "{transcript:#}");
}

#[tokio::test]
async fn two_events_that_say_the_same_are_two() {
    let world = world().await;
    let call = conversation(&world).await;
    let view = world.call(&call).await;
    for id in ["e1", "e2"] {
        let yes = event(&view, id, "call.transcription", said("yes"));
        assert_eq!(world.telnyx_webhook("", &yes).await.status, 200);
    }
    let transcript = world.call(&call).await["transcript"].clone();
    assert_eq!(transcript.as_array().map(Vec::len), Some(2), "{transcript:#}");
    assert_eq!(world.manager().counters().repeats, 0);
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
async fn the_events_of_a_call_lead_to_the_same_end_in_whatever_order_they_arrive() {
    let mut setup = setup();
    (setup.calls_per_second, setup.requests_per_second) = (1e6, 1e6);
    let world = World::with(setup).await;
    // Time stands still, so the carrier itself reports nothing of what it would do.
    let events = [
        "call.initiated",
        "call.answered",
        "call.speak.started",
        "call.speak.ended",
        "call.hangup",
    ];
    for (number, order) in orders(&events).into_iter().enumerate() {
        let call = world.place(json!({ "to": PATIENT, "message": "Hello." })).await;
        let view = world.call(&call).await;
        for name in &order {
            let payload = match *name {
                "call.hangup" => {
                    json!({ "hangup_cause": "normal_clearing", "hangup_source": "callee" })
                }
                "call.speak.ended" => json!({ "status": "completed" }),
                "call.initiated" => json!({ "direction": "outgoing", "state": "bridging" }),
                _ => json!({}),
            };
            let event = event(&view, &format!("{number}-{name}"), name, payload);
            let answer = world.telnyx_webhook("?kind=outbound", &event).await;
            assert_eq!(answer.status, 200, "{order:?}");
        }
        let view = world.call(&call).await;
        let end = (&view["state"], &view["end_reason"], &view["dial"]);
        assert_eq!(end, (&json!("ended"), &json!("hangup-user"), &json!("accepted")), "{order:?}");
    }
    assert_eq!(world.calls("live").await.len(), 0);
    assert_eq!(world.manager().slots(), 0);
}

#[tokio::test]
async fn events_that_found_nobody_for_ten_seconds_are_taken_by_a_retry() {
    let mut world = world().await;
    let request = json!({ "to": PATIENT, "mode": "conversation", "message": "Are you there?" });
    let call = world.place(request).await;
    // It is answered in our absence, and what we are told of it comes back until we are there.
    world.crash().await;
    world.run_for(seconds(10)).await;
    world.start().await;
    world.until_state(&call, "listening").await;
    assert_eq!(heard(&world, &call).await, ["Are you there?"]);
    assert_eq!(world.lines().await.len(), 1);
}

#[tokio::test]
async fn a_speech_whose_end_is_never_reported_does_not_hold_the_call_up() {
    let world = world().await;
    let lost = json!({ "on": "webhook", "match": "call.speak.ended", "drop": true, "count": 0 });
    world.fault(lost).await;
    let request = json!({ "to": PATIENT, "mode": "conversation", "message": "Shall I?" });
    let asking = world.place(request).await;
    let notifying = world.place(json!({ "to": "+15550100012", "message": "It is here." })).await;
    world.until_state(&asking, "listening").await;
    assert_eq!(heard(&world, &asking).await, ["Shall I?"], "said once, and whole");
    world.person(&asking, "say", json!({ "text": "Yes" })).await;
    let is_said = |view: &Value| view["transcript"].to_string().contains("Yes");
    world.until(&asking, is_said).await;
    let ended = world.until_state(&notifying, "ended").await;
    assert_eq!(ended["end_reason"], "hangup-bot", "{ended:#}");
    assert_eq!(heard(&world, &notifying).await, ["It is here."]);
}
