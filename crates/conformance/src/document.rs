//! A reader of the documents that carriers fetch, which shares nothing with what writes them.

use std::collections::BTreeMap;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// What a parser makes of a document.
#[derive(Debug, Default)]
pub struct Document {
    /// The texts that are spoken, in order.
    pub said: Vec<String>,
    /// Where the carrier goes next: the actions and the redirects, in order.
    pub urls: Vec<String>,
    /// The attributes of the element that listens.
    pub listens: BTreeMap<String, String>,
}

/// A carrier's own words for what its documents are made of.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// The element whose text is spoken.
    pub speech: &'static str,
    /// The element that listens.
    pub listening: &'static str,
    /// The element whose text is played as keys, where there is one.
    pub keys: Option<&'static str>,
}

const REDIRECT: &str = "Redirect";

impl Vocabulary {
    /// Reads a document as a parser of XML 1.0 does.
    ///
    /// # Panics
    /// It is not well-formed, or has text where this carrier takes none.
    #[must_use]
    pub fn read(&self, text: &str) -> Document {
        let legal = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
        assert!(text.chars().all(legal), "a character that XML 1.0 forbids");
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
                        name if name == self.speech => document.said.push(String::new()),
                        REDIRECT => document.urls.push(String::new()),
                        _ => {}
                    }
                    document.urls.extend(Self::action(&tag));
                    document.listens.extend(self.listens(&tag));
                    open.push(name.to_owned());
                }
                Event::Empty(tag) => {
                    document.urls.extend(Self::action(&tag));
                    document.listens.extend(self.listens(&tag));
                }
                Event::End(_) => drop(open.pop()),
                Event::Text(text) => self.put(&mut document, &open, &text.xml10_content()),
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
                    self.put(&mut document, &open, named.encode_utf8(&mut [0; 4]));
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

    fn listens(&self, tag: &BytesStart<'_>) -> BTreeMap<String, String> {
        let attributes = tag.attributes().filter(|_| tag.name().as_ref() == self.listening);
        let attributes = attributes.map(|attribute| attribute.expect("well-formed"));
        let value = |attribute: &Attribute<'_>| {
            attribute.normalized_value(XmlVersion::Explicit1_0).expect("a value").into_owned()
        };
        attributes.map(|one| (one.key.as_ref().to_owned(), value(&one))).collect()
    }

    fn put(&self, document: &mut Document, open: &[String], text: &str) {
        let place = match open.last().map(String::as_str) {
            Some(REDIRECT) => document.urls.last_mut(),
            Some(name) if name == self.speech => document.said.last_mut(),
            name if name.is_some() && name == self.keys => return,
            _ => panic!("text where {} takes none: {text:?}", self.speech),
        };
        place.expect("it was opened").push_str(text);
    }
}
