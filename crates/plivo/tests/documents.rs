//! Plans as Plivo XML, compared with documents that are written out.

mod support;

use std::time::Duration;

use offhook_core::{
    CallPlan, CallRef, Callbacks, DigitInput, Digits, Listen, ListenFor, Locale, RejectReason, Say,
    Speech, SpeechText, Step, Then, Turn, VoiceProvider,
};
use proptest::collection::vec;
use proptest::prelude::*;
use url::Url;

use support::read_back;
use support::{CALL_ID, call, plivo};

/// A callback at step 3 as it stands in a document, escaped.
macro_rules! url {
    ($kind:literal) => {
        concat!(
            "https://voice.example.com/phone/webhooks/plivo",
            "?call=01890a5d-ac96-774b-bcce-b302099a8057&amp;step=3&amp;kind=",
            $kind,
            "#rc=5&amp;rp=ct,rt,5xx"
        )
    };
}

macro_rules! document {
    ($($part:expr),*) => {
        concat!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#, $($part,)* "</Response>")
    };
}

macro_rules! redirect {
    ($kind:literal) => {
        concat!(r#"<Redirect method="POST">"#, url!($kind), "</Redirect>")
    };
}

/// A GetInput, open.
macro_rules! input {
    ($language:literal) => {
        concat!(
            r#"<GetInput action=""#,
            url!("input"),
            r#"" method="POST" inputType="dtmf speech" executionTimeout="15""#,
            r#" log="false" redirect="true" speechEndTimeout="2" language=""#,
            $language,
            r#"" interimSpeechResultsCallback="https://voice.example.com/phone/webhooks/plivo"#,
            "?call=01890a5d-ac96-774b-bcce-b302099a8057&amp;step=3&amp;kind=partial",
            r#"" interimSpeechResultsCallbackMethod="POST""#
        )
    };
}

fn rendered(plan: &CallPlan) -> String {
    let reply = plivo().render_reply(&call(), plan);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.content_type, "text/xml; charset=utf-8");
    String::from_utf8(reply.body.to_vec()).expect("a document is UTF-8")
}

fn listen(locale: &str) -> Listen {
    Listen::for_speech(Turn(1), locale.parse().expect("a locale"))
}

fn spoken(text: &str, voice: Option<&str>, locale: &str, then: Then) -> CallPlan {
    let speech = Speech {
        text: text.parse().expect("a text"),
        voice: voice.map(|voice| voice.parse().expect("a voice")),
        locale: locale.parse().expect("a locale"),
    };
    CallPlan::Say(Say { speech, then })
}

fn say(text: &str, then: Then) -> CallPlan {
    spoken(text, None, "en-US", then)
}

fn digits(digits: &str, then: Then) -> CallPlan {
    CallPlan::SendDigits { digits: digits.parse::<Digits>().expect("digits"), then }
}

fn hang_up(milliseconds: u64) -> Then {
    Then::HangUp { after: Duration::from_millis(milliseconds) }
}

#[test]
fn speech_before_listening_stands_inside_of_the_input_and_silence_comes_back() {
    let expected = document!(
        input!("en-GB"),
        r#"><Speak voice="WOMAN" language="en-US">Tea &amp; &quot;scones&quot; &lt;3?</Speak>"#,
        "</GetInput>",
        redirect!("unheard")
    );
    let plan = say("Tea & \"scones\" <3?", Then::Listen(listen("en-GB")));
    assert_eq!(rendered(&plan), expected);
}

#[test]
fn speech_before_anything_else_reports_that_it_was_played() {
    let expected =
        document!(r#"<Speak voice="WOMAN" language="en-US">Bye.</Speak>"#, redirect!("said"));
    for then in [Then::Hold, hang_up(0), hang_up(2500)] {
        assert_eq!(rendered(&say("Bye.", then)), expected);
    }
}

/// A GetInput for keys alone, open: nothing is recognised, and nothing is told of what was.
macro_rules! input_digits {
    () => {
        concat!(
            r#"<GetInput action=""#,
            url!("input"),
            r#"" method="POST" inputType="dtmf" executionTimeout="30" log="false""#,
            r##" redirect="true" digitEndTimeout="5" numDigits="4" finishOnKey="#""##
        )
    };
}

fn pin() -> DigitInput {
    DigitInput::new(4, '#').expect("four digits")
}

#[test]
fn digits_are_asked_for_without_speech() {
    let listen = Listen { input: ListenFor::Digits(pin()), ..listen("en-GB") };
    let expected = document!(input_digits!(), "/>", redirect!("unheard"));
    assert_eq!(rendered(&CallPlan::Listen(listen.clone())), expected);
    let expected = document!(
        input_digits!(),
        r#"><Speak voice="WOMAN" language="en-US">Your PIN, please.</Speak></GetInput>"#,
        redirect!("unheard")
    );
    assert_eq!(rendered(&say("Your PIN, please.", Then::Listen(listen))), expected);
}

#[test]
fn whichever_comes_first_is_asked_for_by_one_input() {
    let listen = Listen { input: ListenFor::SpeechOrDigits(pin()), ..listen("en-GB") };
    let digits = r##" digitEndTimeout="5" numDigits="4" finishOnKey="#"/>"##;
    let expected = document!(input!("en-GB"), "DIGITS", redirect!("unheard"))
        .replace("DIGITS", digits)
        .replace(r#"executionTimeout="15""#, r#"executionTimeout="30""#);
    assert_eq!(rendered(&CallPlan::Listen(listen)), expected);
}

#[test]
fn listening_comes_back_even_with_nothing_heard() {
    assert_eq!(
        rendered(&CallPlan::Listen(listen("cmn-Hans-CN"))),
        document!(input!("cmn-Hans-CN"), "/>", redirect!("unheard"))
    );
}

#[test]
fn digits_are_sent_to_their_end_and_reported() {
    let expected = document!(r#"<DTMF async="false">ww12#</DTMF>"#, redirect!("sent"));
    for then in [Then::Hold, hang_up(0), Then::Listen(listen("en-US"))] {
        assert_eq!(rendered(&digits("ww12#", then)), expected);
    }
    // Tones that Plivo has not would spoil the document, and end the call.
    assert_eq!(rendered(&digits("Aww1BC2#D", Then::Hold)), expected);
    assert_eq!(rendered(&digits("ABCD", Then::Hold)), document!(redirect!("sent")));
}

#[test]
fn a_hold_is_short_and_comes_back() {
    assert_eq!(rendered(&CallPlan::Hold), document!(r#"<Wait length="2"/>"#, redirect!("held")));
}

#[test]
fn hanging_up_waits_for_whole_seconds_rounded_up() {
    for (milliseconds, expected) in [
        (0, document!("<Hangup/>")),
        (1, document!(r#"<Wait length="1"/><Hangup/>"#)),
        (2000, document!(r#"<Wait length="2"/><Hangup/>"#)),
        (2001, document!(r#"<Wait length="3"/><Hangup/>"#)),
    ] {
        assert_eq!(rendered(&hang_up(milliseconds).into()), expected, "{milliseconds} ms");
    }
}

#[test]
fn a_call_is_refused_as_busy_or_as_declined() {
    let busy = rendered(&CallPlan::Reject(RejectReason::Busy));
    assert_eq!(busy, document!(r#"<Hangup reason="busy"/>"#));
    let declined = rendered(&CallPlan::Reject(RejectReason::Declined));
    assert_eq!(declined, document!(r#"<Hangup reason="rejected"/>"#));
}

#[test]
fn a_limit_schedules_the_end_thirty_seconds_behind_ours_before_anything_else() {
    let limited = CallPlan::Limited {
        max_duration: Duration::from_millis(299_500),
        plan: Box::new(say("Hello!", Then::Hold)),
    };
    let expected = document!(
        r#"<Hangup schedule="330"/><Speak voice="WOMAN" language="en-US">Hello!</Speak>"#,
        redirect!("said")
    );
    assert_eq!(rendered(&limited), expected);
}

#[test]
fn a_voice_is_escaped_speaks_its_language_and_can_break_no_document() {
    for (voice, locale, expected, language) in [
        (None, "de-AT", "WOMAN", "de-DE"),
        (None, "ja-JP", "Polly.Mizuki", "ja-JP"),
        (Some("Polly.Vicki"), "en-US", "Polly.Vicki", "de-DE"),
        (Some("\"/><Hangup/>&"), "fi-FI", "&quot;/&gt;&lt;Hangup/&gt;&amp;", "fi-FI"),
    ] {
        let expected = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Speak voice=\"{expected}\" \
             language=\"{language}\">Guten Tag</Speak>{}</Response>",
            redirect!("said")
        );
        assert_eq!(rendered(&spoken("Guten Tag", voice, locale, Then::Hold)), expected);
    }
}

fn plans() -> Vec<(CallPlan, &'static [&'static str])> {
    vec![
        (say("Hello?", Then::Listen(listen("en-US"))), &["input", "unheard"]),
        (CallPlan::Listen(listen("en-US")), &["input", "unheard"]),
        (say("Bye.", Then::Hold), &["said"]),
        (digits("1", Then::Hold), &["sent"]),
        (CallPlan::Hold, &["held"]),
        (hang_up(3).into(), &[]),
        (CallPlan::Reject(RejectReason::Busy), &[]),
    ]
}

#[test]
fn every_url_leads_back_to_the_call_and_its_step_and_is_retried() {
    let endpoint = "https://voice.example.com:8443/a/b/webhooks/plivo";
    let elsewhere = CallRef {
        step: Step(7),
        callbacks: Callbacks::to(Url::parse(endpoint).expect("a URL")),
        ..call()
    };
    for (plan, kinds) in plans() {
        let reply = plivo().render_reply(&elsewhere, &plan);
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        let url = |kind| format!("{endpoint}?call={CALL_ID}&step=7&kind={kind}#rc=5&rp=ct,rt,5xx");
        let expected: Vec<String> = kinds.iter().map(url).collect();
        assert_eq!(read_back(text).urls, expected);
    }
}

#[test]
fn a_text_that_is_too_long_for_one_speak_becomes_several() {
    let prose = "It was the best of times. ".repeat(157);
    let unbroken = "x".repeat(SpeechText::LIMIT);
    let exact = "y".repeat(3000);
    let chinese = "你好，世界。".repeat(600);
    for (text, count) in [(&prose, 2), (&unbroken, 2), (&exact, 1), (&chinese, 2)] {
        let document = read_back(&rendered(&say(text, Then::Listen(listen("en-US")))));
        assert_eq!(document.said.concat(), *text);
        assert_eq!(document.said.len(), count);
        assert!(document.said.iter().all(|part| part.chars().count() <= 3000));
    }
    let document = read_back(&rendered(&say(&prose, Then::Hold)));
    assert!(document.said[0].ends_with(' '), "cut behind white space");
}

/// Texts with much of what documents are broken by.
fn texts() -> impl Strategy<Value = SpeechText> {
    let awkward = prop_oneof![
        Just("\r\n"),
        Just("\r"),
        Just("\n"),
        Just("\t"),
        Just(" "),
        Just("]]>"),
        Just("<![CDATA["),
        Just("&"),
        Just("&amp;"),
        Just("&#13;"),
        Just("</Speak><Hangup/>"),
        Just("<!--"),
        Just("\"'"),
        Just("👩‍👩‍👧"),
        Just("e\u{301}"),
        Just("\u{85}\u{2028}"),
        Just("\u{FFFD}\u{10FFFF}\u{7F}"),
    ];
    let piece = prop_oneof![
        3 => awkward.prop_map(str::to_owned),
        2 => any::<String>(),
        1 => ("[a-zß你 ]{1,4}", 1_usize..900).prop_map(|(text, times)| text.repeat(times)),
    ];
    vec(piece, 1..12)
        .prop_map(|pieces| pieces.concat())
        .prop_filter_map("speakable", |text| SpeechText::try_from(text).ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_said_exactly_in_any_language_by_any_voice(
        text in texts(),
        listens in any::<bool>(),
        voice in proptest::option::of("\\PC{1,20}".prop_filter_map("a voice", |voice| {
            offhook_core::Voice::try_from(voice).ok()
        })),
        locale in "[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}",
    ) {
        let then = if listens { Then::Listen(listen("en-US")) } else { Then::Hold };
        let locale: Locale = locale.parse().expect("a locale");
        let speech = Speech { text: text.clone(), voice, locale };
        let document = read_back(&rendered(&CallPlan::Say(Say { speech, then })));
        prop_assert_eq!(document.said.concat(), text.as_str());
        prop_assert_eq!(document.urls.len(), if listens { 2 } else { 1 });
    }
}
