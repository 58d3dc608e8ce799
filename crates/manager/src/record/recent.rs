//! The last webhooks of a call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use offhook_core::DedupeKey;
use serde::{Deserialize, Serialize, Serializer};

/// A webhook that was taken: its key, and where its reply is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenWebhook {
    /// The key.
    pub key: DedupeKey,
    /// The number of the entry within the call.
    pub entry: u32,
}

/// The last webhooks of a call, so that a repeat gets the same answer and has no second effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RecentWebhooks(Vec<TakenWebhook>);

impl RecentWebhooks {
    /// How many are kept. What is older must be harmless by the machine's own rules.
    pub const LIMIT: usize = 32;

    /// Takes one in; the oldest makes room.
    pub fn push(&mut self, taken: TakenWebhook) {
        if self.0.len() == Self::LIMIT {
            self.0.remove(0);
        }
        self.0.push(taken);
    }

    /// The entry of the delivery that had this key.
    #[must_use]
    pub fn entry_of(&self, key: DedupeKey) -> Option<u32> {
        self.0.iter().find(|taken| taken.key == key).map(|taken| taken.entry)
    }
}

/// What stands before base64. Before version 4 of the record hex was written, with nothing before it.
const BASE64: char = '~';

/// The key, then the number of the entry.
const LENGTH: usize = 20;

impl Serialize for RecentWebhooks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len() * LENGTH);
        for taken in &self.0 {
            bytes.extend_from_slice(&taken.key.0);
            bytes.extend_from_slice(&taken.entry.to_be_bytes());
        }
        let mut text = String::with_capacity(1 + bytes.len().div_ceil(3) * 4);
        text.push(BASE64);
        STANDARD_NO_PAD.encode_string(bytes, &mut text);
        serializer.serialize_str(&text)
    }
}

impl TryFrom<String> for RecentWebhooks {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const DAMAGED: &str = "the list of recent webhooks is damaged";
        let bytes = match text.strip_prefix(BASE64) {
            Some(text) => STANDARD_NO_PAD.decode(text).ok(),
            None => hex(text.as_bytes()),
        };
        let bytes = bytes.ok_or(DAMAGED)?;
        let (taken, rest) = bytes.as_chunks::<LENGTH>();
        if !rest.is_empty() {
            return Err(DAMAGED);
        }
        Ok(Self(taken.iter().map(TakenWebhook::read).collect()))
    }
}

impl TakenWebhook {
    fn read(bytes: &[u8; LENGTH]) -> Self {
        let (mut key, mut entry) = ([0; 16], [0; 4]);
        key.copy_from_slice(&bytes[..16]);
        entry.copy_from_slice(&bytes[16..]);
        Self { key: DedupeKey(key), entry: u32::from_be_bytes(entry) }
    }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_webhooks_survive_the_way_through_text_and_forget_the_oldest() {
        let mut recent = RecentWebhooks::default();
        for n in 0..40_u8 {
            recent.push(TakenWebhook { key: DedupeKey([n; 16]), entry: u32::from(n) });
        }
        assert_eq!(recent.entry_of(DedupeKey([7; 16])), None);
        let text = serde_json::to_string(&recent).unwrap();
        assert_eq!(text.len(), 854 + "\"~\"".len(), "{text}");
        let back: RecentWebhooks = serde_json::from_str(&text).unwrap();
        assert_eq!(back, recent);
        assert_eq!(back.entry_of(DedupeKey([39; 16])), Some(39));
    }

    #[test]
    fn what_earlier_versions_wrote_is_read_and_what_is_damaged_is_refused() {
        let read = |text: &str| RecentWebhooks::try_from(text.to_owned());
        let recent = read(&format!("{}00000003", "ab".repeat(16))).unwrap();
        assert_eq!(recent.entry_of(DedupeKey([0xab; 16])), Some(3));
        assert_eq!(
            (read(""), read("~")),
            (Ok(RecentWebhooks::default()), Ok(RecentWebhooks::default()))
        );
        for damaged in ["00", "0", "~AA", "~A", "~=", "~~"] {
            assert!(read(damaged).is_err(), "{damaged}");
        }
        assert!(read(&"x".repeat(40)).is_err());
        assert!(read(&format!("{}\u{e9}", "0".repeat(38))).is_err());
    }
}
