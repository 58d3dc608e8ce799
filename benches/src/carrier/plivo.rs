//! Plivo: a query and a form, both sorted where they are signed, and HMAC-SHA256 (V3).

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use offhook_core::{ProviderName, Transport, VoiceProvider};
use offhook_plivo::PlivoConfig;
use sha2::Sha256;

use super::template::SignedForm;
use super::{BASE, Baseline, Carrier, FORM, action_of, digits_of, request, uuid_of};

const ACCOUNT: &str = "MAXXXXXXXXXXXXXXXXXX";
const TOKEN: &str = "NWQxMmFiYzkwZjc0ZDhlYjYxMjM3YTk1ZmUwYzRi";
const NONCE: &str = "31627761595286130198";
const PATH: &str = "/webhooks/plivo";

/// What stands in a template where the call's own UUID goes.
const UUID: &str = "9f0a6d1c-52c4-4c7e-9b1d-3e2f7a8b9c01";

/// The webhooks of a call, each with what it adds to the parameters that all have.
const WEBHOOKS: [&[(&str, &str)]; 5] = [
    &[("CallStatus", "ringing"), ("Event", "StartApp")],
    &[
        ("BilledAmount", "0.02000"),
        ("CallStatus", "in-progress"),
        ("Event", "Redirect"),
        ("InputType", "speech"),
        ("Speech", "Good morning, I would like to move my appointment, please."),
        ("SpeechConfidenceScore", "0.9128386"),
    ],
    &[
        ("CallStatus", "in-progress"),
        ("Digits", "4711"),
        ("Event", "Redirect"),
        ("InputType", "dtmf"),
    ],
    &[
        ("BilledAmount", "0.02000"),
        ("CallStatus", "in-progress"),
        ("Event", "Redirect"),
        ("InputType", "speech"),
        ("Speech", "Thursday at half past nine. Thanks & good bye!"),
        ("SpeechConfidenceScore", "0.8771003"),
    ],
    &[
        ("AnswerTime", "2026-03-04 09:30:33"),
        ("BillDuration", "60"),
        ("CallStatus", "completed"),
        ("Duration", "34"),
        ("EndTime", "2026-03-04 09:31:07"),
        ("Event", "Hangup"),
        ("HangupCause", "NORMAL_CLEARING"),
        ("HangupCauseCode", "4000"),
        ("HangupCauseName", "Normal Hangup"),
        ("HangupSource", "Caller"),
        ("StartTime", "2026-03-04 09:30:31"),
        ("TotalCost", "0.00850"),
    ],
];

/// Plivo, with a key and what its webhooks are made of.
#[derive(Debug)]
pub(crate) struct Plivo {
    key: Hmac<Sha256>,
    webhooks: [SignedForm; WEBHOOKS.len()],
}

impl Plivo {
    /// Parameters in the order in which Plivo's own examples have them: in none.
    fn webhook(own: &[(&str, &str)]) -> SignedForm {
        let common = [
            ("Direction", "inbound"),
            ("From", "442071838750"),
            ("ALegUUID", UUID),
            ("BillRate", "0.0085"),
            ("ParentAuthID", ACCOUNT),
            ("To", "15550001234"),
            ("CallUUID", UUID),
            ("SIP-H-To", "<sip:15550001234@52.9.11.55;transport=udp>;tag=1"),
            ("CallerName", "+442071838750"),
            ("SessionStart", "2026-03-04 09:30:31.238707"),
        ];
        SignedForm::new(common.iter().chain(own).copied().collect(), UUID)
    }

    pub(crate) fn new() -> Self {
        Self { key: Self::key(), webhooks: WEBHOOKS.map(Self::webhook) }
    }

    pub(crate) fn key() -> Hmac<Sha256> {
        Hmac::new_from_slice(TOKEN.as_bytes()).expect("HMAC takes a key of any length")
    }
}

impl Carrier for Plivo {
    fn name(&self) -> ProviderName {
        offhook_plivo::NAME
    }

    fn provider(
        &self,
        transport: Arc<dyn Transport>,
    ) -> Result<Arc<dyn VoiceProvider>, Box<dyn Error>> {
        let config = PlivoConfig::new(ACCOUNT, TOKEN)?;
        Ok(Arc::new(offhook_plivo::Plivo::with_transport(config, transport)))
    }

    fn steps(&self) -> usize {
        WEBHOOKS.len()
    }

    fn id(&self, number: u64) -> String {
        uuid_of(&digits_of(number))
    }

    fn request(&self, id: &str, step: usize, told: &str) -> Vec<u8> {
        // The end of the call goes to the application's own URL, as its beginning does.
        let query = if step + 1 == WEBHOOKS.len() { "" } else { told };
        let mut pairs: Vec<&str> =
            query.strip_prefix('?').into_iter().flat_map(|query| query.split('&')).collect();
        pairs.sort_unstable();
        let joint = if pairs.is_empty() { "" } else { "." };
        let mut mac = self.key.clone();
        for part in [BASE, PATH, "?", &pairs.join("&"), joint] {
            mac.update(part.as_bytes());
        }
        mac.update(&self.webhooks[step].signed.of(id));
        mac.update(b".");
        mac.update(NONCE.as_bytes());
        let headers = [
            ("User-Agent", "Plivo/1.0"),
            ("Accept", "*/*"),
            ("Content-Type", FORM),
            ("X-Plivo-Signature-V3", &STANDARD.encode(mac.finalize().into_bytes())),
            ("X-Plivo-Signature-V3-Nonce", NONCE),
        ];
        request(&[PATH, query].concat(), &headers, &self.webhooks[step].body.of(id))
    }

    fn told_by(&self, document: &[u8]) -> Option<String> {
        action_of(document)
    }

    fn stand_in(&self) -> &'static str {
        "?call=01890a5d-ac96-774b-bcce-b302099a8057&step=1&kind=input"
    }

    fn done(&self) -> &'static [u8] {
        br#"{"api_id":"5a9f3c1e-0000-4000-8000-000000000000","message":"done"}"#
    }

    fn baseline(&self) -> Baseline {
        Baseline::empty_handler()
    }
}
