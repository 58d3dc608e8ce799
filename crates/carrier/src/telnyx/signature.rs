//! `telnyx-signature-ed25519`.

use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};

/// The signature of a webhook: the timestamp's text, `|`, the bytes of the body.
pub(crate) fn sign(key: &[u8; 32], timestamp: &str, body: &[u8]) -> String {
    let message = [timestamp.as_bytes(), b"|", body].concat();
    STANDARD.encode(expanded(key).sign(&message).to_bytes())
}

/// The key, ready to sign. To make it so costs as much as a signature, and a process has one key as
/// a rule: the last is kept.
fn expanded(key: &[u8; 32]) -> SigningKey {
    static LAST: Mutex<Option<SigningKey>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some(expanded) if expanded.as_bytes() == key => expanded.clone(),
        _ => last.insert(SigningKey::from_bytes(key)).clone(),
    }
}

/// The public half of a key: base64 of its 32 bytes.
pub(crate) fn public_key(key: &[u8; 32]) -> String {
    STANDARD.encode(SigningKey::from_bytes(key).verifying_key().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_signature_are_those_of_another_implementation() {
        // The key of the second test vector of RFC 8032, 7.1; the signature was made by libsodium.
        let seed = [
            0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11,
            0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed,
            0x4f, 0xb8, 0xa6, 0xfb,
        ];
        assert_eq!(public_key(&seed), "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
        let signature = "jJTkS2yMpT3CcC/a1kjqxmHEdfkCPb4CxaTuZRYCaPHja1XwQgk1ndFyQX2i/DNqw/fg4Yc2\
                         cuX7FX9Noaj7AQ==";
        assert_eq!(sign(&seed, "1736846813", b"{\"data\":{}}"), signature);
        // Another key is another signature, also right after the first.
        assert_ne!(sign(&[7; 32], "1736846813", b"{\"data\":{}}"), signature);
        assert_eq!(sign(&seed, "1736846813", b"{\"data\":{}}"), signature);
    }
}
