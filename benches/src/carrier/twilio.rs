//! Twilio: forms, their parameters in order, and HMAC-SHA1.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use offhook_core::{ProviderName, Transport, VoiceProvider};
use offhook_twilio::TwilioConfig;
use sha1::Sha1;

use super::template::SignedForm;
use super::{BASE, Baseline, Carrier, FORM, action_of, digits_of, request};

pub(crate) const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "8f1c6b7de0a94c52b3f7a1d05e6c9b24";
const PATH: &str = "/webhooks/twilio";

/// What stands in a template where the call's own SID goes.
const SID: &str = "CA00000000000000000000000000000000";

/// The webhooks of a call, each with what it adds to the parameters that all have.
const WEBHOOKS: [&[(&str, &str)]; 5] = [
    &[("CallStatus", "ringing")],
    &[
        ("CallStatus", "in-progress"),
        ("Confidence", "0.9128386"),
        ("Language", "en-US"),
        ("SpeechResult", "Good morning, I would like to move my appointment, please."),
    ],
    &[("CallStatus", "in-progress"), ("Digits", "4711"), ("msg", "Gather End")],
    &[
        ("CallStatus", "in-progress"),
        ("Confidence", "0.8771003"),
        ("Language", "en-US"),
        ("SpeechResult", "Thursday at half past nine. Thanks & good bye!"),
    ],
    &[
        ("CallDuration", "34"),
        ("CallStatus", "completed"),
        ("CallbackSource", "call-progress-events"),
        ("Duration", "1"),
        ("SequenceNumber", "0"),
        ("Timestamp", "Wed, 04 Mar 2026 09:31:07 +0000"),
    ],
];

/// Twilio, with a key and what its webhooks are made of.
#[derive(Debug)]
pub(crate) struct Twilio {
    key: Hmac<Sha1>,
    webhooks: [SignedForm; WEBHOOKS.len()],
}

impl Twilio {
    /// Parameters in the order of their names, as Twilio sends them.
    fn webhook(own: &[(&str, &str)]) -> SignedForm {
        let common = [
            ("AccountSid", TWILIO_ACCOUNT),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", SID),
            ("Called", "+15550001234"),
            ("CalledCountry", "US"),
            ("Caller", "+442071838750"),
            ("CallerCity", "LONDON"),
            ("CallerCountry", "GB"),
            ("Direction", "inbound"),
            ("From", "+442071838750"),
            ("FromCity", "LONDON"),
            ("FromCountry", "GB"),
            ("To", "+15550001234"),
            ("ToCity", ""),
            ("ToCountry", "US"),
            ("ToState", "CA"),
        ];
        let pairs: BTreeSet<(&str, &str)> = common.iter().chain(own).copied().collect();
        SignedForm::new(pairs.into_iter().collect(), SID)
    }

    pub(crate) fn new() -> Self {
        Self { key: Self::key(), webhooks: WEBHOOKS.map(Self::webhook) }
    }

    pub(crate) fn key() -> Hmac<Sha1> {
        Hmac::new_from_slice(TOKEN.as_bytes()).expect("HMAC takes a key of any length")
    }
}

impl Carrier for Twilio {
    fn name(&self) -> ProviderName {
        offhook_twilio::NAME
    }

    fn provider(
        &self,
        transport: Arc<dyn Transport>,
    ) -> Result<Arc<dyn VoiceProvider>, Box<dyn Error>> {
        let config = TwilioConfig::new(TWILIO_ACCOUNT, TOKEN)?;
        Ok(Arc::new(offhook_twilio::Twilio::with_transport(config, transport)))
    }

    fn steps(&self) -> usize {
        WEBHOOKS.len()
    }

    fn id(&self, number: u64) -> String {
        format!("CA{}", digits_of(number))
    }

    fn request(&self, id: &str, step: usize, told: &str) -> Vec<u8> {
        // The end of the call goes to the URL for that.
        let query = if step + 1 == WEBHOOKS.len() {
            &told.replace("kind=gather", "kind=status")
        } else {
            told
        };
        let mut mac = self.key.clone();
        for part in [BASE, PATH, query] {
            mac.update(part.as_bytes());
        }
        mac.update(&self.webhooks[step].signed.of(id));
        let headers = [
            ("User-Agent", "TwilioProxy/1.1"),
            ("Accept", "*/*"),
            ("Content-Type", FORM),
            ("X-Twilio-Signature", &STANDARD.encode(mac.finalize().into_bytes())),
            ("I-Twilio-Idempotency-Token", "6c1b2cf1-6bd0-4b0f-9d3c-3f6f1f0a7d11"),
        ];
        request(&[PATH, query].concat(), &headers, &self.webhooks[step].body.of(id))
    }

    fn told_by(&self, document: &[u8]) -> Option<String> {
        action_of(document)
    }

    fn stand_in(&self) -> &'static str {
        "?call=01890a5d-ac96-774b-bcce-b302099a8057&step=1&kind=gather"
    }

    fn done(&self) -> &'static [u8] {
        br#"{"sid":"CA00000000000000000000000000000000"}"#
    }

    fn baseline(&self) -> Baseline {
        Baseline::empty_handler()
    }
}
