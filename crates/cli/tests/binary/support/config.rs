//! `offhook.toml`, key by key.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::carrier::{ACCOUNT_SID, AUTH_TOKEN};

/// Plivo's account and its token.
pub(crate) const PLIVO_ID: &str = "MAXXXXXXXXXXXXXXXXXX";
pub(crate) const PLIVO_TOKEN: &str = "NWQxMmFiYzkwZjc0ZDhlYjYxMjM3YTk1ZmUwYzRi";

/// Keys and their values, as TOML has them, and variables of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    keys: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Config {
    /// Only ports that nobody else has: the carrier is the built-in emulator.
    pub(crate) fn new() -> Self {
        Self { keys: BTreeMap::new(), variables: BTreeMap::new() }
            .text("webhooks.listen", "127.0.0.1:0")
            .text("api.listen", "127.0.0.1:0")
            .text("store.url", "sqlite:offhook.db")
    }

    /// Twilio with credentials, where Twilio has its own API. Nothing is ever sent there.
    pub(crate) fn twilio() -> Self {
        Self::new()
            .text("provider", "twilio")
            .text("from_number", "+15550100100")
            .text("twilio.account_sid", ACCOUNT_SID)
            .text("twilio.auth_token", AUTH_TOKEN)
    }

    /// Telnyx with credentials (the public key of its SDKs' vectors), likewise.
    pub(crate) fn telnyx() -> Self {
        Self::new()
            .text("provider", "telnyx")
            .text("from_number", "+15550100100")
            .text("telnyx.api_key", "KEY0193A1B2C3D4_secret")
            .text("telnyx.connection_id", "1494404757140276705")
            .text("telnyx.public_key", "ilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=")
    }

    /// Plivo with credentials, likewise.
    pub(crate) fn plivo() -> Self {
        Self::new()
            .text("provider", "plivo")
            .text("from_number", "+15550100100")
            .text("plivo.auth_id", PLIVO_ID)
            .text("plivo.auth_token", PLIVO_TOKEN)
    }

    /// Twilio's API at this base, on this machine.
    pub(crate) fn with_carrier(api_base: &str) -> Self {
        Self::twilio()
            .text("twilio.api_base", api_base)
            .value("twilio.allow_private_hosts", "true")
            .value("twilio.calls_per_second", "100")
            .value("limits.max_concurrent_calls", "10")
    }

    /// Sets a text.
    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.value(key, &format!("{value:?}"))
    }

    /// Sets anything else.
    pub(crate) fn value(mut self, key: &str, value: &str) -> Self {
        self.keys.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets a variable of the daemon's environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes `offhook.toml` into this folder.
    pub(crate) fn write(&self, folder: &Path) {
        std::fs::write(folder.join("offhook.toml"), self.to_string()).unwrap();
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}
