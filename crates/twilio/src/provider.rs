//! Twilio as a [`VoiceProvider`]: the only code here that awaits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent, Digits, ErrorClass,
    InitiatedCall, Listen, ParsedWebhook, Party, ProviderError, ProviderName, RejectReason,
    RunningCall, Say, Search, Then, Transport, TransportRequest, TransportResponse,
    UndecodableWebhook, VerifiedWebhook, VoiceProvider, WebhookRejection, WebhookReply,
    WebhookRequest,
};

use crate::api::{self, Api};
use crate::config::TwilioConfig;
use crate::reply::{self, kind};
use crate::signature::Verifier;
use crate::webhook;

/// The name of this provider.
pub const NAME: ProviderName = ProviderName::new("twilio");

/// How many pages of a list are read.
const MOST_PAGES: usize = 40;

/// Twilio.
#[derive(Debug)]
pub struct Twilio {
    account_sid: String,
    api: Api,
    verifier: Verifier,
    transport: Arc<dyn Transport>,
}

impl Twilio {
    /// Twilio by the guarded HTTPS client.
    ///
    /// # Errors
    /// The API base is not permitted, or TLS cannot be set up.
    #[cfg(feature = "http")]
    pub fn new(config: TwilioConfig) -> Result<Self, offhook_core::InvalidBaseUrl> {
        use offhook_core::{GuardedClient, HostPolicy};
        let policy = match config.allow_private_hosts {
            true => HostPolicy::AllowPrivate,
            false => HostPolicy::PublicOnly,
        };
        let client = GuardedClient::new(config.api_base.clone(), policy)?;
        Ok(Self::with_transport(config, Arc::new(client)))
    }

    /// Twilio by a transport of your own.
    #[must_use]
    pub fn with_transport(config: TwilioConfig, transport: Arc<dyn Transport>) -> Self {
        Self {
            api: Api::new(&config),
            verifier: Verifier::new(
                &config.auth_token,
                config.auth_token_previous.as_ref(),
                config.shared_key.as_ref(),
            ),
            account_sid: config.account_sid,
            transport,
        }
    }

    async fn write(&self, request: TransportRequest) -> Result<TransportResponse, ProviderError> {
        self.transport.send(request).await.map_err(ProviderError::from_write)
    }

    /// Replaces the running document by the one of this plan.
    async fn push(&self, call: &CallRef, plan: &CallPlan) -> Result<(), ProviderError> {
        let document = reply::document(call, plan);
        let document = String::from_utf8_lossy(&document);
        let script = reply::callback(call, kind::SCRIPT);
        let request = self.api.push(sid(call)?, &document, &script);
        api::updated(&self.write(request).await?)
    }
}

fn sid(call: &CallRef) -> Result<&str, ProviderError> {
    call.ids.value().ok_or_else(|| {
        ProviderError::new(
            ErrorClass::Rejected,
            "the call has no CallSid yet; Twilio has not answered",
        )
    })
}

#[async_trait]
impl VoiceProvider for Twilio {
    fn name(&self) -> ProviderName {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.documents = true;
        capabilities.limit_call = true;
        capabilities.send_dtmf = true;
        capabilities.speech_or_digits = true;
        capabilities.find_call = true;
        capabilities.list_live = true;
        capabilities.sip = true;
        // One call per second by default; the rest waits in Twilio's queue.
        capabilities.dial_slack = Duration::from_secs(60);
        capabilities
    }

    fn verify_webhook(
        &self,
        request: &WebhookRequest,
        _now: Timestamp,
    ) -> Result<DedupeKey, WebhookRejection> {
        self.verifier.verify(request)
    }

    fn parse_webhook_event(
        &self,
        webhook: &VerifiedWebhook<'_>,
    ) -> Result<ParsedWebhook, UndecodableWebhook> {
        webhook::parse(webhook, &self.account_sid)
    }

    fn render_reply(&self, call: &CallRef, plan: &CallPlan) -> WebhookReply {
        WebhookReply::document(reply::CONTENT_TYPE, reply::document(call, plan))
    }

    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError> {
        api::created(&self.write(self.api.create(intent)).await?)
    }

    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        api::updated(&self.write(self.api.hangup(sid(call)?)).await?)
    }

    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError> {
        self.push(call, &CallPlan::Say(say.clone())).await
    }

    async fn stop_tts(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("stopping speech by a command"))
    }

    async fn start_listening(&self, call: &CallRef, listen: &Listen) -> Result<(), ProviderError> {
        self.push(call, &CallPlan::Listen(listen.clone())).await
    }

    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.push(call, &CallPlan::Hold).await
    }

    async fn stop_gathering(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("ending a gather without another document"))
    }

    async fn get_call_status(&self, call: &CallRef) -> CallStatus {
        let sid = match sid(call) {
            Ok(sid) => sid,
            Err(cause) => return CallStatus::Unknown { cause },
        };
        match self.transport.send(self.api.fetch(sid)).await {
            Ok(response) => api::status(&response, sid),
            Err(fault) => CallStatus::Unknown { cause: ProviderError::from_read(fault) },
        }
    }

    async fn answer_call(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("answering by a command"))
    }

    async fn reject_call(
        &self,
        _call: &CallRef,
        _reason: RejectReason,
    ) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("rejecting by a command"))
    }

    async fn limit_call(
        &self,
        call: &CallRef,
        max_duration: Duration,
    ) -> Result<(), ProviderError> {
        api::updated(&self.write(self.api.limit(call, sid(call)?, max_duration)).await?)
    }

    async fn send_dtmf(
        &self,
        call: &CallRef,
        digits: &Digits,
        then: &Then,
    ) -> Result<(), ProviderError> {
        let plan = CallPlan::SendDigits { digits: digits.clone(), then: then.clone() };
        self.push(call, &plan).await
    }

    async fn find_call(&self, intent: &DialIntent) -> Search {
        match self.transport.send(self.api.search(intent)).await {
            Ok(response) => api::found(&response, intent),
            Err(fault) => Search::Unknown { cause: ProviderError::from_read(fault) },
        }
    }

    async fn list_live(&self) -> Result<Vec<RunningCall>, ProviderError> {
        let mut calls = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let request = self.api.in_progress(next.as_ref());
            let response = self.transport.send(request).await.map_err(ProviderError::from_read)?;
            let (page, after) = api::running(&response)?;
            calls.extend(page);
            if after.is_none() {
                return Ok(calls);
            }
            next = after;
        }
        Err(ProviderError::new(ErrorClass::Transient, "Twilio's list of calls has no end"))
    }

    async fn transfer_call(&self, _call: &CallRef, _to: &Party) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("transferring a call"))
    }
}
