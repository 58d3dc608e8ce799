use serde_json::{Value, json};

use crate::line::{Line, SILENT, VOICE, unprocessable};

fn press(line: &mut Line, id: &str, keys: &str) {
    assert_eq!(line.act(id, "dtmf", &json!({ "digits": keys })).1["noticed"], true);
}

/// Digits and status of all gathers that ended.
fn gathered(line: &Line, id: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    line.payloads(id, "call.gather.ended")
        .iter()
        .map(|payload| (text(&payload["digits"]), text(&payload["status"])))
        .collect()
}

fn result(digits: &str, status: &str) -> (String, String) {
    (digits.to_owned(), status.to_owned())
}

#[test]
fn each_key_is_an_event_of_its_own() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    press(&mut line, &id, "1*#");
    line.run(2.0);
    let keys: Vec<Value> =
        line.payloads(&id, "call.dtmf.received").iter().map(|key| key["digit"].clone()).collect();
    assert_eq!(keys, ["1", "*", "#"]);
}

#[test]
fn gather_ends_at_its_terminating_digit_or_its_maximum() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "gather", &json!({ "gather_id": "g1" }));
    press(&mut line, &id, "12#");
    line.run(2.0);
    line.order(&id, "gather", &json!({ "maximum_digits": 2, "terminating_digit": "" }));
    press(&mut line, &id, "#3");
    line.run(2.0);
    assert_eq!(gathered(&line, &id), [result("12", "valid"), result("#3", "valid")]);
    assert_eq!(line.payloads(&id, "call.gather.ended")[0]["gather_id"], "g1");
    assert_eq!(line.payloads(&id, "call.dtmf.received").len(), 5);
}

#[test]
fn gather_ends_when_the_person_stops_pressing() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let body = json!({ "inter_digit_timeout_millis": 2000, "minimum_digits": 3 });
    line.order(&id, "gather", &body);
    press(&mut line, &id, "12");
    line.run(2.0);
    assert_eq!(gathered(&line, &id), []);
    line.run(1.0);
    assert_eq!(gathered(&line, &id), [result("12", "invalid")]);
}

#[test]
fn gather_without_keys_times_out() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "gather", &json!({ "initial_timeout_millis": 3000 }));
    line.run(2.9);
    assert_eq!(gathered(&line, &id), []);
    line.run(0.2);
    assert_eq!(gathered(&line, &id), [result("", "timeout")]);
}

#[test]
fn digits_outside_the_valid_ones_make_it_invalid() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "gather", &json!({ "valid_digits": "12", "maximum_digits": 1 }));
    press(&mut line, &id, "9");
    line.run(1.0);
    assert_eq!(gathered(&line, &id), [result("9", "invalid")]);
}

#[test]
fn prompt_is_heard_repeated_and_broken_off_by_a_key() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let body = json!({
        "payload": "Press one", "voice": VOICE, "invalid_payload": "That was not one",
        "valid_digits": "1", "maximum_digits": 1, "maximum_tries": 3, "timeout_millis": 2000,
    });
    line.order(&id, "gather_using_speak", &body);
    // 0.6 s for the prompt, 2 s for an answer, and the prompt again.
    line.run(2.7);
    assert_eq!(line.heard(&id), ["Press one"]);
    press(&mut line, &id, "5");
    line.run(0.5);
    press(&mut line, &id, "1");
    line.run(1.0);
    let heard = line.heard(&id);
    assert_eq!(heard, ["Press one", "Press one…", "That was not one…"]);
    assert_eq!(gathered(&line, &id), [result("1", "valid")]);
    assert_eq!(line.payloads(&id, "call.speak.started").len(), 0, "a prompt is no speak");
}

#[test]
fn prompt_is_given_up_after_its_tries() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let body =
        json!({ "payload": "Press", "voice": VOICE, "maximum_tries": 2, "timeout_millis": 1000 });
    line.order(&id, "gather_using_speak", &body);
    line.run(10.0);
    assert_eq!(line.heard(&id), ["Press", "Press"]);
    assert_eq!(gathered(&line, &id), [result("", "timeout")]);
}

#[test]
fn gather_is_stopped_replaced_or_cut_by_the_end() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "gather", &json!({}));
    press(&mut line, &id, "1");
    line.run(1.0);
    line.order(&id, "gather_stop", &json!({}));
    line.order(&id, "gather", &json!({}));
    line.order(&id, "gather", &json!({}));
    line.act(&id, "hangup", &json!({}));
    line.run(1.0);
    let wanted = [result("1", "cancelled"), result("", "cancelled"), result("", "call_hangup")];
    assert_eq!(gathered(&line, &id), wanted);
}

#[test]
fn tones_are_sent_without_an_event() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "send_dtmf", &json!({ "digits": "1w2W#A", "duration_millis": 500 }));
    line.run(1.0);
    assert_eq!(line.truth(&id)["digits"], "1w2W#A");
    assert_eq!(line.told(&id).len(), 2);
    for (body, wanted) in [
        (json!({ "digits": "12x" }), "90014"),
        (json!({}), "10004"),
        (json!({ "digits": "1", "duration_millis": 99 }), "10033"),
    ] {
        assert_eq!(line.refused(&id, "send_dtmf", &body), unprocessable(wanted), "{body}");
    }
}
