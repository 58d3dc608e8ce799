//! The trait that a carrier is.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    CallPlan, CallRef, CallStatus, Capabilities, DedupeKey, DialIntent, Digits, InitiatedCall,
    Listen, ParsedWebhook, ProviderError, ProviderName, RejectReason, RunningCall, Say, Search,
    Then, UndecodableWebhook, VerifiedWebhook, WebhookRejection, WebhookReply, WebhookRequest,
};

/// A carrier of voice calls.
///
/// The first three methods about webhooks are pure: no clock, no memory, no side effect, and no
/// panic on any input. The async ones send one request each and **repeat nothing by themselves**;
/// retries have one owner, the manager. Each of them is bounded in time by its transport.
///
/// Every async method may be cancelled; a request that was under way is then as unclear as one
/// that timed out.
#[async_trait]
pub trait VoiceProvider: fmt::Debug + Send + Sync + 'static {
    /// The provider's name, as it stands in URLs and records.
    fn name(&self) -> ProviderName;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Checks a webhook's signature; must pass before parsing. Call it through
    /// [`verify`](crate::verify), the only way to a [`VerifiedWebhook`].
    ///
    /// The key is made from signed content only, so that nobody can make two requests one.
    ///
    /// # Errors
    /// Why the webhook is refused.
    fn verify_webhook(
        &self,
        request: &WebhookRequest,
        now: Timestamp,
    ) -> Result<DedupeKey, WebhookRejection>;

    /// Reads a verified webhook. An unknown *type* of event is no error.
    ///
    /// # Errors
    /// The body cannot be read at all.
    fn parse_webhook_event(
        &self,
        webhook: &VerifiedWebhook<'_>,
    ) -> Result<ParsedWebhook, UndecodableWebhook>;

    /// The document that carries out a plan: the same bytes for the same call, step, callbacks and
    /// plan, always. The carrier's ids must not enter it: they may have grown since, and a repeated
    /// delivery gets the same bytes.
    ///
    /// Called only with the capability `documents`; without it, an acknowledgement is right.
    fn render_reply(&self, call: &CallRef, plan: &CallPlan) -> WebhookReply;

    /// Places a call. **Not idempotent.**
    ///
    /// # Errors
    /// `Rejected`, `Throttled`, `Unauthenticated`, `NotFound` and `Transient`: no call was placed.
    /// `Ambiguous`: there may be one; it must not be tried again.
    async fn initiate_call(&self, intent: &DialIntent) -> Result<InitiatedCall, ProviderError>;

    /// Ends a call. Idempotent.
    ///
    /// # Errors
    /// `NotFound` if the carrier knows no such call, `WrongState` if it cannot be ended in its
    /// present state (it may be over already: ask).
    async fn hangup_call(&self, call: &CallRef) -> Result<(), ProviderError>;

    /// Speaks. A carrier that takes documents carries out the whole of `say`, `then` included; any
    /// other just the speech. Success means taken, not heard.
    ///
    /// # Errors
    /// Not idempotent: after `Ambiguous` it may be heard or not.
    async fn play_tts(&self, call: &CallRef, say: &Say) -> Result<(), ProviderError>;

    /// Cuts off what is being spoken, and all that waits to be. Needs the capability `stop_tts`.
    /// Idempotent: with nothing to cut off it succeeds.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn stop_tts(&self, call: &CallRef) -> Result<(), ProviderError>;

    /// Starts to listen, for what the plan asks for. Idempotent. A carrier that takes commands ends
    /// the listening for digits by itself, with a webhook that has the step of this call.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn start_listening(&self, call: &CallRef, listen: &Listen) -> Result<(), ProviderError>;

    /// Stops listening and keeps the line open. Idempotent.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn stop_listening(&self, call: &CallRef) -> Result<(), ProviderError>;

    /// Stops gathering digits, before another plan is carried out. Needs the capability
    /// `stop_gathering`. Idempotent: with nothing to stop it succeeds.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn stop_gathering(&self, call: &CallRef) -> Result<(), ProviderError>;

    /// Asks how a call stands. Never fails: what is not known is
    /// [`CallStatus::Unknown`], so that the call is kept.
    async fn get_call_status(&self, call: &CallRef) -> CallStatus;

    /// Answers an inbound call. Needs the capability `answer_call`. Idempotent.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn answer_call(&self, call: &CallRef) -> Result<(), ProviderError>;

    /// Refuses an inbound call that is not answered. Needs the capability `reject_call`. Idempotent.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn reject_call(&self, call: &CallRef, reason: RejectReason) -> Result<(), ProviderError>;

    /// Gives an inbound call limits of the carrier's own, should we be gone: it is to end the call
    /// after [`carrier_limit_seconds`](crate::carrier_limit_seconds) of this maximum duration, to
    /// report its end to the call's own callback, and, where it fetches documents, to come back
    /// after a fetch that failed. Needs the capability `limit_call`. Idempotent.
    ///
    /// # Errors
    /// `WrongState` if the call is not far enough for it yet (or over): repeat it.
    async fn limit_call(&self, call: &CallRef, max_duration: Duration)
    -> Result<(), ProviderError>;

    /// Sends DTMF; a carrier that takes documents goes on with `then`. With any other, success is all
    /// that is ever told of it. Needs the capability `send_dtmf`. Not idempotent.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn send_dtmf(
        &self,
        call: &CallRef,
        digits: &Digits,
        then: &Then,
    ) -> Result<(), ProviderError>;

    /// Looks for a call whose dial had no clear answer. Needs the capability `find_call`.
    async fn find_call(&self, intent: &DialIntent) -> Search;

    /// Lists the calls that are live at the carrier, ours and others. Needs the capability
    /// `list_live`. All pages are read; a list that breaks off is an error and not a part of it.
    ///
    /// Whoever is listed lives. Who is not may live all the same: lists lag, and need not have every
    /// state. So absence from one ends no call.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn list_live(&self) -> Result<Vec<RunningCall>, ProviderError>;

    /// Hands a call over to another party. Needs the capability `transfer_call`. Not idempotent.
    ///
    /// # Errors
    /// See [`ErrorClass`](crate::ErrorClass).
    async fn transfer_call(&self, call: &CallRef, to: &crate::Party) -> Result<(), ProviderError>;
}
