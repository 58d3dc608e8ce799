//! Webhooks on their way: attempts, retries, timeouts, and the faults that befall them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use jiff::Timestamp;

use crate::content::Content;
use crate::exchange::{DeliveryFault, DeliveryId, OutgoingWebhook, WebhookAnswer};
use crate::faults::{Fault, Faults};
use crate::record::{Ledger, WebhookRecord};
use crate::retry_policy::RetryPolicy;
use crate::settings::later;

/// How an attempt ended.
pub(crate) type Outcome = Result<WebhookAnswer, DeliveryFault>;

/// A held webhook that nothing overtakes is sent after all.
const LONGEST_HOLD: Duration = Duration::from_secs(3);

/// A webhook that a carrier's machine wants delivered.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) provider: &'static str,
    pub(crate) call: String,
    /// What it is about, for the record.
    pub(crate) kind: &'static str,
    pub(crate) method: Method,
    pub(crate) content: Box<dyn Content>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) policy: RetryPolicy,
}

/// The last word on an order.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) provider: &'static str,
    pub(crate) call: String,
    pub(crate) order: u64,
    pub(crate) outcome: Outcome,
}

/// What one due thing led to.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) leaving: Vec<OutgoingWebhook>,
    pub(crate) finished: Option<Finished>,
}

#[derive(Debug)]
struct Underway {
    order: Order,
    /// Which of the call's webhooks this is in its record.
    entry: usize,
    first_sent: Option<Timestamp>,
    attempts: u32,
    stage: Stage,
    /// The fault that befalls the attempt in flight, or the one held back.
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Waiting { at: Timestamp },
    HeldBack { until: Timestamp },
    InFlight { attempt: u64, gives_up: Timestamp },
}

impl Stage {
    const fn due(self) -> Timestamp {
        match self {
            Self::Waiting { at } => at,
            Self::HeldBack { until } => until,
            Self::InFlight { gives_up, .. } => gives_up,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Outbox {
    retry_pause: Duration,
    orders: u64,
    attempts: u64,
    underway: BTreeMap<u64, Underway>,
    due: BTreeSet<(Timestamp, u64)>,
    in_flight: BTreeMap<u64, u64>,
}

impl Outbox {
    pub(crate) const fn new(retry_pause: Duration) -> Self {
        Self {
            retry_pause,
            orders: 0,
            attempts: 0,
            underway: BTreeMap::new(),
            due: BTreeSet::new(),
            in_flight: BTreeMap::new(),
        }
    }

    /// Takes an order, to be sent at `at`; gives its number.
    pub(crate) fn take(&mut self, order: Order, at: Timestamp, ledger: &mut Ledger) -> u64 {
        self.orders += 1;
        let number = self.orders;
        let mut entry = 0;
        ledger.note(&order.call, |record| {
            entry = record.webhooks.len();
            record.webhooks.push(WebhookRecord {
                url: order.content.url(1).to_owned(),
                kind: order.kind,
                method: order.method.to_string(),
                params: order.params.clone(),
                attempts: 0,
                status: None,
                fault: None,
                at,
            });
        });
        let stage = Stage::Waiting { at };
        self.due.insert((at, number));
        let underway = Underway { order, entry, first_sent: None, attempts: 0, stage, fault: None };
        self.underway.insert(number, underway);
        number
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Does the first thing that is due by `now`, if any is.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        faults: &mut Faults,
        ledger: &mut Ledger,
    ) -> Option<Step> {
        let (at, number) = *self.due.first()?;
        if at > now {
            return None;
        }
        let Some(underway) = self.underway.get(&number) else {
            self.due.remove(&(at, number));
            return Some(Step::default());
        };
        if let Stage::InFlight { attempt, .. } = underway.stage {
            let finished = self.ended(attempt, Err(DeliveryFault::ReadTimeout), now, ledger);
            return Some(Step { leaving: Vec::new(), finished });
        }
        Some(self.start(number, now, faults, ledger))
    }

    fn start(
        &mut self,
        number: u64,
        now: Timestamp,
        faults: &mut Faults,
        ledger: &mut Ledger,
    ) -> Step {
        let Some(underway) = self.underway.get_mut(&number) else { return Step::default() };
        // A webhook that was held back meets the rest of the same fault, not a new one.
        let held = underway.fault.take();
        let url = underway.order.content.url(underway.attempts.saturating_add(1));
        let Order { provider, kind, .. } = underway.order;
        let fault = held.or_else(|| faults.for_webhook(provider, kind, url));
        if let Some(mut fault) = fault {
            if fault.reorder || fault.delay_ms > 0 {
                let stage = if fault.reorder {
                    Stage::HeldBack { until: later(now, LONGEST_HOLD) }
                } else {
                    Stage::Waiting { at: later(now, fault.delay()) }
                };
                fault.reorder = false;
                fault.delay_ms = 0;
                underway.fault = Some(fault);
                self.set_stage(number, stage);
                return Step::default();
            }
            underway.fault = Some(fault);
        }

        underway.attempts += 1;
        let first_sent = *underway.first_sent.get_or_insert(now);
        let spent = Duration::try_from(now.duration_since(first_sent)).unwrap_or_default();
        let policy = &underway.order.policy;
        let left = policy.total.saturating_sub(spent);
        let span = policy.connect_timeout.saturating_add(policy.read_timeout);
        let span = span.min(policy.attempt).min(left);
        self.attempts += 1;
        let attempt = self.attempts;
        let content = &underway.order.content;
        let sealed = content.sealed(underway.attempts, now);
        let webhook = OutgoingWebhook {
            id: DeliveryId(attempt),
            method: underway.order.method.clone(),
            url: content.url(underway.attempts).to_owned(),
            headers: sealed.headers,
            body: sealed.body,
            connect_timeout: policy.connect_timeout.min(left),
            read_timeout: policy.read_timeout.min(left),
        };
        let fault = underway.fault.as_ref();
        let lost = fault.is_some_and(|fault| fault.drop);
        let twice = fault.is_some_and(|fault| fault.duplicate);
        let (call, entry) = (underway.order.call.clone(), underway.entry);
        ledger.note(&call, |record| {
            if let Some(entry) = record.webhooks.get_mut(entry) {
                entry.attempts += if twice && !lost { 2 } else { 1 };
            }
        });

        self.in_flight.insert(attempt, number);
        self.set_stage(number, Stage::InFlight { attempt, gives_up: later(now, span) });
        if lost {
            let finished = self.ended(attempt, Err(DeliveryFault::Connect), now, ledger);
            return Step { leaving: Vec::new(), finished };
        }
        let mut leaving = vec![webhook];
        if twice {
            self.attempts += 1;
            let copy = OutgoingWebhook { id: DeliveryId(self.attempts), ..leaving[0].clone() };
            leaving.push(copy);
        }
        Step { leaving, finished: None }
    }

    /// Takes the outcome of an attempt. One that was given up, or the copy that
    /// a fault made, has none.
    pub(crate) fn ended(
        &mut self,
        attempt: u64,
        outcome: Outcome,
        now: Timestamp,
        ledger: &mut Ledger,
    ) -> Option<Finished> {
        let number = self.in_flight.remove(&attempt)?;
        let underway = self.underway.get_mut(&number)?;
        let outcome = tampered(outcome, underway.fault.take().as_ref());
        ledger.note(&underway.order.call, |record| {
            let Some(entry) = record.webhooks.get_mut(underway.entry) else { return };
            match &outcome {
                Ok(answer) => {
                    entry.status = Some(answer.status.as_u16());
                    entry.fault = None;
                }
                Err(fault) => entry.fault = Some(fault.to_string()),
            }
        });

        let policy = &underway.order.policy;
        let pause = policy.pauses.after(underway.attempts, self.retry_pause);
        let until = later(underway.first_sent.unwrap_or(now), policy.total);
        let again_at = pause
            .filter(|_| policy.wants_retry(&outcome))
            .map(|pause| later(now, pause))
            .filter(|at| *at < until);
        let call = underway.order.call.clone();
        let finished = if let Some(at) = again_at {
            self.set_stage(number, Stage::Waiting { at });
            None
        } else {
            self.remove(number).map(|underway| Finished {
                provider: underway.order.provider,
                call: underway.order.call,
                order: number,
                outcome,
            })
        };
        self.let_go(&call, number, now);
        finished
    }

    /// Sends what was held back until a later webhook of the call had gone.
    fn let_go(&mut self, call: &str, overtaker: u64, now: Timestamp) {
        let held: Vec<u64> = self
            .underway
            .range(..overtaker)
            .filter(|(_, underway)| underway.order.call == call)
            .filter(|(_, underway)| matches!(underway.stage, Stage::HeldBack { .. }))
            .map(|(number, _)| *number)
            .collect();
        for number in held {
            self.set_stage(number, Stage::Waiting { at: now });
        }
    }

    fn set_stage(&mut self, number: u64, stage: Stage) {
        if let Some(underway) = self.underway.get_mut(&number) {
            self.due.remove(&(underway.stage.due(), number));
            underway.stage = stage;
            self.due.insert((stage.due(), number));
        }
    }

    fn remove(&mut self, number: u64) -> Option<Underway> {
        let underway = self.underway.remove(&number)?;
        self.due.remove(&(underway.stage.due(), number));
        Some(underway)
    }
}

/// What the carrier sees of an outcome when a fault is in the way.
fn tampered(outcome: Outcome, fault: Option<&Fault>) -> Outcome {
    let Some(fault) = fault else { return outcome };
    if fault.drop_after_taking {
        return Err(DeliveryFault::ReadTimeout);
    }
    let (Some(status), Ok(mut answer)) = (fault.status(), outcome.clone()) else { return outcome };
    answer.status = status;
    if let Some(body) = &fault.body {
        answer.body = Bytes::from(body.clone());
    }
    let content_type = fault.content_type.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(content_type)) = content_type {
        answer.headers.insert(header::CONTENT_TYPE, content_type);
    }
    Ok(answer)
}
