//! What arrives at the driver, and what leaves it.

use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::{
    CallId, CallPlan, CallRef, CallStatus, DedupeKey, ParsedWebhook, ProviderCallIds,
    ProviderError, ProviderName, RunningCall, Search, Turn, WebhookReply,
};

use super::request::{InitiateError, InitiateRequest};
use crate::machine::{Command, CommandRefusal, Ignored};
use crate::record::CallRecord;

/// Who waits for an answer. The caller's own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something that arrives.
#[derive(Debug)]
pub enum Submission {
    /// A verified webhook.
    Webhook(Box<Arrival>),
    /// A user wants a call placed.
    Initiate {
        /// Who waits.
        ticket: Ticket,
        /// What is wanted.
        request: Box<InitiateRequest>,
    },
    /// A user wants something of a call.
    Command {
        /// Who waits.
        ticket: Ticket,
        /// The call.
        call: CallId,
        /// What is wanted.
        command: Command,
        /// The call as the store has it, if it is not open here.
        found: Option<Box<CallRecord>>,
    },
    /// What became of an effect.
    EffectDone {
        /// The call.
        call: CallId,
        /// The effect's number.
        effect: u32,
        /// The carrier's answer.
        result: Result<ProviderCallIds, ProviderError>,
    },
    /// How a call stands at the carrier.
    Looked {
        /// The call.
        call: CallId,
        /// The answer.
        status: CallStatus,
        /// When it was asked.
        asked_at: Timestamp,
    },
    /// The result of a search.
    Searched {
        /// The call.
        call: CallId,
        /// The result.
        search: Search,
    },
    /// What is live at a carrier.
    Listed {
        /// The carrier.
        provider: ProviderName,
        /// Its answer.
        list: Result<Vec<RunningCall>, ProviderError>,
        /// When it was asked.
        asked_at: Timestamp,
    },
    /// A call was loaded after a restart (see [`Driver::restore`](super::Driver::restore)).
    Restored(CallId),
}

/// A verified webhook, with what the store knows of its call.
#[derive(Debug)]
pub struct Arrival {
    /// Who waits.
    pub ticket: Ticket,
    /// Whose webhook it is.
    pub provider: ProviderName,
    /// What makes a repeat known.
    pub key: DedupeKey,
    /// What it says.
    pub parsed: Box<ParsedWebhook>,
    /// The id for the call, should it bring a new one.
    pub new_call: CallId,
    /// The call as the store has it, if it is not open here.
    pub found: Option<Box<CallRecord>>,
}

/// An answer to whoever waits.
#[derive(Debug)]
pub enum Answer {
    /// To a carrier.
    Webhook(Box<WebhookAnswer>),
    /// To a user who wanted a call placed.
    Initiate(Result<CallId, InitiateError>),
    /// To a user who wanted something of a call: the call as it was committed with it.
    Command(Result<(Arc<CallRecord>, Turn), CommandError>),
}

/// What a carrier is answered with.
#[derive(Debug)]
pub enum WebhookAnswer {
    /// This plan as a document.
    Plan {
        /// The call, and the step of the plan.
        reference: CallRef,
        /// The plan.
        plan: CallPlan,
    },
    /// The same as an earlier delivery: the plan that this entry of the call tells.
    Repeat {
        /// The call.
        reference: CallRef,
        /// The number of the entry.
        entry: u32,
    },
    /// Just this.
    Fixed(WebhookReply),
    /// It could not be committed: the carrier is to come again.
    Unavailable,
}

/// Why a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Nobody knows the call.
    #[error("there is no such call")]
    NoSuchCall,
    /// The call does not permit it now.
    #[error(transparent)]
    Refused(#[from] CommandRefusal),
    /// It could not be committed; nothing happened.
    #[error("the store is not available; nothing happened, try again")]
    StoreUnavailable,
    /// The manager is shutting down, or starting.
    #[error("the manager is not running; try again")]
    NotRunning,
}

impl Submission {
    /// Who waits for it, if anybody does.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        match self {
            Self::Webhook(arrival) => Some(arrival.ticket),
            Self::Initiate { ticket, .. } | Self::Command { ticket, .. } => Some(*ticket),
            _ => None,
        }
    }

    /// Whose webhook it is, and of which call, if it was taken for the first word of one.
    pub(super) fn first_word(&self) -> Option<(Ticket, ProviderName, ProviderCallIds)> {
        let Self::Webhook(arrival) = self else { return None };
        let first = arrival.parsed.begins_a_call() && arrival.found.is_none();
        first.then(|| (arrival.ticket, arrival.provider.clone(), arrival.parsed.ids.clone()))
    }

    /// The answer if it cannot be committed.
    #[must_use]
    pub fn unavailable(&self) -> Answer {
        match self {
            Self::Initiate { .. } => Answer::Initiate(Err(InitiateError::StoreUnavailable)),
            Self::Command { .. } => Answer::Command(Err(CommandError::StoreUnavailable)),
            _ => Answer::Webhook(Box::new(WebhookAnswer::Unavailable)),
        }
    }
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Webhooks that repeated an earlier one.
    pub repeats: u64,
    /// Webhooks of another account.
    pub foreign: u64,
    /// Webhooks of calls that nobody knows.
    pub unknown_calls: u64,
    /// Commits that the store refused.
    pub refused_commits: u64,
    /// Inputs without effect: the call was over.
    pub already_ended: u64,
    /// Inputs without effect: they told nothing new.
    pub nothing_new: u64,
    /// Inputs without effect: they belonged to an older script.
    pub older_step: u64,
    /// Inputs without effect: nobody waited for them any more.
    pub not_waiting: u64,
}

impl Counters {
    pub(super) const fn ignored(&mut self, why: Ignored) {
        let counter = match why {
            Ignored::AlreadyEnded => &mut self.already_ended,
            Ignored::NothingNew => &mut self.nothing_new,
            Ignored::OlderStep => &mut self.older_step,
            Ignored::NotWaiting => &mut self.not_waiting,
        };
        *counter += 1;
    }
}
