//! `GetInput` and `GetDigits`: what they ask for.

use http::Method;

use super::document::{DocumentError, Verb, flag, method, sound, whole};
use super::fetching::Purpose;
use crate::exchange::is_web_url;
use crate::xml::Element;

/// The silence after which a recogniser that decides by itself has heard all.
const AUTO_SILENCE: f64 = 0.8;

/// The pause after which digits count as complete if nothing is said about it.
const DIGIT_PAUSE: u32 = 2;

/// An element that takes input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Input {
    pub(crate) element: Kind,
    /// Speak and Play only.
    pub(crate) prompts: Vec<Verb>,
    pub(crate) speech: bool,
    pub(crate) dtmf: bool,
    /// The seconds that are waited for the first input.
    pub(crate) patience: f64,
    /// The seconds between two digits.
    pub(crate) digit_pause: f64,
    /// The silence that ends speech.
    pub(crate) silence: f64,
    pub(crate) finish_on_key: Option<char>,
    pub(crate) num_digits: usize,
    /// Which keys count; none for all.
    pub(crate) valid_digits: Option<String>,
    /// How often the prompts are played until somebody gives input.
    pub(crate) attempts: u32,
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    /// Whether the answer to the action is the next document.
    pub(crate) redirects: bool,
    pub(crate) interim: Option<String>,
    pub(crate) interim_method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    GetInput,
    GetDigits,
}

pub(crate) fn get_input(element: &Element) -> Result<Input, DocumentError> {
    let action = element.attribute("action").filter(|url| !url.is_empty());
    let action = action.ok_or_else(|| DocumentError::xml("GetInput has no action"))?;
    let input_type = element.attribute("inputType").unwrap_or("dtmf");
    let (speech, dtmf) = match input_type.trim() {
        "dtmf" => (false, true),
        "speech" => (true, false),
        "dtmf speech" | "speech dtmf" => (true, true),
        other => return Err(DocumentError::xml(format!("GetInput inputType is {other}"))),
    };
    check_model(element)?;
    let interim = element.attribute("interimSpeechResultsCallback");
    Ok(Input {
        element: Kind::GetInput,
        prompts: prompts(element)?,
        speech,
        dtmf,
        patience: f64::from(whole(element, "executionTimeout", 5, 60)?.unwrap_or(15)),
        digit_pause: or_auto(element, "digitEndTimeout")?.unwrap_or_else(|| f64::from(DIGIT_PAUSE)),
        silence: or_auto(element, "speechEndTimeout")?.unwrap_or(AUTO_SILENCE),
        finish_on_key: finish_on_key(element)?,
        num_digits: width(whole(element, "numDigits", 1, 32)?.unwrap_or(32)),
        valid_digits: None,
        attempts: 1,
        action: Some(absolute(action, Purpose::Action)?),
        method: method(element, "method", Purpose::Action)?,
        redirects: flag(element, "redirect")?.unwrap_or(true),
        interim: interim.map(|url| absolute(url, Purpose::Action)).transpose()?,
        interim_method: method(element, "interimSpeechResultsCallbackMethod", Purpose::Action)?,
    })
}

pub(crate) fn get_digits(element: &Element) -> Result<Input, DocumentError> {
    let action = element.attribute("action").filter(|url| !url.is_empty());
    Ok(Input {
        element: Kind::GetDigits,
        prompts: prompts(element)?,
        speech: false,
        dtmf: true,
        patience: f64::from(whole(element, "timeout", 1, u32::MAX)?.unwrap_or(5)),
        digit_pause: f64::from(whole(element, "digitTimeout", 1, u32::MAX)?.unwrap_or(DIGIT_PAUSE)),
        silence: AUTO_SILENCE,
        finish_on_key: finish_on_key(element)?,
        num_digits: width(whole(element, "numDigits", 1, u32::MAX)?.unwrap_or(99)),
        valid_digits: element.attribute("validDigits").map(str::to_owned),
        attempts: whole(element, "retries", 1, u32::MAX)?.unwrap_or(1),
        action: action.map(|url| absolute(url, Purpose::Action)).transpose()?,
        method: method(element, "method", Purpose::Action)?,
        redirects: flag(element, "redirect")?.unwrap_or(true),
        interim: None,
        interim_method: Method::POST,
    })
}

fn prompts(element: &Element) -> Result<Vec<Verb>, DocumentError> {
    element.children.iter().map(|child| sound(child, true, &element.name)).collect()
}

/// Plivo takes whole URLs only.
pub(crate) fn absolute(url: &str, of: Purpose) -> Result<String, DocumentError> {
    let url = url.trim();
    if is_web_url(url) {
        return Ok(url.to_owned());
    }
    Err(DocumentError::url(of, format!("{url:?} is no absolute URL")))
}

/// Seconds from 2 to 10; none for `auto`.
fn or_auto(element: &Element, name: &str) -> Result<Option<f64>, DocumentError> {
    if element.attribute(name).is_some_and(|text| text.trim() == "auto") {
        return Ok(None);
    }
    Ok(whole(element, name, 2, 10)?.map(f64::from))
}

fn finish_on_key(element: &Element) -> Result<Option<char>, DocumentError> {
    match element.attribute("finishOnKey") {
        None => Ok(Some('#')),
        Some("" | "none" | "None") => Ok(None),
        Some(text) => {
            let mut keys = text.chars();
            match (keys.next(), keys.next()) {
                (Some(key), None) if key.is_ascii_digit() || "*#".contains(key) => Ok(Some(key)),
                _ => Err(DocumentError::xml(format!("finishOnKey is {text}"))),
            }
        }
    }
}

fn check_model(element: &Element) -> Result<(), DocumentError> {
    match element.attribute("speechModel") {
        None | Some("default" | "command_and_search" | "phone_call") => Ok(()),
        Some(other) => Err(DocumentError::xml(format!("speechModel is {other}"))),
    }
}

fn width(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::super::ending::Problem;
    use super::*;

    fn input(attributes: &str) -> Result<Input, DocumentError> {
        let document =
            format!("<Response><GetInput action=\"http://h/got\" {attributes}/></Response>");
        match parse(&document)?.remove(0) {
            Verb::Input(input) => Ok(*input),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn get_input_has_the_documented_defaults() {
        let input = input("").unwrap();
        assert!(input.dtmf && !input.speech && input.redirects);
        assert_eq!((input.patience, input.silence), (15.0, AUTO_SILENCE));
        assert_eq!((input.num_digits, input.finish_on_key), (32, Some('#')));
        assert_eq!((input.method, input.attempts), (Method::POST, 1));
    }

    #[test]
    fn get_digits_has_the_documented_defaults() {
        let verbs = parse("<Response><GetDigits/></Response>").unwrap();
        let [Verb::Input(input)] = verbs.as_slice() else { panic!("{verbs:?}") };
        assert_eq!((input.patience, input.digit_pause), (5.0, 2.0));
        assert_eq!((input.num_digits, input.finish_on_key), (99, Some('#')));
        assert_eq!((input.action.as_deref(), input.attempts), (None, 1));
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        for good in [
            "speechEndTimeout=\"2\"",
            "speechEndTimeout=\"auto\"",
            "digitEndTimeout=\"10\"",
            "executionTimeout=\"60\"",
            "numDigits=\"1\"",
            "finishOnKey=\"none\"",
            "inputType=\"dtmf speech\"",
        ] {
            assert!(input(good).is_ok(), "{good}");
        }
        for bad in [
            "speechEndTimeout=\"1\"",
            "speechEndTimeout=\"11\"",
            "speechEndTimeout=\"2.5\"",
            "digitEndTimeout=\"1\"",
            "executionTimeout=\"4\"",
            "executionTimeout=\"61\"",
            "numDigits=\"33\"",
            "finishOnKey=\"12\"",
            "inputType=\"smoke\"",
            "speechModel=\"phone\"",
            "redirect=\"yes\"",
        ] {
            assert_eq!(input(bad).unwrap_err().problem, Problem::Xml, "{bad}");
        }
    }

    #[test]
    fn an_action_is_an_absolute_url() {
        for document in [
            "<Response><GetInput action=\"/got\"/></Response>",
            "<Response><GetDigits action=\"got\"/></Response>",
        ] {
            let error = parse(document).unwrap_err();
            assert_eq!((error.problem, error.of), (Problem::Url, Some(Purpose::Action)));
        }
        assert_eq!(parse("<Response><GetInput/></Response>").unwrap_err().problem, Problem::Xml);
    }
}
