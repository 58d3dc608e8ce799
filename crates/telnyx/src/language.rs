//! Languages and voices in Telnyx' words.
//!
//! `speak` takes languages such as `en-US` and needs a voice; transcription takes bare codes such as
//! `en`, other ones for each engine.

use offhook_core::Locale;

/// What is spoken where nobody asks for a voice: the language, and an Amazon Polly voice of it, since a
/// voice speaks its own language only. The first of a language is for its other regions too.
/// Source: Telnyx, "Speak text", `language`; AWS, "Available voices".
const SPOKEN: [(&str, &str); 29] = [
    ("en-US", "AWS.Polly.Joanna-Neural"),
    ("en-GB", "AWS.Polly.Amy-Neural"),
    ("en-GB-WLS", "AWS.Polly.Geraint"),
    ("en-AU", "AWS.Polly.Olivia-Neural"),
    ("en-IN", "AWS.Polly.Kajal-Neural"),
    ("de-DE", "AWS.Polly.Vicki-Neural"),
    ("es-ES", "AWS.Polly.Lucia-Neural"),
    ("es-MX", "AWS.Polly.Mia-Neural"),
    ("es-US", "AWS.Polly.Lupe-Neural"),
    ("fr-FR", "AWS.Polly.Lea-Neural"),
    ("fr-CA", "AWS.Polly.Gabrielle-Neural"),
    ("it-IT", "AWS.Polly.Bianca-Neural"),
    ("pt-BR", "AWS.Polly.Camila-Neural"),
    ("pt-PT", "AWS.Polly.Ines-Neural"),
    ("nl-NL", "AWS.Polly.Laura-Neural"),
    ("pl-PL", "AWS.Polly.Ola-Neural"),
    ("da-DK", "AWS.Polly.Sofie-Neural"),
    ("sv-SE", "AWS.Polly.Elin-Neural"),
    ("nb-NO", "AWS.Polly.Ida-Neural"),
    ("ja-JP", "AWS.Polly.Kazuha-Neural"),
    ("ko-KR", "AWS.Polly.Seoyeon-Neural"),
    ("cmn-CN", "AWS.Polly.Zhiyu-Neural"),
    ("arb", "AWS.Polly.Zeina"),
    ("hi-IN", "AWS.Polly.Kajal-Neural"),
    ("tr-TR", "AWS.Polly.Burcu-Neural"),
    ("cy-GB", "AWS.Polly.Gwyneth"),
    ("is-IS", "AWS.Polly.Dora"),
    ("ro-RO", "AWS.Polly.Carmen"),
    ("ru-RU", "AWS.Polly.Tatyana"),
];

/// For every other language: a voice that takes the language from the text.
const ANY_LANGUAGE: &str = "Azure.en-US-BrianMultilingualNeural";

/// The languages of the Google engine. Source: Telnyx' SDKs, `GoogleTranscriptionLanguage`.
const GOOGLE: [&str; 80] = [
    "af", "sq", "am", "ar", "hy", "az", "eu", "bn", "bs", "bg", "my", "ca", "yue", "zh", "hr",
    "cs", "da", "nl", "en", "et", "fil", "fi", "fr", "gl", "ka", "de", "el", "gu", "iw", "hi",
    "hu", "is", "id", "it", "ja", "jv", "kn", "kk", "km", "ko", "lo", "lv", "lt", "mk", "ms", "ml",
    "mr", "mn", "ne", "no", "fa", "pl", "pt", "pa", "ro", "ru", "rw", "sr", "si", "sk", "sl", "ss",
    "st", "es", "su", "sw", "sv", "ta", "te", "th", "tn", "tr", "ts", "uk", "ur", "uz", "ve", "vi",
    "xh", "zu",
];

/// What Telnyx' own engine has beyond Google's. Source: `TelnyxTranscriptionLanguage`.
const TELNYX: [&str; 27] = [
    "la", "mi", "cy", "br", "sn", "yo", "so", "oc", "be", "tg", "sd", "yi", "fo", "ht", "ps", "tk",
    "mt", "sa", "lb", "bo", "mg", "as", "tt", "haw", "ln", "ha", "ba",
];

/// How a language is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Telnyx' code, if it has one.
    pub(crate) language: Option<&'static str>,
    /// The voice where none is asked for.
    pub(crate) voice: &'static str,
}

/// The engine that transcribes a language, and its code there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transcribed {
    Google(&'static str),
    Telnyx(&'static str),
}

pub(crate) fn spoken(locale: &Locale) -> Spoken {
    let tag = locale.as_str();
    let primary = match primary(tag).as_str() {
        "zh" => "cmn".to_owned(),
        "ar" => "arb".to_owned(),
        "no" | "nn" => "nb".to_owned(),
        other => other.to_owned(),
    };
    let exact = SPOKEN.iter().find(|(language, _)| language.eq_ignore_ascii_case(tag));
    let nearest = || SPOKEN.iter().find(|(language, _)| self::primary(language) == primary);
    match exact.or_else(nearest) {
        Some((language, voice)) => Spoken { language: Some(language), voice },
        None => Spoken { language: None, voice: ANY_LANGUAGE },
    }
}

pub(crate) fn transcribed(locale: &Locale) -> Transcribed {
    let primary = primary(locale.as_str());
    let google = match primary.as_str() {
        "he" => "iw",
        "nb" | "nn" => "no",
        "cmn" => "zh",
        "arb" => "ar",
        "tl" => "fil",
        "jw" => "jv",
        other => other,
    };
    let known = |codes: &[&'static str], code: &str| codes.iter().copied().find(|it| *it == code);
    match known(&GOOGLE, google) {
        Some(code) => Transcribed::Google(code),
        None => Transcribed::Telnyx(known(&TELNYX, &primary).unwrap_or("auto_detect")),
    }
}

fn primary(tag: &str) -> String {
    tag.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        tag.parse().unwrap()
    }

    #[test]
    fn a_voice_speaks_the_language_that_is_asked_for() {
        for (tag, language, voice) in [
            ("en-US", Some("en-US"), "AWS.Polly.Joanna-Neural"),
            ("EN-gb", Some("en-GB"), "AWS.Polly.Amy-Neural"),
            ("en-NZ", Some("en-US"), "AWS.Polly.Joanna-Neural"),
            ("de", Some("de-DE"), "AWS.Polly.Vicki-Neural"),
            ("de-AT", Some("de-DE"), "AWS.Polly.Vicki-Neural"),
            ("zh-CN", Some("cmn-CN"), "AWS.Polly.Zhiyu-Neural"),
            ("ar-EG", Some("arb"), "AWS.Polly.Zeina"),
            ("no-NO", Some("nb-NO"), "AWS.Polly.Ida-Neural"),
            ("fi-FI", None, ANY_LANGUAGE),
        ] {
            assert_eq!(spoken(&locale(tag)), Spoken { language, voice }, "{tag}");
        }
    }

    #[test]
    fn transcription_takes_bare_codes_of_its_engine() {
        for (tag, expected) in [
            ("en-US", Transcribed::Google("en")),
            ("de-CH", Transcribed::Google("de")),
            ("he-IL", Transcribed::Google("iw")),
            ("nb-NO", Transcribed::Google("no")),
            ("cmn-Hans-CN", Transcribed::Google("zh")),
            ("yue-HK", Transcribed::Google("yue")),
            ("cy-GB", Transcribed::Telnyx("cy")),
            ("gsw-CH", Transcribed::Telnyx("auto_detect")),
        ] {
            assert_eq!(transcribed(&locale(tag)), expected, "{tag}");
        }
    }
}
