use serde_json::{Value, json};

use crate::line::{Line, MACHINE, SAYS_YES, SILENT, unprocessable};

fn google(extra: &Value) -> Value {
    let mut config = json!({ "transcription_engine": "Google", "language": "en" });
    for (name, value) in extra.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    json!({ "transcription_engine": "Google", "transcription_engine_config": config })
}

fn transcripts(line: &Line, id: &str) -> Vec<(String, bool)> {
    line.payloads(id, "call.transcription")
        .iter()
        .map(|payload| {
            let data = &payload["transcription_data"];
            let transcript = data["transcript"].as_str().unwrap_or_default().to_owned();
            (transcript, data["is_final"] == true)
        })
        .collect()
}

#[test]
fn words_are_transcribed_only_while_that_was_asked_for() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    let say = |line: &mut Line, text: &str| {
        let (_, answer) = line.act(&id, "say", &json!({ "text": text }));
        answer["noticed"] == true
    };
    assert!(!say(&mut line, "nobody listens"));
    line.order(&id, "transcription_start", &google(&json!({})));
    assert!(say(&mut line, "größe 5 + 1"));
    line.run(5.0);
    line.order(&id, "transcription_stop", &json!({}));
    assert!(!say(&mut line, "nobody listens any more"));
    line.run(5.0);
    assert_eq!(transcripts(&line, &id), [("größe 5 + 1".to_owned(), true)]);
    let data = line.payloads(&id, "call.transcription")[0]["transcription_data"].clone();
    assert!(data["confidence"].as_f64().is_some_and(|confidence| confidence > 0.8), "{data}");
    assert_eq!(data["transcription_track"], "inbound");
}

#[test]
fn interim_results_come_when_they_are_asked_for() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "transcription_start", &google(&json!({ "interim_results": true })));
    line.act(&id, "say", &json!({ "text": "one two three four" }));
    line.run(5.0);
    let wanted = [("one two".to_owned(), false), ("one two three four".to_owned(), true)];
    assert_eq!(transcripts(&line, &id), wanted);
}

#[test]
fn what_was_being_said_when_it_stopped_is_lost() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "transcription_start", &json!({}));
    line.act(&id, "say", &json!({ "text": "half a sentence" }));
    line.run(0.5);
    line.order(&id, "transcription_stop", &json!({}));
    line.run(5.0);
    assert_eq!(transcripts(&line, &id), []);
}

#[test]
fn two_sayings_in_one_breath_are_one_sentence() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "transcription_start", &json!({}));
    line.act(&id, "say", &json!({ "text": "yes" }));
    line.run(0.3);
    line.act(&id, "say", &json!({ "text": "please" }));
    line.run(5.0);
    assert_eq!(transcripts(&line, &id), [("yes please".to_owned(), true)]);
}

#[test]
fn person_says_yes_when_the_question_is_over_and_somebody_listens() {
    let mut line = Line::new();
    let id = line.connected(SAYS_YES, &json!({}));
    line.speak(&id, "Is this a good time?");
    line.run(5.0);
    assert_eq!(transcripts(&line, &id), [], "nobody listened");
    line.order(&id, "transcription_start", &json!({}));
    line.run(5.0);
    assert_eq!(transcripts(&line, &id), [("yes".to_owned(), true)]);
    line.speak(&id, "And tomorrow?");
    line.run(0.5);
    assert_eq!(transcripts(&line, &id).len(), 1, "not before the end of the question");
    line.run(5.0);
    assert_eq!(transcripts(&line, &id).len(), 2);
}

#[test]
fn our_own_words_are_transcribed_on_their_track() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "transcription_start", &json!({ "transcription_tracks": "both" }));
    line.speak(&id, "Hello");
    line.run(2.0);
    line.act(&id, "say", &json!({ "text": "hi" }));
    line.run(5.0);
    let tracks: Vec<Value> = line
        .payloads(&id, "call.transcription")
        .iter()
        .map(|payload| payload["transcription_data"]["transcription_track"].clone())
        .collect();
    assert_eq!(tracks, ["outbound", "inbound"]);
}

#[test]
fn second_transcription_is_refused() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    line.order(&id, "transcription_start", &json!({}));
    assert_eq!(line.refused(&id, "transcription_start", &json!({})), unprocessable("90054"));
    line.order(&id, "transcription_stop", &json!({}));
    line.order(&id, "transcription_start", &json!({}));
}

#[test]
fn languages_and_engines_are_those_of_the_reference() {
    let mut line = Line::new();
    let id = line.connected(SILENT, &json!({}));
    for body in [
        google(&json!({ "language": "en-US" })),
        google(&json!({ "transcription_engine": "Telnyx" })),
        json!({ "transcription_engine": "Siri" }),
        json!({ "transcription_tracks": "all" }),
    ] {
        let refused = line.refused(&id, "transcription_start", &body);
        assert_eq!(refused, unprocessable("10032"), "{body}");
    }
    let untagged = json!({ "transcription_engine_config": { "language": "en" } });
    assert_eq!(line.refused(&id, "transcription_start", &untagged), unprocessable("10004"));
    let legacy = json!({
        "transcription_engine": "B",
        "transcription_engine_config": { "transcription_engine": "Telnyx", "language": "auto_detect" },
    });
    line.order(&id, "transcription_start", &legacy);
}

#[test]
fn detection_tells_a_person_from_a_machine() {
    let detected = |to: &str, mode: &str| {
        let mut line = Line::new();
        let id = line.connected(to, &json!({ "answering_machine_detection": mode }));
        line.run(10.0);
        let of_detection = |hook: &&crate::line::Hook| hook.event().starts_with("call.machine.");
        let told = line.of(&id).filter(of_detection);
        let told = told.map(|hook| {
            let event = hook.event().trim_start_matches("call.machine.");
            format!("{event} {}", hook.payload()["result"].as_str().unwrap_or_default())
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(detected(SILENT, "detect"), ["detection.ended human"]);
    assert_eq!(detected(MACHINE, "detect"), ["detection.ended machine"]);
    assert_eq!(
        detected(MACHINE, "greeting_end"),
        ["detection.ended machine", "greeting.ended ended"]
    );
    assert_eq!(detected(MACHINE, "detect_beep"), ["greeting.ended beep_detected"]);
    assert_eq!(detected(SILENT, "detect_beep"), Vec::<String>::new());
    assert_eq!(detected(SILENT, "premium"), ["premium.detection.ended human_residence"]);
    assert_eq!(
        detected(MACHINE, "premium"),
        ["premium.detection.ended machine", "premium.greeting.ended beep_detected"]
    );
    assert_eq!(detected(MACHINE, "disabled"), Vec::<String>::new());
}
