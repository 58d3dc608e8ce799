//! What is started at the carriers: effects first, then looks, within the rates.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, CallRef, ProviderName};

use super::Driver;
use super::watch::Wanted;
use crate::machine;
use crate::record::{CallRecord, Effect, EffectKind};
use crate::time::after;

/// Something to do at the carrier.
#[derive(Debug)]
pub enum Job {
    /// Something for one call.
    Call(CallJob),
    /// List what is live at this carrier.
    List(ProviderName),
}

/// Something to do for one call. Started after the commit that asked for it.
#[derive(Debug)]
pub struct CallJob {
    /// The call, as committed.
    pub call: Arc<CallRecord>,
    /// What to do.
    pub kind: JobKind,
    /// Where its callbacks go, and its present step.
    pub reference: CallRef,
}

impl Job {
    /// Whether it dials.
    #[must_use]
    pub const fn is_dial(&self) -> bool {
        let Self::Call(CallJob { kind: JobKind::Effect(effect), .. }) = self else { return false };
        matches!(effect.kind, EffectKind::Initiate)
    }

    /// Whose carrier it is for.
    #[must_use]
    pub fn provider(&self) -> &ProviderName {
        match self {
            Self::Call(job) => &job.call.provider,
            Self::List(provider) => provider,
        }
    }
}

/// What is to be done at the carrier for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// An effect from the outbox.
    Effect(Effect),
    /// Ask how the call stands.
    Status,
    /// Search for it.
    Search,
}

/// The calls of one carrier that may have something to start.
#[derive(Debug, Default)]
pub(super) struct Runnable {
    in_order: VecDeque<CallId>,
    /// Those that nobody waits for: they get what the others leave of the rate.
    beside: VecDeque<CallId>,
}

impl Driver {
    /// The jobs that may be started now, within the carriers' rates.
    pub fn start(&mut self, now: Timestamp) -> Vec<Job> {
        let mut jobs = Vec::new();
        self.paced_until = None;
        self.to_start = false;
        for (provider, mut calls) in std::mem::take(&mut self.runnable) {
            self.start_effects(&mut calls, now, &mut jobs);
            self.runnable.insert(provider, calls);
        }
        self.start_lists(now, &mut jobs);
        self.looked_until = now;
        self.start_looks(now, &mut jobs);
        jobs
    }

    /// Starts the looks that are due, the oldest first. It goes through those that it starts, and not
    /// through all that are due: they may be all calls that there are.
    fn start_looks(&mut self, now: Timestamp, jobs: &mut Vec<Job>) {
        let mut paced: Vec<ProviderName> = Vec::new();
        while self.looks_in_flight < self.policy.verify_concurrency {
            let Some((provider, at, call)) = self.looks.next(now, &paced) else { return };
            let provider = provider.clone();
            let Some(open) = self.open.get(&call) else {
                self.looks.remove(&provider, at, call);
                continue;
            };
            let wanted = open.watch.wanted(&open.record, &self.capabilities_of(&provider));
            let Some((_, wanted)) = wanted.filter(|(wanted, _)| *wanted <= now) else {
                self.put_off(call, (&provider, at), wanted.map(|(wanted, _)| wanted));
                continue;
            };
            // One carrier's rate holds no other carrier's calls back.
            if !self.may_look(&provider, now) {
                paced.push(provider);
                continue;
            }
            self.put_off(call, (&provider, at), None);
            let Some(open) = self.open.get_mut(&call) else { continue };
            open.watch.in_flight = true;
            self.looks_in_flight += 1;
            let record = Arc::clone(&open.record);
            let kind = match wanted {
                Wanted::Status => JobKind::Status,
                Wanted::Search => JobKind::Search,
            };
            jobs.extend(self.job(record, kind));
        }
    }

    /// Moves a look to its time, if it still has one.
    fn put_off(
        &mut self,
        call: CallId,
        (provider, from): (&ProviderName, Timestamp),
        to: Option<Timestamp>,
    ) {
        self.looks.remove(provider, from, call);
        if let Some(at) = to {
            self.looks.insert(provider, at, call);
        }
        if let Some(open) = self.open.get_mut(&call) {
            open.look = to;
        }
    }

    /// Looks at a call at the next start, in its turn.
    pub(super) fn run(&mut self, call: CallId) {
        let Some(open) = self.open.get_mut(&call) else { return };
        if std::mem::replace(&mut open.runnable, true) {
            return;
        }
        self.to_start = true;
        let provider = &open.record.provider;
        match self.runnable.get_mut(provider) {
            Some(calls) => calls.in_order.push_back(call),
            None => {
                let calls = Runnable { in_order: [call].into(), ..Runnable::default() };
                self.runnable.insert(provider.clone(), calls);
            }
        }
    }

    /// Starts what the carrier's rate permits. What it does not is not looked at before its time.
    fn start_effects(&mut self, calls: &mut Runnable, now: Timestamp, jobs: &mut Vec<Job>) {
        while let Some(call) = calls.in_order.pop_front() {
            match self.startable(call, now) {
                Some(effect) if !effect.kind.runs_beside() => {
                    // There may be more of it.
                    calls.in_order.push_front(call);
                    if !self.start_effect(call, effect, now, jobs) {
                        return;
                    }
                }
                other => {
                    let Some(open) = self.open.get_mut(&call) else { continue };
                    open.runnable = false;
                    if other.is_some() && !std::mem::replace(&mut open.runnable_beside, true) {
                        calls.beside.push_back(call);
                    }
                }
            }
        }
        while let Some(call) = calls.beside.pop_front() {
            if let Some(effect) = self.startable(call, now)
                && !self.start_effect(call, effect, now, jobs)
            {
                calls.beside.push_front(call);
                return;
            }
            if let Some(open) = self.open.get_mut(&call) {
                open.runnable_beside = false;
            }
        }
    }

    fn startable(&self, call: CallId, now: Timestamp) -> Option<Effect> {
        let open = self.open.get(&call).filter(|open| !open.unsettled)?;
        let effect = machine::startable(&open.record, &open.in_flight, now)?;
        self.configured(&open.record.provider).then_some(effect)
    }

    /// Whether it was started; if not, the rate does not permit it yet.
    fn start_effect(
        &mut self,
        call: CallId,
        effect: Effect,
        now: Timestamp,
        jobs: &mut Vec<Job>,
    ) -> bool {
        let Some(provider) = self.open.get(&call).map(|open| open.record.provider.clone()) else {
            return false;
        };
        if !self.may_ask(&provider, now) {
            return false;
        }
        let Some(open) = self.open.get_mut(&call) else { return false };
        open.in_flight.push(effect.id);
        let record = Arc::clone(&open.record);
        jobs.extend(self.job(record, JobKind::Effect(effect)));
        true
    }

    /// Whether a look may be started, or a list. For them the rate is spread evenly, so that they are
    /// never more than it in any second, and what somebody waits for finds room beside them.
    pub(super) fn may_look(&mut self, provider: &ProviderName, now: Timestamp) -> bool {
        match self.look_pace.get_mut(provider).map_or(Duration::ZERO, |pace| pace.wait(now)) {
            Duration::ZERO => {}
            wait => {
                self.pace_until(after(now, wait));
                return false;
            }
        }
        if !self.may_ask(provider, now) {
            return false;
        }
        self.look_pace.get_mut(provider).is_none_or(|pace| pace.take(now).is_ok())
    }

    pub(super) fn may_ask(&mut self, provider: &ProviderName, now: Timestamp) -> bool {
        let Some(pace) = self.request_pace.get_mut(provider) else { return true };
        match pace.take(now) {
            Ok(()) => true,
            Err(wait) => {
                self.pace_until(after(now, wait));
                false
            }
        }
    }

    fn pace_until(&mut self, at: Timestamp) {
        self.paced_until = Some(self.paced_until.map_or(at, |other| other.min(at)));
    }

    fn job(&self, call: Arc<CallRecord>, kind: JobKind) -> Option<Job> {
        let reference = self.reference(&call)?;
        Some(Job::Call(CallJob { call, kind, reference }))
    }

    pub(super) fn reference(&self, record: &CallRecord) -> Option<CallRef> {
        Some(CallRef {
            id: record.id,
            ids: record.ids.clone(),
            step: record.script.step,
            callbacks: self.policy.providers.get(&record.provider)?.callbacks.clone(),
        })
    }
}
