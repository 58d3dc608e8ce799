//! Plivo's row.

use std::sync::Arc;

use offhook::plivo::{InvalidPlivoConfig, Plivo, PlivoConfig};
use offhook_carrier::Settings;
use offhook_core::WebhookRejection;

use super::{Built, Console, ConsoleSetting, Explained, Explainer, Host, Row};
use crate::config::problem::Problem;
use crate::config::reader::Reader;

/// Tried five times more: when we cannot be reached, do not answer in time, or answer 5xx, as a
/// daemon that restarts does. Source: Plivo, "Callback configurations".
const RETRIES: &str = "#rc=5&rp=ct,rt,5xx";

pub(super) const ROW: Row = Row {
    name: "plivo",
    variables: &[("PLIVO_AUTH_ID", "plivo.auth_id"), ("PLIVO_AUTH_TOKEN", "plivo.auth_token")],
    calls_per_second: 2.0,
    build,
    oddities,
    console: Console {
        place: "in the console under Voice, Applications, the application of the number",
        settings: &[
            ConsoleSetting { name: "Primary Answer URL", fragment: RETRIES, method: "POST" },
            // The last chance of a call whose first document could not be fetched. To us it is the
            // first word as well.
            ConsoleSetting { name: "Fallback Answer URL", fragment: RETRIES, method: "POST" },
            // The one word that a caller has hung up.
            ConsoleSetting { name: "Hangup URL", fragment: RETRIES, method: "POST" },
        ],
    },
    emulated,
};

/// The account that the emulator knows.
fn emulated(emulator: &Settings) -> Vec<(&'static str, String)> {
    let account = &emulator.plivo;
    vec![("auth_id", account.auth_id.clone()), ("auth_token", account.auth_token.clone())]
}

fn explainer(config: PlivoConfig) -> Explainer {
    Explainer(Arc::new(move |request, urls, _now| {
        let explanation = config.explain_signature(request, urls);
        let rejection = explanation.rejection;
        let signed_as = explanation.signed_as.map(|signed| {
            // The main account's token is configured for what only it signs.
            let is_expected = signed.key == "the auth token"
                || signed.key == "the main auth token" && rejection.is_none();
            let key = (!is_expected).then_some(signed.key);
            (signed.url, key.into_iter().chain(signed.content).collect())
        });
        let mut hints = Vec::new();
        if explanation.foreign_account {
            hints.push(
                "the request names another main account than plivo.auth_id: its token is another, too",
            );
        }
        if matches!(rejection, Some(WebhookRejection::Scheme { .. })) {
            hints.push(
                "the request is signed with V2 only, which leaves the query uncovered: set \
                 plivo.signature_v2 = true if it must be taken",
            );
        }
        Explained { rejection, signed_as, hints }
    }))
}

fn oddities(reader: &Reader) -> Vec<Problem> {
    if reader.value("plivo.allow_private_hosts") == Some("true") {
        let what = "is for development: private hosts and plain http are permitted as the API";
        return vec![reader.about("plivo.allow_private_hosts", what.to_owned())];
    }
    let mut oddities = Vec::new();
    let given = |key: &str| reader.value(key).filter(|value| !value.is_empty());
    if reader.value("plivo.signature_v2") == Some("true") {
        let what = "is true: signatures V2 are taken, which cover neither parameters nor query; \
                    leave it out unless Plivo sends no V3";
        oddities.push(reader.about("plivo.signature_v2", what.to_owned()));
    }
    let token = given("plivo.auth_token");
    for (key, why) in [
        ("plivo.auth_token_previous", "remove it, unless the token is being rotated"),
        ("plivo.main_auth_token", "it is the main account's token, for a subaccount; remove it"),
    ] {
        if given(key).is_some() && given(key) == token {
            oddities.push(reader.about(key, format!("is the same as auth_token; {why}")));
        }
    }
    oddities
}

/// In the place of an auth id that is missing or wrong, to check the rest.
const STAND_IN_ID: &str = "MA000000000000000000";

fn build(reader: &mut Reader, host: Host) -> Option<Built> {
    let auth_id = reader.text("plivo.auth_id");
    let auth_token = reader.text("plivo.auth_token");
    let previous = reader.text("plivo.auth_token_previous").unwrap_or_default();
    let main = reader.text("plivo.main_auth_token").unwrap_or_default();
    let v2 = reader.with("plivo.signature_v2", crate::config::boolean).unwrap_or(false);
    if !reader.has_section("plivo") {
        return None;
    }
    let before = reader.problem_count();
    for (key, value) in [("plivo.auth_id", &auth_id), ("plivo.auth_token", &auth_token)] {
        if value.is_none() {
            reader.problem(key, "is missing; copy it from the Plivo console".to_owned());
        }
    }
    // What is missing or wrong does not hide what else is wrong: it is replaced, and nothing is
    // built in the end.
    let given = PlivoConfig::new(
        auth_id.unwrap_or_else(|| STAND_IN_ID.to_owned()),
        auth_token.unwrap_or_else(|| "-".to_owned()),
    );
    let config = match given {
        Ok(config) => config,
        Err(error) => {
            let key = match error {
                InvalidPlivoConfig::AuthToken => "plivo.auth_token",
                _ => "plivo.auth_id",
            };
            reader.problem(key, format!("cannot be used: {error}"));
            PlivoConfig::new(STAND_IN_ID, "-").ok()?
        }
    };
    let config =
        config.with_previous_auth_token(previous).with_main_auth_token(main).with_signature_v2(v2);
    let config = match host.api_base {
        Some(base) => config.with_api_base(base, host.private),
        None => config,
    };
    let explainer = explainer(config.clone());
    match Plivo::new(config) {
        Ok(plivo) if reader.problem_count() == before => {
            Some(Built { provider: Arc::new(plivo), explainer })
        }
        Ok(_) => None,
        Err(error) => {
            reader.problem("plivo.api_base", format!("cannot be used: {error}"));
            None
        }
    }
}
