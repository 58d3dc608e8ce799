//! Twilio's row.

use std::sync::Arc;

use offhook::twilio::{InvalidTwilioConfig, Twilio, TwilioConfig};
use offhook_carrier::Settings;
use offhook_core::WebhookRejection;

use super::{Built, Console, ConsoleSetting, Explained, Explainer, Host, Row};
use crate::config::problem::Problem;
use crate::config::reader::Reader;

pub(super) const ROW: Row = Row {
    name: "twilio",
    variables: &[
        ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
        ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ],
    calls_per_second: 1.0,
    build,
    oddities,
    emulated,
    console: Console {
        place: "in the console under Phone Numbers, the number, Voice Configuration",
        settings: &[
            ConsoleSetting {
                name: "A call comes in",
                // Tried three times more: when we cannot be reached, do not answer in time, or
                // answer 5xx, as a daemon that restarts does. Source: Twilio, "Webhooks:
                // connection overrides".
                fragment: "#rc=3&rp=ct,rt,5xx",
                method: "Webhook, HTTP POST",
            },
            ConsoleSetting {
                // The last chance of a call whose first document could not be fetched. To us it is
                // the first word as well.
                name: "Primary handler fails",
                fragment: "#rc=3&rp=ct,rt,5xx",
                method: "Webhook, HTTP POST",
            },
            ConsoleSetting {
                // The one word that a caller has hung up.
                name: "Call status changes",
                fragment: "#rc=3&rp=ct,rt,5xx",
                method: "HTTP POST",
            },
        ],
    },
};

/// The account that the emulator knows.
fn emulated(emulator: &Settings) -> Vec<(&'static str, String)> {
    let account = &emulator.twilio;
    vec![("account_sid", account.sid.clone()), ("auth_token", account.auth_token.clone())]
}

fn explainer(config: TwilioConfig) -> Explainer {
    Explainer(Arc::new(move |request, urls, _now| {
        let explanation = config.explain_signature(request, urls);
        let rejection = explanation.rejection;
        let signed_as = explanation.signed_as.map(|signed| {
            // The request itself says that it is signed with a SharedKey.
            let is_expected = signed.key == "the auth token"
                || signed.key == "the shared key" && rejection.is_none();
            let key = (!is_expected).then_some(signed.key);
            (signed.url, key.into_iter().chain(signed.parameters).collect())
        });
        let mut hints = Vec::new();
        if explanation.foreign_account {
            hints.push(
                "AccountSid in the body is another account than twilio.account_sid: its token is \
                 another, too",
            );
        }
        if matches!(rejection, Some(WebhookRejection::Scheme { .. })) {
            hints.push(
                "the request says that it is signed with a SharedKey, and none is configured: set \
                 twilio.shared_key",
            );
        }
        Explained { rejection, signed_as, hints }
    }))
}

fn oddities(reader: &Reader) -> Vec<Problem> {
    // In development the account is the emulator's, whose token is a word.
    if reader.value("twilio.allow_private_hosts") == Some("true") {
        let what = "is for development: private hosts and plain http are permitted as the API";
        return vec![reader.about("twilio.allow_private_hosts", what.to_owned())];
    }
    let mut oddities = Vec::new();
    let given = |key: &str| reader.value(key).filter(|value| !value.is_empty());
    let is_hexadecimal =
        |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for key in ["twilio.auth_token", "twilio.auth_token_previous"] {
        if given(key).is_some_and(|token| !is_hexadecimal(token)) {
            let what =
                "is not 32 hexadecimal digits, as Twilio's tokens are; was all of it copied?";
            oddities.push(reader.about(key, what.to_owned()));
        }
    }
    let shared = given("twilio.shared_key");
    if shared.is_some() && shared == given("twilio.auth_token") {
        let what = "is the same as auth_token; give the secret of the SharedKey, or remove it";
        oddities.push(reader.about("twilio.shared_key", what.to_owned()));
    }
    let previous = given("twilio.auth_token_previous");
    if previous.is_some() && previous == given("twilio.auth_token") {
        let what = "is the same as auth_token; remove it, unless the token is being rotated";
        oddities.push(reader.about("twilio.auth_token_previous", what.to_owned()));
    }
    oddities
}

/// In the place of a SID that is missing or wrong, to check the rest.
const STAND_IN_SID: &str = "AC00000000000000000000000000000000";

fn build(reader: &mut Reader, host: Host) -> Option<Built> {
    let is_set = reader.has_section("twilio");
    let account_sid = reader.text("twilio.account_sid");
    let auth_token = reader.text("twilio.auth_token");
    let previous = reader.text("twilio.auth_token_previous").unwrap_or_default();
    let shared_key = reader.text("twilio.shared_key").unwrap_or_default();
    let key = (reader.text("twilio.api_key_sid"), reader.text("twilio.api_key_secret"));
    let region = reader.text("twilio.region").unwrap_or_default();
    let edge = reader.text("twilio.edge").unwrap_or_default();
    if !is_set {
        return None;
    }
    let before = reader.problem_count();
    for (key, value) in [("twilio.account_sid", &account_sid), ("twilio.auth_token", &auth_token)] {
        if value.is_none() {
            reader.problem(key, "is missing; copy it from the Twilio console".to_owned());
        }
    }
    let mut half_a_key = None;
    // What is missing or wrong does not hide what else is wrong: it is replaced, and nothing is
    // built in the end.
    let mut checked = |key: &str, result: Result<TwilioConfig, InvalidTwilioConfig>| {
        result.map_err(|error| reader.problem(key, format!("cannot be used: {error}"))).ok()
    };
    let stand_in = || TwilioConfig::new(STAND_IN_SID, "-");
    let given = TwilioConfig::new(
        account_sid.unwrap_or_else(|| STAND_IN_SID.to_owned()),
        auth_token.unwrap_or_else(|| "-".to_owned()),
    );
    let config = checked("twilio.account_sid", given).or_else(|| stand_in().ok())?;
    let config = config.with_previous_auth_token(previous).with_shared_key(shared_key);
    let config = match key {
        (None, None) => config,
        (Some(sid), Some(secret)) => {
            checked("twilio.api_key_sid", config.clone().with_api_key(sid, secret))
                .unwrap_or(config)
        }
        (sid, _) => {
            let missing = if sid.is_none() { "sid" } else { "secret" };
            let what = "is missing: an API key is its SID and its secret; set both or none";
            half_a_key = Some((format!("twilio.api_key_{missing}"), what.to_owned()));
            config
        }
    };
    let config =
        checked("twilio.region", config.with_region(&region, &edge)).or_else(|| stand_in().ok())?;
    let config = match host.api_base {
        Some(base) => config.with_api_base(base, host.private),
        None => config,
    };
    if let Some((key, what)) = half_a_key {
        reader.problem(&key, what);
    }
    let explainer = explainer(config.clone());
    match Twilio::new(config) {
        Ok(twilio) if reader.problem_count() == before => {
            Some(Built { provider: Arc::new(twilio), explainer })
        }
        Ok(_) => None,
        Err(error) => {
            reader.problem("twilio.api_base", format!("cannot be used: {error}"));
            None
        }
    }
}
