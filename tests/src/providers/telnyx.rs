//! Telnyx, as a world has it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use offhook::telnyx::{NAME, Telnyx, TelnyxConfig};
use offhook_carrier::Settings;
use offhook_core::{InvalidBaseUrl, VoiceProvider};
use serde_json::{Value, json};
use url::Url;

use super::{Credentials, Provider, Refusal, Report, Request, Sender, Way};

pub(super) const ROW: Provider = Provider {
    name: NAME,
    build,
    guarded,
    webhook,
    stranger: |settings| settings.telnyx.signing_key = *b"a stranger's key, not the portal",
    refused_dial: |number| Refusal {
        status: 422,
        code: Some("10016"),
        body: json!({ "errors": [{
            "code": "10016", "title": "Phone number must be in +E164 format",
            "detail": format!("The number {number} is not valid"),
        }] })
        .to_string()
        .into(),
    },
    throttled: Refusal::new(
        429,
        Some("10011"),
        r#"{"errors":[{"code":"10011","title":"Too many requests","detail":"Slow down."}]}"#,
    ),
    no_such_call: Refusal::new(
        404,
        Some("10005"),
        r#"{"errors":[{"code":"10005","title":"Resource not found","detail":"Not found."}]}"#,
    ),
    revoked_code: Some("10009"),
    console_fragment: "",
    hangs_up_by: "POST ",
    taken: |_| json!({ "data": { "result": "ok" } }),
    person_hung_up: "hangup-user",
    // A status tells how long a call lasted, and not why it ended.
    hung_up_by_status: "completed",
    busy_by_status: "failed",
    dial_slack: 15,
    lists_501_calls_by: &["active_calls?page", "page%5Bafter%5D=", "page%5Bafter%5D="],
    unknown_id: "v3:nobody-has-this-id",
};

fn build(settings: &Settings, credentials: Credentials, way: Way) -> Arc<dyn VoiceProvider> {
    let account = &settings.telnyx;
    let key = match credentials {
        Credentials::Genuine => account.api_key.as_str(),
        Credentials::Revoked => "KEYrevoked",
    };
    let config = TelnyxConfig::new(key, account.connection_id.as_str(), account.public_key())
        .expect("credentials")
        .with_api_base(way.base, true);
    Arc::new(Telnyx::with_transport(config, way.transport))
}

fn guarded(base: Url) -> Result<Arc<dyn VoiceProvider>, InvalidBaseUrl> {
    let config = TelnyxConfig::new("KEY1", "1", Settings::default().telnyx.public_key())
        .expect("credentials");
    Ok(Arc::new(Telnyx::new(config.with_api_base(base, false))?))
}

fn webhook(settings: &Settings, sender: &Sender<'_>, report: &Report<'_>) -> Request {
    let connection = match sender.is_foreign {
        true => "somebody-elses",
        false => settings.telnyx.connection_id.as_str(),
    };
    let mut payload = json!({
        "call_control_id": sender.id,
        "connection_id": connection,
        "client_state": sender.call.map(|call| STANDARD.encode(call)),
        "direction": if sender.is_outbound { "outgoing" } else { "incoming" },
        "to": "+15550100100",
    });
    let said = |words: &str, is_final: bool| {
        json!({
            "transcript": words, "is_final": is_final, "confidence": 0.9,
            "transcription_track": "inbound",
        })
    };
    let event = match report {
        Report::Offered(from) => {
            payload["state"] = json!("parked");
            payload["from"] = json!(from);
            "call.initiated"
        }
        Report::Answered => "call.answered",
        Report::Said(words) => {
            payload["transcription_data"] = said(words, true);
            "call.transcription"
        }
        Report::Saying(words) => {
            payload["transcription_data"] = said(words, false);
            "call.transcription"
        }
        Report::Ended => {
            payload["hangup_cause"] = json!("normal_clearing");
            payload["hangup_source"] = json!("unknown");
            "call.hangup"
        }
        Report::Strange(word) => word,
        Report::Unreadable => "",
    };
    let id = format!("00000000-0000-4000-8000-{:012x}", sender.number);
    let mut data = json!({
        "record_type": "event", "event_type": event, "id": id, "occurred_at": sender.now,
        "payload": payload,
    });
    if *report == Report::Unreadable {
        data = json!({ "id": id });
    }
    let body = json!({ "data": data, "meta": { "attempt": 1, "delivered_to": sender.url } });
    signed(settings, sender.url.clone(), sender.now, &body)
}

/// A request as Telnyx signs it, written down once more and apart from what it tests.
pub(crate) fn signed(
    settings: &Settings,
    url: String,
    now: jiff::Timestamp,
    body: &Value,
) -> Request {
    let (timestamp, body) = (now.as_second().to_string(), body.to_string());
    let key = SigningKey::from_bytes(&settings.telnyx.signing_key);
    let signature = key.sign(format!("{timestamp}|{body}").as_bytes());
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("telnyx-timestamp", timestamp),
        ("telnyx-signature-ed25519", STANDARD.encode(signature.to_bytes())),
    ];
    Request { url, headers, body }
}
