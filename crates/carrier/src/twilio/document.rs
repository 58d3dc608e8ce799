//! TwiML: the documents that say what happens in a call.

use http::Method;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// Deeper than any document that makes sense.
const DEEPEST: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verb {
    Say { text: String, times: u32 },
    Play { digits: Option<String>, times: u32 },
    Pause { seconds: f64 },
    Gather(Box<Gather>),
    Redirect { url: String, method: Method },
    Hangup,
    Reject { busy: bool },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gather {
    /// Say, Play and Pause only.
    pub(crate) prompts: Vec<Verb>,
    pub(crate) speech: bool,
    pub(crate) dtmf: bool,
    pub(crate) timeout: f64,
    pub(crate) silence: Silence,
    pub(crate) num_digits: Option<usize>,
    pub(crate) finish_on_key: Option<char>,
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    pub(crate) action_on_empty: bool,
    pub(crate) partial: Option<String>,
    pub(crate) partial_method: Method,
    pub(crate) barge_in: bool,
    pub(crate) language: String,
}

/// The silence that ends speech.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Silence {
    Auto,
    Seconds(f64),
}

/// Why a document cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub(crate) struct DocumentError {
    pub(crate) code: u32,
    pub(crate) detail: String,
}

impl DocumentError {
    pub(crate) fn new(code: u32, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    fn malformed(detail: impl Into<String>) -> Self {
        Self::new(12100, detail)
    }

    fn schema(detail: impl Into<String>) -> Self {
        Self::new(12200, detail)
    }
}

/// Reads a document. An empty one has no verbs.
pub(crate) fn parse(text: &str) -> Result<Vec<Verb>, DocumentError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let root = read_tree(text)?;
    if root.name != "Response" {
        return Err(DocumentError::schema(format!("root element is {}", root.name)));
    }
    root.children.iter().map(verb).collect()
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Self>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.trim().parse().ok().filter(|number: &f64| *number >= 0.0)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.attribute(name).map(|value| value.eq_ignore_ascii_case("true"))
    }

    fn method(&self, name: &str) -> Result<Method, DocumentError> {
        match self.attribute(name).map(str::to_ascii_uppercase).as_deref() {
            None | Some("POST") => Ok(Method::POST),
            Some("GET") => Ok(Method::GET),
            Some(other) => Err(DocumentError::schema(format!("{name} is {other}"))),
        }
    }

    /// All text in it, that of nested speech markup included.
    fn spoken(&self) -> String {
        // The reader puts the text of nested markup into the element around it.
        self.text.trim().to_owned()
    }
}

fn read_tree(text: &str) -> Result<Element, DocumentError> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let event =
            reader.read_event().map_err(|error| DocumentError::malformed(error.to_string()))?;
        match event {
            Event::Start(tag) => {
                if open.len() >= DEEPEST || root.is_some() {
                    return Err(DocumentError::malformed("too deep, or more than one root"));
                }
                open.push(element(&tag)?);
            }
            Event::Empty(tag) => close(element(&tag)?, &mut open, &mut root)?,
            Event::End(_) => {
                let Some(done) = open.pop() else {
                    return Err(DocumentError::malformed("an end without a start"));
                };
                close(done, &mut open, &mut root)?;
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
                    return Err(DocumentError::malformed("unknown entity"));
                };
                add_text(&resolved, &mut open)?;
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(DocumentError::malformed("the document ends in the middle"));
    }
    root.ok_or_else(|| DocumentError::malformed("no root element"))
}

fn element(tag: &BytesStart<'_>) -> Result<Element, DocumentError> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| DocumentError::malformed(error.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| DocumentError::malformed(error.to_string()))?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { name: tag.name().as_ref().to_owned(), attributes, ..Element::default() })
}

fn close(
    done: Element,
    open: &mut [Element],
    root: &mut Option<Element>,
) -> Result<(), DocumentError> {
    match open.last_mut() {
        Some(parent) if matches!(parent.name.as_str(), "Response" | "Gather") => {
            parent.children.push(done);
        }
        // Speech markup inside Say: its words count, its structure does not.
        Some(parent) => parent.text.push_str(&done.text),
        None if root.is_none() => *root = Some(done),
        None => return Err(DocumentError::malformed("more than one root")),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), DocumentError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(DocumentError::malformed("text outside of the root element")),
    }
    Ok(())
}

fn verb(element: &Element) -> Result<Verb, DocumentError> {
    Ok(match element.name.as_str() {
        "Say" => Verb::Say { text: element.spoken(), times: times(element) },
        "Play" => Verb::Play {
            digits: element.attribute("digits").map(str::to_owned),
            times: times(element),
        },
        "Pause" => Verb::Pause { seconds: element.number("length").unwrap_or(1.0) },
        "Gather" => Verb::Gather(Box::new(gather(element)?)),
        "Redirect" => Verb::Redirect {
            url: element.text.trim().to_owned(),
            method: element.method("method")?,
        },
        "Hangup" => Verb::Hangup,
        "Reject" => Verb::Reject { busy: element.attribute("reason") == Some("busy") },
        other => {
            return Err(DocumentError::schema(format!("verb {other} is unknown, or not emulated")));
        }
    })
}

fn times(element: &Element) -> u32 {
    // Zero means without end; Twilio stops after a thousand.
    const MOST: u32 = 1000;
    match element.attribute("loop").and_then(|value| value.trim().parse().ok()) {
        Some(0) => MOST,
        Some(times) => std::cmp::min(times, MOST),
        None => 1,
    }
}

fn gather(element: &Element) -> Result<Gather, DocumentError> {
    let prompts: Vec<Verb> = element.children.iter().map(verb).collect::<Result<_, _>>()?;
    for prompt in &prompts {
        match prompt {
            Verb::Say { .. } | Verb::Pause { .. } | Verb::Play { digits: None, .. } => {}
            _ => return Err(DocumentError::schema("not allowed inside Gather")),
        }
    }
    let input = element.attribute("input").unwrap_or("dtmf");
    let takes = |word: &str| input.split_ascii_whitespace().any(|item| item == word);
    let (speech, dtmf) = (takes("speech"), takes("dtmf"));
    if !speech && !dtmf {
        return Err(DocumentError::schema(format!("Gather input is {input}")));
    }
    let timeout = element.number("timeout").unwrap_or(5.0);
    let silence = match element.attribute("speechTimeout") {
        Some("auto") => Silence::Auto,
        _ => Silence::Seconds(element.number("speechTimeout").unwrap_or(timeout)),
    };
    Ok(Gather {
        prompts,
        speech,
        dtmf,
        timeout,
        silence,
        num_digits: element
            .attribute("numDigits")
            .and_then(|value| value.parse().ok())
            .filter(|count| *count > 0),
        finish_on_key: element.attribute("finishOnKey").map_or(Some('#'), |key| key.chars().next()),
        action: element.attribute("action").filter(|url| !url.is_empty()).map(str::to_owned),
        method: element.method("method")?,
        action_on_empty: element.flag("actionOnEmptyResult").unwrap_or(false),
        partial: element.attribute("partialResultCallback").map(str::to_owned),
        partial_method: element.method("partialResultCallbackMethod")?,
        barge_in: element.flag("bargeIn").unwrap_or(true),
        language: element.attribute("language").unwrap_or("en-US").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_entities_and_speech_markup_are_read() {
        let verbs = parse(
            "<?xml version=\"1.0\"?><Response><!-- c --><Say loop=\"2\">Tom &amp; \
             <emphasis>Jerry</emphasis> &#33;<![CDATA[<ok>]]></Say></Response>",
        )
        .unwrap();
        let text = "Tom & Jerry !<ok>".to_owned();
        assert_eq!(verbs, [Verb::Say { text, times: 2 }]);
    }

    #[test]
    fn gather_has_the_documented_defaults() {
        let verbs = parse("<Response><Gather/></Response>").unwrap();
        let [Verb::Gather(gather)] = verbs.as_slice() else { panic!("{verbs:?}") };
        assert!(gather.dtmf && !gather.speech && !gather.action_on_empty);
        assert_eq!((gather.timeout, gather.silence), (5.0, Silence::Seconds(5.0)));
        assert_eq!((gather.finish_on_key, gather.num_digits), (Some('#'), None));
        assert_eq!(gather.method, Method::POST);
    }

    #[test]
    fn an_empty_document_has_no_verbs() {
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("<Response/>").unwrap(), []);
    }

    #[test]
    fn broken_documents_are_refused_with_twilios_codes() {
        for broken in [
            "<Response>",
            "<Response></Say>",
            "words",
            "<Response/><Response/>",
            "<Response>&nope;</Response>",
            "<Response><Say a=b/></Response>",
            "{\"json\": true}",
        ] {
            assert_eq!(parse(broken).unwrap_err().code, 12100, "{broken}");
        }
        for foreign in [
            "<Reply/>",
            "<Response><say>x</say></Response>",
            "<Response><Gather><Hangup/></Gather></Response>",
            "<Response><Gather input=\"smoke\"/></Response>",
        ] {
            assert_eq!(parse(foreign).unwrap_err().code, 12200, "{foreign}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(parse(&"<Response>".repeat(10_000)).is_err());
    }
}
