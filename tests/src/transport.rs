//! The daemon's way to the carrier, counted: what is on it is under way.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use offhook_core::{GuardedClient, Transport, TransportFault, TransportRequest, TransportResponse};

use crate::store::AtWork;

/// The guarded client, with a count of its requests.
#[derive(Debug)]
pub(crate) struct WatchedTransport {
    pub(crate) client: GuardedClient,
    pub(crate) in_flight: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for WatchedTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        let _work = AtWork::begin(&self.in_flight);
        self.client.send(request).await
    }
}
