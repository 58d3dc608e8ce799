//! A carrier that is told step by step.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent, Digits, InitiatedCall,
    Listen, ListenFor, ParsedWebhook, Party, ProviderError, ProviderName, RejectReason,
    RunningCall, Say, Search, Then, UndecodableWebhook, VerifiedWebhook, VoiceProvider,
    WebhookRejection, WebhookReply, WebhookRequest,
};

use super::{TestProvider, plan_text, test_provider, webhook};

/// Takes commands, tells no ringing, and knows of a live call no progress; its search is exact.
#[derive(Debug, Default)]
pub struct CommandProvider {
    carrier: TestProvider,
}

test_provider!(CommandProvider);

impl CommandProvider {
    /// Its name.
    pub const NAME: ProviderName = ProviderName::new("command");
}

#[async_trait]
impl VoiceProvider for CommandProvider {
    fn name(&self) -> ProviderName {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.answer_call = true;
        capabilities.reject_call = true;
        capabilities.stop_tts = true;
        capabilities.stop_gathering = true;
        capabilities.send_dtmf = true;
        capabilities.find_call = true;
        capabilities.sip = true;
        capabilities
    }

    fn verify_webhook(
        &self,
        request: &WebhookRequest,
        now: Timestamp,
    ) -> Result<DedupeKey, WebhookRejection> {
        webhook::verify(request, self.carrier.previous_secret, now)
    }

    fn parse_webhook_event(
        &self,
        webhook: &VerifiedWebhook<'_>,
    ) -> Result<ParsedWebhook, UndecodableWebhook> {
        webhook::parse("call", webhook)
    }

    /// An acknowledgement: this carrier takes no documents.
    fn render_reply(&self, _call: &CallRef, _plan: &CallPlan) -> WebhookReply {
        WebhookReply::acknowledged()
    }

    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError> {
        self.carrier.dial("call", intent).await
    }

    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("hangup_call", call, String::new()).await
    }

    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError> {
        let plan = CallPlan::Say(say.clone());
        self.carrier.done("play_tts", call, plan_text(&plan)).await
    }

    async fn stop_tts(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("stop_tts", call, String::new()).await
    }

    async fn start_listening(&self, call: &CallRef, listen: &Listen) -> Result<(), ProviderError> {
        if matches!(listen.input, ListenFor::SpeechOrDigits(_)) {
            return Err(ProviderError::unsupported("listening for both"));
        }
        let plan = CallPlan::Listen(listen.clone());
        self.carrier.done("start_listening", call, plan_text(&plan)).await
    }

    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("stop_listening", call, String::new()).await
    }

    async fn stop_gathering(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("stop_gathering", call, String::new()).await
    }

    async fn get_call_status(&self, call: &CallRef) -> CallStatus {
        self.carrier.status(call).await.unwrap_or(CallStatus::Live { progress: None })
    }

    async fn answer_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("answer_call", call, String::new()).await
    }

    async fn reject_call(&self, call: &CallRef, reason: RejectReason) -> Result<(), ProviderError> {
        self.carrier.done("reject_call", call, format!("{reason:?}")).await
    }

    async fn limit_call(
        &self,
        _call: &CallRef,
        _max_duration: Duration,
    ) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("limit_call"))
    }

    async fn send_dtmf(
        &self,
        call: &CallRef,
        digits: &Digits,
        then: &Then,
    ) -> Result<(), ProviderError> {
        let plan = CallPlan::SendDigits { digits: digits.clone(), then: then.clone() };
        self.carrier.done("send_dtmf", call, plan_text(&plan)).await
    }

    async fn find_call(&self, intent: &DialIntent) -> Search {
        self.carrier.search("call", intent).await
    }

    async fn list_live(&self) -> Result<Vec<RunningCall>, ProviderError> {
        Err(ProviderError::unsupported("list_live"))
    }

    async fn transfer_call(&self, _call: &CallRef, _to: &Party) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("transfer_call"))
    }
}
