//! Whose turn it is: those that wait, as the committed records tell.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, Party};
use offhook_manager::{CallRecord, CallState, Change};

use super::Oracle;
use crate::invariant::Invariant;
use crate::process::short;
use crate::story::Terms;

/// How much earlier than asked for a carrier may be asked again: records are stored with milliseconds.
const GRAIN: Duration = Duration::from_millis(1);

/// How many dials the rate permits: as many at once as in a second, and then one after the other.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    tokens: f64,
    at: Timestamp,
}

impl Rate {
    pub(super) fn of(terms: &Terms, now: Timestamp) -> Self {
        let per_second = terms.dials_per_second;
        Self { per_second, tokens: Self::burst(per_second), at: now }
    }

    fn burst(per_second: f64) -> f64 {
        per_second.floor().max(1.0)
    }

    fn tokens(&self, now: Timestamp) -> f64 {
        let since = now.duration_since(self.at).as_secs_f64().max(0.0);
        (self.tokens + since * self.per_second).min(Self::burst(self.per_second))
    }

    /// Whether one more was permitted.
    fn take(&mut self, at: Timestamp) -> bool {
        self.tokens = self.tokens(at) - 1.0;
        self.at = self.at.max(at);
        self.tokens > -0.01
    }

    /// A process that begins anew knows of none that is over.
    pub(super) fn fill(&mut self) {
        self.tokens = Self::burst(self.per_second);
    }
}

/// What stood in the store before a commit, as far as turns depend on it.
pub(super) struct Before {
    dialled: Vec<Arc<CallRecord>>,
    waiting: Vec<CallId>,
    fenced: Vec<Party>,
    held_until: Option<Timestamp>,
}

impl Oracle {
    /// What stands there before this commit, if it dials anybody.
    pub(super) fn before_turns(&self, changes: &[Change]) -> Option<Before> {
        let is_dialled = |change: &&Change| {
            let before = self.record(change.record.id);
            change.record.dial.is_some() && before.is_none_or(|before| before.dial.is_none())
        };
        let dialled: Vec<_> =
            changes.iter().filter(is_dialled).map(|change| Arc::clone(&change.record)).collect();
        if dialled.is_empty() {
            return None;
        }
        let waiting = self.waiting().map(|record| record.id).collect();
        Some(Before { dialled, waiting, fenced: self.fenced(), held_until: self.held_until() })
    }

    /// Whether those that this commit dials had their turn.
    pub(super) fn try_turns(&mut self, before: &Before, changes: &[Change], now: Timestamp) {
        let is_new = |call: CallId| {
            changes.iter().any(|it| it.record.id == call && it.expected_revision.is_none())
        };
        let mut fenced = self.fenced();
        fenced.extend(before.fenced.iter().cloned());
        let mut refuted = None;
        for dialled in &before.dialled {
            let overtaken = self.waiting().find(|waiting| {
                // One whose dial was not taken waits since this commit.
                (before.waiting.contains(&waiting.id) || is_new(waiting.id))
                    && self.place(waiting.id) < self.place(dialled.id)
                    && !fenced.contains(&waiting.to)
            });
            let sent_at = dialled.dial.map_or(now, |dial| dial.sent_at);
            let name = short(dialled.id);
            if let Some(overtaken) = overtaken {
                refuted = Some(format!("{name} goes before {}", short(overtaken.id)));
            } else if before
                .held_until
                .is_some_and(|at| sent_at.saturating_add(GRAIN).is_ok_and(|it| it < at))
            {
                refuted = Some(format!("{name} is dialled, and the carrier wants none yet"));
            } else if !self.rate.take(sent_at) {
                refuted = Some(format!("{name} is dialled faster than may be"));
            }
        }
        if let Some(detail) = refuted {
            self.refute(Invariant::TurnsAreKept, now, detail);
        }
    }

    /// A call that waited waits on, or is dialled, or called off.
    pub(super) fn try_exit(&mut self, was: &CallRecord, is: &CallRecord, now: Timestamp) {
        let called_off = is.end_reason() == Some(offhook_core::EndReason::Canceled);
        let stays = is.state == CallState::Queued || is.dial.is_some() || called_off;
        if was.state == CallState::Queued && !stays {
            let detail = format!("{} waited, and is {:?}", short(is.id), is.state);
            self.refute(Invariant::QueuedIsNotLost, now, detail);
        }
    }

    /// Whether anybody waits whose turn it is.
    pub(super) fn is_someones_turn(&self, now: Timestamp) -> bool {
        let mut waiting = self.waiting().peekable();
        if waiting.peek().is_none()
            || self.holding() >= self.terms.limit
            || self.rate.tokens(now) < 1.0
            || self.held_until().is_some_and(|at| now < at)
        {
            return false;
        }
        let fenced = self.fenced();
        waiting.any(|record| !fenced.contains(&record.to))
    }

    fn waiting(&self) -> impl Iterator<Item = &Arc<CallRecord>> {
        let records = self.kept.values().map(|kept| &kept.record);
        records.filter(|record| record.state == CallState::Queued)
    }

    /// Destinations that nobody dials: nobody knows whether they were reached.
    fn fenced(&self) -> Vec<Party> {
        let records = self.kept.values().map(|kept| &kept.record);
        records.filter(|it| it.outcome_unknown()).map(|it| it.to.clone()).collect()
    }

    fn held_until(&self) -> Option<Timestamp> {
        self.waiting().filter_map(|it| it.throttled).map(|throttled| throttled.not_before).max()
    }

    /// When a call was first committed to have begun, and its id.
    fn place(&self, call: CallId) -> Option<(i64, CallId)> {
        self.kept.get(&call).map(|kept| (kept.began.as_millisecond(), call))
    }
}
