//! The voices that speak, and what they speak.

/// The longest text.
const LONGEST: usize = 3000;

/// The languages of the two voices that are Plivo's own.
const LANGUAGES: &[&str] = &[
    "da-DK", "nl-NL", "en-AU", "en-GB", "en-US", "fr-FR", "fr-CA", "de-DE", "it-IT", "pl-PL",
    "pt-PT", "pt-BR", "ru-RU", "es-ES", "es-US", "sv-SE",
];

/// Refuses what no voice can say.
pub(crate) fn check(text: &str, voice: Option<&str>, language: Option<&str>) -> Result<(), String> {
    if text.chars().count() > LONGEST {
        return Err(format!("more than {LONGEST} characters to speak"));
    }
    let voice = voice.unwrap_or("WOMAN");
    let language = language.unwrap_or("en-US");
    match voice {
        "WOMAN" | "MAN" if LANGUAGES.contains(&language) => Ok(()),
        "WOMAN" | "MAN" => Err(format!("voice {voice} does not speak {language}")),
        _ if voice.strip_prefix("Polly.").is_some_and(|name| !name.is_empty()) => Ok(()),
        _ => Err(format!("there is no voice {voice}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_speaks_its_languages_only() {
        assert!(check("x", None, None).is_ok());
        assert!(check("x", Some("MAN"), Some("de-DE")).is_ok());
        assert!(check("x", Some("WOMAN"), Some("ja-JP")).is_err());
        assert!(check("x", Some("Polly.Mizuki"), Some("ja-JP")).is_ok());
        assert!(check("x", Some("alice"), None).is_err());
        assert!(check(&"x".repeat(3001), None, None).is_err());
    }
}
