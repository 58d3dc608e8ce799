//! Documents, read back.

use offhook_core::{
    CallPlan, Locale, ProviderCallIds, Say, Speech, SpeechText, Then, VoiceProvider,
};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::call;

/// A text is said exactly, by the element that says it, whatever stands in it; and no voice breaks the
/// document.
pub fn says_exactly(provider: &dyn VoiceProvider, element: &str, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(speech) = SpeechText::try_from(text.to_owned()) else { return };
    let voice = text.chars().take(20).collect::<String>().try_into().ok();
    let speech = Speech { text: speech, voice, locale: Locale::en_us() };
    let expected = speech.text.as_str().to_owned();
    let plan = CallPlan::Say(Say { speech, then: Then::Hold });
    let call = call(ProviderCallIds::none());
    let reply = provider.render_reply(&call, &plan);
    let document = std::str::from_utf8(&reply.body).expect("a document is UTF-8");
    assert_eq!(said(document, element), expected);
    assert_eq!(provider.render_reply(&call, &plan).body, reply.body);
}

/// What a parser hears.
fn said(document: &str, element: &str) -> String {
    let (mut said, mut saying, mut depth) = (String::new(), false, 0);
    let mut reader = Reader::from_str(document);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                depth += 1;
                saying = tag.name().as_ref() == element;
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
