//! Twilio, as a world has it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use offhook::twilio::{NAME, Twilio, TwilioConfig};
use offhook_carrier::Settings;
use offhook_core::{InvalidBaseUrl, VoiceProvider};
use serde_json::json;
use sha1::Sha1;
use url::Url;

use super::{Credentials, Provider, Refusal, Report, Request, Sender, Way, step};

pub(super) const ROW: Provider = Provider {
    name: NAME,
    build,
    guarded,
    webhook,
    stranger: |settings| settings.twilio.auth_token = "a stranger's".to_owned(),
    refused_dial: |number| Refusal {
        status: 400,
        code: Some("21211"),
        body: json!({
            "code": 21211, "message": format!("The 'To' number {number} is not valid"),
            "status": 400,
        })
        .to_string()
        .into(),
    },
    throttled: Refusal::new(
        429,
        Some("20429"),
        r#"{"code":20429,"message":"Too Many Requests","status":429}"#,
    ),
    no_such_call: Refusal::new(
        404,
        Some("20404"),
        r#"{"code":20404,"message":"not found","status":404}"#,
    ),
    revoked_code: Some("20003"),
    console_fragment: "",
    hangs_up_by: "POST ",
    taken: |id| json!({ "sid": id, "status": "in-progress" }),
    person_hung_up: "completed",
    hung_up_by_status: "completed",
    busy_by_status: "busy",
    dial_slack: 60,
    lists_501_calls_by: &["Status=in-progress", "&Page=1&PageToken=PA", "&Page=2&PageToken=PA"],
    unknown_id: "CA00000000000000000000000000000abc",
};

fn build(settings: &Settings, credentials: Credentials, way: Way) -> Arc<dyn VoiceProvider> {
    let account = &settings.twilio;
    let token = match credentials {
        Credentials::Genuine => account.auth_token.as_str(),
        Credentials::Revoked => "revoked",
    };
    let config = TwilioConfig::new(account.sid.as_str(), token)
        .expect("credentials")
        .with_previous_auth_token(account.auth_token.as_str())
        .with_api_base(way.base, true);
    Arc::new(Twilio::with_transport(config, way.transport))
}

fn guarded(base: Url) -> Result<Arc<dyn VoiceProvider>, InvalidBaseUrl> {
    let config =
        TwilioConfig::new("AC00000000000000000000000000000001", "token").expect("credentials");
    Ok(Arc::new(Twilio::new(config.with_api_base(base, false))?))
}

fn webhook(settings: &Settings, sender: &Sender<'_>, report: &Report<'_>) -> Request {
    let account = match sender.is_foreign {
        true => "AC0000000000000000000000000000ffff",
        false => settings.twilio.sid.as_str(),
    };
    let (kind, status) = match report {
        Report::Offered(_) => ("", "ringing"),
        Report::Said(_) => ("gather", "in-progress"),
        Report::Saying(_) => ("partial", "in-progress"),
        Report::Ended => ("status", "completed"),
        Report::Answered => ("status", "in-progress"),
        Report::Strange(word) => ("status", *word),
        Report::Unreadable => ("status", ""),
    };
    let number = sender.number.to_string();
    let direction = if sender.is_outbound { "outbound-api" } else { "inbound" };
    let from = match report {
        Report::Offered(from) => from,
        _ => "+15550100077",
    };
    let mut form = vec![
        ("AccountSid", account),
        ("From", from),
        ("To", "+15550100100"),
        ("CallStatus", status),
        ("Direction", direction),
    ];
    if kind == "status" {
        form.push(("SequenceNumber", number.as_str()));
    }
    if *report != Report::Unreadable {
        form.push(("CallSid", sender.id));
    }
    match report {
        Report::Said(words) => form.push(("SpeechResult", words)),
        Report::Saying(words) => form.push(("UnstableSpeechResult", words)),
        Report::Ended => form.push(("CallDuration", "12")),
        _ => {}
    }
    let url = match sender.call {
        Some(call) => {
            let kind = if kind.is_empty() { "answer" } else { kind };
            format!("{}?call={call}&step={}&kind={kind}", sender.url, step(sender.line))
        }
        None => sender.url.clone(),
    };
    let signature = form_signature(&settings.twilio.auth_token, &url, &form);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("x-twilio-signature", signature),
    ];
    Request { url, headers, body }
}

/// Twilio's signature of a form, written down once more and apart from what it tests.
///
/// # Panics
/// Never: HMAC takes any key.
#[must_use]
pub fn form_signature(token: &str, url: &str, parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("any key");
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
