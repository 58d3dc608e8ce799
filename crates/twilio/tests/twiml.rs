//! Plans as TwiML, compared with documents that are written out.

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
use support::{CALL_ID, call, twilio};

/// A callback at step 3 as it stands in a document, escaped.
macro_rules! url {
    ($kind:literal) => {
        concat!(
            "https://voice.example.com/phone/webhooks/twilio",
            "?call=01890a5d-ac96-774b-bcce-b302099a8057&amp;step=3&amp;kind=",
            $kind,
            "#rc=3&amp;rp=ct,rt,5xx"
        )
    };
}

macro_rules! document {
    ($($part:expr),*) => {
        concat!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#, $($part,)* "</Response>")
    };
}

/// A Gather in English, open.
macro_rules! gather {
    ($language:literal) => {
        concat!(
            r#"<Gather input="dtmf speech" action=""#,
            url!("gather"),
            r#"" method="POST" timeout="15" actionOnEmptyResult="true" language=""#,
            $language,
            r#"" speechTimeout="auto""#,
            r#" partialResultCallback="https://voice.example.com/phone/webhooks/twilio"#,
            "?call=01890a5d-ac96-774b-bcce-b302099a8057&amp;step=3&amp;kind=partial",
            r#"" partialResultCallbackMethod="POST""#
        )
    };
}

fn rendered(plan: &CallPlan) -> String {
    let reply = twilio().render_reply(&call(), plan);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.content_type, "text/xml; charset=utf-8");
    String::from_utf8(reply.body.to_vec()).expect("a document is UTF-8")
}

fn listen(locale: &str) -> Listen {
    Listen::for_speech(Turn(1), locale.parse().expect("a locale"))
}

fn say(text: &str, then: Then) -> CallPlan {
    let text = text.parse().expect("a text");
    CallPlan::Say(Say { speech: Speech { text, voice: None, locale: Locale::en_us() }, then })
}

fn voiced(voice: &str) -> CallPlan {
    let speech = Speech {
        text: "Guten Tag".parse().expect("a text"),
        voice: Some(voice.parse().expect("a voice")),
        locale: "de-DE".parse().expect("a locale"),
    };
    CallPlan::Say(Say { speech, then: Then::Hold })
}

fn digits(then: Then) -> CallPlan {
    CallPlan::SendDigits { digits: "ww12#".parse::<Digits>().expect("digits"), then }
}

fn hang_up(milliseconds: u64) -> Then {
    Then::HangUp { after: Duration::from_millis(milliseconds) }
}

#[test]
fn speech_before_listening_stands_inside_of_the_gather() {
    let expected = document!(
        gather!("en-GB"),
        r#"><Say language="en-US">Tea &amp; &quot;scones&quot; &lt;3?</Say></Gather>"#
    );
    let plan = say("Tea & \"scones\" <3?", Then::Listen(listen("en-GB")));
    assert_eq!(rendered(&plan), expected);
}

#[test]
fn speech_before_anything_else_reports_that_it_was_played() {
    let expected = document!(
        r#"<Say language="en-US">Bye.</Say><Redirect method="POST">"#,
        url!("said"),
        "</Redirect>"
    );
    for then in [Then::Hold, hang_up(0), hang_up(2500)] {
        assert_eq!(rendered(&say("Bye.", then)), expected);
    }
}

/// A Gather for keys alone, open: nothing is recognised, and nothing is told of what was.
macro_rules! gather_digits {
    () => {
        concat!(
            r#"<Gather input="dtmf" action=""#,
            url!("gather"),
            r#"" method="POST" timeout="5" actionOnEmptyResult="true""#,
            r##" numDigits="4" finishOnKey="#""##
        )
    };
}

fn pin() -> DigitInput {
    DigitInput::new(4, '#').expect("four digits")
}

#[test]
fn digits_are_asked_for_without_speech() {
    let listen = Listen { input: ListenFor::Digits(pin()), ..listen("en-GB") };
    assert_eq!(rendered(&CallPlan::Listen(listen.clone())), document!(gather_digits!(), "/>"));
    let expected =
        document!(gather_digits!(), r#"><Say language="en-US">Your PIN, please.</Say></Gather>"#);
    assert_eq!(rendered(&say("Your PIN, please.", Then::Listen(listen))), expected);
}

#[test]
fn whichever_comes_first_is_asked_for_by_one_gather() {
    let listen = Listen { input: ListenFor::SpeechOrDigits(pin()), ..listen("en-GB") };
    let expected = document!(gather!("en-GB"), r##" numDigits="4" finishOnKey="#"/>"##)
        .replace(r#"timeout="15""#, r#"timeout="5""#);
    assert_eq!(rendered(&CallPlan::Listen(listen)), expected);
}

#[test]
fn listening_comes_back_even_with_nothing_heard() {
    assert_eq!(
        rendered(&CallPlan::Listen(listen("cmn-Hans-CN"))),
        document!(gather!("cmn-Hans-CN"), "/>")
    );
}

#[test]
fn digits_are_played_and_reported() {
    let expected =
        document!(r#"<Play digits="ww12#"/><Redirect method="POST">"#, url!("sent"), "</Redirect>");
    for then in [Then::Hold, hang_up(0), Then::Listen(listen("en-US"))] {
        assert_eq!(rendered(&digits(then)), expected);
    }
}

#[test]
fn a_hold_keeps_the_line_and_comes_back() {
    let expected =
        document!(r#"<Pause length="30"/><Redirect method="POST">"#, url!("held"), "</Redirect>");
    assert_eq!(rendered(&CallPlan::Hold), expected);
}

#[test]
fn hanging_up_waits_for_whole_seconds_rounded_up() {
    for (milliseconds, expected) in [
        (0, document!("<Hangup/>")),
        (1, document!(r#"<Pause length="1"/><Hangup/>"#)),
        (2000, document!(r#"<Pause length="2"/><Hangup/>"#)),
        (2001, document!(r#"<Pause length="3"/><Hangup/>"#)),
    ] {
        assert_eq!(rendered(&hang_up(milliseconds).into()), expected, "{milliseconds} ms");
    }
}

#[test]
fn a_call_is_refused_as_busy_or_as_declined() {
    assert_eq!(
        rendered(&CallPlan::Reject(RejectReason::Busy)),
        document!(r#"<Reject reason="busy"/>"#)
    );
    assert_eq!(
        rendered(&CallPlan::Reject(RejectReason::Declined)),
        document!(r#"<Reject reason="rejected"/>"#)
    );
}

#[test]
fn a_voice_is_escaped_and_can_break_no_document() {
    let document = |voice: &str| {
        let said = url!("said");
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say voice=\"{voice}\" \
             language=\"de-DE\">Guten Tag</Say><Redirect method=\"POST\">{said}</Redirect></Response>"
        )
    };
    for (voice, escaped) in [
        ("Polly.Vicki-Neural", "Polly.Vicki-Neural"),
        ("\"/><Hangup/>&", "&quot;/&gt;&lt;Hangup/&gt;&amp;"),
    ] {
        assert_eq!(rendered(&voiced(voice)), document(escaped));
    }
}

#[test]
fn every_url_leads_back_to_the_call_and_its_step_and_is_retried() {
    let elsewhere = CallRef {
        step: Step(7),
        callbacks: Callbacks::to(
            Url::parse("https://voice.example.com:8443/a/b/webhooks/twilio").expect("a URL"),
        ),
        ..call()
    };
    for (plan, kind) in [
        (say("Hello?", Then::Listen(listen("en-US"))), "gather"),
        (CallPlan::Listen(listen("en-US")), "gather"),
        (say("Bye.", Then::Hold), "said"),
        (digits(Then::Hold), "sent"),
        (CallPlan::Hold, "held"),
    ] {
        let reply = twilio().render_reply(&elsewhere, &plan);
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        let expected = format!(
            "https://voice.example.com:8443/a/b/webhooks/twilio\
             ?call={CALL_ID}&step=7&kind={kind}#rc=3&rp=ct,rt,5xx"
        );
        assert_eq!(read_back(text).urls, [expected]);
    }
}

#[test]
fn a_text_that_is_too_long_for_one_say_becomes_several() {
    let prose = "It was the best of times. ".repeat(157);
    let unbroken = "x".repeat(SpeechText::LIMIT);
    let exact = "y".repeat(3000);
    let chinese = "你好，世界。".repeat(600);
    let emoji = "🎉".repeat(SpeechText::LIMIT);
    for (text, says) in [(&prose, 2), (&unbroken, 2), (&exact, 1), (&chinese, 8), (&emoji, 11)] {
        let document = read_back(&rendered(&say(text, Then::Listen(listen("en-US")))));
        assert_eq!(document.said.concat(), *text);
        assert_eq!(document.said.len(), says);
        for part in &document.said {
            assert!(part.chars().count() <= 3000);
            // Source: Twilio, warning 13521.
            assert!(
                form_urlencoded::byte_serialize(part.as_bytes()).map(str::len).sum::<usize>()
                    <= 4500
            );
        }
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
        Just("</Say><Hangup/>"),
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
    fn any_text_is_said_exactly(text in texts(), listens in any::<bool>()) {
        let then = if listens { Then::Listen(listen("en-US")) } else { Then::Hold };
        let document = read_back(&rendered(&say(text.as_str(), then)));
        prop_assert_eq!(document.said.concat(), text.as_str());
        prop_assert_eq!(document.urls.len(), 1);
    }
}
