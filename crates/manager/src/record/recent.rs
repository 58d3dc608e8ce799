//! The last webhooks of a call.

use offhook_core::DedupeKey;
use serde::{Deserialize, Serialize};

/// A webhook that was taken: its key, and where its reply is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenWebhook {
    /// The key.
    pub key: DedupeKey,
    /// The number of the entry within the call.
    pub entry: u32,
}

/// The last webhooks of a call, so that a repeat gets the same answer and has no second effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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

// Forty hex digits each (key, then entry): compact, and readable with any tool.
impl From<RecentWebhooks> for String {
    fn from(recent: RecentWebhooks) -> Self {
        let mut text = Self::with_capacity(recent.0.len() * 40);
        for taken in recent.0 {
            for byte in taken.key.0.into_iter().chain(taken.entry.to_be_bytes()) {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                text.push(char::from(HEX[usize::from(byte >> 4)]));
                text.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        text
    }
}

impl TryFrom<String> for RecentWebhooks {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const DAMAGED: &str = "the list of recent webhooks is damaged";
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        if !text.len().is_multiple_of(40) {
            return Err(DAMAGED);
        }
        let mut recent = Vec::with_capacity(text.len() / 40);
        for chunk in text.as_bytes().chunks_exact(40) {
            let mut bytes = [0; 20];
            for (byte, pair) in bytes.iter_mut().zip(chunk.chunks_exact(2)) {
                let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                    return Err(DAMAGED);
                };
                *byte = high << 4 | low;
            }
            let (mut key, mut entry) = ([0; 16], [0; 4]);
            key.copy_from_slice(&bytes[..16]);
            entry.copy_from_slice(&bytes[16..]);
            recent.push(TakenWebhook { key: DedupeKey(key), entry: u32::from_be_bytes(entry) });
        }
        Ok(Self(recent))
    }
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
        let text = String::from(recent.clone());
        assert_eq!(text.len(), 40 * RecentWebhooks::LIMIT);
        let back = RecentWebhooks::try_from(text).unwrap();
        assert_eq!(back, recent);
        assert_eq!(back.entry_of(DedupeKey([39; 16])), Some(39));
        assert!(RecentWebhooks::try_from("00".to_owned()).is_err());
        assert!(RecentWebhooks::try_from("x".repeat(40)).is_err());
    }
}
