//! Telnyx as a [`VoiceProvider`]: the only code here that awaits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent, Digits, ErrorClass,
    InitiatedCall, Listen, ListenFor, ParsedWebhook, Party, ProviderError, ProviderName,
    RejectReason, RunningCall, Say, Search, Then, Transport, TransportRequest, TransportResponse,
    UndecodableWebhook, VerifiedWebhook, VoiceProvider, WebhookRejection, WebhookReply,
    WebhookRequest,
};

use crate::answer::{self, ActiveCall};
use crate::api::{Api, GATHER_MILLIS};
use crate::config::TelnyxConfig;
use crate::signature::Verifier;
use crate::webhook;

/// The name of this provider.
pub const NAME: ProviderName = ProviderName::new("telnyx");

/// Lists longer than that, 10,000 calls, are not read to their end.
const MOST_PAGES: usize = 40;

/// Telnyx.
#[derive(Debug)]
pub struct Telnyx {
    connection_id: String,
    api: Api,
    verifier: Verifier,
    transport: Arc<dyn Transport>,
}

impl Telnyx {
    /// Telnyx by the guarded HTTPS client.
    ///
    /// # Errors
    /// The API base is not permitted, or TLS cannot be set up.
    #[cfg(feature = "http")]
    pub fn new(config: TelnyxConfig) -> Result<Self, offhook_core::InvalidBaseUrl> {
        use offhook_core::{GuardedClient, HostPolicy};
        let policy = match config.allow_private_hosts {
            true => HostPolicy::AllowPrivate,
            false => HostPolicy::PublicOnly,
        };
        let client = GuardedClient::new(config.api_base.clone(), policy)?;
        Ok(Self::with_transport(config, Arc::new(client)))
    }

    /// Telnyx by a transport of your own.
    #[must_use]
    pub fn with_transport(config: TelnyxConfig, transport: Arc<dyn Transport>) -> Self {
        Self {
            api: Api::new(&config),
            verifier: Verifier::new(&config),
            connection_id: config.connection_id,
            transport,
        }
    }

    async fn write(&self, request: TransportRequest) -> Result<TransportResponse, ProviderError> {
        self.transport.send(request).await.map_err(ProviderError::from_write)
    }

    /// All active calls of the connection, page by page.
    async fn active_calls(&self) -> Result<Vec<ActiveCall>, ProviderError> {
        let mut calls = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let request = self.api.active_calls(after.as_deref());
            let response = self.transport.send(request).await.map_err(ProviderError::from_read)?;
            let (page, next) = answer::active_calls(&response)?;
            let ends = page.is_empty() || next.is_none() || next == after;
            calls.extend(page);
            if ends {
                return Ok(calls);
            }
            after = next;
        }
        Err(ProviderError::new(ErrorClass::Transient, "Telnyx' list of active calls has no end"))
    }
}

fn id(call: &CallRef) -> Result<&str, ProviderError> {
    call.ids.value().ok_or_else(|| {
        ProviderError::new(
            ErrorClass::Rejected,
            "the call has no call control id yet; Telnyx has not answered",
        )
    })
}

#[async_trait]
impl VoiceProvider for Telnyx {
    fn name(&self) -> ProviderName {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.answer_call = true;
        capabilities.reject_call = true;
        capabilities.stop_tts = true;
        capabilities.stop_gathering = true;
        capabilities.longest_gathering = Duration::from_millis(u64::from(GATHER_MILLIS));
        capabilities.send_dtmf = true;
        capabilities.find_call = true;
        capabilities.list_live = true;
        capabilities.sip = true;
        // There is no queue: a call is dialled at once or refused.
        capabilities.dial_slack = Duration::from_secs(15);
        capabilities
    }

    fn verify_webhook(
        &self,
        request: &WebhookRequest,
        now: Timestamp,
    ) -> Result<DedupeKey, WebhookRejection> {
        self.verifier.verify(request, now)
    }

    fn parse_webhook_event(
        &self,
        webhook: &VerifiedWebhook<'_>,
    ) -> Result<ParsedWebhook, UndecodableWebhook> {
        webhook::parse(webhook, &self.connection_id)
    }

    /// An acknowledgement: Telnyx reads no answer.
    fn render_reply(&self, _call: &CallRef, _plan: &CallPlan) -> WebhookReply {
        WebhookReply::acknowledged()
    }

    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError> {
        answer::dialled(&self.write(self.api.dial(intent)?).await?)
    }

    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        answer::ended(&self.write(self.api.hangup(id(call)?)).await?)
    }

    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError> {
        answer::done(&self.write(self.api.speak(call, id(call)?, say)?).await?)
    }

    async fn stop_tts(&self, call: &CallRef) -> Result<(), ProviderError> {
        answer::stopped(&self.write(self.api.stop_speaking(call, id(call)?)).await?)
    }

    async fn start_listening(&self, call: &CallRef, listen: &Listen) -> Result<(), ProviderError> {
        match listen.input {
            ListenFor::Speech => {
                let request = self.api.transcribe(call, id(call)?, &listen.locale);
                answer::listens(&self.write(request).await?)
            }
            ListenFor::Digits(digits) => {
                answer::done(&self.write(self.api.gather(call, id(call)?, digits)).await?)
            }
            _ => Err(ProviderError::unsupported("listening for speech and digits at once")),
        }
    }

    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError> {
        answer::stopped(&self.write(self.api.stop_listening(call, id(call)?)).await?)
    }

    async fn stop_gathering(&self, call: &CallRef) -> Result<(), ProviderError> {
        answer::stopped(&self.write(self.api.stop_gathering(call, id(call)?)).await?)
    }

    async fn get_call_status(&self, call: &CallRef) -> CallStatus {
        let id = match id(call) {
            Ok(id) => id,
            Err(cause) => return CallStatus::Unknown { cause },
        };
        match self.transport.send(self.api.fetch(id)).await {
            Ok(response) => answer::status(&response, &call.ids),
            Err(fault) => CallStatus::Unknown { cause: ProviderError::from_read(fault) },
        }
    }

    async fn answer_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        answer::done(&self.write(self.api.answer(call, id(call)?)).await?)
    }

    async fn reject_call(&self, call: &CallRef, reason: RejectReason) -> Result<(), ProviderError> {
        answer::ended(&self.write(self.api.reject(call, id(call)?, reason)).await?)
    }

    async fn limit_call(
        &self,
        _call: &CallRef,
        _max_duration: Duration,
    ) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("limiting an inbound call"))
    }

    async fn send_dtmf(
        &self,
        call: &CallRef,
        digits: &Digits,
        _then: &Then,
    ) -> Result<(), ProviderError> {
        answer::done(&self.write(self.api.send_dtmf(call, id(call)?, digits)).await?)
    }

    /// Exact: the call that has our id in its `client_state`.
    async fn find_call(&self, intent: &DialIntent) -> Search {
        match self.active_calls().await {
            Ok(calls) => calls
                .into_iter()
                .find(|active| active.call == Some(intent.call.id))
                .map_or(Search::Nothing, |active| Search::Found(active.ids)),
            Err(cause) => Search::Unknown { cause },
        }
    }

    async fn list_live(&self) -> Result<Vec<RunningCall>, ProviderError> {
        let running =
            |active: ActiveCall| RunningCall { ids: active.ids, call: active.call, progress: None };
        Ok(self.active_calls().await?.into_iter().map(running).collect())
    }

    async fn transfer_call(&self, _call: &CallRef, _to: &Party) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("transferring a call"))
    }
}
