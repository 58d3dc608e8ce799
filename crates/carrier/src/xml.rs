//! Reading XML: the mechanics that carriers with documents have in common.

use http::Method;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// Deeper than any document that makes sense.
const DEEPEST: usize = 8;

/// What is wrong with a text that should be a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) String);

#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.trim().parse().ok().filter(|number: &f64| *number >= 0.0)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.attribute(name).map(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The method that an attribute names, POST if there is none.
    pub(crate) fn method(&self, name: &str) -> Result<Method, Malformed> {
        match self.attribute(name).map(str::to_ascii_uppercase).as_deref() {
            None | Some("POST") => Ok(Method::POST),
            Some("GET") => Ok(Method::GET),
            Some(other) => Err(Malformed(format!("{name} is {other}"))),
        }
    }

    /// All text in it, that of nested speech markup included.
    pub(crate) fn spoken(&self) -> String {
        // The reader puts the text of nested markup into the element around it.
        self.text.trim().to_owned()
    }
}

/// Reads a whole document. In elements that are `container`s the structure counts, in all others
/// their words alone.
pub(crate) fn read(text: &str, container: fn(&str) -> bool) -> Result<Element, Malformed> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let event = reader.read_event().map_err(|error| Malformed(error.to_string()))?;
        match event {
            Event::Start(tag) => {
                if open.len() >= DEEPEST || root.is_some() {
                    return Err(Malformed("too deep, or more than one root".to_owned()));
                }
                open.push(element(&tag)?);
            }
            Event::Empty(tag) => close(element(&tag)?, container, &mut open, &mut root)?,
            Event::End(_) => {
                let Some(done) = open.pop() else {
                    return Err(Malformed("an end without a start".to_owned()));
                };
                close(done, container, &mut open, &mut root)?;
            }
            Event::Text(text) => add_text(&text.xml10_content(), &mut open)?,
            Event::CData(text) => add_text(&text.xml10_content(), &mut open)?,
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref() {
                    Ok(Some(character)) => Some(character.to_string()),
                    Ok(None) => escape::resolve_predefined_entity(&entity.xml10_content())
                        .map(str::to_owned),
                    Err(_) => None,
                };
                let Some(resolved) = resolved else {
                    return Err(Malformed("unknown entity".to_owned()));
                };
                add_text(&resolved, &mut open)?;
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(Malformed("the document ends in the middle".to_owned()));
    }
    root.ok_or_else(|| Malformed("no root element".to_owned()))
}

fn element(tag: &BytesStart<'_>) -> Result<Element, Malformed> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| Malformed(error.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| Malformed(error.to_string()))?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { name: tag.name().as_ref().to_owned(), attributes, ..Element::default() })
}

fn close(
    done: Element,
    container: fn(&str) -> bool,
    open: &mut [Element],
    root: &mut Option<Element>,
) -> Result<(), Malformed> {
    match open.last_mut() {
        Some(parent) if container(&parent.name) => {
            parent.children.push(done);
        }
        // Speech markup: its words count, its structure does not.
        Some(parent) => parent.text.push_str(&done.text),
        None if root.is_none() => *root = Some(done),
        None => return Err(Malformed("more than one root".to_owned())),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), Malformed> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Malformed("text outside of the root element".to_owned())),
    }
    Ok(())
}
