//! The two listeners.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use offhook_manager::Manager;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api;
use crate::connections::{self, Limits};
use crate::settings::ServerSettings;
use crate::webhooks::Webhooks;

/// How long a shutdown waits for the listeners to end.
const DRAIN: Duration = Duration::from_secs(6);

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
            webhooks: bind("the webhook listener", webhooks, "webhooks.listen").await?,
            api: bind("the admin API", api, "api.listen").await?,
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

async fn bind(
    what: &'static str,
    address: SocketAddr,
    key: &'static str,
) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => BindError::InUse { what, address, key },
        _ => BindError::Failed { what, address, key, source },
    })
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
