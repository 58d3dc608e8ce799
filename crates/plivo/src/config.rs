//! Account, tokens and host.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// What Plivo needs to know of your account.
#[derive(Clone)]
pub struct PlivoConfig {
    pub(crate) auth_id: String,
    pub(crate) auth_token: SecretString,
    pub(crate) auth_token_previous: Option<SecretString>,
    pub(crate) main_auth_token: Option<SecretString>,
    pub(crate) signature_v2: bool,
    pub(crate) api_base: Url,
    pub(crate) allow_private_hosts: bool,
}

impl fmt::Debug for PlivoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlivoConfig")
            .field("auth_id", &self.auth_id)
            .field("signature_v2", &self.signature_v2)
            .field("api_base", &self.api_base.as_str())
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlivoConfig {
    /// The auth id is not one.
    #[error(
        "an auth id is 20 capital letters and digits, MA first for an account and SA for a subaccount; copy it from the Plivo console"
    )]
    AuthId,
    /// The auth token is empty.
    #[error("the auth token is empty; copy it from the Plivo console")]
    AuthToken,
}

impl PlivoConfig {
    /// An account or a subaccount and its auth token, at `api.plivo.com`.
    ///
    /// # Errors
    /// The auth id has not the shape of one, or the token is empty.
    pub fn new(
        auth_id: impl Into<String>,
        auth_token: impl Into<String>,
    ) -> Result<Self, InvalidPlivoConfig> {
        let (auth_id, auth_token) = (auth_id.into(), auth_token.into());
        if !is_auth_id(&auth_id) {
            return Err(InvalidPlivoConfig::AuthId);
        }
        if auth_token.is_empty() {
            return Err(InvalidPlivoConfig::AuthToken);
        }
        Ok(Self {
            auth_id,
            auth_token: auth_token.into(),
            auth_token_previous: None,
            main_auth_token: None,
            signature_v2: false,
            api_base: Url::parse("https://api.plivo.com").expect("a constant URL"),
            allow_private_hosts: false,
        })
    }

    /// A token that is still accepted on webhooks while the token is rotated; empty for none.
    #[must_use]
    pub fn with_previous_auth_token(mut self, token: impl Into<String>) -> Self {
        self.auth_token_previous = some(token.into());
        self
    }

    /// The token of the main account, which signs `X-Plivo-Signature-Ma-V3`, where ours is a
    /// subaccount; empty for none. An account's own token signs that header too and need not be
    /// repeated here.
    #[must_use]
    pub fn with_main_auth_token(mut self, token: impl Into<String>) -> Self {
        self.main_auth_token = some(token.into());
        self
    }

    /// Whether the signature V2 is accepted on webhooks that have no V3. It covers neither the query
    /// nor the parameters: whoever has seen one webhook can send others in its name. Not by default.
    #[must_use]
    pub const fn with_signature_v2(mut self, accepted: bool) -> Self {
        self.signature_v2 = accepted;
        self
    }

    /// Another API host, with a path prefix if need be; the version path is appended. Private
    /// hosts and plain http are for development: an emulator, say.
    #[must_use]
    pub fn with_api_base(mut self, base: Url, allow_private_hosts: bool) -> Self {
        self.api_base = base;
        self.allow_private_hosts = allow_private_hosts;
        self
    }

    /// Whether it is an account's and not a subaccount's.
    pub(crate) fn is_main_account(&self) -> bool {
        self.auth_id.starts_with("MA")
    }
}

fn some(token: String) -> Option<SecretString> {
    (!token.is_empty()).then(|| token.into())
}

fn is_auth_id(id: &str) -> bool {
    (id.starts_with("MA") || id.starts_with("SA"))
        && id.len() == 20
        && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_id_and_a_token_are_checked_by_shape() {
        for id in ["MAEMULATOR0000000001", "SAXXXXXXXXXXXXXXXXXX"] {
            assert!(PlivoConfig::new(id, "token").is_ok(), "{id}");
        }
        for bad in
            ["", "MA1", "maemulator0000000001", "XAEMULATOR0000000001", "MA../../x0000000001"]
        {
            let refused = PlivoConfig::new(bad, "token").unwrap_err();
            assert_eq!(refused, InvalidPlivoConfig::AuthId, "{bad}");
        }
        let refused = PlivoConfig::new("MAEMULATOR0000000001", "").unwrap_err();
        assert_eq!(refused, InvalidPlivoConfig::AuthToken);
    }

    #[test]
    fn debug_shows_no_token() {
        let config = PlivoConfig::new("MAEMULATOR0000000001", "sesame")
            .unwrap()
            .with_previous_auth_token("older")
            .with_main_auth_token("upper");
        let text = format!("{config:?}");
        assert!(!["sesame", "older", "upper"].iter().any(|secret| text.contains(secret)), "{text}");
    }
}
