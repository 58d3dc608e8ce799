//! Plivo XML: the documents that say what happens in a call.

use http::Method;

use super::ending::Problem;
use super::fetching::Purpose;
use super::input::{self, Input};
use super::voice;
use crate::xml::{self, Element};

/// The largest document, in bytes.
const LARGEST: usize = 100 * 1024;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verb {
    /// `answers` is false inside of `PreAnswer`.
    Speak {
        text: String,
        times: u32,
        answers: bool,
    },
    Play {
        times: u32,
        answers: bool,
    },
    Wait {
        seconds: f64,
    },
    Input(Box<Input>),
    Redirect {
        url: String,
        method: Method,
    },
    Hangup {
        busy: bool,
        refuses: bool,
    },
    Schedule {
        seconds: f64,
    },
    Tones {
        tones: String,
        waits: bool,
    },
}

/// Why a document cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct DocumentError {
    pub(crate) problem: Problem,
    /// Whose URL or method is to blame, if it is not the document as such.
    pub(crate) of: Option<Purpose>,
    pub(crate) detail: String,
}

impl DocumentError {
    pub(crate) fn xml(detail: impl Into<String>) -> Self {
        Self { problem: Problem::Xml, of: None, detail: detail.into() }
    }

    pub(crate) fn unreachable(detail: impl Into<String>) -> Self {
        Self { problem: Problem::Unreachable, of: None, detail: detail.into() }
    }

    pub(crate) fn url(of: Purpose, detail: impl Into<String>) -> Self {
        Self { problem: Problem::Url, of: Some(of), detail: detail.into() }
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Vec<Verb>, DocumentError> {
    if text.len() > LARGEST {
        return Err(DocumentError::xml("more than 100 KB"));
    }
    let container =
        |name: &str| matches!(name, "Response" | "GetInput" | "GetDigits" | "PreAnswer");
    let root = xml::read(text, container).map_err(|error| DocumentError::xml(error.0))?;
    if root.name != "Response" {
        return Err(DocumentError::xml(format!("root element is {}", root.name)));
    }
    let mut verbs = Vec::new();
    for element in &root.children {
        add(element, &mut verbs)?;
    }
    Ok(verbs)
}

fn add(element: &Element, verbs: &mut Vec<Verb>) -> Result<(), DocumentError> {
    let verb = match element.name.as_str() {
        // Another carrier's word, which was seen to be passed over; no other is.
        "Say" => return Ok(()),
        "PreAnswer" => {
            for child in &element.children {
                verbs.push(match child.name.as_str() {
                    "Wait" => wait(child)?,
                    _ => sound(child, false, "PreAnswer")?,
                });
            }
            return Ok(());
        }
        "Speak" | "Play" => sound(element, true, "Response")?,
        "Wait" => wait(element)?,
        "GetInput" => Verb::Input(Box::new(input::get_input(element)?)),
        "GetDigits" => Verb::Input(Box::new(input::get_digits(element)?)),
        "Redirect" => Verb::Redirect {
            url: element.text.trim().to_owned(),
            method: method(element, "method", Purpose::Redirect)?,
        },
        "Hangup" => hangup(element)?,
        "DTMF" => tones(element)?,
        other => {
            let detail = format!("element {other} is unknown, or not emulated");
            return Err(DocumentError::xml(detail));
        }
    };
    verbs.push(verb);
    Ok(())
}

/// What is heard: words or an audio file.
pub(crate) fn sound(element: &Element, answers: bool, within: &str) -> Result<Verb, DocumentError> {
    match element.name.as_str() {
        "Speak" => {
            let text = element.spoken();
            voice::check(&text, element.attribute("voice"), element.attribute("language"))
                .map_err(DocumentError::xml)?;
            Ok(Verb::Speak { text, times: times(element)?, answers })
        }
        "Play" => Ok(Verb::Play { times: times(element)?, answers }),
        other => Err(DocumentError::xml(format!("element {other} is not allowed in {within}"))),
    }
}

fn wait(element: &Element) -> Result<Verb, DocumentError> {
    let seconds = whole(element, "length", 1, u32::MAX)?.unwrap_or(1);
    Ok(Verb::Wait { seconds: f64::from(seconds) })
}

fn hangup(element: &Element) -> Result<Verb, DocumentError> {
    let (busy, refuses) = match element.attribute("reason") {
        None | Some("") => (false, false),
        Some("busy") => (true, true),
        Some("rejected") => (false, true),
        Some(other) => return Err(DocumentError::xml(format!("Hangup reason is {other}"))),
    };
    Ok(match whole(element, "schedule", 0, u32::MAX)? {
        None | Some(0) => Verb::Hangup { busy, refuses },
        Some(seconds) => Verb::Schedule { seconds: f64::from(seconds) },
    })
}

fn tones(element: &Element) -> Result<Verb, DocumentError> {
    let tones = element.text.trim().to_owned();
    if tones.is_empty() || !tones.chars().all(is_tone) {
        return Err(DocumentError::xml(format!("DTMF has {tones:?}")));
    }
    let waits = !flag(element, "async")?.unwrap_or(true);
    Ok(Verb::Tones { tones, waits })
}

/// Whether this can be sent as a tone, or is a pause between tones.
pub(crate) const fn is_tone(tone: char) -> bool {
    tone.is_ascii_digit() || matches!(tone, '*' | '#' | 'w' | 'W')
}

pub(crate) fn method(element: &Element, name: &str, of: Purpose) -> Result<Method, DocumentError> {
    element.method(name).map_err(|error| DocumentError {
        problem: Problem::Method,
        of: Some(of),
        detail: error.0,
    })
}

fn times(element: &Element) -> Result<u32, DocumentError> {
    // Zero means without end; this is as good as that.
    const MOST: u32 = 1000;
    Ok(match whole(element, "loop", 0, u32::MAX)? {
        Some(0) => MOST,
        Some(times) => times.min(MOST),
        None => 1,
    })
}

/// A whole number within bounds, if the attribute is there.
pub(crate) fn whole(
    element: &Element,
    name: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, DocumentError> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    let number = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| {
        DocumentError::xml(format!("{} {name} is {text}, not {least} to {most}", element.name))
    })
}

pub(crate) fn flag(element: &Element, name: &str) -> Result<Option<bool>, DocumentError> {
    match element.attribute(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(DocumentError::xml(format!(
            "{} {name} is {other}, not true or false",
            element.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(document: &str) -> (Problem, Option<Purpose>) {
        let error = parse(document).unwrap_err();
        (error.problem, error.of)
    }

    #[test]
    fn text_and_speech_markup_are_read() {
        let verbs = parse(
            "<Response><Speak voice=\"Polly.Joanna\" loop=\"2\">Tom &amp; <break/>\
             <prosody rate=\"slow\">Jerry</prosody></Speak></Response>",
        )
        .unwrap();
        let text = "Tom & Jerry".to_owned();
        assert_eq!(verbs, [Verb::Speak { text, times: 2, answers: true }]);
    }

    #[test]
    fn an_empty_document_has_no_elements_and_an_empty_text_is_none() {
        assert_eq!(parse("<Response></Response>").unwrap(), []);
        assert_eq!(problem(""), (Problem::Xml, None));
    }

    #[test]
    fn another_carriers_elements_are_refused_but_for_the_one_that_is_passed_over() {
        assert_eq!(parse("<Response><Say>x</Say></Response>").unwrap(), []);
        for foreign in [
            "<Reply/>",
            "<Response><Reject/></Response>",
            "<Response><Gather/></Response>",
            "<Response><speak>x</speak></Response>",
            "<Response><PreAnswer><Hangup/></PreAnswer></Response>",
            "<Response><Hangup reason=\"tired\"/></Response>",
            "<Response><Wait length=\"0\"/></Response>",
            "<Response><DTMF>hello</DTMF></Response>",
            "<Response>",
            "{\"json\": true}",
        ] {
            assert_eq!(problem(foreign), (Problem::Xml, None), "{foreign}");
        }
        let large = format!("<Response><Speak>{}</Speak></Response>", "x".repeat(LARGEST));
        assert_eq!(problem(&large), (Problem::Xml, None));
    }

    #[test]
    fn a_method_that_is_none_is_that_of_its_url() {
        let redirect = "<Response><Redirect method=\"PUT\">http://h/</Redirect></Response>";
        assert_eq!(problem(redirect), (Problem::Method, Some(Purpose::Redirect)));
        let input = "<Response><GetInput action=\"http://h/\" method=\"PUT\"/></Response>";
        assert_eq!(problem(input), (Problem::Method, Some(Purpose::Action)));
    }

    #[test]
    fn a_scheduled_hangup_is_none_yet() {
        let verbs = parse("<Response><Hangup schedule=\"60\"/><Hangup/></Response>").unwrap();
        let hangup = Verb::Hangup { busy: false, refuses: false };
        assert_eq!(verbs, [Verb::Schedule { seconds: 60.0 }, hangup]);
    }
}
