use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use offhook_carrier::DeliveryFault;
use serde_json::{Value, json};

use crate::line::{HOLD, Line, SILENT, answer, plain, xml};

/// How often the answer URL with this fragment is asked if it always fails like this.
fn attempts(fragment: &str, outcome: crate::line::Outcome) -> usize {
    let mut line = Line::new();
    line.on("/answer", move |_| outcome.clone());
    line.dial(SILENT, &json!({ "answer_url": format!("http://app.test/answer?a=1{fragment}") }));
    line.run(120.0);
    assert!(line.hooks_to("/answer").iter().all(|hook| hook.url.ends_with("/answer?a=1")));
    line.hooks_to("/answer").len()
}

#[test]
fn fragment_decides_about_retries() {
    let error = || answer(503, "text/plain", "");
    let refused = || answer(403, "text/plain", "");
    let unreachable = || Err(DeliveryFault::Connect);
    let slow = || Err(DeliveryFault::ReadTimeout);
    for (fragment, outcome, wanted) in [
        ("", unreachable(), 2),
        ("", slow(), 2),
        ("", error(), 1),
        ("", refused(), 1),
        ("#rc=5&rp=ct,rt,5xx", error(), 6),
        ("#rc=5&rp=ct,rt,5xx", refused(), 1),
        ("#rc=2&rp=4xx", refused(), 3),
        ("#rc=2&rp=all", refused(), 3),
        ("#rc=0", unreachable(), 1),
        ("#rc=3&rp=5xx", unreachable(), 1),
        ("#rc=6", unreachable(), 2),
    ] {
        assert_eq!(attempts(fragment, outcome), wanted, "{fragment}");
    }
}

#[test]
fn retries_bridge_an_absence_and_are_signed_anew() {
    let mut line = Line::new();
    let mut left = 3;
    line.on("/answer", move |_| {
        left -= 1;
        if left > 0 { answer(503, "text/plain", "") } else { xml(HOLD) }
    });
    let url = "http://app.test/answer#rc=5&rp=ct,rt,5xx";
    let call = line.dial(SILENT, &json!({ "answer_url": url })).call;
    line.run(10.0);
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"));
    let hooks = line.hooks_to("/answer");
    assert_eq!(hooks.len(), 3);
    assert_eq!(hooks[0].params, hooks[2].params);
    let nonce = |index: usize| hooks[index].header("x-plivo-signature-v3-nonce").to_owned();
    assert!(nonce(0) != nonce(1) && nonce(1) != nonce(2) && nonce(0).len() == 20);
    assert_eq!(line.truth(&call)["webhooks"][1]["attempts"], 3);
}

#[test]
fn timeouts_are_those_of_the_fragment() {
    let timeouts = |fragment: &str| {
        let mut line = Line::new();
        let ring = format!("http://app.test/ring{fragment}");
        line.dial(SILENT, &json!({ "ring_url": ring }));
        line.now += SignedDuration::from_secs(1);
        let webhook = line.emulator.poll(line.now).remove(0);
        (webhook.connect_timeout, webhook.read_timeout)
    };
    let millis = Duration::from_millis;
    assert_eq!(timeouts(""), (millis(2000), millis(40_000)));
    assert_eq!(timeouts("#ct=100&rt=5000"), (millis(100), millis(5000)));
    assert_eq!(timeouts("#ct=10001&rt=40001"), (millis(2000), millis(40_000)));
    assert_eq!(timeouts("#tt=1000"), (millis(1000), millis(1000)));
}

#[test]
fn callbacks_go_by_get_if_asked() {
    let mut line = Line::new();
    line.document("/answer", "<Response><Hangup/></Response>");
    line.dial(
        SILENT,
        &json!({
            "answer_url": "http://app.test/answer?b=2&a=J%C3%BCrgen", "answer_method": "GET",
            "ring_method": "GET", "hangup_method": "get",
        }),
    );
    line.run(10.0);
    assert_eq!(line.hooks.len(), 3);
    assert!(line.hooks.iter().all(|hook| hook.method == Method::GET));
    let answer = line.hook_to("/answer");
    assert_eq!(
        (answer.param("a"), answer.param("b"), answer.param("From")),
        ("Jürgen", "2", crate::line::FROM)
    );
    assert_eq!(line.hook_to("/hangup").param("HangupCauseCode"), "4000");
}

#[test]
fn all_active_tokens_sign_while_one_is_replaced() {
    let mut settings = plain();
    settings.plivo.other_auth_token = Some("newer".to_owned());
    settings.plivo.main_auth_token = Some("mother".to_owned());
    let mut line = Line::with(settings);
    // The signatures of each webhook are checked where it is received.
    line.tokens = vec!["emulator", "newer"];
    line.main_token = "mother";
    line.document("/answer", "<Response><Hangup/></Response>");
    line.dial(SILENT, &Value::Null);
    line.run(10.0);
    assert_eq!(line.hooks.len(), 3);
    let hook = line.hook_to("/answer");
    assert_eq!(hook.header("x-plivo-signature-v3").split(',').count(), 2);
    assert_eq!(hook.header("x-plivo-signature-ma-v3").split(',').count(), 1);
    // Both are good for requests.
    let answer = line.send(Method::GET, crate::line::CALLS, "MAEMULATOR0000000001:newer", "");
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn port_is_signed_as_it_was_given() {
    for url in ["https://app.test:443/answer", "https://app.test/answer", "http://app.test:80"] {
        let mut line = Line::new();
        line.document("app.test", "<Response><Hangup/></Response>");
        line.dial(SILENT, &json!({ "answer_url": url, "ring_url": null }));
        line.run(10.0);
        let came = &line.hooks[0].url;
        assert_eq!(came.trim_end_matches('/'), url);
    }
}
