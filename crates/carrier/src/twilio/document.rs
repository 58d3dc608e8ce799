//! TwiML: the documents that say what happens in a call.

use http::Method;

use crate::xml::{self, Element};

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
    let root = xml::read(text, |name| matches!(name, "Response" | "Gather"))
        .map_err(|error| DocumentError::malformed(error.0))?;
    if root.name != "Response" {
        return Err(DocumentError::schema(format!("root element is {}", root.name)));
    }
    root.children.iter().map(verb).collect()
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
            method: method(element, "method")?,
        },
        "Hangup" => Verb::Hangup,
        "Reject" => Verb::Reject { busy: element.attribute("reason") == Some("busy") },
        other => {
            return Err(DocumentError::schema(format!("verb {other} is unknown, or not emulated")));
        }
    })
}

fn method(element: &Element, name: &str) -> Result<Method, DocumentError> {
    element.method(name).map_err(|error| DocumentError::schema(error.0))
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
        method: method(element, "method")?,
        action_on_empty: element.flag("actionOnEmptyResult").unwrap_or(false),
        partial: element.attribute("partialResultCallback").map(str::to_owned),
        partial_method: method(element, "partialResultCallbackMethod")?,
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
