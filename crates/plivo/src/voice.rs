//! Which voice speaks which language. A wrong pair spoils the document (error 8011), which ends the
//! call, so none is ever written.

use offhook_core::{Locale, Speech, Voice};

/// Plivo's own voice, and its sibling that speaks the same languages.
const WOMAN: &str = "WOMAN";
const MAN: &str = "MAN";

/// What Plivo's own voices speak. The first of a language is for its other regions too.
/// Source: Plivo, "Speak".
const OWN: [&str; 16] = [
    "en-US", "en-GB", "en-AU", "de-DE", "es-ES", "es-US", "fr-FR", "fr-CA", "it-IT", "pt-BR",
    "pt-PT", "nl-NL", "pl-PL", "da-DK", "sv-SE", "ru-RU",
];

/// Amazon Polly's standard voices by language, for what is not in [`OWN`] the first of them.
/// Source: AWS, "Available voices".
const POLLY: [(&str, &[&str]); 29] = [
    ("en-US", &["Joanna", "Ivy", "Kendra", "Kimberly", "Salli", "Joey", "Justin", "Matthew"]),
    ("en-GB", &["Amy", "Emma", "Brian"]),
    ("en-AU", &["Nicole", "Russell"]),
    ("en-IN", &["Raveena", "Aditi"]),
    ("en-GB-WLS", &["Geraint"]),
    ("de-DE", &["Marlene", "Vicki", "Hans"]),
    ("es-ES", &["Conchita", "Lucia", "Enrique"]),
    ("es-US", &["Penelope", "Lupe", "Miguel"]),
    ("es-MX", &["Mia"]),
    ("fr-FR", &["Celine", "Lea", "Mathieu"]),
    ("fr-CA", &["Chantal"]),
    ("it-IT", &["Carla", "Bianca", "Giorgio"]),
    ("pt-BR", &["Vitoria", "Camila", "Ricardo"]),
    ("pt-PT", &["Ines", "Cristiano"]),
    ("nl-NL", &["Lotte", "Ruben"]),
    ("pl-PL", &["Ewa", "Maja", "Jacek", "Jan"]),
    ("da-DK", &["Naja", "Mads"]),
    ("sv-SE", &["Astrid"]),
    ("ru-RU", &["Tatyana", "Maxim"]),
    ("nb-NO", &["Liv"]),
    ("is-IS", &["Dora", "Karl"]),
    ("ja-JP", &["Mizuki", "Takumi"]),
    ("ko-KR", &["Seoyeon"]),
    ("cmn-CN", &["Zhiyu"]),
    ("arb", &["Zeina"]),
    ("hi-IN", &["Aditi"]),
    ("tr-TR", &["Filiz"]),
    ("cy-GB", &["Gwyneth"]),
    ("ro-RO", &["Carmen"]),
];

/// A voice and its language, as they stand in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) voice: String,
    pub(crate) language: String,
}

impl Spoken {
    fn new(voice: impl Into<String>, language: impl Into<String>) -> Self {
        Self { voice: voice.into(), language: language.into() }
    }
}

/// The voice and the language for a speech. Where nothing speaks its language, English: the document
/// must hold something that Plivo takes. See [`is_spoken`].
pub(crate) fn spoken(speech: &Speech) -> Spoken {
    let tag = speech.locale.as_str();
    let asked = speech.voice.as_ref().map(Voice::as_str);
    match asked {
        Some(voice) if own(voice).is_none() => Spoken::new(voice, language_of(voice, tag)),
        asked => chosen(asked.and_then(own).unwrap_or(WOMAN), tag)
            .unwrap_or_else(|| Spoken::new(WOMAN, OWN[0])),
    }
}

/// Whether the language of a speech is spoken by the voice that is asked for, or else by any.
pub(crate) fn is_spoken(speech: &Speech) -> bool {
    let asked = speech.voice.as_ref().map(Voice::as_str);
    asked.is_some_and(|voice| own(voice).is_none())
        || chosen(WOMAN, speech.locale.as_str()).is_some()
}

/// One of Plivo's own voices, in Plivo's spelling.
fn own(voice: &str) -> Option<&'static str> {
    [WOMAN, MAN].into_iter().find(|own| own.eq_ignore_ascii_case(voice))
}

/// The nearest that there is: the language in its region by an own voice, then by Polly, then the
/// language of another region.
fn chosen(own: &str, tag: &str) -> Option<Spoken> {
    let primary = primary(tag);
    let is = |language: &str| language.eq_ignore_ascii_case(tag);
    let is_near = |language: &str| self::primary(language) == primary;
    let by_own = |found: &dyn Fn(&str) -> bool| {
        OWN.iter().find(|language| found(language)).map(|language| Spoken::new(own, *language))
    };
    let by_polly = |found: &dyn Fn(&str) -> bool| {
        let (language, voices) = POLLY.iter().find(|(language, _)| found(language))?;
        Some(Spoken::new(format!("Polly.{}", voices.first()?), *language))
    };
    by_own(&is)
        .or_else(|| by_polly(&is))
        .or_else(|| by_own(&is_near))
        .or_else(|| by_polly(&is_near))
}

/// The language that a voice is asked for in: the one of the tag if it speaks that, else its own. Of
/// a voice that is not known here the tag decides.
fn language_of(voice: &str, tag: &str) -> String {
    let name = voice.get(..6).filter(|start| start.eq_ignore_ascii_case("Polly.")).map(|_| {
        let name = &voice[6..];
        name.split_once('-').map_or(name, |(name, _)| name)
    });
    let speaks = |voices: &[&str]| {
        name.is_some_and(|name| voices.iter().any(|known| known.eq_ignore_ascii_case(name)))
    };
    let mut languages = POLLY.iter().filter(|(_, voices)| speaks(voices)).map(|(own, _)| *own);
    let first = languages.clone().next();
    let same = languages.find(|language| language.eq_ignore_ascii_case(tag));
    same.or(first).unwrap_or(tag).to_owned()
}

fn primary(tag: &str) -> String {
    let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_str() {
        "zh" => "cmn".to_owned(),
        "ar" => "arb".to_owned(),
        "no" | "nn" => "nb".to_owned(),
        _ => primary,
    }
}

/// For messages: a language that nobody speaks.
pub(crate) fn unspoken(locale: &Locale) -> String {
    format!(
        "Plivo has no voice for {}; give one that speaks it, or another language",
        locale.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(voice: Option<&str>, locale: &str) -> Speech {
        Speech {
            text: "Hello".parse().unwrap(),
            voice: voice.map(|voice| voice.parse().unwrap()),
            locale: locale.parse().unwrap(),
        }
    }

    #[test]
    fn every_voice_is_asked_for_what_it_speaks() {
        for (voice, locale, expected, language) in [
            (None, "en-US", "WOMAN", "en-US"),
            (None, "EN-us", "WOMAN", "en-US"),
            (None, "en-CA", "WOMAN", "en-US"),
            (None, "de-AT", "WOMAN", "de-DE"),
            (None, "es-MX", "Polly.Mia", "es-MX"),
            (None, "es-AR", "WOMAN", "es-ES"),
            (None, "zh-CN", "Polly.Zhiyu", "cmn-CN"),
            (None, "ja-JP", "Polly.Mizuki", "ja-JP"),
            (None, "ar-EG", "Polly.Zeina", "arb"),
            (None, "no-NO", "Polly.Liv", "nb-NO"),
            (None, "en-IN", "Polly.Raveena", "en-IN"),
            (Some("man"), "fr-CA", "MAN", "fr-CA"),
            (Some("MAN"), "ja-JP", "Polly.Mizuki", "ja-JP"),
            (Some("Polly.Joanna"), "en-US", "Polly.Joanna", "en-US"),
            (Some("Polly.Joanna"), "de-DE", "Polly.Joanna", "en-US"),
            (Some("Polly.Vicki-Neural"), "de-AT", "Polly.Vicki-Neural", "de-DE"),
            (Some("Polly.Aditi"), "hi-IN", "Polly.Aditi", "hi-IN"),
            (Some("Polly.Aditi"), "en-IN", "Polly.Aditi", "en-IN"),
            (Some("Polly.Suvi"), "fi-FI", "Polly.Suvi", "fi-FI"),
            (Some("ü"), "fi-FI", "ü", "fi-FI"),
        ] {
            let speech = speech(voice, locale);
            assert_eq!(spoken(&speech), Spoken::new(expected, language), "{voice:?} {locale}");
            assert!(is_spoken(&speech), "{voice:?} {locale}");
        }
    }

    #[test]
    fn what_nobody_speaks_is_known_as_such_and_spoils_no_document() {
        for voice in [None, Some("WOMAN")] {
            let speech = speech(voice, "fi-FI");
            assert!(!is_spoken(&speech));
            assert_eq!(spoken(&speech), Spoken::new("WOMAN", "en-US"));
        }
    }
}
