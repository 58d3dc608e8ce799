use std::cell::Cell;
use std::rc::Rc;

use offhook_carrier::DeliveryFault;

use crate::line::{Line, SILENT, answer, xml};

/// How often an answer URL with this fragment is asked when each attempt fails
/// in this way.
fn attempts(fragment: &str, failure: &crate::line::Outcome) -> Vec<crate::line::Hook> {
    let mut line = Line::new();
    let failure = failure.clone();
    line.on("/voice", move |_| failure.clone());
    let call = serde_json::json!({
        "from": SILENT, "to": "+15550100100",
        "webhook_url": format!("http://app.test/voice?a=b{fragment}"),
    });
    assert_eq!(line.control(http::Method::POST, "/emulator/calls", &call).0, 201);
    line.run(60.0);
    line.hooks_to("/voice")
}

#[test]
fn one_retry_on_a_failed_connection_and_none_otherwise() {
    assert_eq!(attempts("", &Err(DeliveryFault::Connect)).len(), 2);
    assert_eq!(attempts("", &Err(DeliveryFault::ReadTimeout)).len(), 1);
    assert_eq!(attempts("", &answer(503, "text/plain", "")).len(), 1);
}

#[test]
fn overrides_in_the_fragment_decide_about_retries() {
    assert_eq!(attempts("#rc=3&rp=ct,rt,5xx", &answer(503, "text/plain", "")).len(), 4);
    assert_eq!(attempts("#rc=3&rp=ct,rt,5xx", &answer(404, "text/plain", "")).len(), 1);
    assert_eq!(attempts("#rc=2&rp=all", &answer(404, "text/plain", "")).len(), 3);
    assert_eq!(attempts("#rc=0", &Err(DeliveryFault::Connect)).len(), 1);
    assert_eq!(attempts("#rc=5&rp=all&tt=3000", &answer(500, "text/plain", "")).len(), 3);
}

#[test]
fn retries_repeat_signature_and_token() {
    let sent = attempts("#rc=3&rp=5xx", &answer(500, "text/plain", ""));
    for name in ["x-twilio-signature", "i-twilio-idempotency-token"] {
        let first = &sent[0].headers[name];
        assert!(sent.iter().all(|hook| hook.headers[name] == first), "{name}");
    }
    assert!(sent.iter().all(|hook| hook.params == sent[0].params));
}

#[test]
fn retry_that_succeeds_goes_on_with_the_call() {
    let mut line = Line::new();
    let failed = Rc::new(Cell::new(false));
    line.on("/answer", move |_| {
        if failed.replace(true) {
            return xml("<Response><Say>Back again</Say></Response>");
        }
        Err(DeliveryFault::Connect)
    });
    let sid = line.dial(SILENT, &[]);
    line.run(10.0);
    assert_eq!(line.heard(&sid), ["Back again"]);
    let webhooks = line.truth(&sid)["webhooks"].clone();
    let document =
        webhooks.as_array().unwrap().iter().find(|webhook| webhook["kind"] == "document").unwrap();
    assert_eq!((&document["attempts"], &document["status"]), (&2.into(), &200.into()));
}

#[test]
fn webhook_without_an_answer_is_given_up_after_fifteen_seconds() {
    let mut line = Line::new();
    let sid = line.dial(SILENT, &[]);
    line.run(1.9);
    line.now = line.emulator.next_wakeup().unwrap();
    let fetch = line
        .emulator
        .poll(line.now)
        .into_iter()
        .find(|webhook| webhook.url.ends_with("/answer"))
        .unwrap();
    line.run(14.9);
    assert_eq!(line.status(&sid), "in-progress");
    line.run(0.2);
    assert_eq!(line.status(&sid), "completed");
    assert!(line.truth(&sid)["error"].as_str().unwrap().contains("11200"));
    line.emulator.delivered(fetch.id, xml("<Response/>"), line.now);
    assert_eq!(line.status(&sid), "completed");
}
