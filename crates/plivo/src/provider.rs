//! Plivo as a [`VoiceProvider`]: the only code here that awaits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent, Digits, ErrorClass,
    InitiatedCall, Listen, ParsedWebhook, Party, ProviderCallIds, ProviderError, ProviderName,
    RejectReason, RunningCall, Say, Search, Speech, Then, Transport, TransportRequest,
    TransportResponse, UndecodableWebhook, VerifiedWebhook, VoiceProvider, WebhookRejection,
    WebhookReply, WebhookRequest,
};

use crate::answer;
use crate::api::{Api, Which};
use crate::config::PlivoConfig;
use crate::reply;
use crate::signature::Verifier;
use crate::voice;
use crate::webhook::{self, CALL_UUID, is_id};

/// The name of this provider.
pub const NAME: ProviderName = ProviderName::new("plivo");

/// How often Plivo lets a call be sent to another document; then it ends the call.
const TRANSFERS: u32 = 70;

/// How many calls of a list are looked at one by one.
const MOST_LOOKS: usize = 40;

/// Plivo.
#[derive(Debug)]
pub struct Plivo {
    api: Api,
    verifier: Verifier,
    /// The account, unless it is a subaccount.
    main_account: Option<String>,
    transport: Arc<dyn Transport>,
}

impl Plivo {
    /// Plivo by the guarded HTTPS client.
    ///
    /// # Errors
    /// The API base is not permitted, or TLS cannot be set up.
    #[cfg(feature = "http")]
    pub fn new(config: PlivoConfig) -> Result<Self, offhook_core::InvalidBaseUrl> {
        use offhook_core::{GuardedClient, HostPolicy};
        let policy = match config.allow_private_hosts {
            true => HostPolicy::AllowPrivate,
            false => HostPolicy::PublicOnly,
        };
        let client = GuardedClient::new(config.api_base.clone(), policy)?;
        Ok(Self::with_transport(config, Arc::new(client)))
    }

    /// Plivo by a transport of your own.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the tokens are not to be kept elsewhere")]
    pub fn with_transport(config: PlivoConfig, transport: Arc<dyn Transport>) -> Self {
        let main_account = config.is_main_account().then(|| config.auth_id.clone());
        Self { api: Api::new(&config), verifier: Verifier::new(&config), main_account, transport }
    }

    async fn read(&self, request: TransportRequest) -> Result<TransportResponse, ProviderError> {
        self.transport.send(request).await.map_err(ProviderError::from_read)
    }

    async fn write(&self, request: TransportRequest) -> Result<TransportResponse, ProviderError> {
        self.transport.send(request).await.map_err(ProviderError::from_write)
    }

    /// Makes Plivo fetch the document of the present step.
    async fn push(&self, call: &CallRef) -> Result<(), ProviderError> {
        let request = self.api.push(call, id(call)?);
        answer::done(&self.write(request).await?)
    }

    /// The ids of a list of calls. A list that is not there has none.
    async fn list(&self, which: Which) -> Result<Vec<String>, ProviderError> {
        match answer::ids(&self.read(self.api.list(which)).await?) {
            Err(error) if error.class() == ErrorClass::NotFound => Ok(Vec::new()),
            ids => ids,
        }
    }

    /// The running call that came of a request of which no webhook has come.
    async fn of_request(
        &self,
        request: &str,
    ) -> Result<Option<(String, CallStatus)>, ProviderError> {
        let mut looks = 0;
        for which in [Which::Live, Which::Queued] {
            for uuid in self.list(which).await? {
                looks += 1;
                if looks > MOST_LOOKS {
                    let text = "too many calls are running to find the one of a request";
                    return Err(ProviderError::new(ErrorClass::Transient, text));
                }
                let response = self.read(self.api.fetch(which, &uuid)).await?;
                let running = answer::still_running(&response, &uuid)?;
                if let Some(call) = running.filter(|call| call.is_of_request(request)) {
                    return Ok(Some((uuid, call.status(which))));
                }
            }
        }
        Ok(None)
    }

    async fn delete(&self, request: TransportRequest) -> Result<(), ProviderError> {
        answer::deleted(&self.write(request).await?)
    }

    /// Ends a call of which only the request is known: it may not be dialled yet, it may be running
    /// under the same id, or under one that no webhook has brought.
    async fn hang_up_request(&self, request: &str) -> Result<(), ProviderError> {
        for attempt in [self.api.cancel(request), self.api.hangup(request)] {
            match self.delete(attempt).await {
                Err(error) if error.class() == ErrorClass::NotFound => {}
                other => return other,
            }
        }
        match self.of_request(request).await? {
            Some((uuid, _)) => self.delete(self.api.hangup(&uuid)).await,
            None => {
                let text = "Plivo knows neither the request nor a call that came of it";
                Err(ProviderError::new(ErrorClass::NotFound, text))
            }
        }
    }

    async fn candidates(&self, intent: &DialIntent) -> Result<Vec<String>, ProviderError> {
        let mut candidates = Vec::new();
        for which in [Which::Live, Which::Queued] {
            for uuid in self.list(which).await?.into_iter().take(MOST_LOOKS) {
                let response = self.read(self.api.fetch(which, &uuid)).await?;
                if answer::still_running(&response, &uuid)?.is_some_and(|call| call.may_be(intent))
                {
                    candidates.push(uuid);
                }
            }
        }
        let records = self.read(self.api.records(intent)).await?;
        for uuid in answer::candidates(&records, intent)? {
            if !candidates.contains(&uuid) {
                candidates.push(uuid);
            }
        }
        Ok(candidates)
    }
}

/// The id that names the call in requests.
fn id(call: &CallRef) -> Result<&str, ProviderError> {
    let id = call.ids.value().ok_or_else(|| {
        let text = "the call has no id yet; Plivo has not answered";
        ProviderError::new(ErrorClass::Rejected, text)
    })?;
    if is_id(id) {
        Ok(id)
    } else {
        Err(ProviderError::new(ErrorClass::Rejected, "the call's id cannot be one of Plivo's"))
    }
}

/// Whether a webhook has brought the call's own id.
fn has_begun(call: &CallRef) -> bool {
    call.ids.current().is_some_and(|id| id.kind() == CALL_UUID)
}

fn check_spoken(speech: &Speech) -> Result<(), ProviderError> {
    if voice::is_spoken(speech) {
        Ok(())
    } else {
        Err(ProviderError::new(ErrorClass::Rejected, voice::unspoken(&speech.locale)))
    }
}

#[async_trait]
impl VoiceProvider for Plivo {
    fn name(&self) -> ProviderName {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.documents = true;
        capabilities.limit_by_document = true;
        capabilities.send_dtmf = true;
        capabilities.speech_or_digits = true;
        capabilities.find_call = true;
        capabilities.list_live = true;
        capabilities.sip = true;
        capabilities.pushes_per_call = Some(TRANSFERS);
        // Two calls per second by default; the rest waits in Plivo's queue.
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
        webhook::parse(webhook, self.main_account.as_deref())
    }

    fn render_reply(&self, call: &CallRef, plan: &CallPlan) -> WebhookReply {
        WebhookReply::document(reply::CONTENT_TYPE, reply::document(call, plan))
    }

    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError> {
        if let CallPlan::Say(say) = &intent.plan {
            check_spoken(&say.speech)?;
        }
        answer::dialled(&self.write(self.api.dial(intent)).await?)
    }

    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        let id = id(call)?;
        if has_begun(call) {
            self.delete(self.api.hangup(id)).await
        } else {
            self.hang_up_request(id).await
        }
    }

    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError> {
        check_spoken(&say.speech)?;
        self.push(call).await
    }

    async fn stop_tts(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("stopping speech by a command"))
    }

    async fn start_listening(&self, call: &CallRef, _listen: &Listen) -> Result<(), ProviderError> {
        self.push(call).await
    }

    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.push(call).await
    }

    async fn stop_gathering(&self, _call: &CallRef) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("ending a gather without another document"))
    }

    async fn get_call_status(&self, call: &CallRef) -> CallStatus {
        let id = match id(call) {
            Ok(id) => id,
            Err(cause) => return CallStatus::Unknown { cause },
        };
        for which in [Which::Live, Which::Queued, Which::Record] {
            let status = match self.read(self.api.fetch(which, id)).await {
                Ok(response) => answer::status(&response, which, id),
                Err(cause) => return CallStatus::Unknown { cause },
            };
            if !matches!(status, CallStatus::NotFound) {
                return status;
            }
        }
        if has_begun(call) {
            return CallStatus::NotFound;
        }
        match self.of_request(id).await {
            Ok(Some((_, status))) => status,
            Ok(None) => CallStatus::NotFound,
            Err(cause) => CallStatus::Unknown { cause },
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
        _call: &CallRef,
        _max_duration: Duration,
    ) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("limiting a call by a command"))
    }

    async fn send_dtmf(
        &self,
        call: &CallRef,
        digits: &Digits,
        _then: &Then,
    ) -> Result<(), ProviderError> {
        if reply::sendable(digits) != digits.as_str() {
            let text = "Plivo sends 0-9, * and #; the tones A to D it has not";
            return Err(ProviderError::new(ErrorClass::Rejected, text));
        }
        self.push(call).await
    }

    async fn find_call(&self, intent: &DialIntent) -> Search {
        match self.candidates(intent).await {
            Ok(uuids) if uuids.is_empty() => Search::Nothing,
            Ok(uuids) => {
                let ids = |uuid| ProviderCallIds::of(webhook::call_uuid(uuid));
                Search::Candidates(uuids.into_iter().map(ids).collect())
            }
            Err(cause) => Search::Unknown { cause },
        }
    }

    async fn list_live(&self) -> Result<Vec<RunningCall>, ProviderError> {
        let mut calls = Vec::new();
        for which in [Which::Live, Which::Queued] {
            calls.extend(answer::listed(which, self.list(which).await?));
        }
        Ok(calls)
    }

    async fn transfer_call(&self, _call: &CallRef, _to: &Party) -> Result<(), ProviderError> {
        Err(ProviderError::unsupported("transferring a call"))
    }
}
