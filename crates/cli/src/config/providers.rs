//! The daemon's table of providers: a row per provider, and its section.

use std::sync::Arc;

use offhook::twilio::{InvalidTwilioConfig, Twilio, TwilioConfig};
use offhook_core::{Party, ProviderName, VoiceProvider, WebhookRejection, WebhookRequest};
use url::Url;

use super::problem::Problem;
use super::reader::Reader;

/// A provider that is configured and ready.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredProvider {
    pub(crate) provider: Arc<dyn VoiceProvider>,
    pub(crate) from: Option<Party>,
    pub(crate) calls_per_second: f64,
    pub(crate) calls_per_second_is_set: bool,
    pub(crate) requests_per_second: Option<f64>,
    /// `None` for the built-in emulator.
    pub(crate) console: Option<&'static Console>,
    /// `None` for the built-in emulator.
    pub(crate) explainer: Option<Explainer>,
}

impl ConfiguredProvider {
    pub(crate) fn name(&self) -> ProviderName {
        self.provider.name()
    }
}

/// What a provider has to say of the signature of a captured webhook.
#[derive(Debug)]
pub(crate) struct Explained {
    /// Why it is refused; `None` if it is not.
    pub(crate) rejection: Option<WebhookRejection>,
    /// The place of the URL that was signed, and what else differs from what we expect.
    pub(crate) signed_as: Option<(usize, Vec<&'static str>)>,
    pub(crate) hints: Vec<&'static str>,
}

type Explain = dyn Fn(&WebhookRequest, &[String]) -> Explained + Send + Sync;

/// Explains signatures; it knows the keys, and tells none.
#[derive(Clone)]
pub(crate) struct Explainer(Arc<Explain>);

impl Explainer {
    /// Checks a request, and tries these URLs.
    pub(crate) fn explain(&self, request: &WebhookRequest, urls: &[String]) -> Explained {
        (self.0)(request, urls)
    }
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explainer")
    }
}

/// What a row makes of its section.
struct Built {
    provider: Arc<dyn VoiceProvider>,
    explainer: Explainer,
}

/// What is to be set at the carrier, so that it calls us.
#[derive(Debug)]
pub(crate) struct Console {
    /// Where in the carrier's console.
    pub(crate) place: &'static str,
    pub(crate) settings: &'static [ConsoleSetting],
}

/// One URL in a carrier's console.
#[derive(Debug)]
pub(crate) struct ConsoleSetting {
    /// The console's own name of it.
    pub(crate) name: &'static str,
    /// What stands behind the webhook endpoint.
    pub(crate) fragment: &'static str,
    pub(crate) method: &'static str,
}

struct Row {
    name: &'static str,
    /// Environment variables by the carrier's own names, and their keys.
    variables: &'static [(&'static str, &'static str)],
    /// How many calls a second the carrier takes by default.
    calls_per_second: f64,
    build: fn(&mut Reader, Host) -> Option<Built>,
    /// What can be used as it is, and is probably not what was meant.
    oddities: fn(&Reader) -> Vec<Problem>,
    console: Console,
}

const TABLE: &[Row] = &[Row {
    name: "twilio",
    variables: &[
        ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
        ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ],
    calls_per_second: 1.0,
    build: twilio,
    oddities: twilio_oddities,
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
}];

/// What every section has.
struct Host {
    api_base: Option<Url>,
    private: bool,
}

pub(super) fn names() -> Vec<&'static str> {
    TABLE.iter().map(|row| row.name).collect()
}

pub(super) fn key_of_variable(variable: &str) -> Option<&'static str> {
    let mut variables = TABLE.iter().flat_map(|row| row.variables);
    variables.find(|(name, _)| *name == variable).map(|(_, key)| *key)
}

/// What is said of a provider that is named and not configured.
pub(super) fn missing(name: &str) -> String {
    match TABLE.iter().find(|row| row.name == name) {
        Some(row) => {
            let variables: Vec<&str> = row.variables.iter().map(|(name, _)| *name).collect();
            format!(
                "is {name}, whose credentials are missing or wrong: set them in [{name}] or by {}",
                variables.join(" and ")
            )
        }
        None => format!("is {name:?}; there are emulator, {}", names().join(", ")),
    }
}

/// Every provider whose section, or whose environment, has anything in it.
pub(super) fn read_all(reader: &mut Reader) -> Vec<ConfiguredProvider> {
    TABLE.iter().filter_map(|row| read(reader, row)).collect()
}

/// What every provider has to say of values that can be used.
pub(super) fn oddities(reader: &Reader) -> Vec<Problem> {
    let meant = TABLE.iter().filter(|row| reader.has_section(row.name));
    meant.flat_map(|row| (row.oddities)(reader)).collect()
}

/// Whether a carrier that is out there is configured, or meant to be: what it needs is checked
/// even if its section is not complete.
pub(super) fn any_real(reader: &Reader, wanted: Option<&str>) -> bool {
    TABLE.iter().any(|row| {
        let key = format!("{}.allow_private_hosts", row.name);
        let is_meant = reader.has_section(row.name) || wanted == Some(row.name);
        is_meant && reader.value(&key) != Some("true")
    })
}

fn read(reader: &mut Reader, row: &'static Row) -> Option<ConfiguredProvider> {
    let key = |name: &str| format!("{}.{name}", row.name);
    let is_set = reader.has_section(row.name);
    let from = reader.with(&key("from_number"), super::party);
    let calls_per_second = reader.with(&key("calls_per_second"), super::rate);
    let requests_per_second = reader.with(&key("requests_per_second"), super::rate);
    let host = Host {
        api_base: reader.with(&key("api_base"), |text| {
            text.parse().map_err(|_| "is a URL, such as https://api.example.com".to_owned())
        }),
        private: reader.with(&key("allow_private_hosts"), super::boolean).unwrap_or(false),
    };
    let Built { provider, explainer } = (row.build)(reader, host).filter(|_| is_set)?;
    Some(ConfiguredProvider {
        provider,
        from,
        calls_per_second: calls_per_second.unwrap_or(row.calls_per_second),
        calls_per_second_is_set: calls_per_second.is_some(),
        requests_per_second,
        console: Some(&row.console),
        explainer: Some(explainer),
    })
}

fn explain_twilio(config: TwilioConfig) -> Explainer {
    Explainer(Arc::new(move |request, urls| {
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

fn twilio_oddities(reader: &Reader) -> Vec<Problem> {
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

fn twilio(reader: &mut Reader, host: Host) -> Option<Built> {
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
    let explainer = explain_twilio(config.clone());
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
