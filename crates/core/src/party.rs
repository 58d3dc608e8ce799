//! Who is on the line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A phone number in E.164: `+`, then 2 to 15 digits, the first of them not 0.
///
/// `Display` and `Debug` mask the middle; [`as_str`](Self::as_str) and serde give all of it.
/// Source: ITU-T E.164, 6.2.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The whole number, `+15550001234`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is not a phone number in E.164.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number in E.164 (a plus sign, then 2 to 15 digits, like +15550001234)")]
#[non_exhaustive]
pub struct InvalidNumber;

impl FromStr for PhoneNumber {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = InvalidNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.strip_prefix('+').ok_or(InvalidNumber)?;
        let well_formed = (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if well_formed { Ok(Self(text)) } else { Err(InvalidNumber) }
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::redact::mask_digits(&self.0))
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One end of a call, as we dial it or as a carrier reports it.
///
/// As text (serde): `+15550001234`, `sip:bob@example.com`, `client:alice`, `anonymous`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Party {
    /// A phone number.
    Number(PhoneNumber),
    /// A SIP URI, with its scheme.
    Sip(String),
    /// A client that is registered with the carrier, without the `client:` before it.
    Client(String),
    /// The caller withheld the number, or the carrier could not tell it.
    Withheld,
}

impl Party {
    /// Reads what a carrier reports. Whatever is no number, SIP URI or client is withheld.
    #[must_use]
    pub fn observed(text: &str) -> Self {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            Self::Number(number)
        } else if is_sip_uri(text) {
            Self::Sip(text.to_owned())
        } else if let Some(name) = text.strip_prefix("client:").filter(|name| !name.is_empty()) {
            Self::Client(name.to_owned())
        } else {
            Self::Withheld
        }
    }

    /// Reads what a user wants to dial: a number in E.164 or a SIP URI.
    ///
    /// # Errors
    /// [`InvalidNumber`] for anything else.
    pub fn dialled(text: &str) -> Result<Self, InvalidNumber> {
        match Self::observed(text) {
            party @ (Self::Number(_) | Self::Sip(_)) => Ok(party),
            _ => Err(InvalidNumber),
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn number(&self) -> Option<&PhoneNumber> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The whole party as a carrier and our API write it.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.as_str().to_owned(),
            Self::Sip(uri) => uri.clone(),
            Self::Client(name) => format!("client:{name}"),
            Self::Withheld => "anonymous".to_owned(),
        }
    }
}

fn is_sip_uri(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")) else {
        return false;
    };
    !rest.is_empty()
        && rest.len() <= 255
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
}

impl From<String> for Party {
    fn from(text: String) -> Self {
        Self::observed(&text)
    }
}

impl From<Party> for String {
    fn from(party: Party) -> Self {
        party.to_text()
    }
}

impl From<PhoneNumber> for Party {
    fn from(number: PhoneNumber) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            // A SIP user part is as private as a number is.
            Self::Sip(uri) => match uri.split_once('@') {
                Some((_, host)) => write!(f, "sip:•••@{host}"),
                None => f.write_str("sip:•••"),
            },
            Self::Client(_) => f.write_str("client:•••"),
            Self::Withheld => f.write_str("withheld"),
        }
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_is_a_number() {
        for good in ["+12", "+15550001234", "+123456789012345"] {
            assert!(good.parse::<PhoneNumber>().is_ok(), "{good}");
        }
        for bad in ["", "+", "+1", "+0123", "15550001234", "+1555 000", "+1234567890123456", "+१२३"]
        {
            assert!(bad.parse::<PhoneNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_that_prints_shows_a_whole_number() {
        let party = Party::observed("+15550001234");
        assert_eq!(format!("{party} {party:?}"), "+15•••••••34 +15•••••••34");
        assert_eq!(Party::observed("sip:bob@example.com").to_string(), "sip:•••@example.com");
    }

    #[test]
    fn parties_survive_the_way_through_text() {
        for text in ["+15550001234", "sip:bob@example.com", "client:alice", "anonymous"] {
            assert_eq!(Party::observed(text).to_text(), text);
        }
        assert_eq!(Party::observed("Restricted"), Party::Withheld);
        assert_eq!(Party::observed(""), Party::Withheld);
    }

    #[test]
    fn a_client_or_a_word_cannot_be_dialled() {
        assert!(Party::dialled("client:alice").is_err());
        assert!(Party::dialled("anonymous").is_err());
        assert!(Party::dialled("sip:bob@example.com").is_ok());
    }
}
