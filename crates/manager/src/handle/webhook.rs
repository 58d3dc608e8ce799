//! A carrier's webhook, from its bytes to its answer.

use offhook_core::{
    CallId, ParsedWebhook, ProviderName, UndecodableWebhook, VoiceProvider, WebhookRejection,
    WebhookReply, WebhookRequest,
};
use tokio::sync::oneshot;
use tracing::Span;
use tracing::field::display;

use super::Manager;
use crate::driver::WebhookAnswer;
use crate::entry::EntryKind;
use crate::task::Message;

/// A webhook that is not answered with 2xx.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No such provider is configured. Answer 404.
    #[error("the provider {name} is not configured")]
    UnknownProvider {
        /// Its name.
        name: ProviderName,
    },
    /// The signature is not right. Answer 401, and nothing of the reason.
    #[error("a webhook was refused: {0}")]
    Rejected(#[from] WebhookRejection),
    /// Signed, but it cannot be read. Answer 400.
    #[error(transparent)]
    Undecodable(#[from] UndecodableWebhook),
    /// It could not be committed: the carrier is to come again. Answer 503.
    #[error("the webhook could not be committed; the carrier is to send it again")]
    Unavailable,
}

impl Manager {
    /// Takes a carrier's webhook and gives what it is answered with, once that is committed. It
    /// never waits for a carrier's API.
    ///
    /// The caller's span is told what becomes known of the webhook: its fields `kind` and `call`
    /// are recorded, if it has them.
    ///
    /// # Errors
    /// See [`WebhookError`]: each names its HTTP status. Nothing has changed then.
    ///
    /// # Cancel safety
    /// The webhook may be applied or not; its repeat gets the same answer.
    pub async fn webhook(
        &self,
        provider: &ProviderName,
        request: WebhookRequest,
    ) -> Result<WebhookReply, WebhookError> {
        let Some(of_provider) = self.inner.providers.get(provider) else {
            return Err(WebhookError::UnknownProvider { name: provider.clone() });
        };
        let span = Span::current();
        let read = self.read(&**of_provider, &request, &span);
        // Before anything is waited for, so that its connection can use the memory again.
        drop(request);
        let (message, answered) = read?;
        self.loaded().await.map_err(|()| WebhookError::Unavailable)?;
        self.send(message).await.map_err(|()| WebhookError::Unavailable)?;
        match answered.await {
            Ok(WebhookAnswer::Fixed(reply)) => Ok(reply),
            Ok(WebhookAnswer::Plan { reference, plan }) => {
                note_call(&span, Some(reference.id));
                Ok(of_provider.render_reply(&reference, &plan))
            }
            Ok(WebhookAnswer::Repeat { reference, entry }) => {
                note_call(&span, Some(reference.id));
                let replied = self.replied(reference.id, entry).await?;
                let reference = offhook_core::CallRef { step: replied.step, ..reference };
                Ok(of_provider.render_reply(&reference, &replied.plan))
            }
            Ok(WebhookAnswer::Unavailable) | Err(_) => Err(WebhookError::Unavailable),
        }
    }

    /// Verifies a webhook and reads it.
    fn read(
        &self,
        provider: &dyn VoiceProvider,
        request: &WebhookRequest,
        span: &Span,
    ) -> Result<(Message, oneshot::Receiver<WebhookAnswer>), WebhookError> {
        let verified = offhook_core::verify(provider, request, self.inner.clock.now())?;
        let parsed = provider.parse_webhook_event(&verified)?;
        span.record("kind", kind(&parsed));
        note_call(span, parsed.call);
        let (answer, answered) = oneshot::channel();
        // Drawn only for a call that may be new: chance is a call to the system.
        let new_call = parsed.call.unwrap_or_else(|| self.draw_id());
        let message = Message::Webhook {
            provider: provider.name(),
            key: verified.key(),
            parsed: Box::new(parsed),
            new_call,
            answer,
        };
        Ok((message, answered))
    }

    /// The plan that an earlier delivery was answered with.
    async fn replied(
        &self,
        call: CallId,
        number: u32,
    ) -> Result<crate::entry::RepliedPlan, WebhookError> {
        let timeline = self.inner.store.timeline(call).await.map_err(|error| {
            tracing::error!(%error, "the store cannot be read");
            WebhookError::Unavailable
        })?;
        let entry = timeline.into_iter().find(|stored| stored.entry.number == number);
        match entry.map(|stored| stored.entry.kind) {
            Some(EntryKind::Webhook { reply: Some(replied), .. }) => Ok(replied),
            _ => Err(WebhookError::Unavailable),
        }
    }
}

/// What a webhook is about, in one word: the last that it reports is what is new.
fn kind(parsed: &ParsedWebhook) -> &'static str {
    match parsed.events.last() {
        _ if parsed.foreign => "foreign",
        _ if parsed.offer.is_some() => "offer",
        Some(event) => event.word(),
        None => "document",
    }
}

fn note_call(span: &Span, call: Option<CallId>) {
    if let Some(call) = call {
        span.record("call", display(call));
    }
}
