//! The daemon's parts, in this process so that its clock can be ours.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use offhook::manager::{CallStore, Clock, Manager, ManagerBuilder, Policy};
use offhook_core::VoiceProvider;
use offhook_server::{Listeners, Server, ServerSettings};

/// The usual token of the admin API.
pub const TOKEN: &str = "the token of the tests";

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    manager: Manager,
    server: Server,
}

/// The ports, which stay the same over a restart.
pub(crate) async fn bind(ports: Option<(SocketAddr, SocketAddr)>) -> Listeners {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (webhooks, api) = ports.unwrap_or((any, any));
    // After a crash the old listener's task may need a moment to go.
    for _ in 0..200 {
        if let Ok(listeners) = Listeners::bind(webhooks, api).await {
            return listeners;
        }
        tokio::task::yield_now().await;
    }
    panic!("the ports {webhooks} and {api} are not free");
}

impl Daemon {
    pub(crate) fn start(
        listeners: Listeners,
        settings: &ServerSettings,
        policy: Policy,
        providers: Vec<Arc<dyn VoiceProvider>>,
        store: Arc<dyn CallStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let builder = Manager::builder(policy).store(store).clock(clock);
        let builder = providers.into_iter().fold(builder, ManagerBuilder::provider);
        let manager = builder.start();
        let server = listeners.serve(manager.clone(), settings);
        Self { manager, server }
    }

    pub(crate) const fn webhooks(&self) -> SocketAddr {
        self.server.webhooks()
    }

    pub(crate) const fn api(&self) -> SocketAddr {
        self.server.api()
    }

    pub(crate) const fn manager(&self) -> &Manager {
        &self.manager
    }

    /// As SIGKILL does it: nothing is finished, nothing is told.
    pub(crate) fn crash(self) {
        self.manager.abort();
    }

    /// As SIGTERM does it.
    pub(crate) async fn stop(self) {
        self.server.shut_down().await;
        self.manager.shutdown().await.expect("an orderly stop");
    }
}
