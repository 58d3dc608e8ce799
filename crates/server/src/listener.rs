//! The two listeners.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offhook_manager::Manager;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api;
use crate::connections::{self, Limits};
use crate::settings::ServerSettings;
use crate::webhooks::Webhooks;

/// How long a shutdown waits for the listeners to end.
const DRAIN: Duration = Duration::from_secs(6);

/// How many connections may wait to be accepted, if the system does not permit fewer. The 128 of
/// `TcpListener::bind` are full in a moment when strangers come in crowds, and whoever comes then, a
/// carrier too, tries again a second later only.
const BACKLOG: u32 = 4096;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else listens there.
    #[error(
        "{what}: {address} is in use by another program; stop it, or choose another address with {key}"
    )]
    InUse {
        /// What was to listen.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The configuration key.
        key: &'static str,
    },
    /// Something else.
    #[error("{what}: cannot listen on {address} ({source}); choose another address with {key}")]
    Failed {
        /// What was to listen.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The configuration key.
        key: &'static str,
        /// The system's own words.
        source: std::io::Error,
    },
}

/// Both listeners, bound and not yet served: a port that is in use is found before anything else
/// is started.
#[derive(Debug)]
pub struct Listeners {
    webhooks: TcpListener,
    api: TcpListener,
}

impl Listeners {
    /// Binds both.
    ///
    /// # Errors
    /// One of the addresses cannot be listened on; the error says which and what to do.
    pub async fn bind(webhooks: SocketAddr, api: SocketAddr) -> Result<Self, BindError> {
        Ok(Self {
            webhooks: bind("the webhook listener", webhooks, "webhooks.listen")?,
            api: bind("the admin API", api, "api.listen")?,
        })
    }

    /// The address of the webhook listener.
    ///
    /// # Errors
    /// The operating system does not tell.
    pub fn webhook_address(&self) -> std::io::Result<SocketAddr> {
        self.webhooks.local_addr()
    }

    /// Serves both until the server is shut down. Needs a tokio runtime.
    #[must_use]
    pub fn serve(self, manager: Manager, settings: &ServerSettings) -> Server {
        let address = |listener: &TcpListener| {
            listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)))
        };
        let (webhook_address, api_address) = (address(&self.webhooks), address(&self.api));
        let (stop, stopped) = watch::channel(false);
        let webhooks = Arc::new(Webhooks::new(manager.clone(), settings));
        let api = api::router(manager, settings, api_address, stopped.clone());
        Server {
            webhook_address,
            api_address,
            stop,
            tasks: vec![
                tokio::spawn(connections::serve(
                    self.webhooks,
                    move |peer, request| Arc::clone(&webhooks).receive(peer, request),
                    Limits::WEBHOOKS,
                    stopped.clone(),
                )),
                tokio::spawn(connections::serve(
                    self.api,
                    move |_, request| api::answer(api.clone(), request),
                    Limits::API,
                    stopped,
                )),
            ],
        }
    }
}

fn bind(
    what: &'static str,
    address: SocketAddr,
    key: &'static str,
) -> Result<TcpListener, BindError> {
    listen(address).map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => BindError::InUse { what, address, key },
        _ => BindError::Failed { what, address, key, source },
    })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` has it: elsewhere a port that was left a moment ago would be in use, and
    // on Windows others could take ours.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Both listeners, being served.
#[derive(Debug)]
pub struct Server {
    webhook_address: SocketAddr,
    api_address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// The address of the webhook listener.
    #[must_use]
    pub const fn webhooks(&self) -> SocketAddr {
        self.webhook_address
    }

    /// The address of the admin API.
    #[must_use]
    pub const fn api(&self) -> SocketAddr {
        self.api_address
    }

    /// Takes no new connections and finishes the requests that are being answered, for a while.
    pub async fn shut_down(mut self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut self.tasks);
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        // The listeners end their connections by themselves, and within less than this.
        let drained = tokio::time::timeout(DRAIN, async {
            for task in tasks {
                let _ = task.await;
            }
        });
        if drained.await.is_err() {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpStream;

    use super::*;

    /// How many connections the system lets wait, at least.
    fn permitted() -> usize {
        let file = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
        file.and_then(|text| text.trim().parse().ok()).unwrap_or(100)
    }

    #[tokio::test]
    async fn a_crowd_that_is_not_accepted_yet_keeps_nobody_out() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listeners = Listeners::bind(any, any).await.unwrap();
        let address = listeners.webhook_address().unwrap();
        let mut waiting = Vec::new();
        for number in 0..permitted().min(400) {
            let stream = TcpStream::connect(address);
            let stream = tokio::time::timeout(Duration::from_millis(900), stream).await;
            waiting.push(stream.unwrap_or_else(|_| panic!("number {number} has to try again")));
        }
    }
}
