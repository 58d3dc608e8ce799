//! What comes to the task, and how it reaches the driver.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use offhook_core::{CallId, ParsedWebhook, ProviderCallIds, ProviderName, Turn};
use tokio::sync::{mpsc, oneshot};

use super::{Task, Waiter};
use crate::driver::{
    Arrival, CommandError, InitiateError, InitiateRequest, Submission, WebhookAnswer,
};
use crate::machine::Command;
use crate::record::CallRecord;
use crate::store::{CallStore, StoreError};

/// How many messages one turn takes at most: a commit of bounded size.
const TURN_AT_MOST: usize = 256;

/// What the handle sends to the task.
#[derive(Debug)]
pub(crate) enum Message {
    Webhook {
        provider: ProviderName,
        key: offhook_core::DedupeKey,
        parsed: Box<ParsedWebhook>,
        new_call: CallId,
        answer: oneshot::Sender<WebhookAnswer>,
    },
    Initiate {
        request: Box<InitiateRequest>,
        answer: oneshot::Sender<Result<CallId, InitiateError>>,
    },
    Command {
        call: CallId,
        command: Command,
        answer: oneshot::Sender<Result<(Arc<CallRecord>, Turn), CommandError>>,
    },
    /// Which calls wait for their turn: so many, from before this one on.
    Queued {
        before: Option<(Timestamp, CallId)>,
        limit: usize,
        answer: oneshot::Sender<Vec<Arc<CallRecord>>>,
    },
    Shutdown,
}

impl Task {
    /// Takes what has queued up behind what is taken already. Gives whether it is time to stop.
    pub(super) async fn drain(&mut self, mut taken: Vec<Message>) -> bool {
        let mut stop = false;
        for _ in 0..TURN_AT_MOST {
            match self.messages.try_recv() {
                Ok(Message::Shutdown) | Err(mpsc::error::TryRecvError::Disconnected) => {
                    stop = true;
                    break;
                }
                Ok(message) => taken.push(message),
                Err(mpsc::error::TryRecvError::Empty) => break,
            }
        }
        self.take_all(taken).await;
        while !stop && let Some(done) = self.jobs.try_join_next_with_id() {
            self.job_done(done);
        }
        stop
    }

    /// Takes messages in their order. What the store is asked, it is asked for all of them at once,
    /// so that a turn waits for it once; nothing changes before the turn.
    pub(super) async fn take_all(&mut self, messages: Vec<Message>) {
        let asked = messages.iter().enumerate().filter(|(_, message)| self.asks_the_store(message));
        let store = &*self.store;
        let look_ups =
            asked.map(async |(place, message)| (place, stored_call(store, message).await));
        let mut found: HashMap<_, _> = join_all(look_ups).await.into_iter().collect();
        for (place, message) in messages.into_iter().enumerate() {
            self.take(message, found.remove(&place).unwrap_or(Ok(None))).await;
        }
    }

    async fn take(&mut self, message: Message, found: Result<Option<CallRecord>, StoreError>) {
        match message {
            Message::Webhook { provider, key, parsed, new_call, answer } => match found {
                Ok(found) => {
                    let ticket = self.ticket(Waiter::Webhook(answer));
                    self.driver.submit(Submission::Webhook(Box::new(Arrival {
                        ticket,
                        provider,
                        key,
                        parsed,
                        new_call,
                        found: found.map(Box::new),
                    })));
                }
                Err(error) => {
                    tracing::error!(%error, "the store cannot be read");
                    let _ = answer.send(WebhookAnswer::Unavailable);
                }
            },
            Message::Initiate { request, answer } => self.take_initiate(request, answer).await,
            Message::Command { call, command, answer } => match found {
                Ok(found) => {
                    let ticket = self.ticket(Waiter::Command(answer));
                    let found = found.map(Box::new);
                    self.driver.submit(Submission::Command { ticket, call, command, found });
                }
                Err(error) => {
                    tracing::error!(%error, "the store cannot be read");
                    let _ = answer.send(Err(CommandError::StoreUnavailable));
                }
            },
            Message::Queued { before, limit, answer } => {
                let _ = answer.send(self.driver.queued(before, limit));
            }
            Message::Shutdown => {}
        }
    }

    async fn take_initiate(
        &mut self,
        request: Box<InitiateRequest>,
        answer: oneshot::Sender<Result<CallId, InitiateError>>,
    ) {
        let earlier = match &request.idempotency {
            Some(key) => self.store.find_idempotent(&key.key).await,
            None => Ok(None),
        };
        let wanted = request.idempotency.as_ref().map(|key| key.fingerprint);
        let known = match earlier {
            Ok(None) => {
                let ticket = self.ticket(Waiter::Initiate(answer));
                self.driver.submit(Submission::Initiate { ticket, request });
                return;
            }
            Ok(Some((call, fingerprint))) if Some(fingerprint) == wanted => Ok(call),
            Ok(Some(_)) => Err(InitiateError::KeyReused),
            Err(error) => {
                tracing::error!(%error, "the store cannot be read");
                Err(InitiateError::StoreUnavailable)
            }
        };
        let _ = answer.send(known);
    }

    fn asks_the_store(&self, message: &Message) -> bool {
        match message {
            Message::Webhook { provider, parsed, .. } => {
                self.driver.asks_for_the_call(provider, parsed)
            }
            Message::Command { call, .. } => !self.driver.knows(*call),
            _ => false,
        }
    }
}

async fn stored_call(
    store: &dyn CallStore,
    message: &Message,
) -> Result<Option<CallRecord>, StoreError> {
    match message {
        Message::Webhook { provider, parsed, .. } => match parsed.call {
            Some(call) => store.get(call).await,
            None => find(store, provider, &parsed.ids).await,
        },
        Message::Command { call, .. } => store.get(*call).await,
        _ => Ok(None),
    }
}

pub(super) async fn find(
    store: &dyn CallStore,
    provider: &ProviderName,
    ids: &ProviderCallIds,
) -> Result<Option<CallRecord>, StoreError> {
    for id in ids.iter() {
        if let Some(found) = store.find(provider, id.value()).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
