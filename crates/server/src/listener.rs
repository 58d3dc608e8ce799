//! The two listeners.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use ipnet::IpNet;
use offhook_manager::Manager;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::public_url::PublicUrl;
use crate::{api, webhooks};

/// How long a shutdown waits for requests that are being answered.
const DRAIN: Duration = Duration::from_secs(5);

/// How the listeners behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where the carriers reach the webhook listener.
    pub public_url: PublicUrl,
    /// Networks whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The longest webhook body in bytes.
    pub max_body: usize,
    /// The bearer token of the admin API.
    pub token: SecretString,
    /// Values of `Host` that the admin API takes besides its own address.
    pub api_hosts: Vec<String>,
}

impl ServerSettings {
    /// The defaults: no proxy is trusted, bodies of 64 KiB.
    pub fn new(public_url: PublicUrl, token: impl Into<String>) -> Self {
        Self {
            public_url,
            trusted_proxies: Vec::new(),
            max_body: 64 * 1024,
            token: SecretString::from(token.into()),
            api_hosts: Vec::new(),
        }
    }
}

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
        let webhooks = webhooks::router(manager.clone(), settings);
        let api = api::router(manager, settings, api_address);
        Server {
            webhook_address,
            api_address,
            stop,
            tasks: vec![
                tokio::spawn(run(self.webhooks, webhooks, stopped.clone())),
                tokio::spawn(run(self.api, api, stopped)),
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

async fn run(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "a listener failed");
    }
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
