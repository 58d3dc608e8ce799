//! Account, tokens and hosts.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// What Twilio needs to know of your account.
#[derive(Clone)]
pub struct TwilioConfig {
    pub(crate) account_sid: String,
    pub(crate) api_key: Option<(String, SecretString)>,
    pub(crate) auth_token: SecretString,
    pub(crate) auth_token_previous: Option<SecretString>,
    pub(crate) shared_key: Option<SecretString>,
    pub(crate) api_base: Url,
    pub(crate) allow_private_hosts: bool,
}

impl fmt::Debug for TwilioConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioConfig")
            .field("account_sid", &self.account_sid)
            .field("api_base", &self.api_base.as_str())
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTwilioConfig {
    /// The account SID is not one.
    #[error("an account SID is AC and 32 hexadecimal digits; copy it from the Twilio console")]
    AccountSid,
    /// The auth token is empty.
    #[error("the auth token is empty; copy it from the Twilio console")]
    AuthToken,
    /// The SID of an API key is not one.
    #[error(
        "the SID of an API key is SK and 32 hexadecimal digits; copy it from the Twilio console"
    )]
    ApiKeySid,
    /// The secret of an API key is empty.
    #[error("the API key has no secret; Twilio shows it once, when the key is made")]
    ApiKeySecret,
    /// Only one of region and edge is set.
    #[error("region and edge go together (edge sydney with region au1, say); set both or none")]
    RegionAndEdge,
    /// Region or edge is not a host label.
    #[error("region and edge are words of letters, digits and hyphens")]
    Label,
}

impl TwilioConfig {
    /// An account and its auth token, at `api.twilio.com`.
    ///
    /// # Errors
    /// The SID has not the shape of one, or the token is empty.
    pub fn new(
        account_sid: impl Into<String>,
        auth_token: impl Into<String>,
    ) -> Result<Self, InvalidTwilioConfig> {
        let (account_sid, auth_token) = (account_sid.into(), auth_token.into());
        if !is_sid("AC", &account_sid) {
            return Err(InvalidTwilioConfig::AccountSid);
        }
        if auth_token.is_empty() {
            return Err(InvalidTwilioConfig::AuthToken);
        }
        Ok(Self {
            account_sid,
            api_key: None,
            auth_token: auth_token.into(),
            auth_token_previous: None,
            shared_key: None,
            api_base: Url::parse("https://api.twilio.com").expect("a constant URL"),
            allow_private_hosts: false,
        })
    }

    /// Requests are sent with this API key instead of the auth token. Twilio signs its webhooks with
    /// the auth token all the same, so that is still needed.
    ///
    /// # Errors
    /// The SID has not the shape of one, or the secret is empty.
    pub fn with_api_key(
        mut self,
        sid: impl Into<String>,
        secret: impl Into<String>,
    ) -> Result<Self, InvalidTwilioConfig> {
        let (sid, secret) = (sid.into(), secret.into());
        if !is_sid("SK", &sid) {
            return Err(InvalidTwilioConfig::ApiKeySid);
        }
        if secret.is_empty() {
            return Err(InvalidTwilioConfig::ApiKeySecret);
        }
        self.api_key = Some((sid, secret.into()));
        Ok(self)
    }

    /// A token that is still accepted on webhooks while the token is rotated.
    #[must_use]
    pub fn with_previous_auth_token(mut self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.auth_token_previous = (!token.is_empty()).then(|| token.into());
        self
    }

    /// The secret of a SharedKey, if webhooks are signed with one. Without it, webhooks that name
    /// a key in `X-Twilio-Webhooks-Signature-Settings` are refused.
    #[must_use]
    pub fn with_shared_key(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        self.shared_key = (!secret.is_empty()).then(|| secret.into());
        self
    }

    /// The API of a region: `https://api.{edge}.{region}.twilio.com`.
    ///
    /// # Errors
    /// Only one of both is set, or they are no host labels.
    pub fn with_region(mut self, region: &str, edge: &str) -> Result<Self, InvalidTwilioConfig> {
        if region.is_empty() && edge.is_empty() {
            return Ok(self);
        }
        if region.is_empty() || edge.is_empty() {
            return Err(InvalidTwilioConfig::RegionAndEdge);
        }
        let label = |text: &str| {
            text.len() <= 63
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !label(region) || !label(edge) {
            return Err(InvalidTwilioConfig::Label);
        }
        self.api_base = Url::parse(&format!("https://api.{edge}.{region}.twilio.com"))
            .map_err(|_| InvalidTwilioConfig::Label)?;
        Ok(self)
    }

    /// Another API host, with a path prefix if need be; the version path is appended. Private
    /// hosts and plain http are for development: an emulator, say.
    #[must_use]
    pub fn with_api_base(mut self, base: Url, allow_private_hosts: bool) -> Self {
        self.api_base = base;
        self.allow_private_hosts = allow_private_hosts;
        self
    }
}

fn is_sid(prefix: &str, sid: &str) -> bool {
    let digits = sid.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_and_a_token_are_checked_by_shape() {
        let sid = "AC00000000000000000000000000000001";
        assert!(TwilioConfig::new(sid, "token").is_ok());
        for bad in ["", "AC1", "SK00000000000000000000000000000001"] {
            assert_eq!(
                TwilioConfig::new(bad, "token").unwrap_err(),
                InvalidTwilioConfig::AccountSid
            );
        }
        assert_eq!(TwilioConfig::new(sid, "").unwrap_err(), InvalidTwilioConfig::AuthToken);
    }

    #[test]
    fn an_api_key_has_a_sid_of_its_own_and_a_secret() {
        let account = "AC00000000000000000000000000000001";
        let config = TwilioConfig::new(account, "token").unwrap();
        let key = "SK00000000000000000000000000000002";
        assert!(config.clone().with_api_key(key, "secret").is_ok());
        for bad in ["", "SK2", account, &key.to_lowercase()] {
            let refused = config.clone().with_api_key(bad, "secret").unwrap_err();
            assert_eq!(refused, InvalidTwilioConfig::ApiKeySid, "{bad}");
        }
        let refused = config.with_api_key(key, "").unwrap_err();
        assert_eq!(refused, InvalidTwilioConfig::ApiKeySecret);
    }

    #[test]
    fn a_region_needs_its_edge() {
        let config = TwilioConfig::new("AC00000000000000000000000000000001", "token").unwrap();
        let regional = config.clone().with_region("au1", "sydney").unwrap();
        assert_eq!(regional.api_base.as_str(), "https://api.sydney.au1.twilio.com/");
        assert_eq!(
            config.clone().with_region("au1", "").unwrap_err(),
            InvalidTwilioConfig::RegionAndEdge
        );
        assert_eq!(config.with_region("a/b", "x").unwrap_err(), InvalidTwilioConfig::Label);
    }

    #[test]
    fn debug_shows_no_token() {
        let config = TwilioConfig::new("AC00000000000000000000000000000001", "sesame")
            .unwrap()
            .with_previous_auth_token("older")
            .with_shared_key("shared")
            .with_api_key("SK00000000000000000000000000000002", "keyed")
            .unwrap();
        let text = format!("{config:?}");
        assert!(!["sesame", "older", "shared", "keyed"].iter().any(|secret| text.contains(secret)));
    }
}
