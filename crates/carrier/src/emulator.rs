//! The whole emulator as a pure machine: time is an argument, webhooks are values.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use crate::control;
use crate::dialect::{self, Dialect};
use crate::exchange::{
    Answered, ApiRequest, ApiResponse, ConnectionDropped, DeliveryFault, DeliveryId,
    OutgoingWebhook, WebhookAnswer,
};
use crate::faults::Faults;
use crate::outbox::{Finished, Outbox};
use crate::random::Chance;
use crate::record::{CallRecord, Ledger, Line, RequestRecord};
use crate::settings::Settings;

/// What every carrier's machine works with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) chance: Chance,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    pub(crate) outbox: Outbox,
}

/// How long an answer is held back that a webhook is to overtake.
pub(crate) const OVERTAKEN_FOR: Duration = Duration::from_millis(100);

/// A carrier's answer to a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) response: ApiResponse,
    pub(crate) held_for: Duration,
    /// The call that the request was about.
    pub(crate) call: Option<String>,
}

impl Reply {
    pub(crate) const fn now(response: ApiResponse) -> Self {
        Self { response, held_for: Duration::ZERO, call: None }
    }
}

/// The emulator: all calls, people, faults and webhooks on their way.
///
/// It reads no clock and opens no connection. Whoever owns it hands in
/// requests, sends what [`poll`](Self::poll) gives out, reports how that went,
/// and polls again at [`next_wakeup`](Self::next_wakeup). `now` must not go back.
#[derive(Debug)]
pub struct Emulator {
    pub(crate) shared: Shared,
    pub(crate) dialects: Vec<Box<dyn Dialect>>,
}

impl Emulator {
    /// An emulator without calls.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let chance = Chance::new(settings.seed, settings.id_salt);
        let outbox = Outbox::new(settings.retry_pause);
        let (ledger, faults) = (Ledger::default(), Faults::default());
        let shared = Shared { settings, chance, ledger, faults, outbox };
        Self { shared, dialects: dialect::all() }
    }

    /// Carries out a request to a carrier's API or to the control API.
    ///
    /// # Errors
    ///
    /// If a fault says that the connection is closed without an answer.
    pub fn request(
        &mut self,
        request: &ApiRequest,
        now: Timestamp,
    ) -> Result<ApiResponse, ConnectionDropped> {
        self.answer(request, now).result
    }

    /// Like [`request`](Self::request), and tells how long the answer is to be
    /// held back after the request was carried out.
    pub fn answer(&mut self, request: &ApiRequest, now: Timestamp) -> Answered {
        // What is due comes first: a request must not overtake a change before it.
        while self.step(now) {}
        let path = request.path();
        if path.starts_with(control::ROOT) {
            return Answered { result: Ok(self.control(request, now)), held_for: Duration::ZERO };
        }
        match self.dialects.iter().position(|dialect| path.starts_with(dialect.root())) {
            Some(index) => self.carrier_request(index, request, now),
            None => {
                let result = Ok(ApiResponse::no_such_path(path));
                Answered { result, held_for: Duration::ZERO }
            }
        }
    }

    fn carrier_request(&mut self, index: usize, request: &ApiRequest, now: Timestamp) -> Answered {
        let Self { shared, dialects } = self;
        let dialect = &mut dialects[index];
        let path = &request.path_and_query;
        let named = dialect.call_in_path(request.path());
        let fault = shared.faults.for_request(dialect.provider(), &request.method, path);
        let note = |shared: &mut Shared, call: Option<&str>, status: Option<StatusCode>| {
            let Some(id) = call.or(named.as_deref()) else { return };
            shared.ledger.note(id, |record| {
                record.requests.push(RequestRecord {
                    method: request.method.to_string(),
                    path: request.path_and_query.clone(),
                    at: now,
                    status: status.map(|status| status.as_u16()),
                });
            });
        };
        let Some(fault) = fault else {
            let reply = dialect.request(request, now, shared);
            note(shared, reply.call.as_deref(), Some(reply.response.status));
            return Answered { result: Ok(reply.response), held_for: reply.held_for };
        };
        if fault.drop {
            note(shared, None, None);
            let result = Err(ConnectionDropped { taken: false });
            return Answered { result, held_for: fault.delay() };
        }
        if fault.drop_after_taking {
            let reply = dialect.request(request, now, shared);
            note(shared, reply.call.as_deref(), None);
            let result = Err(ConnectionDropped { taken: true });
            return Answered { result, held_for: fault.delay() };
        }
        if let Some(response) = fault.answer() {
            note(shared, None, Some(response.status));
            return Answered { result: Ok(response), held_for: fault.delay() };
        }
        let reply = dialect.request(request, now, shared);
        note(shared, reply.call.as_deref(), Some(reply.response.status));
        let held_for = reply.held_for.saturating_add(fault.delay());
        Answered { result: Ok(reply.response), held_for }
    }

    /// Does the first thing that is due by `now` at any carrier; whether there was one.
    fn step(&mut self, now: Timestamp) -> bool {
        let due =
            self.dialects.iter_mut().filter_map(|dialect| Some((dialect.next_due()?, dialect)));
        let first = due.min_by_key(|(at, _)| *at).filter(|(at, _)| *at <= now);
        first.is_some_and(|(_, dialect)| dialect.step(now, &mut self.shared))
    }

    /// Does all that is due by `now`, and gives the webhooks to be sent.
    pub fn poll(&mut self, now: Timestamp) -> Vec<OutgoingWebhook> {
        let mut leaving = Vec::new();
        loop {
            if self.step(now) {
                continue;
            }
            let shared = &mut self.shared;
            let Some(step) = shared.outbox.step(now, &mut shared.faults, &mut shared.ledger) else {
                return leaving;
            };
            leaving.extend(step.leaving);
            if let Some(finished) = step.finished {
                self.finished(finished, now);
            }
        }
    }

    /// Takes the outcome of a webhook that [`poll`](Self::poll) gave out. The
    /// outcome of an attempt that was given up meanwhile is ignored.
    pub fn delivered(
        &mut self,
        delivery: DeliveryId,
        outcome: Result<WebhookAnswer, DeliveryFault>,
        now: Timestamp,
    ) {
        while self.step(now) {}
        let shared = &mut self.shared;
        let finished = shared.outbox.ended(delivery.0, outcome, now, &mut shared.ledger);
        if let Some(finished) = finished {
            self.finished(finished, now);
        }
    }

    fn finished(&mut self, finished: Finished, now: Timestamp) {
        let mut dialects = self.dialects.iter_mut();
        if let Some(dialect) = dialects.find(|dialect| dialect.provider() == finished.provider) {
            dialect.webhook_finished(finished, now, &mut self.shared);
        }
    }

    /// All calls in the order in which they began, ended ones too.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.shared.ledger.all().iter().map(CallRecord::line)
    }

    /// When something next happens by itself, the end of a webhook's patience
    /// included.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let calls = self.dialects.iter().filter_map(|dialect| dialect.next_due());
        calls.chain(self.shared.outbox.next_due()).min()
    }
}
