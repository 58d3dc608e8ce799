//! What a call is to do next, in words that every carrier can be told.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Listen;

/// The script of a call: what it does now, and what follows.
///
/// A carrier that takes documents carries a plan out whole, `then` included; a carrier that takes
/// commands is told step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallPlan {
    /// Speak, then go on.
    Say(Say),
    /// Listen for speech, digits or both.
    Listen(Listen),
    /// Send DTMF, then go on.
    SendDigits {
        /// What to send.
        digits: Digits,
        /// What follows.
        then: Then,
    },
    /// Keep the line open and do nothing.
    Hold,
    /// End the call, after a pause.
    HangUp {
        /// How long to wait before.
        after: Duration,
    },
    /// Refuse a call that is not answered yet.
    Reject(RejectReason),
    /// Give the call a limit of the carrier's own, should we be gone, and do the plan. For a carrier
    /// with the capability `limit_by_document`, in the first document of an inbound call.
    Limited {
        /// How long the call may last by our own limit; the carrier gets
        /// [`carrier_limit_seconds`](crate::carrier_limit_seconds) of it.
        max_duration: Duration,
        /// What the call does.
        plan: Box<Self>,
    },
}

impl CallPlan {
    /// What follows this plan when it has been carried out to its end.
    #[must_use]
    pub fn after(&self) -> Self {
        match self {
            Self::Say(say) => say.then.clone().into(),
            Self::SendDigits { then, .. } => then.clone().into(),
            Self::Limited { plan, .. } => plan.after(),
            other => other.clone(),
        }
    }
}

/// What follows speech or digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Listen; where the carrier can, it listens already during the speech (barge-in).
    Listen(Listen),
    /// Keep the line open.
    Hold,
    /// Hang up once the speech was heard, after a pause.
    HangUp {
        /// How long to wait before.
        after: Duration,
    },
}

impl From<Then> for CallPlan {
    fn from(then: Then) -> Self {
        match then {
            Then::Listen(listen) => Self::Listen(listen),
            Then::Hold => Self::Hold,
            Then::HangUp { after } => Self::HangUp { after },
        }
    }
}

/// Something to say, and what follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// What to say, and how.
    pub speech: Speech,
    /// What follows.
    pub then: Then,
}

/// Text with the voice and the language that it is to be spoken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speech {
    /// The text.
    pub text: SpeechText,
    /// The voice; `None` takes the carrier's default.
    #[serde(
        default,
        deserialize_with = "voice_or_default",
        skip_serializing_if = "Option::is_none"
    )]
    pub voice: Option<Voice>,
    /// The language.
    pub locale: Locale,
}

/// Records were once written with any text for a voice. A call must not be lost for it, and the
/// carrier's default is what such a voice would have come to.
fn voice_or_default<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Voice>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.and_then(|text| Voice::try_from(text).ok()))
}

/// How a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The line is busy: the limit of concurrent calls is reached.
    Busy,
    /// The call is not wanted.
    Declined,
}

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidText {
    /// There is nothing in it but white space.
    #[error("the text is empty")]
    Empty,
    /// It is too long.
    #[error("the text has {length} characters; at most {limit} can be spoken")]
    TooLong {
        /// Its length in characters.
        length: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// A character that no carrier's document may hold (XML 1.0, 2.2).
    #[error("the text has the control character U+{code:04X}, which cannot be spoken; remove it")]
    Control {
        /// Its code point.
        code: u32,
    },
    /// A digit string with something else in it.
    #[error("{found:?} is no DTMF digit; 0-9, A-D, *, #, w (0.5 s) and W (1 s) are")]
    NotDtmf {
        /// The first character that is none.
        found: char,
    },
    /// No digits, or too many.
    #[error("{length} DTMF digits; 1 to 32 can be sent at once")]
    DigitCount {
        /// How many there are.
        length: usize,
    },
    /// Not the name of a voice.
    #[error("a voice is 1 to 100 characters in the carrier's own words, none of them a control")]
    NotAVoice,
    /// Not a language tag.
    #[error("not a language tag such as en-US (BCP 47)")]
    NotALocale,
}

/// Text that can be spoken: not blank, at most 4,096 characters, and free of the control
/// characters that XML 1.0 forbids, so that every provider can render exactly this text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpeechText(String);

impl SpeechText {
    /// The most characters that one text may have.
    pub const LIMIT: usize = 4096;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SpeechText {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            return Err(InvalidText::Empty);
        }
        let length = text.chars().count();
        if length > Self::LIMIT {
            return Err(InvalidText::TooLong { length, limit: Self::LIMIT });
        }
        if let Some(character) = text.chars().find(|character| !is_legal(*character)) {
            return Err(InvalidText::Control { code: u32::from(character) });
        }
        Ok(Self(text))
    }
}

impl SpeechText {
    /// The text in parts, where a carrier takes only so much at a time: `fitting` says how many
    /// bytes of a text one part takes (at least one character of it). They are cut where a pause
    /// does no harm if there is such a place, and together they are the whole text.
    pub fn parts(&self, fitting: impl Fn(&str) -> usize) -> impl Iterator<Item = &str> {
        let mut rest = self.as_str();
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = fitting(rest).max(first.len_utf8());
            let cut = if end == rest.len() {
                end
            } else {
                rest[..end]
                    .char_indices()
                    .rev()
                    .find(|(_, character)| is_gap(*character))
                    .map_or(end, |(at, character)| at + character.len_utf8())
            };
            let (part, after) = rest.split_at(cut);
            rest = after;
            Some(part)
        })
    }
}

/// White space, or the punctuation of scripts that have none.
const fn is_gap(character: char) -> bool {
    character.is_whitespace() || matches!(character, '、' | '。' | '！' | '，' | '？')
}

/// Whether XML 1.0 lets a document hold it at all, escaped or not (2.2): a carrier's document that
/// holds anything else is spoilt as a whole.
const fn is_legal(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

impl FromStr for SpeechText {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<SpeechText> for String {
    fn from(text: SpeechText) -> Self {
        text.0
    }
}

impl fmt::Debug for SpeechText {
    /// What is said on a call is private: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} characters>", self.0.chars().count())
    }
}

/// DTMF to send: `0-9 A-D * #`, and `w` and `W` for pauses of 0.5 s and 1 s; 1 to 32 of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digits(String);

impl Digits {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Digits {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let stranger = text
            .chars()
            .find(|character| !matches!(character, '0'..='9' | 'A'..='D' | '*' | '#' | 'w' | 'W'));
        if let Some(character) = stranger {
            return Err(InvalidText::NotDtmf { found: character });
        }
        if (1..=32).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(InvalidText::DigitCount { length: text.len() })
        }
    }
}

impl FromStr for Digits {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Digits> for String {
    fn from(digits: Digits) -> Self {
        digits.0
    }
}

impl fmt::Debug for Digits {
    /// Digits may be a PIN: only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} digits>", self.0.len())
    }
}

/// A voice in the carrier's own words, such as `Polly.Joanna`: not blank, at most 100 characters, and
/// none of them a control character or one that a document cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Voice(String);

impl Voice {
    /// The most characters that the name of a voice may have.
    pub const LIMIT: usize = 100;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Voice {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let well_formed = !text.trim().is_empty()
            && text.chars().nth(Self::LIMIT).is_none()
            && text.chars().all(|character| is_legal(character) && !character.is_control());
        if well_formed { Ok(Self(text)) } else { Err(InvalidText::NotAVoice) }
    }
}

impl FromStr for Voice {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Voice> for String {
    fn from(voice: Voice) -> Self {
        voice.0
    }
}

/// A language tag such as `en-US`. Source: BCP 47, by shape only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

impl Locale {
    /// American English, the default of every carrier.
    #[must_use]
    pub fn en_us() -> Self {
        Self("en-US".to_owned())
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Locale {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let well_formed = (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| {
                (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            })
            && text.len() <= 35;
        if well_formed { Ok(Self(text)) } else { Err(InvalidText::NotALocale) }
    }
}

impl FromStr for Locale {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_no_document_can_hold_is_refused_with_its_reason() {
        assert_eq!("\t \n".parse::<SpeechText>(), Err(InvalidText::Empty));
        assert_eq!("a\u{7}b".parse::<SpeechText>(), Err(InvalidText::Control { code: 7 }));
        assert_eq!("\u{FFFE}".parse::<SpeechText>(), Err(InvalidText::Control { code: 0xFFFE }));
        let long = "é".repeat(SpeechText::LIMIT + 1);
        assert_eq!(
            long.parse::<SpeechText>(),
            Err(InvalidText::TooLong { length: 4097, limit: 4096 })
        );
        assert!("é".repeat(SpeechText::LIMIT).parse::<SpeechText>().is_ok());
        assert!("<b>&\"'</b> 你好 🎉\r\n".parse::<SpeechText>().is_ok());
    }

    #[test]
    fn the_parts_of_a_text_are_the_whole_of_it() {
        let text: SpeechText = "One two, 三四。五six".parse().unwrap();
        for limit in 0..30 {
            let fitting =
                |text: &str| text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
            assert_eq!(text.parts(fitting).collect::<String>(), text.as_str(), "{limit}");
        }
        let parts: Vec<&str> = text.parts(|text| text.len().min(9)).collect();
        assert_eq!(parts, ["One two, ", "三四。", "五six"]);
    }

    #[test]
    fn digits_and_locales_are_checked_by_shape() {
        assert!("0123456789ABCD*#wW".parse::<Digits>().is_ok());
        assert!("".parse::<Digits>().is_err());
        assert!("12a".parse::<Digits>().is_err());
        assert!("en-US".parse::<Locale>().is_ok());
        assert!("cmn-Hans-CN".parse::<Locale>().is_ok());
        assert!("english".parse::<Locale>().is_err());
        assert!("en_US".parse::<Locale>().is_err());
    }

    #[test]
    fn a_voice_is_a_short_name_that_every_document_can_hold() {
        for voice in ["Polly.Joanna", "Google.de-DE-Neural2-F", "\"><&", "ア"] {
            assert_eq!(voice.parse::<Voice>().unwrap().as_str(), voice);
        }
        assert!("é".repeat(100).parse::<Voice>().is_ok());
        let long = "é".repeat(101);
        for bad in ["", " ", "Polly.\u{1}", "a\nb", "\u{85}", "\u{FFFE}", &long] {
            assert_eq!(bad.parse::<Voice>(), Err(InvalidText::NotAVoice), "{bad:?}");
        }
    }

    #[test]
    fn a_stored_voice_that_would_not_be_taken_today_is_the_default() {
        let read = |voice: &str| {
            let stored = format!(r#"{{"text":"Hello","voice":"{voice}","locale":"en-US"}}"#);
            serde_json::from_str::<Speech>(&stored).unwrap().voice
        };
        assert_eq!(read("Polly.Joanna"), "Polly.Joanna".parse().ok());
        assert_eq!(read("a\\u0001b"), None);
        assert_eq!(read(""), None);
        assert_eq!(read(&"v".repeat(60_000)), None);
    }

    #[test]
    fn debug_shows_neither_words_nor_digits() {
        let text: SpeechText = "my secret".parse().unwrap();
        let digits: Digits = "1234".parse().unwrap();
        assert_eq!(format!("{text:?} {digits:?}"), "<9 characters> <4 digits>");
    }
}
