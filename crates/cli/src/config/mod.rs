//! `offhook.toml` and the environment, read once into types that cannot be wrong.

mod policies;
mod problem;
mod providers;
mod reader;
#[cfg(test)]
mod strange;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use offhook::manager::{InboundPolicy, Mode, Policy};
use offhook_core::{Locale, Party, PhoneNumber, ProviderName, SpeechText, Voice};
use offhook_server::{PublicUrl, parse_duration};
use secrecy::SecretString;

pub(crate) use problem::{Problem, Problems};
pub(crate) use providers::{
    ConfiguredProvider, Explained, Explainer, emulated, emulated_section, names as provider_names,
};
use reader::Reader;

/// Where calls are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    Memory,
    Sqlite(PathBuf),
}

impl StoreUrl {
    /// Where the token stands if it is not configured: beside the store.
    pub(crate) fn token_file(&self) -> PathBuf {
        match self {
            Self::Memory => PathBuf::from("api.token"),
            Self::Sqlite(path) => path.with_file_name("api.token"),
        }
    }
}

/// What the logs look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What a command needs to talk to the daemon.
#[derive(Debug)]
pub(crate) struct ClientConfig {
    pub(crate) api_listen: SocketAddr,
    pub(crate) token: Option<SecretString>,
    pub(crate) store: StoreUrl,
}

/// Everything the daemon is told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) client: ClientConfig,
    pub(crate) api_hosts: Vec<String>,
    /// `None` if the built-in emulator is the carrier.
    pub(crate) providers: Option<Vec<ConfiguredProvider>>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) from_number: Option<Party>,
    pub(crate) webhooks_listen: SocketAddr,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) max_body: usize,
    pub(crate) retention: Duration,
    pub(crate) policy: Policy,
    pub(crate) calls_per_second: Option<f64>,
    pub(crate) requests_per_second: f64,
    pub(crate) log: LogFormat,
    /// Whether the emulator was asked for by name.
    pub(crate) emulator_is_named: bool,
}

/// Reads only what a command needs to find the daemon; what else may be wrong is the daemon's
/// matter.
pub(crate) fn load_client(path: Option<&Path>) -> Result<ClientConfig, Problems> {
    let mut reader = Reader::open(path, providers::key_of_variable)?;
    let client = client(&mut reader);
    reader.finish_partly()?;
    Ok(client)
}

/// Reads everything, and reports all problems at once.
pub(crate) fn load(path: Option<&Path>) -> Result<Config, Problems> {
    let mut reader = Reader::open(path, providers::key_of_variable)?;
    let config = read(&mut reader);
    reader.finish()?;
    Ok(config)
}

/// Everything that was read, and everything that was found on the way.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// What is wrong in it has its default.
    pub(crate) config: Config,
    pub(crate) problems: Problems,
    /// What can be used, and is probably not what was meant.
    pub(crate) oddities: Vec<Problem>,
}

/// Reads everything, for people who look for what is wrong.
///
/// # Errors
/// The file cannot be read at all.
pub(crate) fn inspect(path: Option<&Path>) -> Result<Inspection, Problems> {
    let mut reader = Reader::open(path, providers::key_of_variable)?;
    let config = read(&mut reader);
    let mut oddities = providers::oddities(&reader);
    oddities.extend(policies::oddities(&reader, &config));
    let problems = reader.finish().err().unwrap_or_default();
    Ok(Inspection { config, problems, oddities })
}

/// The configuration's name for people.
pub(crate) fn name_of(path: Option<&Path>) -> String {
    let path = path.unwrap_or(Path::new(reader::DEFAULT_FILE));
    match path.exists() {
        true => format!("{} and the environment", path.display()),
        false => "the environment and the defaults; there is no offhook.toml".to_owned(),
    }
}

fn client(reader: &mut Reader) -> ClientConfig {
    ClientConfig {
        api_listen: reader.with("api.listen", address).unwrap_or(([127, 0, 0, 1], 3335).into()),
        token: reader.text("api.token").map(SecretString::from),
        store: reader
            .with("store.url", store_url)
            .unwrap_or_else(|| StoreUrl::Sqlite(PathBuf::from("offhook.db"))),
    }
}

fn read(reader: &mut Reader) -> Config {
    let client = client(reader);
    let wanted = reader.text("provider");
    let configured = providers::read_all(reader);
    let emulated = match wanted.as_deref() {
        Some("emulator") => true,
        None => configured.is_empty() && !reader.has_problems_in(&providers::names()),
        Some(_) => false,
    };
    let default_provider = match wanted.as_deref() {
        _ if emulated => offhook::twilio::NAME,
        Some(name) => {
            if !configured.iter().any(|provider| provider.name().as_str() == name) {
                reader.problem("provider", providers::missing(name));
            }
            ProviderName::from(name.to_owned())
        }
        None => configured.first().map_or(offhook::twilio::NAME, ConfiguredProvider::name),
    };
    let development = emulated || !providers::any_real(reader, wanted.as_deref());
    let public_url = reader.with("public_url", |text| {
        let parsed =
            if development { PublicUrl::parse_private(text) } else { PublicUrl::parse(text) };
        parsed.map_err(|error| format!("cannot be used: {error}"))
    });
    if public_url.is_none() && !development && !reader.has_problem("public_url") {
        reader.problem(
            "public_url",
            "is missing: the carrier must know where to call; write public_url = \"https://…\""
                .to_owned(),
        );
    }
    let mut policy = Policy::new(default_provider);
    limits(reader, &mut policy);
    conversation(reader, &mut policy);
    Config {
        client,
        emulator_is_named: wanted.is_some() && emulated,
        api_hosts: reader.list("api.hosts", |host| Ok(host.to_owned())),
        providers: (!emulated).then_some(configured),
        public_url,
        from_number: reader.with("from_number", party),
        webhooks_listen: reader
            .with("webhooks.listen", address)
            .unwrap_or(([127, 0, 0, 1], 3334).into()),
        trusted_proxies: reader.list("webhooks.trusted_proxies", network),
        max_body: reader.with("webhooks.max_body", bytes).unwrap_or(64 * 1024),
        retention: reader
            .with("store.retention", duration)
            .unwrap_or(Duration::from_secs(30 * 24 * 3600)),
        policy,
        calls_per_second: reader.with("limits.calls_per_second", rate),
        requests_per_second: reader.with("limits.requests_per_second", rate).unwrap_or(50.0),
        log: reader
            .with("log.format", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("is text or json".to_owned()),
            })
            .unwrap_or_default(),
    }
}

fn limits(reader: &mut Reader, policy: &mut Policy) {
    let count = |text: &str| match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("is a whole number from 1".to_owned()),
    };
    set(&mut policy.max_concurrent_calls, reader.with("limits.max_concurrent_calls", count));
    set(&mut policy.verify_concurrency, reader.with("limits.verify_concurrency", count));
    set(&mut policy.queue, reader.with("limits.queue", boolean));
    set(&mut policy.max_queued_calls, reader.with("limits.max_queued_calls", count));
    set(
        &mut policy.max_duration,
        reader.with("limits.max_duration", |text| {
            let permitted = Duration::from_secs(1)..=Duration::from_hours(4);
            duration(text).and_then(|value| match permitted.contains(&value) {
                true => Ok(value),
                false => Err("is from 1s to 4h".to_owned()),
            })
        }),
    );
    // No upper bound: max_duration caps them.
    let wait = |text: &str| match duration(text) {
        Ok(wait) if wait < Duration::from_secs(1) => Err("is at least 1s".to_owned()),
        other => other,
    };
    set(&mut policy.queue_timeout, reader.with("limits.queue_timeout", wait));
    set(&mut policy.ring_timeout, reader.with("limits.ring_timeout", wait));
    set(&mut policy.transcript_timeout, reader.with("limits.transcript_timeout", wait));
    set(&mut policy.notify_hangup_delay, reader.with("limits.notify_hangup_delay", duration));
}

fn conversation(reader: &mut Reader, policy: &mut Policy) {
    set(
        &mut policy.mode,
        reader.with("outbound.mode", |text| match text {
            "notify" => Ok(Mode::Notify),
            "conversation" => Ok(Mode::Conversation),
            _ => Err("is notify or conversation".to_owned()),
        }),
    );
    policy.allow_to = reader.list("outbound.allow_to", |prefix| {
        let digits = prefix.strip_prefix('+').unwrap_or_default();
        match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(prefix.to_owned()),
            false => Err("is a list of prefixes in E.164, such as +43".to_owned()),
        }
    });
    let allowed: Vec<PhoneNumber> = reader.list("inbound.allow_from", |number| {
        number.parse().map_err(|_| "is a list of numbers in E.164, such as +15550001234".to_owned())
    });
    let inbound = reader.with("inbound.policy", |text| match text {
        "disabled" => Ok(InboundPolicy::Disabled),
        "allowlist" => Ok(InboundPolicy::Allowlist(allowed.clone())),
        "open" => Ok(InboundPolicy::Open),
        _ => Err("is disabled, allowlist or open".to_owned()),
    });
    set(&mut policy.inbound, inbound);
    let greeting = reader
        .text("inbound.greeting")
        .unwrap_or_else(|| "Hello! How can I help you today?".to_owned());
    match SpeechText::try_from(greeting) {
        Ok(greeting) => policy.greeting = Some(greeting),
        Err(error) => reader.problem("inbound.greeting", format!("cannot be said: {error}")),
    }
    policy.voice = reader.with("speech.voice", |text| {
        text.parse::<Voice>().map_err(|error| format!("cannot be taken: {error}"))
    });
    set(
        &mut policy.locale,
        reader.with("speech.locale", |text| {
            text.parse::<Locale>().map_err(|error| format!("is {error}"))
        }),
    );
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn store_url(text: &str) -> Result<StoreUrl, String> {
    match text.split_once(':') {
        Some(("memory", "")) => Ok(StoreUrl::Memory),
        Some(("sqlite", path)) if !path.is_empty() => Ok(StoreUrl::Sqlite(PathBuf::from(path))),
        _ => Err("is sqlite:FILE, such as sqlite:offhook.db, or memory:".to_owned()),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "is an IP address and a port, such as 127.0.0.1:3335, and no name".to_owned())
}

fn party(text: &str) -> Result<Party, String> {
    Party::dialled(text).map_err(|error| format!("is {error}"))
}

fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
        .map_err(|_| "is a list of networks, such as 10.0.0.0/8".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("is {error}"))
}

fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "is true or false".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.001..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("is a number above 0".to_owned()),
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = match text {
        _ if text.ends_with("KiB") => (&text[..text.len() - 3], 1024),
        _ if text.ends_with("MiB") => (&text[..text.len() - 3], 1024 * 1024),
        _ => (text, 1),
    };
    match number.trim().parse::<usize>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(size) if (1024..=16 * 1024 * 1024).contains(&size) => Ok(size),
        _ => Err("is a size from 1KiB to 16MiB".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn read_text(text: &str) -> Result<Config, Problems> {
        let mut reader = Reader::parse(text, "offhook.toml").unwrap();
        let config = read(&mut reader);
        reader.finish().map(|()| config)
    }

    const TWILIO: &str = "from_number = '+15550001234'\npublic_url = 'https://voice.example.com'\n\
        twilio.account_sid = 'AC00000000000000000000000000000001'\ntwilio.auth_token = 'x'\n";

    #[test]
    fn nothing_at_all_is_the_emulator_and_the_documented_defaults() {
        let config = read_text("").unwrap();
        assert!(config.providers.is_none() && config.public_url.is_none());
        assert_eq!(config.webhooks_listen.to_string(), "127.0.0.1:3334");
        assert_eq!(config.client.api_listen.to_string(), "127.0.0.1:3335");
        assert_eq!(config.client.store, StoreUrl::Sqlite("offhook.db".into()));
        assert_eq!(config.client.store.token_file(), Path::new("api.token"));
        assert_eq!(config.max_body, 64 * 1024);
        assert_eq!(config.retention, Duration::from_hours(30 * 24));
        assert_eq!(config.policy.max_concurrent_calls, 1);
        assert_eq!(config.policy.max_duration, Duration::from_mins(5));
        assert_eq!(config.policy.ring_timeout, Duration::from_secs(30));
        assert_eq!(config.policy.transcript_timeout, Duration::from_mins(3));
        assert_eq!(config.policy.notify_hangup_delay, Duration::from_secs(3));
        assert_eq!(config.policy.mode, Mode::Notify);
        assert_eq!(config.policy.inbound, InboundPolicy::Disabled);
        assert_eq!(config.policy.locale, Locale::en_us());
    }

    #[test]
    fn every_key_of_the_documentation_is_known() {
        let text = r#"
provider = "twilio"
from_number = "+15550001234"
public_url = "https://voice.example.com"
[webhooks]
listen = "127.0.0.1:3334"
trusted_proxies = ["10.0.0.0/8", "192.0.2.1"]
max_body = "128KiB"
[api]
listen = "[::1]:3335"
token = "sesame"
[store]
url = "sqlite:/var/lib/offhook/offhook.db"
retention = "7d"
[limits]
max_concurrent_calls = 4
queue = true
max_queued_calls = 50
queue_timeout = "2m"
calls_per_second = 1.0
requests_per_second = 50
verify_concurrency = 8
max_duration = "4h"
ring_timeout = "1m30s"
transcript_timeout = "3m"
notify_hangup_delay = "0s"
[outbound]
mode = "conversation"
allow_to = ["+43"]
[inbound]
policy = "allowlist"
allow_from = ["+15550001111"]
greeting = "Hi!"
[speech]
voice = "Polly.Joanna"
locale = "de-AT"
[twilio]
account_sid = "AC00000000000000000000000000000001"
auth_token = "x"
auth_token_previous = "y"
api_key_sid = "SK00000000000000000000000000000001"
api_key_secret = "z"
shared_key = "k"
region = "au1"
edge = "sydney"
from_number = "+15550005678"
calls_per_second = 2
requests_per_second = 10
allow_private_hosts = false
[log]
format = "json"
"#;
        let config = read_text(text).unwrap();
        assert_eq!(config.client.store.token_file(), Path::new("/var/lib/offhook/api.token"));
        assert_eq!(config.trusted_proxies.len(), 2);
        assert_eq!(config.max_body, 128 * 1024);
        assert_eq!(config.policy.ring_timeout, Duration::from_secs(90));
        assert_eq!((config.policy.queue, config.policy.max_queued_calls), (true, 50));
        assert_eq!(config.policy.queue_timeout, Duration::from_secs(120));
        assert_eq!(config.policy.notify_hangup_delay, Duration::ZERO);
        assert_eq!(config.policy.voice, "Polly.Joanna".parse().ok());
        assert_eq!(config.policy.locale, "de-AT".parse().unwrap());
        assert_eq!(config.log, LogFormat::Json);
        let providers = config.providers.unwrap();
        assert_eq!(providers[0].from, Party::dialled("+15550005678").ok());
        assert!(providers[0].calls_per_second_is_set);
        let number = "+15550001111".parse().unwrap();
        assert_eq!(config.policy.inbound, InboundPolicy::Allowlist(vec![number]));
    }

    #[test]
    fn the_emulator_is_the_carrier_only_if_it_is_meant() {
        let emulated = |text: &str| read_text(text).unwrap().providers.is_none();
        assert!(emulated(""));
        assert!(emulated("provider = 'emulator'"));
        assert!(emulated(&format!("provider = 'emulator'\n{TWILIO}")));
        assert!(!emulated(TWILIO));
        for half in ["twilio.auth_token = 'x'", "twilio.region = 'au1'", "provider = 'twilio'"] {
            assert!(read_text(half).is_err(), "{half}");
        }
    }

    #[test]
    fn only_development_may_have_a_private_public_url() {
        let private = TWILIO.replace("https://voice.example.com", "http://127.0.0.1:3334");
        assert!(read_text(&private).is_err());
        assert!(read_text(&format!("{private}twilio.allow_private_hosts = true")).is_ok());
        assert!(read_text("public_url = 'http://127.0.0.1:3334'").is_ok());
    }

    #[test]
    fn an_api_key_is_whole_and_has_the_shape_of_one() {
        let sid = "twilio.api_key_sid = 'SK00000000000000000000000000000001'";
        let secret = "twilio.api_key_secret = 'z'";
        assert!(read_text(&format!("{TWILIO}{sid}\n{secret}")).is_ok());
        for (wrong, key) in [
            (sid.to_owned(), "twilio.api_key_secret"),
            (secret.to_owned(), "twilio.api_key_sid"),
            (format!("{}\n{secret}", sid.replace("SK", "AC")), "twilio.api_key_sid"),
        ] {
            let problems = read_text(&format!("{TWILIO}{wrong}")).unwrap_err();
            assert!(problems.0.len() == 1 && problems.has(key), "{problems}");
        }
    }

    #[test]
    fn limits_have_bounds() {
        for wrong in [
            "max_duration = '0s'",
            "max_duration = '4h1s'",
            "max_concurrent_calls = 0",
            "max_concurrent_calls = -1",
            "max_concurrent_calls = 1.5",
            "verify_concurrency = 0",
            "calls_per_second = 0",
            "calls_per_second = nan",
            "requests_per_second = inf",
            "queue = 'yes'",
            "max_queued_calls = 0",
            "queue_timeout = '900ms'",
            "ring_timeout = '0s'",
            "ring_timeout = -5",
            "transcript_timeout = '0s'",
            "notify_hangup_delay = '-1s'",
        ] {
            let problems = read_text(&format!("[limits]\n{wrong}")).unwrap_err();
            assert_eq!(problems.0.len(), 1, "{wrong}");
        }
    }
}
