use http::Method;
use serde_json::{Value, json};

use crate::line::{Line, answer, xml};

const DOCUMENTS: [&str; 12] = [
    "<Response/>",
    "<Response><Speak loop=\"0\">on and on</Speak></Response>",
    "<Response><Wait length=\"4294967295\"/></Response>",
    "<Response><GetInput inputType=\"dtmf speech\" action=\"http://app.test/a\"><Speak>Yes?</Speak>\
     </GetInput></Response>",
    "<Response><GetDigits action=\"http://app.test/b\" retries=\"3\" timeout=\"900\"/></Response>",
    "<Response><Wait length=\"30\"/><Redirect>http://app.test/c</Redirect></Response>",
    "<Response><Hangup reason=\"busy\"/></Response>",
    "<Response><DTMF>1w</DTMF><Speak>&#x1F4DE;</Speak></Response>",
    "<Response><Hangup schedule=\"9\"/><PreAnswer><Play/></PreAnswer><Wait length=\"60\"/></Response>",
    "<Response><GetInput action=\"http://app.test/d\" redirect=\"false\"/><Speak>So</Speak></Response>",
    "<Response><Redirect>/e</Redirect></Response>",
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
    line.on("/hangup", |_| answer(200, "text/plain", ""));
    let mut answers = Dice(seed + 1);
    line.on("", move |_| xml(DOCUMENTS[answers.below(DOCUMENTS.len())]));
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..40 {
        let number = format!("1555010000{}", dice.below(9));
        let id = ids.get(dice.below(ids.len().max(1))).cloned().unwrap_or_default();
        match dice.below(11) {
            0 | 1 => ids.push(line.dial(&number, &json!({ "time_limit": 4000 })).call),
            2 => ids.push(line.receive(["silent", "says-yes", "hangs-up"][dice.below(3)])),
            3 => drop(line.act(&id, "say", &json!({ "text": "well" }))),
            4 => drop(line.act(&id, "dtmf", &json!({ "digits": "12#" }))),
            5 => drop(line.act(&id, "hangup", &Value::Null)),
            6 => {
                let transfer = json!({ "aleg_url": "http://app.test/f" });
                line.api(Method::POST, &format!("{id}/"), &transfer);
            }
            7 => drop(line.api(Method::POST, &format!("{id}/Speak/"), &json!({ "text": "psst" }))),
            8 => {
                let fault = ["drop", "drop_after_taking", "duplicate", "reorder"][dice.below(4)];
                line.order_fault(&json!({ fault: true, "on": "webhook" }));
            }
            _ => line.run(f64::from(u32::try_from(dice.below(40)).unwrap_or(0)) / 4.0),
        }
    }
    // The longest call, its queue, and the last webhook.
    line.run(5.0 * 3600.0);
    assert_eq!(line.emulator.next_wakeup(), None, "seed {seed} never rests");
    let (_, list) = line.control(Method::GET, "/emulator/calls", &Value::Null);
    for call in list["calls"].as_array().expect("calls is a list") {
        let over = ["completed", "busy", "no-answer", "failed", "timeout", "cancel"];
        assert!(over.contains(&call["status"].as_str().unwrap_or_default()), "{call}");
        let id = call["id"].as_str().expect("a call has an id").to_owned();
        let record = line.truth(&id);
        let ends = record["webhooks"].as_array().expect("webhooks is a list").iter();
        let ends = ends.filter(|webhook| webhook["params"]["Event"] == "Hangup").count();
        assert!(ends <= 1, "seed {seed}: {record}");
        let (status, _) = line.get(&format!("{id}/"));
        assert_eq!((ends, status), if ends == 1 { (1, 200) } else { (0, 404) }, "{record}");
    }
    assert_eq!(line.get("?status=live").1["calls"], json!([]));
}

#[test]
fn every_run_comes_to_rest_and_every_call_ends_once() {
    for seed in 0..60 {
        play(seed);
    }
}
