//! A text, which a document says exactly, whatever stands in it; and a voice, which breaks none.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use offhook_core::{
    CallId, CallPlan, CallRef, Callbacks, Locale, ProviderCallIds, Say, Speech, SpeechText, Step,
    Then, VoiceProvider,
};
use offhook_fuzz::Nobody;
use offhook_plivo::{Plivo, PlivoConfig};
use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

static PLIVO: LazyLock<Plivo> = LazyLock::new(|| {
    let config = PlivoConfig::new("MAXXXXXXXXXXXXXXXXXX", "sesame");
    Plivo::with_transport(config.expect("an account"), Nobody::new())
});

fn call() -> CallRef {
    CallRef {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".parse::<CallId>().expect("a UUID"),
        ids: ProviderCallIds::none(),
        step: Step(3),
        callbacks: Callbacks::to(
            Url::parse("https://voice.example.com/webhooks/plivo").expect("a URL"),
        ),
    }
}

/// What a parser hears.
fn said(document: &str) -> String {
    let (mut said, mut saying, mut depth) = (String::new(), false, 0);
    let mut reader = Reader::from_str(document);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                depth += 1;
                saying = tag.name().as_ref() == "Speak";
            }
            Event::End(_) => {
                depth -= 1;
                saying = false;
            }
            Event::Text(text) if saying => said.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if saying => {
                let character = reference.resolve_char_ref().expect("a character");
                said.push(match &*reference.xml10_content() {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => character.expect("a reference that XML defines"),
                });
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "every element is closed");
    said
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(speech) = SpeechText::try_from(text.to_owned()) else { return };
    let voice = text.chars().take(20).collect::<String>().try_into().ok();
    let speech = Speech { text: speech, voice, locale: Locale::en_us() };
    let expected = speech.text.as_str().to_owned();
    let plan = CallPlan::Say(Say { speech, then: Then::Hold });
    let reply = PLIVO.render_reply(&call(), &plan);
    let document = std::str::from_utf8(&reply.body).expect("a document is UTF-8");
    assert_eq!(said(document), expected);
    assert_eq!(PLIVO.render_reply(&call(), &plan).body, reply.body);
});
