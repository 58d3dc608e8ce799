//! A reader of Plivo XML that shares nothing with what writes it.

use std::collections::BTreeMap;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// What a parser makes of a document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) said: Vec<String>,
    pub(crate) urls: Vec<String>,
    /// The attributes of a GetInput.
    pub(crate) listens: BTreeMap<String, String>,
}

/// Reads a document as a parser of XML 1.0 does, and refuses what is not well-formed.
pub(crate) fn read_back(text: &str) -> Document {
    let legal = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    assert!(text.chars().all(legal), "a character that XML 1.0 forbids");
    assert!(text.len() < 100_000, "Plivo takes 100 KB");
    let mut document = Document::default();
    let mut open: Vec<String> = Vec::new();
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) | Event::Empty(tag) if tag.attributes().any(|a| a.is_err()) => {
                panic!("a broken attribute")
            }
            Event::Start(tag) => {
                let name = tag.name().as_ref().to_owned();
                match name.as_ref() {
                    "Speak" => document.said.push(String::new()),
                    "Redirect" => document.urls.push(String::new()),
                    _ => {}
                }
                document.urls.extend(action(&tag));
                document.listens.extend(listens(&tag));
                open.push(name.to_owned());
            }
            Event::Empty(tag) => {
                document.urls.extend(action(&tag));
                document.listens.extend(listens(&tag));
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => put(&mut document, &open, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().expect("a character");
                let named = match &*reference.xml10_content() {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => character.expect("a reference that XML defines"),
                };
                assert!(legal(named));
                put(&mut document, &open, named.encode_utf8(&mut [0; 4]));
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("nothing of ours: {other:?}"),
        }
    }
    assert!(open.is_empty());
    document
}

fn action(tag: &BytesStart<'_>) -> Option<String> {
    let action = tag.try_get_attribute("action").expect("well-formed")?;
    Some(action.normalized_value(XmlVersion::Explicit1_0).expect("a value").into_owned())
}

fn listens(tag: &BytesStart<'_>) -> BTreeMap<String, String> {
    let attributes = tag.attributes().filter(|_| tag.name().as_ref() == "GetInput");
    let attributes = attributes.map(|attribute| attribute.expect("well-formed"));
    let value = |attribute: &Attribute<'_>| {
        attribute.normalized_value(XmlVersion::Explicit1_0).expect("a value").into_owned()
    };
    attributes.map(|one| (one.key.as_ref().to_owned(), value(&one))).collect()
}

fn put(document: &mut Document, open: &[String], text: &str) {
    let place = match open.last().map(String::as_str) {
        Some("Speak") => document.said.last_mut(),
        Some("Redirect") => document.urls.last_mut(),
        Some("DTMF") => return,
        _ => panic!("text outside of Speak and Redirect: {text:?}"),
    };
    place.expect("it was opened").push_str(text);
}
