//! A carrier that fetches documents.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent, Digits, InitiatedCall,
    Listen, ParsedWebhook, Party, Progress, ProviderError, ProviderName, RejectReason, RunningCall,
    Say, Search, Then, UndecodableWebhook, VerifiedWebhook, VoiceProvider, WebhookRejection,
    WebhookReply, WebhookRequest,
};

use super::{TestProvider, plan_text, test_provider, webhook};

/// Fetches documents, tells when it rings, and finds only candidates after an unclear dial.
#[derive(Debug, Default)]
pub struct DocumentProvider {
    carrier: TestProvider,
}

test_provider!(DocumentProvider);

impl DocumentProvider {
    /// Its name.
    pub const NAME: ProviderName = ProviderName::new("document");
}

#[async_trait]
impl VoiceProvider for DocumentProvider {
    fn name(&self) -> ProviderName {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.documents = true;
        capabilities.limit_call = true;
        capabilities.send_dtmf = true;
        capabilities.speech_or_digits = true;
        capabilities.find_call = true;
        capabilities.dial_slack = Duration::from_secs(60);
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

    fn render_reply(&self, call: &CallRef, plan: &CallPlan) -> WebhookReply {
        let text = format!("step {}: {}", call.step, plan_text(plan));
        WebhookReply::document("text/plain", text.into())
    }

    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError> {
        if intent.to.number().is_none() {
            return Err(ProviderError::unsupported("dialling anything but a number"));
        }
        self.carrier.dial("call", intent).await
    }

    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("hangup_call", call, String::new()).await
    }

    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError> {
        let plan = CallPlan::Say(say.clone());
        self.carrier.done("play_tts", call, plan_text(&plan)).await
    }

    async fn stop_tts(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("stopping speech by a command"))
    }

    async fn start_listening(&self, call: &CallRef, listen: &Listen) -> Result<(), ProviderError> {
        let plan = CallPlan::Listen(listen.clone());
        self.carrier.done("start_listening", call, plan_text(&plan)).await
    }

    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.carrier.done("stop_listening", call, String::new()).await
    }

    async fn stop_gathering(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("stop_gathering"))
    }

    async fn get_call_status(&self, call: &CallRef) -> CallStatus {
        self.carrier
            .status(call)
            .await
            .unwrap_or(CallStatus::Live { progress: Some(Progress::Answered) })
    }

    async fn answer_call(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("answer_call"))
    }

    async fn reject_call(&self, _call: &CallRef, _: RejectReason) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("reject_call"))
    }

    async fn limit_call(
        &self,
        call: &CallRef,
        max_duration: Duration,
    ) -> Result<(), ProviderError> {
        self.carrier.done("limit_call", call, format!("{} s", max_duration.as_secs())).await
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
