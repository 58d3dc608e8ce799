use serde_json::json;

use crate::line::{Line, SILENT, VOICE, unprocessable};

#[test]
fn speech_takes_time_and_is_heard_when_it_is_over() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({ "client_state": "b2Zm" }));
    line.speak(&id, &"a".repeat(30));
    line.run(1.9);
    assert_eq!(line.told(&id)[2..], ["call.speak.started"]);
    assert_eq!(line.heard(&id), Vec::<String>::new());
    line.run(0.2);
    assert_eq!(line.heard(&id), ["a".repeat(30)]);
    let started = &line.payloads(&id, "call.speak.started")[0];
    assert_eq!(started["client_state"], "b2Zm");
    assert!(started.get("text").is_none() && started.get("from").is_none(), "{started}");
    assert_eq!(line.payloads(&id, "call.speak.ended")[0]["status"], "completed");
}

#[test]
fn second_speech_waits_for_the_first() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.speak(&id, "The first thing");
    line.speak(&id, "The second thing");
    line.run(1.5);
    assert_eq!(line.heard(&id), ["The first thing"]);
    line.run(2.0);
    assert_eq!(line.heard(&id), ["The first thing", "The second thing"]);
    let (started, ended) = ("call.speak.started", "call.speak.ended");
    assert_eq!(line.told(&id)[2..], [started, ended, started, ended]);
}

#[test]
fn speech_may_stop_the_current_one_or_all() {
    for (stop, wanted) in
        [("current", ["One…", "Two", "Three"].as_slice()), ("all", ["One…", "Three"].as_slice())]
    {
        let mut line = Line::new();
        let id = line.connected(SILENT, &json!({}));
        line.speak(&id, "One");
        line.speak(&id, "Two");
        line.run(0.1);
        line.order(&id, "speak", &json!({ "payload": "Three", "voice": VOICE, "stop": stop }));
        line.run(5.0);
        assert_eq!(line.heard(&id), wanted, "{stop}");
        assert_ne!(line.payloads(&id, "call.speak.ended")[0]["status"], "completed");
    }
}

#[test]
fn stopping_playback_stops_speech() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.speak(&id, "Something that is not said to its end");
    line.speak(&id, "Nor this");
    line.run(0.5);
    line.order(&id, "playback_stop", &json!({}));
    line.run(5.0);
    assert_eq!(line.heard(&id), ["Something that is not said to its end…"]);
    assert_eq!(line.told(&id)[2..], ["call.speak.started", "call.speak.ended"]);
    assert_eq!(line.payloads(&id, "call.speak.ended")[0]["status"], "cancelled");
    line.order(&id, "playback_stop", &json!({ "stop": "current" }));
    assert_eq!(
        line.refused(&id, "playback_stop", &json!({ "stop": "now" })),
        unprocessable("90016")
    );
}

#[test]
fn stopping_the_current_speech_goes_on_with_the_next() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.speak(&id, "Something that is not said to its end");
    line.speak(&id, "This is");
    line.run(0.5);
    line.order(&id, "playback_stop", &json!({ "stop": "current" }));
    line.run(5.0);
    assert_eq!(line.heard(&id), ["Something that is not said to its end…", "This is"]);
}

#[test]
fn speech_is_repeated_as_often_as_asked() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "speak", &json!({ "payload": "Twice", "voice": VOICE, "loop": "2" }));
    line.run(5.0);
    assert_eq!(line.heard(&id), ["Twice", "Twice"]);
    assert_eq!(line.payloads(&id, "call.speak.ended").len(), 1);
    line.order(&id, "speak", &json!({ "payload": "On", "voice": VOICE, "loop": "infinity" }));
    line.run(5.0);
    assert!(line.heard(&id).len() > 10);
}

#[test]
fn markup_is_spoken_only_as_text() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.speak(&id, "1 < 2 & <b>");
    let ssml = "<speak>Fish &amp; <emphasis>chips</emphasis> &#33;</speak>";
    line.order(&id, "speak", &json!({ "payload": ssml, "payload_type": "ssml", "voice": VOICE }));
    line.run(10.0);
    assert_eq!(line.heard(&id), ["1 < 2 & <b>", "Fish & chips !"]);
}

#[test]
fn what_cannot_be_spoken_is_refused() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let voice = VOICE;
    for (body, wanted) in [
        (json!({ "voice": voice }), "10004"),
        (json!({ "payload": "", "voice": voice }), "10004"),
        (json!({ "payload": "hi" }), "10004"),
        (json!({ "payload": "x".repeat(3001), "voice": voice }), "10033"),
        (json!({ "payload": "hi", "voice": "alice" }), "10032"),
        (json!({ "payload": "hi", "voice": "female" }), "10032"),
        (json!({ "payload": "hi", "voice": "AWS..Joanna" }), "10032"),
        (json!({ "payload": "hi", "voice": voice, "language": "en" }), "90013"),
        (json!({ "payload": "hi", "voice": voice, "language": "de" }), "90013"),
        (json!({ "payload": "hi", "voice": voice, "payload_type": "html" }), "10032"),
        (json!({ "payload": "hi", "voice": voice, "payload_type": "ssml" }), "10015"),
        (json!({ "payload": "<speak>hi", "voice": voice, "payload_type": "ssml" }), "10015"),
        (json!({ "payload": "hi", "voice": voice, "service_level": "best" }), "10032"),
        (json!({ "payload": "hi", "voice": voice, "service_level": "basic" }), "10032"),
        (
            json!({ "payload": "hi", "voice": "male", "service_level": "basic", "language": "de-DE" }),
            "90013",
        ),
        (json!({ "payload": "hi", "voice": voice, "stop": "now" }), "90016"),
        (json!({ "payload": "hi", "voice": voice, "loop": 0 }), "10033"),
    ] {
        assert_eq!(line.refused(&id, "speak", &body), unprocessable(wanted), "{body}");
    }
    line.run(1.0);
    assert_eq!(line.told(&id).len(), 2, "nothing was begun");
    let basic =
        json!({ "payload": "hi", "voice": "male", "service_level": "basic", "language": "en-US" });
    line.order(&id, "speak", &basic);
    for voice in ["Telnyx.KokoroTTS.af", "Azure.en-US-BrianMultilingualNeural", "Polly.Joanna"] {
        line.order(&id, "speak", &json!({ "payload": "hi", "voice": voice, "language": "de-DE" }));
    }
}
