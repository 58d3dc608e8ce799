//! Repeats, forgeries, late and unreadable requests.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, Trouble, World};
use serde_json::{Value, json};

const PATIENT: &str = "+15550100011";
const CALLER: &str = "+15550100077";
const ACCOUNT: &str = "AC00000000000000000000000000000001";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A live inbound call, with the form that its requests carry.
async fn listening(world: &World) -> (String, String) {
    let sid = world.somebody_calls(CALLER, "silent").await;
    let call = world.call(&sid).await["id"].as_str().expect("an id").to_owned();
    world.until_state(&call, "listening").await;
    (call, sid)
}

fn form<'a>(sid: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("CallSid", sid),
        ("AccountSid", ACCOUNT),
        ("From", CALLER),
        ("To", "+15550100100"),
        ("CallStatus", "in-progress"),
        ("Direction", "inbound"),
    ];
    form.extend_from_slice(more);
    form
}

/// The step whose Gather is running, as its document tells it.
async fn step(world: &World, call: &str) -> u64 {
    let line = world.line(call).await;
    let documents = line["documents"].as_array().cloned().unwrap_or_default();
    let last = documents.last().and_then(Value::as_str).unwrap_or_default().to_owned();
    let after = last.split("step=").nth(1).unwrap_or_default();
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

#[tokio::test]
async fn a_repeat_gets_the_same_bytes_and_has_no_second_effect() {
    let world = World::new().await;
    let (call, sid) = listening(&world).await;
    let query = format!("?call={call}&step={}&kind=gather", step(&world, &call).await);
    let said = form(&sid, &[("SpeechResult", "yes")]);
    let first = world.webhook(&query, &said, None).await;
    let entries = world.timeline(&call).await.len();
    let second = world.webhook(&query, &said, None).await;
    assert_eq!(first.body, second.body);
    assert!(first.body.contains("<Gather"), "{}", first.body);
    assert_eq!(world.timeline(&call).await.len(), entries);
    assert_eq!(world.manager().counters().repeats, 1);
}

#[tokio::test]
async fn a_repeat_after_a_restart_gets_the_same_bytes() {
    let mut world = World::on_disk().await;
    let (call, sid) = listening(&world).await;
    let query = format!("?call={call}&step={}&kind=gather", step(&world, &call).await);
    let said = form(&sid, &[("SpeechResult", "yes")]);
    let first = world.webhook(&query, &said, None).await;
    // Something else happens in between, so that the script has moved on.
    let next = format!("?call={call}&step={}&kind=gather", step(&world, &call).await + 1);
    world.webhook(&next, &form(&sid, &[("SpeechResult", "and more")]), None).await;
    world.crash().await;
    world.start().await;
    let entries = world.timeline(&call).await.len();
    let second = world.webhook(&query, &said, None).await;
    assert_eq!((first.status, first.body), (second.status, second.body));
    assert_eq!(world.timeline(&call).await.len(), entries);
}

#[tokio::test]
async fn a_redirect_with_equal_parameters_is_not_taken_for_a_repeat() {
    let world = World::new().await;
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
async fn words_of_an_older_step_are_kept_and_answer_no_turn() {
    let world = World::new().await;
    let (call, sid) = listening(&world).await;
    let old = step(&world, &call).await;
    world.person(&call, "say", json!({ "text": "first" })).await;
    world.run_for(seconds(2)).await;
    let late = format!("?call={call}&step={old}&kind=gather");
    let answer = world.webhook(&late, &form(&sid, &[("SpeechResult", "too late")]), None).await;
    assert!(answer.body.contains("<Gather"), "the current script: {}", answer.body);
    let view = world.call(&call).await;
    let lines = view["transcript"].as_array().cloned().unwrap_or_default();
    let late = lines.iter().find(|line| line["text"] == "too late").cloned().unwrap_or_default();
    assert_eq!(late["turn"], Value::Null, "{lines:#?}");
    assert_eq!(lines.iter().find(|line| line["text"] == "first").unwrap()["turn"], 1);
}

#[tokio::test]
async fn a_forged_webhook_changes_nothing_and_learns_nothing() {
    let world = World::new().await;
    let (call, sid) = listening(&world).await;
    let query = format!("?call={call}&step=1&kind=status");
    let over = {
        let mut over = form(&sid, &[]);
        over[4].1 = "completed";
        over
    };
    let before = world.timeline(&call).await.len();
    let elsewhere = offhook_tests::form_signature(
        "emulator",
        &format!("https://other.example/webhooks/twilio{query}"),
        &over,
    );
    for signature in ["", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not base64", &elsewhere] {
        let answer = world.webhook(&query, &over, Some(signature)).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{signature}");
    }
    assert_eq!(world.timeline(&call).await.len(), before);
    assert_ne!(world.call(&call).await["state"], "ended");
}

#[tokio::test]
async fn a_webhook_that_cannot_be_committed_is_sent_again_by_the_carrier_and_then_taken() {
    let world = World::new().await;
    let (call, sid) = listening(&world).await;
    let query = format!("?call={call}&step={}&kind=gather", step(&world, &call).await);
    let said = form(&sid, &[("SpeechResult", "hello")]);
    world.trouble(Trouble::Refused);
    let refused = world.webhook(&query, &said, None).await;
    assert_eq!(refused.status, 503);
    world.trouble(Trouble::None);
    let taken = world.webhook(&query, &said, None).await;
    assert_eq!(taken.status, 200);
    let view = world.call(&call).await;
    let heard =
        view["transcript"].as_array().unwrap().iter().filter(|line| line["text"] == "hello");
    assert_eq!(heard.count(), 1);
}

#[tokio::test]
async fn an_unclear_commit_is_read_back_before_anything_is_said() {
    for (trouble, status) in
        [(Trouble::UnclearButWritten, 200), (Trouble::UnclearAndNotWritten, 503)]
    {
        let world = World::new().await;
        let (call, sid) = listening(&world).await;
        let query = format!("?call={call}&step={}&kind=gather", step(&world, &call).await);
        let said = form(&sid, &[("SpeechResult", "hello")]);
        world.trouble(trouble);
        let first = world.webhook(&query, &said, None).await;
        assert_eq!(first.status, status, "{trouble:?}");
        let second = world.webhook(&query, &said, None).await;
        assert_eq!(second.status, 200);
        let view = world.call(&call).await;
        let heard =
            view["transcript"].as_array().unwrap().iter().filter(|line| line["text"] == "hello");
        assert_eq!(heard.count(), 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn an_unknown_event_is_kept_and_harmless() {
    let world = World::new().await;
    let (call, sid) = listening(&world).await;
    let mut strange = form(&sid, &[]);
    strange[4].1 = "transmogrified";
    let answer = world.webhook(&format!("?call={call}&step=1&kind=status"), &strange, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.call(&call).await["state"], "listening");
    let timeline = world.timeline(&call).await;
    assert!(
        timeline.iter().any(|entry| entry.to_string().contains("transmogrified")),
        "{timeline:#?}"
    );
}

#[tokio::test]
async fn unreadable_requests_get_their_own_status_each() {
    let world = World::new().await;
    let url = format!("{}/webhooks/twilio", world.public_url());
    let signed = offhook_tests::form_signature("emulator", &url, &[("a", "b")]);
    let answer = world.webhook("", &[("a", "b")], Some(&signed)).await;
    assert_eq!(answer.status, 400, "signed, and without a CallSid");

    let large = vec![b'x'; 200_000];
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = world.raw_webhook(Method::POST, "/webhooks/twilio", &headers, large).await;
    assert_eq!(answer.status, 413);
    for (method, path, status) in [
        (Method::POST, "/webhooks/nobody", 404),
        (Method::POST, "/v1/calls", 404),
        (Method::GET, "/", 404),
        (Method::PUT, "/webhooks/twilio", 404),
        (Method::GET, "/webhooks/twilio", 401),
    ] {
        let answer = world.raw_webhook(method.clone(), path, &[], Vec::new()).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn no_reply_waits_for_the_carriers_api() {
    let world = World::new().await;
    let call = world.place(json!({ "to": PATIENT, "mode": "conversation" })).await;
    let view = world.until_state(&call, "listening").await;
    let sid = view["provider_call_id"].as_str().unwrap().to_owned();
    // The hangup is on its way to a carrier that does not answer.
    world.fault(json!({ "match": "POST /2010-04-01", "delay_ms": 60_000 })).await;
    let hung_up = world.api(Method::POST, &format!("/v1/calls/{call}/hangup"), Value::Null).await;
    assert_eq!(hung_up.status, 200);
    assert_ne!(hung_up.json()["state"], "ended", "the carrier has not taken it yet");
    let mut ringing = form(&sid, &[]);
    ringing[5].1 = "outbound-api";
    let answer = world.webhook(&format!("?call={call}&step=1&kind=status"), &ringing, None).await;
    assert_eq!(answer.status, 200);
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
async fn the_callbacks_of_a_call_lead_to_the_same_end_in_whatever_order_they_arrive() {
    let setup = Setup { calls_per_second: 1e6, requests_per_second: 1e6, ..Setup::default() };
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
            assert_eq!(world.webhook(&query, &form, None).await.status, 200);
        }
        let view = world.call(&call).await;
        let end = (&view["state"], &view["end_reason"], &view["dial"]);
        assert_eq!(end, (&json!("ended"), &json!("completed"), &json!("accepted")), "{order:?}");
    }
    assert_eq!(world.calls("live").await.len(), 0);
}
