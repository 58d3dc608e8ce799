//! Telnyx' row.

use std::sync::Arc;

use offhook::telnyx::{InvalidTelnyxConfig, Telnyx, TelnyxConfig};
use offhook_carrier::Settings;
use offhook_core::WebhookRejection;

use super::{Built, Console, ConsoleSetting, Explained, Explainer, Host, Row};
use crate::config::problem::Problem;
use crate::config::reader::Reader;

pub(super) const ROW: Row = Row {
    name: "telnyx",
    variables: &[
        ("TELNYX_API_KEY", "telnyx.api_key"),
        ("TELNYX_CONNECTION_ID", "telnyx.connection_id"),
        ("TELNYX_PUBLIC_KEY", "telnyx.public_key"),
    ],
    calls_per_second: 30.0,
    build,
    oddities,
    console: Console {
        place: "in the portal under Voice, Call Control, the application",
        settings: &[ConsoleSetting {
            name: "Send a webhook to the URL",
            // What is to be tried again is told with each call; the portal takes no fragment.
            fragment: "",
            method: "API v2",
        }],
    },
    emulated,
};

/// The account that the emulator knows.
fn emulated(emulator: &Settings) -> Vec<(&'static str, String)> {
    let account = &emulator.telnyx;
    vec![
        ("api_key", account.api_key.clone()),
        ("connection_id", account.connection_id.clone()),
        ("public_key", account.public_key()),
    ]
}

fn explainer(config: TelnyxConfig) -> Explainer {
    Explainer(Arc::new(move |request, _urls, now| {
        let explanation = config.explain_signature(request, now);
        let rejection = explanation.rejection;
        // The URL is not signed: it is never what differs.
        let signed_as = explanation.signed_as.map(|signed| {
            let key = (signed.key != "the public key").then_some(signed.key);
            (0, key.into_iter().chain(signed.content).collect())
        });
        let mut hints = Vec::new();
        if explanation.foreign_connection {
            hints.push(
                "the event is of another application than telnyx.connection_id: it is acknowledged \
                 and has no effect",
            );
        }
        if matches!(rejection, Some(WebhookRejection::Stale { .. })) && signed_as.is_some() {
            hints.push(
                "the signature itself is right: a capture is stale after five minutes; if it was \
                 so when it came, set this machine's clock",
            );
        }
        Explained { rejection, signed_as, hints }
    }))
}

fn oddities(reader: &Reader) -> Vec<Problem> {
    if reader.value("telnyx.allow_private_hosts") == Some("true") {
        let what = "is for development: private hosts and plain http are permitted as the API";
        return vec![reader.about("telnyx.allow_private_hosts", what.to_owned())];
    }
    let mut oddities = Vec::new();
    let given = |key: &str| reader.value(key).filter(|value| !value.is_empty());
    if given("telnyx.api_key").is_some_and(|key| !key.starts_with("KEY")) {
        let what = "does not begin with KEY, as Telnyx' V2 keys do; is it a key of API v1?";
        oddities.push(reader.about("telnyx.api_key", what.to_owned()));
    }
    let previous = given("telnyx.public_key_previous");
    if previous.is_some() && previous == given("telnyx.public_key") {
        let what = "is the same as public_key; remove it, unless the key is being rotated";
        oddities.push(reader.about("telnyx.public_key_previous", what.to_owned()));
    }
    oddities
}

fn build(reader: &mut Reader, host: Host) -> Option<Built> {
    let keys = ["telnyx.api_key", "telnyx.connection_id", "telnyx.public_key"];
    let given = keys.map(|key| reader.text(key));
    let previous = reader.text("telnyx.public_key_previous").unwrap_or_default();
    if !reader.has_section("telnyx") {
        return None;
    }
    let before = reader.problem_count();
    for (key, value) in keys.iter().zip(&given) {
        if value.is_none() {
            reader.problem(key, "is missing; copy it from the Telnyx portal".to_owned());
        }
    }
    let mut wrong = |error: InvalidTelnyxConfig| {
        let key = match error {
            InvalidTelnyxConfig::ApiKey => "telnyx.api_key",
            InvalidTelnyxConfig::ConnectionId => "telnyx.connection_id",
            _ => "telnyx.public_key",
        };
        reader.problem(key, format!("cannot be used: {error}"));
    };
    // What is missing or wrong does not hide what else is wrong: it is replaced, and nothing is
    // built in the end.
    let [key, connection, public] = given;
    let stand_ins = ["KEY", "1", STAND_IN_KEY].map(str::to_owned);
    let of =
        |place: usize, given: &Option<String>| given.clone().unwrap_or(stand_ins[place].clone());
    for tried in [
        TelnyxConfig::new(of(0, &key), "1", STAND_IN_KEY),
        TelnyxConfig::new("KEY", of(1, &connection), STAND_IN_KEY),
        TelnyxConfig::new("KEY", "1", of(2, &public)),
    ] {
        let _ = tried.map_err(&mut wrong);
    }
    let stand_in = TelnyxConfig::new("KEY", "1", STAND_IN_KEY).ok()?;
    if let Err(error) = stand_in.clone().with_previous_public_key(&previous) {
        reader.problem("telnyx.public_key_previous", format!("cannot be used: {error}"));
    }
    let config = TelnyxConfig::new(of(0, &key), of(1, &connection), of(2, &public))
        .and_then(|config| config.with_previous_public_key(&previous))
        .unwrap_or(stand_in);
    let config = match host.api_base {
        Some(base) => config.with_api_base(base, host.private),
        None => config,
    };
    let explainer = explainer(config.clone());
    match Telnyx::new(config) {
        Ok(telnyx) if reader.problem_count() == before => {
            Some(Built { provider: Arc::new(telnyx), explainer })
        }
        Ok(_) => None,
        Err(error) => {
            reader.problem("telnyx.api_base", format!("cannot be used: {error}"));
            None
        }
    }
}

/// In the place of a public key that is missing or wrong, to check the rest: the base point.
const STAND_IN_KEY: &str = "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=";
