//! What can be spoken: Telnyx' rules for text, voice and language.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::body::Body;
use super::languages;
use super::playback::Utterance;
use super::refusal::Refusal;

/// The longest text, in characters.
const LONGEST_TEXT: usize = 3000;

/// Reads the text of this field, with the voice that the body gives.
pub(crate) fn utterance(body: &Body, field: &str) -> Result<Utterance, Refusal> {
    let text = body.required(field)?;
    let level = body.word("service_level", &["basic", "premium"])?.unwrap_or("premium");
    let kind = body.word("payload_type", &["text", "ssml"])?.unwrap_or("text");
    let voice = body.required("voice")?;
    let is_basic = level == "basic";
    check_voice(voice, is_basic)?;
    if let Some(language) = body.text("language")? {
        check_language(language, is_basic)?;
    }
    if is_basic && kind == "ssml" {
        return Err(Refusal::none_of("payload_type", &["text"]));
    }
    if text.chars().count() > LONGEST_TEXT {
        let most = u64::try_from(LONGEST_TEXT).unwrap_or(u64::MAX);
        return Err(Refusal::out_of_range(field, 1, most));
    }
    let words = if kind == "ssml" { spoken(field, text)? } else { text.to_owned() };
    Ok(Utterance { words, times: times(body)? })
}

fn check_voice(voice: &str, is_basic: bool) -> Result<(), Refusal> {
    const GENDERS: &[&str] = &["male", "female"];
    // A voice is `Provider.Model.Name`; the provider alone has one by itself.
    let provider = voice.split('.').next().unwrap_or_default();
    let is_whole = voice.split('.').all(|part| !part.trim().is_empty());
    match (is_basic, GENDERS.contains(&voice)) {
        (true, true) => Ok(()),
        (true, false) => Err(Refusal::none_of("voice", GENDERS)),
        (false, false) if is_whole && PROVIDERS.contains(&provider) => Ok(()),
        (false, _) => Err(Refusal::none_of("voice", PROVIDERS)),
    }
}

fn check_language(language: &str, is_basic: bool) -> Result<(), Refusal> {
    let is_known =
        if is_basic { language == "en-US" } else { languages::SPOKEN.contains(&language) };
    if is_known { Ok(()) } else { Err(Refusal::invalid_language("language")) }
}

/// How often a text is spoken: a number, perhaps in quotes, or `infinity`.
fn times(body: &Body) -> Result<u32, Refusal> {
    let Some(value) = body.get("loop") else { return Ok(1) };
    let number = match value.as_str() {
        Some("infinity") => Some(u64::from(u32::MAX)),
        Some(text) => text.parse().ok(),
        None => value.as_u64(),
    };
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or_else(|| Refusal::out_of_range("loop", 1, 100))
}

/// The words in a document of SSML.
fn spoken(field: &str, ssml: &str) -> Result<String, Refusal> {
    let unreadable = |problem: String| Refusal::bad(field, format!("not SSML: {problem}"));
    let mut reader = Reader::from_str(ssml);
    let (mut words, mut depth, mut is_root) = (String::new(), 0_u32, true);
    loop {
        let event = reader.read_event().map_err(|error| unreadable(error.to_string()))?;
        match event {
            Event::Start(tag) => {
                if is_root && tag.name().as_ref() != "speak" {
                    return Err(unreadable("it does not begin with <speak>".to_owned()));
                }
                is_root = false;
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) => {
                words.push_str(text.as_ref());
            }
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => words.push(character),
                _ => {
                    let known = resolve_predefined_entity(reference.as_ref());
                    let unknown = || unreadable("an unknown reference".to_owned());
                    words.push_str(known.ok_or_else(unknown)?);
                }
            },
            Event::Eof if depth == 0 && !is_root => break,
            Event::Eof => return Err(unreadable("it ends too early".to_owned())),
            _ => {}
        }
    }
    Ok(words.split_whitespace().collect::<Vec<_>>().join(" "))
}

const PROVIDERS: &[&str] = &[
    "AWS",
    "Azure",
    "ElevenLabs",
    "FishAudio",
    "Humain",
    "Inworld",
    "Minimax",
    "Polly",
    "Resemble",
    "Soniox",
    "Telnyx",
    "xAI",
];
