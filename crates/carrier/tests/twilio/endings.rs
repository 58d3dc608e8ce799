use http::Method;
use serde_json::{Value, json};

use crate::line::{Line, answer, xml};

const DOCUMENTS: [&str; 10] = [
    "<Response/>",
    "<Response><Say loop=\"0\">on and on</Say></Response>",
    "<Response><Pause length=\"1e300\"/></Response>",
    "<Response><Gather input=\"speech dtmf\" action=\"/a\"><Say>Yes?</Say></Gather></Response>",
    "<Response><Gather actionOnEmptyResult=\"true\" timeout=\"900\"/></Response>",
    "<Response><Pause length=\"30\"/><Redirect>/b</Redirect></Response>",
    "<Response><Reject/></Response>",
    "<Response><Play digits=\"1w\"/><Say>&#x1F4DE;</Say></Response>",
    "<Response><Hangup/><Say>never</Say></Response>",
    "<Response><Sing/>",
];

/// A small generator of its own, so that the test does not lean on the emulator's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, faces: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or(0) % faces
    }
}

fn play(seed: u64) {
    let mut settings = offhook_carrier::Settings::default();
    settings.seed = seed;
    let mut line = Line::with(settings);
    let mut dice = Dice(seed);
    line.on("/status", |_| answer(204, "text/plain", ""));
    let mut answers = Dice(seed + 1);
    line.on("", move |_| xml(DOCUMENTS[answers.below(DOCUMENTS.len())]));
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..40 {
        let number = format!("+1555010000{}", dice.below(9));
        let id = ids.get(dice.below(ids.len().max(1))).cloned().unwrap_or_default();
        match dice.below(10) {
            0 | 1 => ids.push(line.dial(&number, &[])),
            2 => ids.push(line.receive(["silent", "says-yes", "hangs-up"][dice.below(3)])),
            3 => drop(line.act(&id, "say", &json!({"text": "well"}))),
            4 => drop(line.act(&id, "dtmf", &json!({"digits": "12#"}))),
            5 => drop(line.act(&id, "hangup", &Value::Null)),
            6 if !id.is_empty() => {
                let twiml = DOCUMENTS[dice.below(DOCUMENTS.len())];
                let form = [("Twiml", twiml), ("TimeLimit", "100"), ("Status", "completed")];
                line.update(&id, &form[dice.below(3)..][..1]);
            }
            7 => {
                let fault = ["drop", "drop_after_taking", "duplicate", "reorder"][dice.below(4)];
                line.order_fault(&json!({fault: true, "on": "webhook"}));
            }
            _ => line.run(f64::from(u32::try_from(dice.below(40)).unwrap_or(0)) / 4.0),
        }
    }
    // The longest call, its queue, and the last webhook.
    line.run(5.0 * 3600.0);
    assert_eq!(line.emulator.next_wakeup(), None, "seed {seed} never rests");
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    for call in list["calls"].as_array().expect("calls is a list") {
        let over = ["completed", "busy", "no-answer", "failed", "canceled"];
        assert!(over.contains(&call["status"].as_str().unwrap_or_default()), "{call}");
        let record = line.truth(call["id"].as_str().expect("a call has an id"));
        let ends = record["webhooks"].as_array().expect("webhooks is a list").iter();
        let ends = ends.filter(|webhook| webhook["params"]["SipResponseCode"].is_string()).count();
        assert!(ends <= 1, "seed {seed}: {record}");
    }
}

#[test]
fn every_run_comes_to_rest_and_every_call_ends_once() {
    for seed in 0..60 {
        play(seed);
    }
}
