//! What can be set about an emulator.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

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

/// What can be set about an emulator. Start from [`Settings::default`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Decides ids and everything that a carrier leaves to chance.
    pub seed: u64,
    /// Where the webhooks of inbound calls go: `{webhook_base}/webhooks/{provider}`.
    pub webhook_base: Option<String>,
    /// Divides the time that ringing, speech, people and pauses in documents
    /// take. Timeouts of webhooks and limits of whole calls stay as they are.
    pub speed: f64,
    /// How many outbound calls leave the queue in a second.
    pub calls_per_second: f64,
    /// How long a read may lag behind the truth. At most a second; zero for never.
    pub stale_reads: Duration,
    /// Whether the first status callback goes out before the answer to the
    /// request that made the call.
    pub webhook_before_answer: Habit,
    /// Whether status callbacks are late, so that later ones overtake them.
    pub late_callbacks: Habit,
    /// The pause before the first retry of a webhook. It doubles each time.
    pub retry_pause: Duration,
    /// The Twilio account.
    pub twilio: TwilioAccount,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            webhook_base: None,
            speed: 1.0,
            calls_per_second: 1.0,
            stale_reads: Duration::from_secs(1),
            webhook_before_answer: Habit::Seeded,
            late_callbacks: Habit::Seeded,
            retry_pause: Duration::from_millis(500),
            twilio: TwilioAccount::default(),
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
