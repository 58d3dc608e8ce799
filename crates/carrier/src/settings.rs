//! What can be set about an emulator.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::telnyx;

/// How often something that the carrier may do happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Habit {
    /// It never happens.
    Never,
    /// The seed decides each time.
    #[default]
    Seeded,
    /// It happens each time.
    Always,
}

/// The credentials of the one Twilio account that the emulator knows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TwilioAccount {
    /// The account's SID.
    pub sid: String,
    /// Its auth token, for requests and for signatures.
    pub auth_token: String,
}

impl Default for TwilioAccount {
    fn default() -> Self {
        Self {
            sid: "AC00000000000000000000000000000001".to_owned(),
            auth_token: "emulator".to_owned(),
        }
    }
}

/// The one Plivo account that the emulator knows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlivoAccount {
    /// The account's id.
    pub auth_id: String,
    /// Its auth token, for requests and for signatures.
    pub auth_token: String,
    /// A second token that is active while the first is being replaced: both are good for requests,
    /// and both sign.
    pub other_auth_token: Option<String>,
    /// The token of the main account, which signs `X-Plivo-Signature-Ma-V3`. Without one the account
    /// is a main account itself.
    pub main_auth_token: Option<String>,
}

impl Default for PlivoAccount {
    fn default() -> Self {
        Self {
            auth_id: "MAEMULATOR0000000001".to_owned(),
            auth_token: "emulator".to_owned(),
            other_auth_token: None,
            main_auth_token: None,
        }
    }
}

impl PlivoAccount {
    /// The tokens that are active.
    pub(crate) fn tokens(&self) -> Vec<String> {
        [Some(&self.auth_token), self.other_auth_token.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

/// The one Telnyx account that the emulator knows, with its one Call Control application.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TelnyxAccount {
    /// The API key, for requests.
    pub api_key: String,
    /// The id of the application, which Telnyx calls a connection.
    pub connection_id: String,
    /// The application's webhook URL; without one it is that of
    /// [`webhook_base`](Settings::webhook_base).
    pub webhook_url: Option<String>,
    /// Where a webhook goes that its URL did not take.
    pub failover_url: Option<String>,
    /// The private half of the key that signs webhooks: the 32 bytes of RFC 8032.
    pub signing_key: [u8; 32],
}

impl Default for TelnyxAccount {
    fn default() -> Self {
        Self {
            api_key: "KEYemulator".to_owned(),
            connection_id: "1".to_owned(),
            webhook_url: None,
            failover_url: None,
            // Everybody may know it: it signs what an emulator says.
            signing_key: *b"offhook emulator, telnyx webhook",
        }
    }
}

impl TelnyxAccount {
    /// The public half of the key that signs webhooks, in base64 as Telnyx' portal shows it.
    #[must_use]
    pub fn public_key(&self) -> String {
        telnyx::public_key(&self.signing_key)
    }
}

/// What can be set about an emulator. Start from [`Settings::default`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Decides ids and everything that a carrier leaves to chance.
    pub seed: u64,
    /// Changes all ids and nothing else. No carrier gives an id twice: an emulator that starts anew for
    /// a daemon that knows the calls of the one before needs another.
    pub id_salt: u64,
    /// Where the webhooks of inbound calls go: `{webhook_base}/webhooks/{provider}`.
    pub webhook_base: Option<String>,
    /// Divides the time that ringing, speech, people and pauses in documents
    /// take. Timeouts of webhooks and limits of whole calls stay as they are.
    pub speed: f64,
    /// How many outbound calls leave a carrier's queue in a second. Telnyx has none.
    pub calls_per_second: f64,
    /// How long a read at Twilio may lag behind the truth. At most a second; zero for never.
    pub stale_reads: Duration,
    /// How long after its end the record of a call at Plivo is there.
    pub record_delay: Duration,
    /// Whether the first webhook about a dialled call goes out before the
    /// answer to the request that made the call.
    pub webhook_before_answer: Habit,
    /// Whether webhooks about what happened are late, so that later ones overtake them.
    pub late_callbacks: Habit,
    /// The pause before the first retry of a webhook. It doubles each time.
    pub retry_pause: Duration,
    /// The Twilio account.
    pub twilio: TwilioAccount,
    /// The Plivo account.
    pub plivo: PlivoAccount,
    /// The Telnyx account.
    pub telnyx: TelnyxAccount,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            id_salt: 0,
            webhook_base: None,
            speed: 1.0,
            calls_per_second: 1.0,
            stale_reads: Duration::from_secs(1),
            record_delay: Duration::from_secs(3),
            webhook_before_answer: Habit::Seeded,
            late_callbacks: Habit::Seeded,
            retry_pause: Duration::from_millis(500),
            twilio: TwilioAccount::default(),
            plivo: PlivoAccount::default(),
            telnyx: TelnyxAccount::default(),
        }
    }
}

impl Settings {
    /// Where the webhooks of this carrier's inbound calls go, if nothing else says so.
    pub(crate) fn webhook_of(&self, provider: &str) -> Option<String> {
        let base = self.webhook_base.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/webhooks/{provider}"))
    }

    /// The instant `seconds` of people's time after `from`.
    pub(crate) fn paced(&self, from: Timestamp, seconds: f64) -> Timestamp {
        let speed = if self.speed.is_finite() && self.speed > 0.0 { self.speed } else { 1.0 };
        after(from, seconds / speed)
    }
}

/// The instant `seconds` after `from`, the last one there is if that is too far.
pub(crate) fn after(from: Timestamp, seconds: f64) -> Timestamp {
    const LONGEST: f64 = 1e9;
    let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST) };
    from.saturating_add(SignedDuration::from_secs_f64(seconds)).unwrap_or(Timestamp::MAX)
}

/// The instant `span` after `from`, the last one there is if that is too far.
pub(crate) fn later(from: Timestamp, span: Duration) -> Timestamp {
    after(from, span.as_secs_f64())
}
