//! The emulator without HTTP: a transport for a provider, and a delivery to a manager.

use std::fmt;
use std::sync::OnceLock;

use async_trait::async_trait;
use offhook::manager::{Manager, WebhookError};
use offhook_carrier::{
    ApiRequest, Carrier, Delivery, DeliveryFault, OutgoingWebhook, WebhookAnswer,
};
use offhook_core::{
    FaultKind, ProviderName, Transport, TransportFault, TransportRequest, TransportResponse,
    WebhookRequest,
};

/// The emulator as a [`Transport`].
#[derive(Clone)]
pub struct EmulatorTransport(pub Carrier);

impl fmt::Debug for EmulatorTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the emulator")
    }
}

#[async_trait]
impl Transport for EmulatorTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportFault> {
        let path = request.url.path();
        let path_and_query = match request.url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let request = ApiRequest {
            method: request.method,
            path_and_query,
            headers: request.headers,
            body: request.body,
        };
        match self.0.request(request).await {
            Ok(answer) => Ok(TransportResponse {
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
            }),
            // Taken or not: whoever sees a connection close cannot tell.
            Err(_) => Err(TransportFault::perhaps_sent(FaultKind::Broken, "")),
        }
    }
}

/// Brings the emulator's webhooks to a manager.
#[derive(Debug)]
pub struct ManagerDelivery {
    provider: ProviderName,
    manager: OnceLock<Manager>,
}

impl ManagerDelivery {
    /// For this provider; the manager is given later, since it needs the emulator first.
    #[must_use]
    pub const fn new(provider: ProviderName) -> Self {
        Self { provider, manager: OnceLock::new() }
    }

    /// Where webhooks go.
    pub fn connect(&self, manager: Manager) {
        let _ = self.manager.set(manager);
    }
}

#[async_trait]
impl Delivery for ManagerDelivery {
    async fn deliver(&self, webhook: OutgoingWebhook) -> Result<WebhookAnswer, DeliveryFault> {
        let manager = self.manager.get().ok_or(DeliveryFault::Connect)?;
        let request = WebhookRequest {
            method: webhook.method,
            url: webhook.url,
            headers: webhook.headers,
            body: webhook.body,
        };
        let reply = match manager.webhook(&self.provider, request).await {
            Ok(reply) => reply,
            Err(WebhookError::Rejected(rejection)) => panic!("a genuine webhook: {rejection}"),
            Err(_) => return Err(DeliveryFault::ReadTimeout),
        };
        let mut headers = http::HeaderMap::new();
        if !reply.content_type.is_empty() {
            headers.insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static(reply.content_type),
            );
        }
        Ok(WebhookAnswer { status: reply.status, headers, body: reply.body })
    }
}
