//! Plivo, as a world has it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use offhook::plivo::{NAME, Plivo, PlivoConfig};
use offhook_carrier::Settings;
use offhook_core::{InvalidBaseUrl, VoiceProvider};
use serde_json::json;
use sha2::Sha256;
use url::Url;

use super::{Credentials, Provider, Refusal, Report, Request, Sender, Way, step};

pub(super) const ROW: Provider = Provider {
    name: NAME,
    build,
    guarded,
    webhook,
    stranger: |settings| settings.plivo.auth_token = "a stranger's".to_owned(),
    refused_dial: |number| Refusal {
        status: 400,
        code: None,
        body: json!({ "api_id": API_ID, "error": format!("the number {number} is not valid") })
            .to_string()
            .into(),
    },
    throttled: Refusal::new(
        429,
        None,
        r#"{"api_id":"5a9f3c1e-0000-4000-8000-000000000000","error":"too many requests"}"#,
    ),
    no_such_call: Refusal::new(
        404,
        None,
        r#"{"api_id":"5a9f3c1e-0000-4000-8000-000000000000","error":"not found"}"#,
    ),
    // Its errors are words; none has a code.
    revoked_code: None,
    // Without it a 503 of ours is not retried.
    console_fragment: "#rc=5&rp=ct,rt,5xx",
    hangs_up_by: "DELETE ",
    taken: |_| json!({ "api_id": API_ID, "message": "call hung up" }),
    person_hung_up: "hangup-user",
    // The record of a call tells what its callback told.
    hung_up_by_status: "hangup-user",
    busy_by_status: "busy",
    dial_slack: 60,
    lists_501_calls_by: &["/Call/?status=live", "/Call/?status=queued"],
    unknown_id: "00000000-0000-4000-8000-000000000abc",
};

const API_ID: &str = "5a9f3c1e-0000-4000-8000-000000000000";

fn build(settings: &Settings, credentials: Credentials, way: Way) -> Arc<dyn VoiceProvider> {
    let account = &settings.plivo;
    let token = match credentials {
        Credentials::Genuine => account.auth_token.as_str(),
        Credentials::Revoked => "revoked",
    };
    let config = PlivoConfig::new(account.auth_id.as_str(), token)
        .expect("credentials")
        .with_previous_auth_token(account.auth_token.as_str())
        .with_api_base(way.base, true);
    Arc::new(Plivo::with_transport(config, way.transport))
}

fn guarded(base: Url) -> Result<Arc<dyn VoiceProvider>, InvalidBaseUrl> {
    let config = PlivoConfig::new("MAEMULATOR0000000001", "token").expect("credentials");
    Ok(Arc::new(Plivo::new(config.with_api_base(base, false))?))
}

fn webhook(settings: &Settings, sender: &Sender<'_>, report: &Report<'_>) -> Request {
    let (kind, event, status) = match report {
        Report::Offered(_) => ("answer", Some("StartApp"), "ringing"),
        Report::Answered => ("answer", Some("StartApp"), "in-progress"),
        Report::Said(_) => ("input", Some("Redirect"), "in-progress"),
        Report::Saying(_) => ("partial", None, "in-progress"),
        Report::Ended => ("hangup", Some("Hangup"), "completed"),
        Report::Strange(word) => ("ring", Some(*word), *word),
        Report::Unreadable => ("hangup", Some("Hangup"), ""),
    };
    let from = match report {
        Report::Offered(from) => from.trim_start_matches('+'),
        _ => "15550100077",
    };
    let mut form = vec![
        ("From", from),
        ("To", "15550100100"),
        ("CallStatus", status),
        ("Direction", if sender.is_outbound { "outbound" } else { "inbound" }),
        ("ParentAuthID", settings.plivo.auth_id.as_str()),
    ];
    form.extend(event.map(|event| ("Event", event)));
    if *report != Report::Unreadable {
        form.push(("CallUUID", sender.id));
    }
    match report {
        Report::Said(words) => form.extend([("InputType", "speech"), ("Speech", *words)]),
        Report::Saying(words) => form.push(("UnstableSpeech", words)),
        Report::Ended => form.extend([
            ("HangupCause", "NORMAL_CLEARING"),
            ("HangupCauseCode", "4000"),
            ("HangupCauseName", "Normal Hangup"),
            ("HangupSource", "Unknown"),
            ("Duration", "12"),
        ]),
        _ => {}
    }
    let url = match sender.call {
        Some(call) => {
            format!("{}?call={call}&step={}&kind={kind}", sender.url, step(sender.line))
        }
        None => sender.url.clone(),
    };
    signed(&settings.plivo.auth_token, url, sender.number, &form)
}

/// A request as Plivo signs it, written down once more and apart from what it tests.
fn signed(token: &str, url: String, number: u64, form: &[(&str, &str)]) -> Request {
    let nonce = format!("{number:020}");
    let (base, query) = url.split_once('?').unwrap_or((&url, ""));
    let mut named: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    named.sort();
    let named: Vec<String> = named.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let joint = if named.is_empty() { "" } else { "." };
    let mut sorted = form.to_vec();
    sorted.sort_unstable();
    let posted: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
    let message = format!("{base}?{}{joint}{posted}.{nonce}", named.join("&"));
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("any key");
    mac.update(message.as_bytes());
    let headers = vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("x-plivo-signature-v3", STANDARD.encode(mac.finalize().into_bytes())),
        ("x-plivo-signature-v3-nonce", nonce),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    Request { url, headers, body }
}
