//! How webhooks leave the emulator.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustls::{ClientConfig, RootCertStore, crypto};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::exchange::{DeliveryFault, OutgoingWebhook, WebhookAnswer};

/// Carries webhooks to their receiver.
#[async_trait]
pub trait Delivery: Debug + Send + Sync + 'static {
    /// Makes one attempt. Retries are the emulator's business.
    ///
    /// # Errors
    ///
    /// If no whole answer came.
    async fn deliver(&self, webhook: OutgoingWebhook) -> Result<WebhookAnswer, DeliveryFault>;
}

/// Carries webhooks over the network. Follows no redirects.
#[derive(Debug)]
pub struct HttpDelivery {
    tls: ClientConfig,
    /// One client for each connect timeout, since that is a client's property.
    clients: Mutex<HashMap<Duration, reqwest::Client>>,
}

impl HttpDelivery {
    /// A delivery that trusts whom the platform trusts. Without certificates on
    /// the platform it still reaches plain `http` receivers.
    ///
    /// # Errors
    ///
    /// If the TLS library refuses its own defaults.
    pub fn new() -> Result<Self, rustls::Error> {
        let builder = || {
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
        };
        let tls = match builder()?.with_platform_verifier() {
            Ok(verified) => verified.with_no_client_auth(),
            Err(error) => {
                tracing::warn!(%error, "no certificates on this platform, https is out of reach");
                builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        Ok(Self { tls, clients: Mutex::default() })
    }

    fn client(&self, connect_timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&connect_timeout) {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            // A kept connection would hide that the receiver is gone.
            .pool_max_idle_per_host(0)
            .build()?;
        clients.insert(connect_timeout, client.clone());
        Ok(client)
    }
}

#[async_trait]
impl Delivery for HttpDelivery {
    async fn deliver(&self, webhook: OutgoingWebhook) -> Result<WebhookAnswer, DeliveryFault> {
        let client = self.client(webhook.connect_timeout).map_err(|error| fault(&error))?;
        let response = client
            .request(webhook.method, webhook.url)
            .headers(webhook.headers)
            .body(webhook.body)
            .timeout(webhook.connect_timeout.saturating_add(webhook.read_timeout))
            .send()
            .await
            .map_err(|error| fault(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(|error| fault(&error))?;
        Ok(WebhookAnswer { status, headers, body })
    }
}

fn fault(error: &reqwest::Error) -> DeliveryFault {
    if error.is_connect() || error.is_builder() {
        DeliveryFault::Connect
    } else if error.is_timeout() {
        DeliveryFault::ReadTimeout
    } else {
        DeliveryFault::Broken
    }
}
