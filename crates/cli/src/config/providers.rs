//! The daemon's table of providers: a row per provider, and its section.

use std::sync::Arc;

use offhook::twilio::{InvalidTwilioConfig, Twilio, TwilioConfig};
use offhook_core::{Party, ProviderName, VoiceProvider};
use url::Url;

use super::reader::Reader;

/// A provider that is configured and ready.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredProvider {
    pub(crate) provider: Arc<dyn VoiceProvider>,
    pub(crate) from: Option<Party>,
    pub(crate) calls_per_second: f64,
    pub(crate) calls_per_second_is_set: bool,
    pub(crate) requests_per_second: Option<f64>,
}

impl ConfiguredProvider {
    pub(crate) fn name(&self) -> ProviderName {
        self.provider.name()
    }
}

struct Row {
    name: &'static str,
    /// Environment variables by the carrier's own names, and their keys.
    variables: &'static [(&'static str, &'static str)],
    /// How many calls a second the carrier takes by default.
    calls_per_second: f64,
    build: fn(&mut Reader, Host) -> Option<Arc<dyn VoiceProvider>>,
}

const TABLE: &[Row] = &[Row {
    name: "twilio",
    variables: &[
        ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
        ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ],
    calls_per_second: 1.0,
    build: twilio,
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

/// Whether a carrier that is out there is configured, or meant to be: what it needs is checked
/// even if its section is not complete.
pub(super) fn any_real(reader: &Reader, wanted: Option<&str>) -> bool {
    TABLE.iter().any(|row| {
        let key = format!("{}.allow_private_hosts", row.name);
        let is_meant = reader.has_section(row.name) || wanted == Some(row.name);
        is_meant && reader.value(&key) != Some("true")
    })
}

fn read(reader: &mut Reader, row: &Row) -> Option<ConfiguredProvider> {
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
    let provider = (row.build)(reader, host);
    Some(ConfiguredProvider {
        provider: provider.filter(|_| is_set)?,
        from,
        calls_per_second: calls_per_second.unwrap_or(row.calls_per_second),
        calls_per_second_is_set: calls_per_second.is_some(),
        requests_per_second,
    })
}

/// In the place of a SID that is missing or wrong, to check the rest.
const STAND_IN_SID: &str = "AC00000000000000000000000000000000";

fn twilio(reader: &mut Reader, host: Host) -> Option<Arc<dyn VoiceProvider>> {
    let is_set = reader.has_section("twilio");
    let account_sid = reader.text("twilio.account_sid");
    let auth_token = reader.text("twilio.auth_token");
    let previous = reader.text("twilio.auth_token_previous").unwrap_or_default();
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
    let config = config.with_previous_auth_token(previous);
    let config =
        checked("twilio.region", config.with_region(&region, &edge)).or_else(|| stand_in().ok())?;
    let config = match host.api_base {
        Some(base) => config.with_api_base(base, host.private),
        None => config,
    };
    match Twilio::new(config) {
        Ok(twilio) if reader.problem_count() == before => Some(Arc::new(twilio)),
        Ok(_) => None,
        Err(error) => {
            reader.problem("twilio.api_base", format!("cannot be used: {error}"));
            None
        }
    }
}
