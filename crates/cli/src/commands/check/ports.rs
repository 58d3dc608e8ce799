//! Are the ports free, or are they the daemon's?

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use http::{Method, StatusCode};
use offhook_core::{
    GuardedClient, HostPolicy, ProviderName, Transport, TransportRequest, TransportResponse,
};
use url::Url;

use super::reachable;
use super::report::Report;
use crate::client::{self, Client};
use crate::config::ClientConfig;

/// How long a listener is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn check_api(config: &ClientConfig, report: &mut Report) {
    let (key, address) = ("api.listen", config.api_listen);
    if !is_taken(key, address, report) {
        return;
    }
    let token = client::token(config);
    let listed = match Client::to(&format!("http://{}", reachable(address)), &token) {
        Ok(client) => client.send(Method::GET, "/v1/calls?limit=1", None).await,
        Err(failure) => Err(failure),
    };
    match listed {
        Ok(Ok(list)) if list["calls"].is_array() => {
            report.fine(key, format!("{address} is held by the daemon, which is fine"));
        }
        Ok(Err(refusal)) if refusal.status == StatusCode::UNAUTHORIZED => report.warning(
            key,
            format!("{address} is held by a daemon that does not take this token; is it another?"),
        ),
        _ => in_use(key, address, report),
    }
}

pub(super) async fn check_webhooks(
    address: SocketAddr,
    provider: &ProviderName,
    report: &mut Report,
) {
    let key = "webhooks.listen";
    if !is_taken(key, address, report) {
        return;
    }
    // Nothing is on that listener but webhooks: one without a signature is refused without a
    // word, and all else is not found. That is how the daemon is known, and nothing changes by it.
    let webhook = get(address, &format!("/webhooks/{provider}")).await;
    let elsewhere = get(address, "/").await;
    let is = |answer: Option<TransportResponse>, status| {
        answer.is_some_and(|answer| answer.status == status && answer.body.is_empty())
    };
    if is(webhook, StatusCode::UNAUTHORIZED) && is(elsewhere, StatusCode::NOT_FOUND) {
        report.fine(key, format!("{address} is held by the daemon, which is fine"));
    } else {
        in_use(key, address, report);
    }
}

/// Whether somebody listens there. The port is let go at once, and never listened on.
fn is_taken(key: &str, address: SocketAddr, report: &mut Report) -> bool {
    match TcpListener::bind(address) {
        Ok(_) if address.port() == 0 => report.fine(key, format!("{address}: a port that is free")),
        Ok(_) => report.fine(key, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => return true,
        Err(error) => report
            .fault(key, format!("cannot listen on {address} ({error}); choose another address")),
    }
    false
}

fn in_use(key: &str, address: SocketAddr, report: &mut Report) {
    let what =
        format!("{address} is in use by another program; stop it, or choose another address");
    report.fault(key, what);
}

async fn get(address: SocketAddr, path: &str) -> Option<TransportResponse> {
    let base = Url::parse(&format!("http://{}", reachable(address))).ok()?;
    let url = base.join(path).ok()?;
    let client = GuardedClient::new(base, HostPolicy::AllowPrivate).ok()?;
    let mut request = TransportRequest::new(Method::GET, url);
    request.timeout = PATIENCE;
    client.send(request).await.ok()
}
