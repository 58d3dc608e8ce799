//! Listening for one turn: what answers it.

use serde::{Deserialize, Serialize};

use crate::{Locale, Turn};

/// Listening for one turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// The turn that what is heard belongs to.
    pub turn: Turn,
    /// The language to expect.
    pub locale: Locale,
    /// What answers the turn. Plans were once stored without it, and listened for speech.
    #[serde(default, skip_serializing_if = "ListenFor::is_speech_alone")]
    pub input: ListenFor,
}

impl Listen {
    /// Listening for speech.
    #[must_use]
    pub const fn for_speech(turn: Turn, locale: Locale) -> Self {
        Self { turn, locale, input: ListenFor::Speech }
    }
}

/// What the other side is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ListenFor {
    /// Words. Keys are reported and answer nothing.
    #[default]
    Speech,
    /// Keys. Nothing is transcribed.
    Digits(DigitInput),
    /// Whichever comes first. Needs the capability `speech_or_digits`.
    SpeechOrDigits(DigitInput),
}

impl ListenFor {
    /// Whether words answer.
    #[must_use]
    pub const fn takes_speech(self) -> bool {
        matches!(self, Self::Speech | Self::SpeechOrDigits(_))
    }

    /// Which keys answer, if any do.
    #[must_use]
    pub const fn digits(self) -> Option<DigitInput> {
        match self {
            Self::Speech => None,
            Self::Digits(digits) | Self::SpeechOrDigits(digits) => Some(digits),
        }
    }

    const fn is_speech_alone(&self) -> bool {
        matches!(self, Self::Speech)
    }
}

/// When an entry of digits is complete: after so many, at the key that finishes it, or when nothing
/// more is pressed for some seconds.
///
/// ```
/// # use offhook_core::DigitInput;
/// let pin = DigitInput::new(4, '#')?;
/// assert_eq!((pin.max_digits(), pin.finish_on_key()), (4, '#'));
/// # Ok::<(), offhook_core::InvalidDigitInput>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredDigitInput", into = "StoredDigitInput")]
pub struct DigitInput {
    max_digits: u8,
    finish_on_key: char,
}

impl DigitInput {
    /// The most digits that one entry may have, by the carrier that takes the fewest (Plivo,
    /// `GetInput`).
    pub const LIMIT: u8 = 32;

    /// An entry of at most so many digits, 1 to [`LIMIT`](Self::LIMIT), that is finished by this key:
    /// `0-9`, `*` or `#`, which is not part of it.
    ///
    /// # Errors
    /// The number or the key is none of these.
    pub const fn new(max_digits: u8, finish_on_key: char) -> Result<Self, InvalidDigitInput> {
        if max_digits == 0 || max_digits > Self::LIMIT {
            return Err(InvalidDigitInput::DigitCount { count: max_digits });
        }
        if !matches!(finish_on_key, '0'..='9' | '*' | '#') {
            return Err(InvalidDigitInput::NotAKey { found: finish_on_key });
        }
        Ok(Self { max_digits, finish_on_key })
    }

    /// The most digits of the entry; with the last of them it is complete.
    #[must_use]
    pub const fn max_digits(self) -> u8 {
        self.max_digits
    }

    /// The key that completes the entry.
    #[must_use]
    pub const fn finish_on_key(self) -> char {
        self.finish_on_key
    }
}

impl Default for DigitInput {
    /// As many digits as there may be, finished by `#`.
    fn default() -> Self {
        Self { max_digits: Self::LIMIT, finish_on_key: '#' }
    }
}

/// Why digits cannot be asked for in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDigitInput {
    /// No digits, or too many.
    #[error("{count} digits; 1 to 32 can be asked for at once")]
    DigitCount {
        /// How many there are.
        count: u8,
    },
    /// Not a key of a telephone.
    #[error("{found:?} is no key that can finish an entry; 0-9, * and # are")]
    NotAKey {
        /// What was given.
        found: char,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredDigitInput {
    max_digits: u8,
    finish_on_key: char,
}

impl From<DigitInput> for StoredDigitInput {
    fn from(input: DigitInput) -> Self {
        Self { max_digits: input.max_digits, finish_on_key: input.finish_on_key }
    }
}

impl TryFrom<StoredDigitInput> for DigitInput {
    type Error = InvalidDigitInput;

    fn try_from(stored: StoredDigitInput) -> Result<Self, Self::Error> {
        Self::new(stored.max_digits, stored.finish_on_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_asked_for_as_every_carrier_can() {
        for (max_digits, key) in [(1, '#'), (32, '*'), (4, '0')] {
            assert!(DigitInput::new(max_digits, key).is_ok(), "{max_digits} {key}");
        }
        for count in [0, 33, 255] {
            let refused = Err(InvalidDigitInput::DigitCount { count });
            assert_eq!(DigitInput::new(count, '#'), refused);
        }
        for found in ['A', ' ', '+', '\u{663}'] {
            assert_eq!(DigitInput::new(4, found), Err(InvalidDigitInput::NotAKey { found }));
        }
    }

    #[test]
    fn a_plan_that_was_stored_without_an_input_listens_for_speech() {
        let stored = r#"{"turn":3,"locale":"en-US"}"#;
        let listen: Listen = serde_json::from_str(stored).unwrap();
        assert_eq!(listen, Listen::for_speech(Turn(3), Locale::en_us()));
        assert_eq!(serde_json::to_string(&listen).unwrap(), stored);
    }

    #[test]
    fn what_is_stored_of_digits_is_read_again_and_checked() {
        let pin = ListenFor::Digits(DigitInput::new(4, '*').unwrap());
        let stored = r#"{"digits":{"max_digits":4,"finish_on_key":"*"}}"#;
        assert_eq!(serde_json::to_string(&pin).unwrap(), stored);
        assert_eq!(serde_json::from_str::<ListenFor>(stored).unwrap(), pin);
        for spoilt in [stored.replace('4', "0"), stored.replace('*', "x")] {
            assert!(serde_json::from_str::<ListenFor>(&spoilt).is_err(), "{spoilt}");
        }
    }
}
