//! Telnyx: JSON, and Ed25519 over the timestamp and the raw body.

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use http::HeaderMap;
use offhook_core::{ProviderName, Transport, VoiceProvider};
use offhook_manager::{Clock, SystemClock};
use offhook_telnyx::TelnyxConfig;

use super::{Baseline, Carrier, digits_of, request, uuid_of};

const CONNECTION: &str = "1494404757140276705";
const PATH: &str = "/webhooks/telnyx";

/// What every call's id has before and behind its own digits.
const ID: (&str, &str) = ("v3:", "7_-PfH-qub97Sk4EqO5w");

/// One event of a call.
#[derive(Debug)]
struct Event {
    name: &'static str,
    /// The command that brings it about.
    after: Option<&'static str>,
    /// What it says beside what all say.
    says: &'static str,
}

const fn event(name: &'static str, after: Option<&'static str>, says: &'static str) -> Event {
    Event { name, after, says }
}

/// The parties, which only some events name.
const PARTIES: &str = r#","from":"+442071838750","to":"+15550001234""#;

const EVENTS: [Event; 6] = [
    event(
        "call.initiated",
        None,
        r#","direction":"incoming","state":"parked","caller_id_name":"+442071838750","start_time":"2026-03-04T09:30:31.238707Z""#,
    ),
    event("call.answered", Some("answer"), r#","start_time":"2026-03-04T09:30:31.238707Z""#),
    event("call.speak.started", Some("speak"), ""),
    event("call.speak.ended", None, r#","status":"completed""#),
    event(
        "call.transcription",
        Some("transcription_start"),
        r#","transcription_data":{"confidence":0.977219,"is_final":true,"transcript":"Good morning, I would like to move my appointment, please.","transcription_track":"inbound"}"#,
    ),
    event(
        "call.hangup",
        None,
        r#","end_time":"2026-03-04T09:31:07.000000Z","hangup_cause":"normal_clearing","hangup_source":"caller","sip_hangup_cause":"200","start_time":"2026-03-04T09:30:31.238707Z""#,
    ),
];

/// Telnyx, with a key.
#[derive(Debug)]
pub(crate) struct Telnyx {
    key: SigningKey,
}

impl Telnyx {
    pub(crate) fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[7; 32]) }
    }

    /// Whether this was signed: the message put together, the signature decoded, the check. Nobody
    /// can leave out any of it.
    pub(crate) fn bare_check(key: &VerifyingKey, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &str| headers.get(name).map(http::HeaderValue::as_bytes);
        let (Some(timestamp), Some(signature)) =
            (header("telnyx-timestamp"), header("telnyx-signature-ed25519"))
        else {
            return false;
        };
        let message = [timestamp, b"|", body].concat();
        let signature =
            STANDARD.decode(signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
        signature.is_some_and(|signature| key.verify_strict(&message, &signature).is_ok())
    }

    pub(crate) fn public_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }
}

impl Carrier for Telnyx {
    fn name(&self) -> ProviderName {
        offhook_telnyx::NAME
    }

    fn provider(
        &self,
        transport: Arc<dyn Transport>,
    ) -> Result<Arc<dyn VoiceProvider>, Box<dyn Error>> {
        let public = STANDARD.encode(self.public_key());
        let config = TelnyxConfig::new("KEY0123", CONNECTION, public)?;
        Ok(Arc::new(offhook_telnyx::Telnyx::with_transport(config, transport)))
    }

    /// Each call takes three commands: what is paced is not measured.
    fn requests_per_second(&self) -> f64 {
        100_000.0
    }

    fn steps(&self) -> usize {
        EVENTS.len()
    }

    fn id(&self, number: u64) -> String {
        [ID.0, &digits_of(number), ID.1].concat()
    }

    fn request(&self, id: &str, step: usize, told: &str) -> Vec<u8> {
        let Event { name, says, .. } = &EVENTS[step];
        let leg = uuid_of(&id[ID.0.len()..]);
        let event = &leg[8..];
        let parties = match name.starts_with("call.speak.") || *name == "call.transcription" {
            true => "",
            false => PARTIES,
        };
        let state = match told {
            "" => "null".to_owned(),
            state => format!("\"{state}\""),
        };
        let body = format!(
            r#"{{"data":{{"event_type":"{name}","id":"{step:08x}{event}","occurred_at":"2026-03-04T09:30:33.000000Z","payload":{{"call_control_id":"{id}","call_leg_id":"{leg}","call_session_id":"b0e6158e-c81c-11f0-b7c5-02420aef93a0","client_state":{state},"connection_id":"{CONNECTION}"{parties}{says}}},"record_type":"event"}},"meta":{{"attempt":1,"delivered_to":"https://voice.example.com{PATH}"}}}}"#
        );
        let timestamp = SystemClock.now().as_second().to_string();
        let signature = self.key.sign([&*timestamp, "|", &body].concat().as_bytes());
        let headers = [
            ("User-Agent", "telnyx-webhooks"),
            ("Content-Type", "application/json"),
            ("Telnyx-Timestamp", &timestamp),
            ("Telnyx-Signature-Ed25519", &STANDARD.encode(signature.to_bytes())),
        ];
        request(PATH, &headers, body.as_bytes())
    }

    fn comes_after(&self, step: usize) -> Option<&'static str> {
        EVENTS[step].after
    }

    fn stand_in(&self) -> &'static str {
        "MDE4OTBhNWQtYWM5Ni03NzRiLWJjY2UtYjMwMjA5OWE4MDU3LzE="
    }

    fn done(&self) -> &'static [u8] {
        br#"{"data":{"result":"ok"}}"#
    }

    fn baseline(&self) -> Baseline {
        let key = self.public_key();
        Baseline {
            name: "the bare Ed25519 check",
            takes: Box::new(move |headers, body| Self::bare_check(&key, headers, body)),
            calls: 20,
            limit: 75.0,
            goal: None,
            time_limit: None,
        }
    }
}
