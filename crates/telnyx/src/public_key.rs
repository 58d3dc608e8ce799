//! The forms in which an Ed25519 public key is written.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ed25519_dalek::VerifyingKey;

use crate::config::InvalidTelnyxConfig;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What stands before the 32 bytes of a key in DER: a sequence of the algorithm 1.3.101.112 and a
/// bit string. Source: RFC 8410, 4.
const DER_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key, ready to be verified with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicKey(pub(crate) VerifyingKey);

impl PublicKey {
    /// Reads base64 or base64url of the raw 32 bytes or of their DER form, or PEM.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidTelnyxConfig> {
        Self::read(text).ok_or(InvalidTelnyxConfig::PublicKey)
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let pem = text
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .map(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"));
        let bytes = match pem {
            Some(inner) => {
                let inner: String = inner?.split_ascii_whitespace().collect();
                STANDARD.decode(inner).ok()?
            }
            None => STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?,
        };
        let raw = match bytes.strip_prefix(&DER_HEAD) {
            Some(raw) if bytes.len() > 32 => raw,
            _ => &bytes,
        };
        let key = VerifyingKey::from_bytes(raw.try_into().ok()?).ok()?;
        // Under a key of small order anybody can sign; Telnyx has none.
        (!key.is_weak()).then_some(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = "ilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=";

    #[test]
    fn all_forms_of_a_key_are_one_key() {
        let raw = STANDARD.decode(RAW).unwrap();
        let der = STANDARD.encode([&DER_HEAD[..], &raw].concat());
        let (first, rest) = der.split_at(20);
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\r\n{first}\n{rest}\n-----END PUBLIC KEY-----\n");
        let key = PublicKey::parse(RAW).unwrap();
        let unpadded = RAW.trim_end_matches('=').to_owned();
        let url_safe = URL_SAFE.encode(&raw);
        assert_ne!(url_safe, RAW);
        for form in [format!(" {RAW}\n"), unpadded, url_safe, der, pem] {
            assert!(PublicKey::parse(&form) == Ok(key), "{form}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let identity = {
            let mut point = [0; 32];
            point[0] = 1;
            STANDARD.encode(point)
        };
        let x25519 = "MCowBQYDK2VuAyEAilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=";
        for bad in ["", "key", &RAW[4..], &format!("{RAW}AAAA"), &identity, x25519] {
            assert!(PublicKey::parse(bad) == Err(InvalidTelnyxConfig::PublicKey), "{bad}");
        }
        let cut = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA";
        assert!(PublicKey::parse(cut).is_err());
    }
}
