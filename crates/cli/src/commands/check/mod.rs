//! `offhook check`: everything that would go wrong, before it does.

mod ports;
mod report;
mod store;

use std::net::SocketAddr;

use crate::arguments::Connection;
use crate::config::{self, ClientConfig, Config, Inspection, Problems};
use crate::failure::Failure;
use offhook_core::Party;
use report::Report;
use secrecy::ExposeSecret;

/// A shorter token of the admin API could be guessed.
const SHORT_TOKEN: usize = 20;

pub(crate) async fn run(connection: &Connection, json: bool) -> Result<(), Failure> {
    let report = inspect(connection).await;
    report.print(json)?;
    if report.has_faults() { Err(Failure::FaultsTold) } else { Ok(()) }
}

/// Nothing that is wrong hides what else is.
async fn inspect(connection: &Connection) -> Report {
    let mut report = Report::default();
    let file = connection.config.as_deref();
    let Inspection { config, problems, oddities } = match config::inspect(file) {
        Ok(inspection) => inspection,
        Err(Problems(problems)) => {
            problems.iter().for_each(|problem| report.fault_of(problem));
            return report;
        }
    };
    problems.0.iter().for_each(|problem| report.fault_of(problem));
    oddities.iter().for_each(|oddity| report.warning_of(oddity));
    if problems.0.is_empty() {
        report.fine("configuration", config::name_of(file));
    }
    credentials(&config, &mut report);
    numbers(&config, &problems, &mut report);
    if !problems.has("store.url") {
        store::check(&config.client.store, &mut report).await;
    }
    let (webhooks, api) = (config.webhooks_listen, config.client.api_listen);
    if webhooks == api && webhooks.port() != 0 {
        let what = format!("is {api} like webhooks.listen; choose another port for one of them");
        report.fault("api.listen", what);
    } else {
        if !problems.has("api.listen") {
            ports::check_api(&config.client, &mut report).await;
        }
        if !problems.has("webhooks.listen") {
            let provider = config.policy.default_provider.clone();
            ports::check_webhooks(webhooks, &provider, &mut report).await;
        }
    }
    consoles(&config, &mut report);
    report
}

fn credentials(config: &Config, report: &mut Report) {
    let ClientConfig { token, api_listen, store } = &config.client;
    match token {
        Some(token) if token.expose_secret().len() < SHORT_TOKEN => report.warning(
            "api.token",
            format!(
                "has less than {SHORT_TOKEN} characters and could be guessed; remove it, and the daemon draws one"
            ),
        ),
        Some(_) => {}
        None => {
            let file = store.token_file();
            if is_open_to_others(&file) {
                let what = format!(
                    "{} can be read by others than its owner; run chmod 600 on it",
                    file.display()
                );
                report.warning("api.token", what);
            }
        }
    }
    if !api_listen.ip().is_loopback() {
        report.warning(
            "api.listen",
            format!(
                "{api_listen} is not this machine alone, and the admin API speaks plain HTTP: put TLS before it"
            ),
        );
    }
}

#[cfg(unix)]
fn is_open_to_others(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &std::path::Path) -> bool {
    false
}

/// A call needs a number to come from.
fn numbers(config: &Config, problems: &Problems, report: &mut Report) {
    let Some(providers) = &config.providers else { return };
    if config.from_number.is_some() || problems.has("from_number") {
        return;
    }
    for provider in providers {
        let name = provider.name();
        let own = format!("{name}.from_number");
        if provider.from.as_ref().is_none_or(|from| *from == Party::Withheld) && !problems.has(&own)
        {
            report.warning(
                "from_number",
                format!(
                    "is missing: calls by {name} are refused unless each names its own (--from)"
                ),
            );
        }
    }
}

fn consoles(config: &Config, report: &mut Report) {
    let Some(providers) = &config.providers else {
        report.fine("provider", "the built-in emulator: no real call is placed, no console to set");
        return;
    };
    let Some(public_url) = &config.public_url else { return };
    for provider in providers {
        let endpoint = public_url.callbacks(&provider.name());
        report.console(provider, endpoint.endpoint());
    }
    if matches!(config.policy.inbound, offhook::manager::InboundPolicy::Disabled) {
        report.note("inbound.policy", "is disabled: whoever calls is rejected");
    }
}

/// Where a listener is asked from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        std::net::IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
