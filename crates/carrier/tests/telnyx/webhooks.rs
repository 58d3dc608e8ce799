use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::SignedDuration;
use offhook_carrier::{DeliveryFault, Habit};
use serde_json::{Value, json};

use crate::line::{FROM, HOOK, Hook, Line, Outcome, SILENT, answer, plain};

/// The deliveries of the first event when each fails in this way.
fn attempts(extra: &Value, failure: &Outcome) -> Vec<Hook> {
    let mut line = Line::new();
    let failure = failure.clone();
    line.on("call.initiated", move |_| failure.clone());
    let id = line.dial(SILENT, extra);
    line.run(100.0);
    line.of(&id).filter(|hook| hook.event() == "call.initiated").cloned().collect()
}

#[test]
fn what_is_not_acknowledged_is_sent_again_with_backoff() {
    for failure in [
        answer(500),
        answer(503),
        answer(408),
        answer(429),
        Err(DeliveryFault::Connect),
        Err(DeliveryFault::ReadTimeout),
        Err(DeliveryFault::Broken),
    ] {
        let sent = attempts(&json!({}), &failure);
        assert_eq!(sent.len(), 4, "{failure:?}");
        let pauses: Vec<i64> = sent
            .windows(2)
            .map(|pair| pair[1].at.duration_since(pair[0].at).as_millis() as i64)
            .collect();
        assert_eq!(pauses, [500, 1000, 2000], "{failure:?}");
    }
}

#[test]
fn other_refusals_and_redirects_are_final() {
    for status in [200, 204, 301, 307, 400, 401, 403, 404, 422] {
        assert_eq!(attempts(&json!({}), &answer(status)).len(), 1, "{status}");
    }
}

#[test]
fn retry_is_signed_anew_and_stays_the_same_event() {
    let sent = attempts(&json!({}), &answer(503));
    let ids: BTreeSet<&str> = sent.iter().map(Hook::id).collect();
    assert_eq!(ids.len(), 1, "deduped by data.id");
    let data: BTreeSet<String> = sent.iter().map(|hook| hook.body["data"].to_string()).collect();
    assert_eq!(data.len(), 1);
    let header = |name: &str| {
        sent.iter().map(|hook| hook.headers[name].to_str().unwrap()).collect::<BTreeSet<_>>()
    };
    assert_eq!(header("telnyx-signature-ed25519").len(), sent.len());
    assert!(header("telnyx-timestamp").len() > 1);
    let attempts: Vec<&Value> = sent.iter().map(|hook| &hook.body["meta"]["attempt"]).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
}

#[test]
fn policy_of_an_event_lists_its_pauses() {
    let policies = json!({ "webhook_retries_policies": {
        "call.initiated": { "retries_ms": [100, 200, 5000, 1, 1] }, "call.hangup": { "retries_ms": [] },
    }});
    let sent = attempts(&policies, &answer(500));
    let pauses: Vec<i64> = sent
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at).as_millis() as i64)
        .collect();
    assert_eq!(pauses, [100, 200, 5000, 1, 1]);
    let none = json!({ "webhook_retries_policies": { "call.initiated": { "retries_ms": [] } } });
    assert_eq!(attempts(&none, &answer(500)).len(), 1);
}

#[test]
fn receiver_has_two_seconds() {
    let mut line = Line::new();
    line.dial(SILENT, &json!({}));
    line.now = line.emulator.next_wakeup().unwrap();
    let first = line.emulator.poll(line.now);
    assert_eq!(first.len(), 1);
    line.now += SignedDuration::from_millis(1999);
    let initiated = |webhook: &offhook_carrier::OutgoingWebhook| {
        String::from_utf8_lossy(&webhook.body).contains("call.initiated")
    };
    assert!(!line.emulator.poll(line.now).iter().any(initiated));
    // An answer that comes too late changes nothing.
    line.now += SignedDuration::from_millis(1);
    line.emulator.poll(line.now);
    line.emulator.delivered(first[0].id, answer(200), line.now);
    line.now += SignedDuration::from_millis(500);
    assert!(line.emulator.poll(line.now).iter().any(initiated), "sent again");
}

#[test]
fn failover_url_has_the_last_word() {
    let mut settings = plain();
    settings.telnyx.failover_url = Some("http://other.test/failover".to_owned());
    let mut line = Line::with(settings);
    line.on("app.test", |_| answer(500));
    line.dial(SILENT, &json!({}));
    line.run(1.0);
    line.run(20.0);
    let first = line.hooks[0].id().to_owned();
    let urls: Vec<&str> =
        line.hooks.iter().filter(|hook| hook.id() == first).map(|hook| hook.url.as_str()).collect();
    assert_eq!(urls, [HOOK, HOOK, HOOK, HOOK, "http://other.test/failover"]);
}

#[test]
fn events_have_urls_of_their_own() {
    let mut line = Line::new();
    let urls = json!({ "webhook_urls": {
        "call.answered": ["http://app.test/a", "http://app.test/b"], "call.hangup": "http://app.test/h",
    }});
    let id = line.connected(SILENT, &urls);
    line.order(&id, "hangup", &json!({}));
    line.run(1.0);
    let told: Vec<String> =
        line.of(&id).map(|hook| format!("{} {}", hook.event(), hook.url)).collect();
    let wanted = [
        "call.initiated http://app.test/hook",
        "call.answered http://app.test/a",
        "call.answered http://app.test/b",
        "call.hangup http://app.test/h",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn connection_has_a_url_for_calls_that_bring_none() {
    let mut settings = plain();
    settings.webhook_base = Some("http://base.test/".to_owned());
    let mut line = Line::with(settings.clone());
    line.dial(SILENT, &json!({ "webhook_url": null }));
    line.run(1.0);
    assert_eq!(line.hooks[0].url, "http://base.test/webhooks/telnyx");
    settings.telnyx.webhook_url = Some("http://own.test/events".to_owned());
    let mut line = Line::with(settings);
    line.dial(SILENT, &json!({ "webhook_url": null }));
    line.run(1.0);
    assert_eq!(line.hooks[0].url, "http://own.test/events");
}

#[test]
fn late_events_arrive_out_of_order_and_tell_when_they_occurred() {
    let mut settings = plain();
    settings.late_callbacks = Habit::Always;
    let mut orders = BTreeSet::new();
    for seed in 0..20 {
        settings.seed = seed;
        let mut line = Line::with(settings.clone());
        let id = line.connected(SILENT, &json!({}));
        line.speak(&id, "Hi");
        line.run(0.3);
        line.order(&id, "hangup", &json!({}));
        line.run(10.0);
        orders.insert(line.told(&id));
        let mut occurred: Vec<&Hook> = line.of(&id).collect();
        occurred.sort_by_key(|hook| hook.occurred_at());
        let first = occurred.first().map(|hook| hook.event());
        assert_eq!(first, Some("call.initiated"));
        assert_eq!(occurred.last().map(|hook| hook.event()), Some("call.hangup"));
    }
    assert!(orders.len() > 5, "{orders:?}");
    assert!(orders.iter().any(|order| order.last().is_some_and(|last| last != "call.hangup")));
}

#[test]
fn receiver_that_recovers_gets_every_event_once() {
    let mut line = Line::new();
    let down = Rc::new(Cell::new(true));
    let is_down = Rc::clone(&down);
    line.on("app.test", move |_| if is_down.get() { answer(503) } else { answer(200) });
    let id = line.dial(SILENT, &json!({}));
    line.run(1.0);
    down.set(false);
    line.run(10.0);
    let taken: Vec<&str> = line.of(&id).skip(2).map(Hook::event).collect();
    assert_eq!(taken.iter().filter(|event| **event == "call.initiated").count(), 1, "{taken:?}");
    let webhooks = line.truth(&id)["webhooks"].clone();
    assert_eq!(webhooks[0]["status"], 200);
    assert_eq!(webhooks[0]["kind"], "call.initiated");
    assert_eq!(webhooks[0]["params"]["from"], FROM);
}
