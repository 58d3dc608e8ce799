use http::Method;
use serde_json::Value;

use crate::line::{HOLD, Line, SAYS_YES, SILENT};

/// A call that runs this document, `got` being the answer to its action.
fn asking(to: &str, document: &'static str, got: &'static str) -> (Line, String) {
    let mut line = Line::new();
    line.document("/answer", document);
    line.document("/got", got);
    let call = line.dial(to, &Value::Null).call;
    line.run(2.3);
    (line, call)
}

const QUESTION: &str = "<Response><GetInput action=\"http://app.test/got?turn=1\" \
    inputType=\"dtmf speech\" speechEndTimeout=\"2\"><Speak>Shall I call you back tomorrow?</Speak>\
    </GetInput><Speak>Nobody there</Speak></Response>";

#[test]
fn speech_is_told_to_the_action_whose_answer_is_the_next_document() {
    let (mut line, call) = asking(SILENT, QUESTION, HOLD);
    line.run(3.0);
    assert!(line.say(&call, "größe 5 + 1 & mehr = 100%"));
    line.run(1.0);
    assert!(line.hooks_to("/got").is_empty(), "more speech may follow");
    assert!(line.say(&call, "please"));
    line.run(6.0);
    let got = line.hook_to("/got");
    assert_eq!(got.param("InputType"), "speech");
    assert_eq!(got.param("Speech"), "größe 5 + 1 & mehr = 100% please");
    assert_eq!(got.param("Digits"), "");
    let confidence: f64 = got.param("SpeechConfidenceScore").parse().unwrap();
    assert!((0.0..=1.0).contains(&confidence));
    assert_eq!(got.param("CallStatus"), "in-progress");
    assert_eq!(line.heard(&call), ["Shall I call you back tomorrow?"]);
    assert_eq!(line.live(&call).as_deref(), Some("in-progress"));
}

#[test]
fn person_breaks_into_the_prompt() {
    let (mut line, call) = asking(SILENT, QUESTION, HOLD);
    line.run(0.5);
    assert!(line.say(&call, "Yes"));
    assert_eq!(line.heard(&call), ["Shall I call you back tomorrow?…"]);
    line.run(5.0);
    assert_eq!(line.hook_to("/got").param("Speech"), "Yes");

    let (mut line, call) = asking(SILENT, QUESTION, HOLD);
    line.run(0.5);
    assert!(line.press(&call, "1"));
    assert!(!line.say(&call, "Yes"), "the first kind of input decides");
    line.run(5.0);
    let got = line.hook_to("/got");
    assert_eq!((got.param("InputType"), got.param("Digits")), ("dtmf", "1"));
    assert_eq!(got.param("Speech"), "");
}

#[test]
fn without_input_the_next_element_follows_and_the_action_is_not_asked() {
    let (mut line, call) = asking(SILENT, QUESTION, HOLD);
    // Two seconds of prompt, then the usual fifteen.
    line.run(16.5);
    assert_eq!(line.heard(&call), ["Shall I call you back tomorrow?"]);
    line.run(3.0);
    assert_eq!(line.heard(&call)[1..], ["Nobody there"]);
    assert!(line.hooks_to("/got").is_empty());
}

#[test]
fn what_is_not_understood_is_told_as_nothing() {
    let (mut line, call) = asking(SILENT, QUESTION, HOLD);
    line.run(3.0);
    assert!(line.say(&call, ""));
    line.run(5.0);
    let got = line.hook_to("/got");
    assert_eq!((got.param("InputType"), got.param("Speech")), ("speech", ""));

    // So is the finishing key alone.
    let (mut line, call) = asking(SILENT, QUESTION, HOLD);
    assert!(line.press(&call, "#"));
    line.run(1.0);
    let got = line.hook_to("/got");
    assert_eq!((got.param("InputType"), got.param("Digits")), ("dtmf", ""));
}

#[test]
fn speech_ends_with_the_time_for_all_of_it() {
    let document = "<Response><GetInput action=\"http://app.test/got\" inputType=\"speech\" \
        executionTimeout=\"5\" speechEndTimeout=\"10\"/></Response>";
    let (mut line, call) = asking(SILENT, document, HOLD);
    assert!(line.say(&call, "Well"));
    line.run(4.0);
    assert!(line.hooks_to("/got").is_empty());
    line.run(1.5);
    assert_eq!(line.hook_to("/got").param("Speech"), "Well");
}

#[test]
fn digits_end_by_number_key_or_pause() {
    let document = "<Response><GetInput action=\"http://app.test/got\" numDigits=\"3\" \
        digitEndTimeout=\"4\" finishOnKey=\"*\"/></Response>";
    for (keys, wait, digits) in [("1234", 0.1, "123"), ("1#*9", 0.1, "1#"), ("12", 4.5, "12")] {
        let (mut line, call) = asking(SILENT, document, HOLD);
        assert!(!line.say(&call, "One"), "it takes no speech");
        assert!(line.press(&call, keys));
        line.run(wait);
        assert_eq!(line.hook_to("/got").param("Digits"), digits);
    }
    let (mut line, call) = asking(SILENT, document, HOLD);
    assert!(line.press(&call, "1"));
    line.run(3.5);
    assert!(line.press(&call, "2"), "each digit gives time for another");
    line.run(3.5);
    assert!(line.hooks_to("/got").is_empty());
    line.run(1.0);
    assert_eq!(line.hook_to("/got").param("Digits"), "12");
}

#[test]
fn answer_to_an_action_without_redirect_is_ignored() {
    let document = "<Response><GetInput action=\"http://app.test/got\" redirect=\"false\" \
        method=\"GET\" numDigits=\"1\"/><Speak>Thank you</Speak></Response>";
    let (mut line, call) = asking(SILENT, document, "<Response><Speak>No</Speak></Response>");
    line.press(&call, "7");
    line.run(5.0);
    let got = line.hook_to("/got");
    assert_eq!((&got.method, got.param("Digits")), (&Method::GET, "7"));
    assert_eq!(line.heard(&call), ["Thank you"]);
}

#[test]
fn interim_results_are_told_while_somebody_speaks() {
    let document = "<Response><GetInput action=\"http://app.test/got\" inputType=\"speech\" \
        interimSpeechResultsCallback=\"http://app.test/interim\"/></Response>";
    let (mut line, call) = asking(SILENT, document, HOLD);
    line.say(&call, "I am");
    line.run(0.1);
    let interim = line.hook_to("/interim");
    assert_eq!((interim.param("UnstableSpeech"), interim.param("SequenceNumber")), ("I am", "0"));
    assert!(line.hooks_to("/got").is_empty());
}

#[test]
fn get_digits_tells_digits_alone_and_asks_again() {
    let document = "<Response><GetDigits action=\"http://app.test/got\" timeout=\"3\" retries=\"2\" \
        validDigits=\"123\"><Speak>Press a key</Speak></GetDigits><Speak>Bye</Speak></Response>";
    let (mut line, call) = asking(SILENT, document, HOLD);
    line.run(6.0);
    assert_eq!(line.heard(&call), ["Press a key", "Press a key"]);
    assert!(line.press(&call, "91"), "a key that is not valid does not count");
    line.run(2.5);
    let got = line.hook_to("/got");
    assert_eq!(got.param("Digits"), "1");
    assert!(!got.params.contains_key("InputType") && !got.params.contains_key("Speech"));

    let (mut line, call) = asking(SILENT, document, HOLD);
    line.run(15.0);
    assert_eq!(line.heard(&call), ["Press a key", "Press a key", "Bye"]);
    assert!(line.hooks_to("/got").is_empty());
}

#[test]
fn person_who_says_yes_does_so_after_each_question() {
    let (mut line, call) = asking(SAYS_YES, QUESTION, "<Response/>");
    line.run(10.0);
    assert_eq!(line.hook_to("/got").param("Speech"), "yes");
    assert_eq!(line.heard(&call), ["Shall I call you back tomorrow?"]);
}

#[test]
fn nobody_listens_outside_of_input() {
    let mut line = Line::new();
    let call = line.connected(SILENT);
    assert!(!line.say(&call, "Hello?"));
    assert!(!line.press(&call, "1"));
}
