use serde_json::{Value, json};

use crate::line::{BUSY, FAILS, HANGS_UP, Line, NEVER_ANSWERS, SILENT};

/// Cause, source and SIP cause of the call's end.
fn end(line: &Line, id: &str) -> [String; 3] {
    let ends = line.payloads(id, "call.hangup");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0]["state"], "hangup");
    ["hangup_cause", "hangup_source", "sip_hangup_cause"]
        .map(|name| ends[0][name].as_str().unwrap_or_default().to_owned())
}

#[test]
fn calls_that_nobody_answers_tell_why() {
    for (to, wanted) in [
        (BUSY, ["user_busy", "callee", "486"]),
        (FAILS, ["not_found", "callee", "404"]),
        (NEVER_ANSWERS, ["timeout", "unknown", "487"]),
    ] {
        let mut line = Line::new();
        let id = line.dial(to, &json!({}));
        line.run(60.0);
        assert_eq!(end(&line, &id), wanted);
        assert_eq!(line.told(&id), ["call.initiated", "call.hangup"]);
        assert_eq!(line.status(&id)["call_duration"], 0);
    }
}

#[test]
fn ring_ends_after_the_timeout() {
    let mut line = Line::new();
    let id = line.dial(NEVER_ANSWERS, &json!({ "timeout_secs": 5 }));
    line.run(5.1);
    assert_eq!(line.status(&id)["is_alive"], true);
    line.run(0.2);
    assert_eq!(end(&line, &id), ["timeout", "unknown", "487"]);

    let abort = json!({ "timeout_secs": 5, "retry_on_timeout": false });
    let id = line.dial(NEVER_ANSWERS, &abort);
    line.run(6.0);
    assert_eq!(end(&line, &id)[0], "no_answer");
}

#[test]
fn call_ends_at_its_time_limit() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({ "time_limit_secs": 60 }));
    line.speak(&id, &"A long speech. ".repeat(100));
    line.run(59.0);
    assert_eq!(line.status(&id)["is_alive"], true);
    line.run(2.0);
    assert_eq!(end(&line, &id), ["time_limit", "unknown", "200"]);
    assert_eq!(line.payloads(&id, "call.speak.ended")[0]["status"], "call_hangup");
}

#[test]
fn hanging_up_before_the_answer_cancels() {
    for seconds in [0.0, 0.4, 1.0] {
        let mut line = Line::new();
        let id = line.dial(NEVER_ANSWERS, &json!({}));
        line.run(seconds);
        line.order(&id, "hangup", &json!({}));
        line.run(1.0);
        assert_eq!(end(&line, &id), ["originator_cancel", "caller", "487"], "{seconds}");
    }
}

#[test]
fn called_person_may_decline_and_caller_may_give_up() {
    let mut line = Line::new();
    let id = line.dial(NEVER_ANSWERS, &json!({}));
    line.run(1.0);
    line.act(&id, "hangup", &json!({}));
    line.run(1.0);
    assert_eq!(end(&line, &id), ["call_rejected", "callee", "603"]);

    let id = line.receive("silent");
    line.run(61.0);
    assert_eq!(end(&line, &id), ["originator_cancel", "caller", "unspecified"]);
}

#[test]
fn inbound_call_is_rejected_with_a_cause() {
    for (cause, wanted) in
        [("CALL_REJECTED", "call_rejected"), ("USER_BUSY", "user_busy"), ("NOT_FOUND", "not_found")]
    {
        let mut line = Line::new();
        let id = line.receive("silent");
        line.order(&id, "reject", &json!({ "cause": cause }));
        line.run(1.0);
        assert_eq!(end(&line, &id), [wanted, "callee", "unspecified"]);
        assert_eq!(line.status(&id)["is_alive"], false);
    }
}

#[test]
fn person_hangs_up_in_mid_sentence() {
    let mut line = Line::new();
    let id = line.connected(HANGS_UP, &json!({}));
    line.speak(&id, "Hello, this is a sentence that nobody hears to its end");
    line.run(10.0);
    assert_eq!(line.heard(&id), ["Hello, this is a sentence that nobody hears to its end…"]);
    assert_eq!(line.payloads(&id, "call.speak.ended")[0]["status"], "call_hangup");
    assert_eq!(end(&line, &id), ["normal_clearing", "callee", "200"]);
    let told = line.told(&id);
    assert_eq!(told[told.len() - 2..], ["call.speak.ended", "call.hangup"]);
    assert_eq!(line.act(&id, "say", &json!({ "text": "too late" })).0, 409);
}

#[test]
fn every_call_ends_once_and_the_emulator_comes_to_rest() {
    for seed in 0..30 {
        let mut settings = offhook_carrier::Settings::default();
        settings.seed = seed;
        let mut line = Line::with(settings);
        let mut ids = Vec::new();
        for last in 1..=6 {
            let extra = json!({
                "transcription": true, "answering_machine_detection": "greeting_end",
                "time_limit_secs": 60,
            });
            ids.push(line.dial(&format!("+1555010000{last}"), &extra));
        }
        line.run(3.0);
        for id in &ids {
            let speak =
                json!({ "payload": "Is this a good time?", "voice": "Telnyx.KokoroTTS.af" });
            line.command(id, "speak", &speak);
        }
        line.run(120.0);
        for id in &ids {
            assert_eq!(
                line.payloads(id, "call.hangup").len(),
                1,
                "seed {seed}: {:?}",
                line.told(id)
            );
            assert_eq!(line.status(id)["is_alive"], Value::Bool(false));
        }
        assert_eq!(line.emulator.next_wakeup(), None, "seed {seed}");
    }
}
