//! The carriers that are simulated: one row each.

use std::sync::Arc;

use offhook_carrier::{PlivoAccount, TelnyxAccount, TwilioAccount};
use offhook_core::{ProviderName, Transport, VoiceProvider};
use offhook_plivo::{Plivo, PlivoConfig};
use offhook_telnyx::{Telnyx, TelnyxConfig};
use offhook_twilio::{Twilio, TwilioConfig};

/// Makes a provider over our transport.
type Connect = fn(Arc<dyn Transport>) -> Option<Arc<dyn VoiceProvider>>;

/// One carrier: its provider crate over our transport, and what the emulator calls it.
#[derive(Debug)]
pub struct Carrier {
    /// Its name, in the emulator and on the command line.
    pub name: &'static str,
    /// Its name as a provider.
    pub provider: ProviderName,
    /// The emulator's word for a call that is connected.
    pub(crate) connected: &'static str,
    /// Makes the provider; `None` if the emulator's account is not one that it takes.
    pub(crate) connect: Connect,
}

/// Every carrier that there is a provider and a dialect of the emulator for.
pub const CARRIERS: &[Carrier] = &[
    Carrier {
        name: "twilio",
        provider: offhook_twilio::NAME,
        connected: "in-progress",
        connect: |transport| {
            let account = TwilioAccount::default();
            let config = TwilioConfig::new(account.sid, account.auth_token).ok()?;
            Some(Arc::new(Twilio::with_transport(config, transport)))
        },
    },
    Carrier {
        name: "plivo",
        provider: offhook_plivo::NAME,
        connected: "in-progress",
        connect: |transport| {
            let account = PlivoAccount::default();
            let config = PlivoConfig::new(account.auth_id, account.auth_token).ok()?;
            Some(Arc::new(Plivo::with_transport(config, transport)))
        },
    },
    Carrier {
        name: "telnyx",
        provider: offhook_telnyx::NAME,
        connected: "answered",
        connect: |transport| {
            let account = TelnyxAccount::default();
            let key = account.public_key();
            let config = TelnyxConfig::new(account.api_key, account.connection_id, key).ok()?;
            Some(Arc::new(Telnyx::with_transport(config, transport)))
        },
    },
];

/// The carrier of this name.
#[must_use]
pub fn carrier(name: &str) -> Option<&'static Carrier> {
    CARRIERS.iter().find(|carrier| carrier.name == name)
}
