//! A provider with one fault in it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use offhook_conformance::{API_KEY, SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_as};
use offhook_core::{
    Answer, CallEvent, CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent,
    DigitInput, Digits, EndReason, InitiatedCall, Listen, ListenFor, ParsedWebhook, Party,
    ProviderCallId, ProviderCallIds, ProviderError, ProviderName, RejectReason, RunningCall, Say,
    Search, Step, Then, Transport, UndecodableWebhook, VerifiedWebhook, VoiceProvider,
    WebhookRejection, WebhookReply, WebhookRequest,
};

use crate::faults::Fault;
use crate::meddling::{Meddler, mended};

/// Numbers the providers, as a random seed would.
static SEED: AtomicU8 = AtomicU8::new(0);

pub(crate) struct Faulty {
    inner: Box<dyn VoiceProvider>,
    fault: Fault,
    seed: u8,
    has_read: AtomicBool,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::PrintsItsKey => write!(f, "a carrier with {API_KEY}"),
            _ => self.inner.fmt(f),
        }
    }
}

impl Faulty {
    /// The provider that this makes over a transport, with a fault in it.
    pub(crate) fn over(
        fault: Fault,
        transport: Arc<dyn Transport>,
        make: impl FnOnce(Arc<dyn Transport>) -> Box<dyn VoiceProvider>,
    ) -> Box<dyn VoiceProvider> {
        let inner = make(Arc::new(Meddler::new(fault, transport)));
        let seed = SEED.fetch_add(1, Ordering::Relaxed);
        Box::new(Self { inner, fault, seed, has_read: AtomicBool::new(false) })
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn after<T>(&self, result: Result<T, ProviderError>) -> Result<T, ProviderError> {
        result.map_err(|error| mended(self.fault, error))
    }

    /// The result of a command that brings nothing.
    fn done(&self, result: Result<(), ProviderError>) -> Result<(), ProviderError> {
        match self.after(result) {
            Err(error)
                if self.has(Fault::BelievesAnySuccess) && error.to_string().contains("HTTP 2") =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Our call, as the fault has it.
    fn call(&self, call: &CallRef) -> CallRef {
        let mut call = call.clone();
        if self.has(Fault::InventsAnId) && call.ids.is_empty() {
            call.ids = ProviderCallIds::of(ProviderCallId::new("call", 1, "CALL-0"));
        }
        call
    }

    /// Whether the fault takes a request that was refused for its signature.
    fn forgives(&self, request: &WebhookRequest, now: Timestamp) -> Option<DedupeKey> {
        let mut changed = request.clone();
        match self.fault {
            Fault::SignsNoUrl => {
                "https://voice.example.com/phone/webhooks/test".clone_into(&mut changed.url);
            }
            Fault::ForgivesTheLastByte => changed.body.truncate(request.body.len().checked_sub(1)?),
            Fault::SignsNoTime if request.headers.get(TIMESTAMP_HEADER)?.is_empty() => return None,
            Fault::SignsNoTime => {
                let at = now.as_second().into();
                changed.headers.insert(TIMESTAMP_HEADER, at);
            }
            Fault::ComparesInAnyCase => {
                let given = request.headers.get(SIGNATURE_HEADER)?.to_str().ok()?;
                let plain = given.to_ascii_lowercase().parse().ok()?;
                changed.headers.insert(SIGNATURE_HEADER, plain);
            }
            Fault::TakesAnyKey => {
                let by_stranger =
                    signed_as("somebody else's", &request.url, None, request.body.to_vec());
                let given = request.headers.get(SIGNATURE_HEADER)?;
                return (by_stranger.headers[SIGNATURE_HEADER] == given)
                    .then_some(DedupeKey([9; 16]));
            }
            _ => return None,
        }
        self.inner.verify_webhook(&changed, now).ok()
    }
}

#[async_trait]
impl VoiceProvider for Faulty {
    fn name(&self) -> ProviderName {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = self.inner.capabilities();
        can.transfer_call |= self.has(Fault::PromisesTooMuch);
        can.sip |= self.has(Fault::PromisesSip);
        can
    }

    fn verify_webhook(
        &self,
        request: &WebhookRequest,
        now: Timestamp,
    ) -> Result<DedupeKey, WebhookRejection> {
        let mut request = request.clone();
        let signature = request.headers.get(SIGNATURE_HEADER).cloned();
        match self.fault {
            Fault::RefusesUnknownHeaders if request.headers.contains_key("x-unrelated") => {
                return Err(WebhookRejection::Unsigned);
            }
            Fault::NeedsNoSignature if signature.as_ref().is_none_or(HeaderValue::is_empty) => {
                return Ok(DedupeKey([0; 16]));
            }
            Fault::TakesTheFirstOfTwo => {
                if let Some(first) = signature {
                    request.headers.insert(SIGNATURE_HEADER, first);
                }
            }
            Fault::TakesAnyMethod => request.method = Method::POST,
            Fault::PanicsOnStrangers => {
                let text = signature.map(|one| one.to_str().map(str::to_owned));
                text.transpose().expect("nobody sends such a header");
            }
            _ => {}
        }
        let mut key = match self.inner.verify_webhook(&request, now) {
            Err(WebhookRejection::Stale { .. }) if self.has(Fault::IsNeverStale) => {
                DedupeKey([1; 16])
            }
            Err(WebhookRejection::Mismatch) => {
                self.forgives(&request, now).ok_or(WebhookRejection::Mismatch)?
            }
            other => other?,
        };
        let header = |name: &str| {
            request.headers.get(name).map_or(0, |value| {
                value
                    .as_bytes()
                    .iter()
                    .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte))
            })
        };
        match self.fault {
            Fault::SaltsItsKeys => key.0[0] ^= self.seed,
            Fault::KeysTheTime => key.0[0] ^= header(TIMESTAMP_HEADER),
            Fault::HasOneKey => key = DedupeKey([0; 16]),
            Fault::KeysTheRequestId => key.0[0] ^= header("x-request-id"),
            _ => {}
        }
        Ok(key)
    }

    fn parse_webhook_event(
        &self,
        webhook: &VerifiedWebhook<'_>,
    ) -> Result<ParsedWebhook, UndecodableWebhook> {
        let parsed = self.inner.parse_webhook_event(webhook);
        if self.has(Fault::PanicsOnBrokenBodies) {
            parsed.as_ref().expect("nobody signs such a body");
        }
        let mut parsed = parsed?;
        match self.fault {
            Fault::LosesTheEnd => {
                parsed.events.retain(|one| !matches!(one, CallEvent::Ended { .. }));
            }
            Fault::RemembersWhatItRead if self.has_read.swap(true, Ordering::Relaxed) => {
                parsed.events.clear();
            }
            Fault::LosesTheOffer => parsed.offer = None,
            Fault::BelievesEveryAccount => parsed.foreign = false,
            Fault::DropsWhatIsNew => {
                parsed.events.retain(|one| !matches!(one, CallEvent::Unknown { .. }));
            }
            Fault::AnswersWithAnError => {
                if let Answer::Fixed(reply) = &mut parsed.answer {
                    reply.status = StatusCode::INTERNAL_SERVER_ERROR;
                }
            }
            _ => {}
        }
        Ok(parsed)
    }

    fn render_reply(&self, call: &CallRef, plan: &CallPlan) -> WebhookReply {
        let mut call = call.clone();
        let mut plan = plan.clone();
        match (self.fault, &mut plan) {
            (Fault::RendersWithoutStep, _) => call.step = Step(3),
            (Fault::SpoilsDocuments, CallPlan::Say(say)) => *say = spoilt(say),
            (Fault::ForgetsTheDigits, CallPlan::Listen(listen)) => {
                if let ListenFor::Digits(digits) = &mut listen.input {
                    *digits = DigitInput::default();
                }
            }
            _ => {}
        }
        let mut reply = self.inner.render_reply(&call, &plan);
        if self.has(Fault::RendersTheCarriersId) {
            let id = call.ids.value().unwrap_or_default();
            reply.body = [&reply.body, id.as_bytes()].concat().into();
        }
        reply
    }

    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError> {
        let dialled = self.inner.initiate_call(intent).await;
        if self.has(Fault::DialsTwice) && dialled.is_ok() {
            return self.inner.initiate_call(intent).await;
        }
        let mut dialled = self.after(dialled)?;
        if self.has(Fault::ReturnsAnotherId) {
            dialled.ids = ProviderCallIds::of(ProviderCallId::new("call", 1, "CALL-0"));
        }
        Ok(dialled)
    }

    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        let result = self.inner.hangup_call(&self.call(call)).await;
        // What a hangup of a call that is over comes to is a case of its own.
        if self.has(Fault::TakesMissingForWrong) { result } else { self.done(result) }
    }

    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError> {
        let say = match self.fault {
            Fault::SpoilsText => spoilt(say),
            Fault::CutsText => cut(say),
            _ => say.clone(),
        };
        self.done(self.inner.play_tts(&self.call(call), &say).await)
    }

    async fn stop_tts(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.done(self.inner.stop_tts(&self.call(call)).await)
    }

    async fn start_listening(&self, call: &CallRef, listen: &Listen) -> Result<(), ProviderError> {
        let mut listen = listen.clone();
        if self.has(Fault::ForgetsTheInput) {
            listen.input = ListenFor::Speech;
        }
        self.done(self.inner.start_listening(&self.call(call), &listen).await)
    }

    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.done(self.inner.stop_listening(&self.call(call)).await)
    }

    async fn stop_gathering(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.done(self.inner.stop_gathering(&self.call(call)).await)
    }

    async fn get_call_status(&self, call: &CallRef) -> CallStatus {
        let ended = |reason| CallStatus::Ended { reason, cause: None };
        match (self.fault, self.inner.get_call_status(&self.call(call)).await) {
            (Fault::MistakesBusy, CallStatus::Ended { reason: EndReason::Busy, .. }) => {
                ended(EndReason::Failed)
            }
            (Fault::KnowsNothingMissing, CallStatus::NotFound) => {
                CallStatus::Unknown { cause: ProviderError::unsupported("to be missing") }
            }
            (Fault::TakesSilenceForTheEnd, CallStatus::Unknown { cause })
                if std::error::Error::source(&cause).is_some() =>
            {
                ended(EndReason::Failed)
            }
            (_, status) => status,
        }
    }

    async fn answer_call(&self, call: &CallRef) -> Result<(), ProviderError> {
        self.done(self.inner.answer_call(&self.call(call)).await)
    }

    async fn reject_call(&self, call: &CallRef, reason: RejectReason) -> Result<(), ProviderError> {
        self.done(self.inner.reject_call(&self.call(call), reason).await)
    }

    async fn limit_call(
        &self,
        call: &CallRef,
        max_duration: Duration,
    ) -> Result<(), ProviderError> {
        self.done(self.inner.limit_call(&self.call(call), max_duration).await)
    }

    async fn send_dtmf(
        &self,
        call: &CallRef,
        digits: &Digits,
        then: &Then,
    ) -> Result<(), ProviderError> {
        self.done(self.inner.send_dtmf(&self.call(call), digits, then).await)
    }

    async fn find_call(&self, intent: &DialIntent) -> Search {
        match (self.fault, self.inner.find_call(intent).await) {
            (Fault::OverlooksItsCall, Search::Found(_))
            | (Fault::TakesAFailedSearchForNone, Search::Unknown { .. }) => Search::Nothing,
            (_, found) => found,
        }
    }

    async fn list_live(&self) -> Result<Vec<RunningCall>, ProviderError> {
        self.after(self.inner.list_live().await)
    }

    async fn transfer_call(&self, call: &CallRef, to: &Party) -> Result<(), ProviderError> {
        if self.has(Fault::QuietlySucceeds) {
            return Ok(());
        }
        self.inner.transfer_call(call, to).await
    }
}

/// With markup taken out.
fn spoilt(say: &Say) -> Say {
    let mut say = say.clone();
    let text = say.speech.text.as_str().replace('&', "and");
    say.speech.text = text.parse().expect("it can be spoken");
    say
}

/// Cut without a word.
fn cut(say: &Say) -> Say {
    let mut say = say.clone();
    let text: String = say.speech.text.as_str().chars().take(3500).collect();
    say.speech.text = text.parse().expect("it can be spoken");
    say
}
