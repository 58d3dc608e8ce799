//! Key, connection, public keys and host.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use crate::public_key::PublicKey;

/// What Telnyx needs to know of your account.
#[derive(Clone)]
pub struct TelnyxConfig {
    pub(crate) api_key: SecretString,
    pub(crate) connection_id: String,
    pub(crate) public_key: PublicKey,
    pub(crate) public_key_previous: Option<PublicKey>,
    pub(crate) api_base: Url,
    pub(crate) allow_private_hosts: bool,
}

impl fmt::Debug for TelnyxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelnyxConfig")
            .field("connection_id", &self.connection_id)
            .field("api_base", &self.api_base.as_str())
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTelnyxConfig {
    /// The API key is not one.
    #[error(
        "an API key is letters, digits, _ and -, and begins with KEY as a rule; copy it from the Telnyx portal"
    )]
    ApiKey,
    /// The connection id is not one.
    #[error(
        "a connection id is the number of a Call Control application; copy it from the Telnyx portal"
    )]
    ConnectionId,
    /// The public key is not one.
    #[error(
        "a public key is 32 bytes in base64, or in PEM; copy it from Keys & Credentials in the Telnyx portal"
    )]
    PublicKey,
}

impl TelnyxConfig {
    /// An API key, the Call Control application through which calls are placed and taken, and the
    /// public key that Telnyx' webhooks are verified with, at `api.telnyx.com`.
    ///
    /// The public key is 32 bytes in base64, as the portal shows it; base64url, DER in base64 and
    /// PEM (RFC 8410) are taken too.
    ///
    /// # Errors
    /// One of them has not the shape of what it should be.
    pub fn new(
        api_key: impl Into<String>,
        connection_id: impl Into<String>,
        public_key: impl AsRef<str>,
    ) -> Result<Self, InvalidTelnyxConfig> {
        let (api_key, connection_id) = (api_key.into(), connection_id.into());
        let is_word = |text: &str, also: &[u8]| {
            !text.is_empty()
                && text.len() <= 255
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
        };
        if !is_word(&api_key, b"_-.") {
            return Err(InvalidTelnyxConfig::ApiKey);
        }
        if !is_word(&connection_id, b"-") {
            return Err(InvalidTelnyxConfig::ConnectionId);
        }
        Ok(Self {
            api_key: api_key.into(),
            connection_id,
            public_key: PublicKey::parse(public_key.as_ref())?,
            public_key_previous: None,
            api_base: Url::parse("https://api.telnyx.com").expect("a constant URL"),
            allow_private_hosts: false,
        })
    }

    /// A public key that is still accepted on webhooks while the key is rotated; empty for none.
    ///
    /// # Errors
    /// It is not one.
    pub fn with_previous_public_key(
        mut self,
        public_key: impl AsRef<str>,
    ) -> Result<Self, InvalidTelnyxConfig> {
        let text = public_key.as_ref().trim();
        self.public_key_previous =
            if text.is_empty() { None } else { Some(PublicKey::parse(text)?) };
        Ok(self)
    }

    /// Another API host (`https://api.telnyx.eu`, say), with a path prefix if need be; the version
    /// path is appended. Private hosts and plain http are for development: an emulator, say.
    #[must_use]
    pub fn with_api_base(mut self, base: Url, allow_private_hosts: bool) -> Self {
        self.api_base = base;
        self.allow_private_hosts = allow_private_hosts;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=";

    #[test]
    fn key_and_connection_are_checked_by_shape() {
        assert!(TelnyxConfig::new("KEYemulator", "1", KEY).is_ok());
        for bad in ["", "KEY 1", "KEY1\n", "KEYé", &"K".repeat(256)] {
            let refused = TelnyxConfig::new(bad, "1", KEY).unwrap_err();
            assert_eq!(refused, InvalidTelnyxConfig::ApiKey, "{bad:?}");
        }
        for bad in ["", "a/b", "1?", " 1"] {
            let refused = TelnyxConfig::new("KEY1", bad, KEY).unwrap_err();
            assert_eq!(refused, InvalidTelnyxConfig::ConnectionId, "{bad:?}");
        }
        let refused = TelnyxConfig::new("KEY1", "1", "nonsense").unwrap_err();
        assert_eq!(refused, InvalidTelnyxConfig::PublicKey);
    }

    #[test]
    fn no_previous_key_is_an_empty_one_and_a_wrong_one_is_told() {
        let config = TelnyxConfig::new("KEY1", "1", KEY).unwrap();
        assert!(
            config.clone().with_previous_public_key(" ").unwrap().public_key_previous.is_none()
        );
        assert!(
            config.clone().with_previous_public_key(KEY).unwrap().public_key_previous.is_some()
        );
        let refused = config.with_previous_public_key("nonsense").unwrap_err();
        assert_eq!(refused, InvalidTelnyxConfig::PublicKey);
    }

    #[test]
    fn debug_shows_no_key() {
        let config = TelnyxConfig::new("KEYsesame", "1", KEY).unwrap();
        let text = format!("{config:?}");
        assert!(!text.contains("sesame") && text.contains("api.telnyx.com"), "{text}");
    }
}
