//! The daemon's table of providers: a row per provider, and its section.

mod plivo;
mod telnyx;
mod twilio;

use std::sync::Arc;

use jiff::Timestamp;
use offhook_carrier::Settings;
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

type Explain = dyn Fn(&WebhookRequest, &[String], Timestamp) -> Explained + Send + Sync;

/// Explains signatures; it knows the keys, and tells none.
#[derive(Clone)]
pub(crate) struct Explainer(Arc<Explain>);

impl Explainer {
    /// Checks a request as it would be checked now, and tries these URLs.
    pub(crate) fn explain(
        &self,
        request: &WebhookRequest,
        urls: &[String],
        now: Timestamp,
    ) -> Explained {
        (self.0)(request, urls, now)
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
    /// The keys with which the emulator's account is reached.
    emulated: fn(&Settings) -> Vec<(&'static str, String)>,
}

/// A row per provider.
const TABLE: &[Row] = &[twilio::ROW, plivo::ROW, telnyx::ROW];

/// What every section has.
struct Host {
    api_base: Option<Url>,
    private: bool,
}

/// All that there are.
pub(crate) fn names() -> Vec<&'static str> {
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

/// Every provider, as a customer of the emulator that is reached there.
pub(crate) fn emulated(emulator: &Settings, base: &Url) -> Vec<ConfiguredProvider> {
    let text: String = TABLE.iter().map(|row| section(row, emulator, base)).collect();
    let Ok(mut reader) = Reader::parse(&text, "the emulator") else { return Vec::new() };
    read_all(&mut reader).into_iter().map(|of| ConfiguredProvider { console: None, ..of }).collect()
}

/// The section of a provider that is a customer of the emulator.
pub(crate) fn emulated_section(name: &str, emulator: &Settings, base: &Url) -> String {
    let row = TABLE.iter().find(|row| row.name == name);
    row.map(|row| section(row, emulator, base)).unwrap_or_default()
}

fn section(row: &Row, emulator: &Settings, base: &Url) -> String {
    let keys = (row.emulated)(emulator).into_iter();
    let keys =
        keys.chain([("from_number", "+15550100100".to_owned()), ("api_base", base.to_string())]);
    let lines: String =
        keys.map(|(key, value)| format!("{key} = {}\n", toml::Value::from(value))).collect();
    format!("[{}]\n{lines}allow_private_hosts = true\n", row.name)
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
