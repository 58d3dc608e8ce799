//! The daemon's way to the carrier, counted: what is on it is under way.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use offhook_core::{GuardedClient, Transport, TransportFault, TransportRequest, TransportResponse};
use tokio::sync::watch;

use crate::store::AtWork;

/// The guarded client, with a count of its requests, and a barrier that holds them up.
#[derive(Debug)]
pub(crate) struct WatchedTransport {
    pub(crate) client: Arc<GuardedClient>,
    pub(crate) in_flight: Arc<AtomicUsize>,
    pub(crate) is_open: watch::Receiver<bool>,
}

#[async_trait]
impl Transport for WatchedTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        // A request that is held up waits for the story, and is no work under way.
        let _ = self.is_open.clone().wait_for(|is_open| *is_open).await;
        let _work = AtWork::begin(&self.in_flight);
        self.client.send(request).await
    }
}
