//! `offhook serve`: the daemon.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use offhook::manager::{CallStore, Manager, MemoryStore, Policy, ProviderPolicy, SqliteStore};
use offhook_server::{Listeners, PublicUrl, Server, ServerSettings};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;
use url::Url;

use super::{carrier, token};
use crate::arguments::{Connection, Serve};
use crate::config::{self, Config, ConfiguredProvider, StoreUrl};
use crate::failure::Failure;
use crate::logging;
use crate::output;

/// How often ended calls that are old enough are forgotten.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// Where the built-in emulator listens, if that is free.
const EMULATOR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4010);

pub(crate) async fn run(_serve: Serve, connection: &Connection, json: bool) -> Result<(), Failure> {
    let config = config::load(connection.config.as_deref())
        .map_err(|problems| Failure::Configuration(problems.to_string()))?;
    logging::begin(config.log);
    offhook_server::raise_open_files();
    // From here on a signal waits until we can stop as we should.
    let signals = Signals::listen().map_err(Failure::operation)?;

    // Ports and store first: what cannot work is told before anything is begun.
    let listeners = Listeners::bind(config.webhooks_listen, config.client.api_listen)
        .await
        .map_err(Failure::operation)?;
    let webhook_address = listeners.webhook_address().map_err(Failure::operation)?;
    let store = open_store(&config.client.store)?;
    let (token, token_file) = match &config.client.token {
        Some(token) => (token.expose_secret().to_owned(), None),
        None => {
            let file = config.client.store.token_file();
            let token = token::read_or_draw(&file).map_err(|error| {
                Failure::Operation(format!("the API token {} : {error}", file.display()))
            })?;
            (token, Some(file))
        }
    };
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => PublicUrl::parse_private(&format!("http://{webhook_address}"))
            .map_err(Failure::operation)?,
    };
    let (providers, emulator) = match &config.providers {
        Some(providers) => (providers.clone(), None),
        None => {
            let (providers, address) = emulate(&public_url).await?;
            (providers, Some(address))
        }
    };
    let mut policy = config.policy.clone();
    add_providers(&mut policy, &config, &providers, &public_url);
    let mut builder = Manager::builder(policy).store(store);
    for provider in &providers {
        builder = builder.provider(Arc::clone(&provider.provider));
    }
    let manager = builder.start_on_thread().map_err(Failure::operation)?;

    let mut settings = ServerSettings::new(public_url.clone(), token);
    settings.trusted_proxies.clone_from(&config.trusted_proxies);
    settings.max_body = config.max_body;
    settings.api_hosts.clone_from(&config.api_hosts);
    let server = listeners.serve(manager.clone(), &settings);
    announce(&server, &public_url, &config, token_file.as_deref(), emulator, json);

    let outcome = until_stopped(&manager, config.retention, signals).await;
    tracing::info!("stopping; live calls go on at the carrier and are taken up at the next start");
    server.shut_down().await;
    if outcome.is_ok() {
        manager.shutdown().await.map_err(Failure::operation)?;
    }
    outcome
}

/// What asks us to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

/// Runs until a signal says to stop, or the store cannot be read.
async fn until_stopped(
    manager: &Manager,
    retention: Duration,
    mut signals: Signals,
) -> Result<(), Failure> {
    tokio::select! {
        _ = signals.interrupt.recv() => Ok(()),
        _ = signals.terminate.recv() => Ok(()),
        error = manager.stopped_early() => Err(Failure::operation(error)),
        never = forget_for_ever(manager, retention) => match never {},
    }
}

/// Forgets calls as they grow older than they are kept.
async fn forget_for_ever(manager: &Manager, retention: Duration) -> Infallible {
    let mut prune = tokio::time::interval(PRUNE_EVERY);
    prune.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        prune.tick().await;
        let oldest = manager.now().saturating_sub(retention);
        match manager.forget_before(oldest.unwrap_or_default()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "forgot calls older than store.retention"),
            Err(error) => tracing::error!(%error, "old calls cannot be forgotten"),
        }
    }
}

fn open_store(url: &StoreUrl) -> Result<Arc<dyn CallStore>, Failure> {
    Ok(match url {
        StoreUrl::Memory => Arc::new(MemoryStore::new()),
        StoreUrl::Sqlite(path) => Arc::new(SqliteStore::open(path).map_err(Failure::operation)?),
    })
}

/// The built-in emulator, and the providers that go to it.
async fn emulate(public_url: &PublicUrl) -> Result<(Vec<ConfiguredProvider>, SocketAddr), Failure> {
    let listener = match TcpListener::bind(EMULATOR).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::operation)?,
    };
    let address = listener.local_addr().map_err(Failure::operation)?;
    let settings = carrier::settings(public_url.as_str().to_owned(), 1.0, 1.0);
    let base = Url::parse(&format!("http://{address}")).map_err(Failure::operation)?;
    let providers = config::emulated(&settings, &base);
    tokio::spawn(carrier::start(settings)?.serve(listener));
    Ok((providers, address))
}

fn add_providers(
    policy: &mut Policy,
    config: &Config,
    providers: &[ConfiguredProvider],
    public_url: &PublicUrl,
) {
    for provider in providers {
        let name = provider.name();
        let general = config.calls_per_second.filter(|_| !provider.calls_per_second_is_set);
        let of_provider = ProviderPolicy {
            callbacks: public_url.callbacks(&name),
            from: provider
                .from
                .clone()
                .filter(|_| config.providers.is_some() || config.from_number.is_none())
                .or_else(|| config.from_number.clone()),
            calls_per_second: general.unwrap_or(provider.calls_per_second),
            requests_per_second: provider.requests_per_second.unwrap_or(config.requests_per_second),
        };
        policy.providers.insert(name, of_provider);
    }
}

fn announce(
    server: &Server,
    public_url: &PublicUrl,
    config: &Config,
    token_file: Option<&std::path::Path>,
    emulator: Option<SocketAddr>,
    json: bool,
) {
    let emulator = emulator.map(|address| format!("http://{address}"));
    if json {
        output::announce(json!({
            "event": "listening",
            "webhooks": format!("http://{}", server.webhooks()),
            "api": format!("http://{}", server.api()),
            "public_url": public_url.as_str(),
            "emulator": emulator,
        }));
        return;
    }
    let token =
        token_file.map_or_else(String::new, |file| format!(", token in {}", file.display()));
    let store = match &config.client.store {
        StoreUrl::Memory => "memory: calls are forgotten when this process ends".to_owned(),
        StoreUrl::Sqlite(path) => path.display().to_string(),
    };
    let carrier = match emulator {
        Some(address) => {
            let why = match config.emulator_is_named {
                true => "provider = \"emulator\"",
                false => "no provider is configured",
            };
            format!("the built-in emulator at {address}: {why}, so no real call is placed")
        }
        None => {
            let names = config.providers.iter().flatten().map(ConfiguredProvider::name);
            names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
        }
    };
    output::announce(format_args!(
        "Offhook {} is ready.\n  webhooks  http://{}, which carriers reach as {}\n  \
         API       http://{}{token}\n  store     {store}\n  carrier   {carrier}",
        env!("CARGO_PKG_VERSION"),
        server.webhooks(),
        public_url.as_str(),
        server.api(),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::read_text;

    /// Calls and requests a second that Twilio gets of this configuration.
    fn rates(limits: &str) -> (f64, f64) {
        let text = format!(
            "from_number = '+15550001234'\npublic_url = 'https://voice.example.com'\n\
             twilio.account_sid = 'AC00000000000000000000000000000001'\n\
             twilio.auth_token = 'x'\n{limits}"
        );
        let config = read_text(&text).unwrap();
        let providers = config.providers.clone().unwrap();
        let mut policy = config.policy.clone();
        let public_url = config.public_url.clone().unwrap();
        add_providers(&mut policy, &config, &providers, &public_url);
        let twilio = &policy.providers[&offhook::twilio::NAME];
        (twilio.calls_per_second, twilio.requests_per_second)
    }

    #[test]
    fn a_provider_has_the_rates_of_its_section_then_the_general_ones_then_its_defaults() {
        for (limits, expected) in [
            ("", (1.0, 50.0)),
            ("limits.calls_per_second = 3", (3.0, 50.0)),
            ("limits.requests_per_second = 20", (1.0, 20.0)),
            ("twilio.calls_per_second = 2", (2.0, 50.0)),
            ("twilio.requests_per_second = 10", (1.0, 10.0)),
            ("limits.calls_per_second = 3\ntwilio.calls_per_second = 1", (1.0, 50.0)),
            ("limits.requests_per_second = 20\ntwilio.requests_per_second = 90", (1.0, 90.0)),
        ] {
            assert_eq!(rates(limits), expected, "{limits}");
        }
    }
}
