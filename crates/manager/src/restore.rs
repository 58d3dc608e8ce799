//! What became of each call at a restart, and why.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::Timestamp;
use offhook_core::{CallId, ProviderName};
use serde::{Deserialize, Serialize};

/// What was decided about a call that was live when we stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// The carrier says that it is live: it goes on, with the time that it has left.
    Kept,
    /// The carrier could not tell: it goes on, its timers are the fallback, and the carrier is
    /// asked again until it is known.
    KeptUnverified,
    /// The carrier says that it is over: it ended with the carrier's reason.
    Dropped,
    /// It is older than it may become: it is hung up, or has waited too long to be dialled.
    TimedOut,
    /// Nobody knows whether the carrier ever got it: it is never dialled again.
    OutcomeUnknown,
    /// A hangup had been asked for: it is carried out.
    Ending,
    /// It still waits for its turn to be dialled.
    Queued,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 7] = [
        Self::Kept,
        Self::KeptUnverified,
        Self::Dropped,
        Self::TimedOut,
        Self::OutcomeUnknown,
        Self::Ending,
        Self::Queued,
    ];

    /// The word of our API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::KeptUnverified => "kept_unverified",
            Self::Dropped => "dropped",
            Self::TimedOut => "timed_out",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Ending => "ending",
            Self::Queued => "queued",
        }
    }
}

/// One call of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestoredCall {
    /// The call.
    pub call: CallId,
    /// Its carrier.
    pub provider: ProviderName,
    /// What was decided; `None` while the carrier is being asked.
    pub decision: Option<Decision>,
    /// Why.
    pub why: String,
}

/// What became of each call that was live when we stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// When the calls were loaded.
    pub started_at: Timestamp,
    /// Whether every call is decided.
    pub settled: bool,
    /// The calls, oldest first.
    pub calls: Vec<RestoredCall>,
    #[serde(skip)]
    places: HashMap<CallId, usize>,
    #[serde(skip)]
    undecided: usize,
    #[serde(skip)]
    revision: usize,
}

impl RestoreReport {
    pub(crate) fn begin(now: Timestamp) -> Self {
        Self {
            started_at: now,
            settled: true,
            calls: Vec::new(),
            places: HashMap::new(),
            undecided: 0,
            revision: 0,
        }
    }

    /// How many decisions lie between this report and an older copy of it.
    pub(crate) const fn ahead_of(&self, older: &Self) -> usize {
        self.revision - older.revision
    }

    pub(crate) fn expect(&mut self, call: CallId, provider: ProviderName) {
        self.places.insert(call, self.calls.len());
        self.undecided += 1;
        self.revision += 1;
        self.calls.push(RestoredCall {
            call,
            provider,
            decision: None,
            why: "the carrier is being asked".to_owned(),
        });
        self.settled = false;
    }

    /// What was decided about a call so far.
    pub(crate) fn decision(&self, call: CallId) -> Option<Decision> {
        self.calls.get(*self.places.get(&call)?)?.decision
    }

    /// How the carrier is being asked about a call that is not decided.
    pub(crate) fn asking(&mut self, call: CallId, why: &str) {
        let found = self.places.get(&call).and_then(|place| self.calls.get_mut(*place));
        if let Some(found) = found.filter(|found| found.decision.is_none()) {
            why.clone_into(&mut found.why);
            self.revision += 1;
        }
    }

    /// Whether a call was live when we stopped, and nothing is decided about it.
    pub(crate) fn is_undecided(&self, call: CallId) -> bool {
        !self.settled && self.places.contains_key(&call) && self.decision(call).is_none()
    }

    /// An undecided call that is over needs no decision any more.
    pub(crate) fn ended(&mut self, call: CallId, reason: offhook_core::EndReason) {
        let why = format!("it ended while the carrier was being asked: {reason}");
        self.decide(call, Decision::Dropped, &why);
    }

    pub(crate) fn decide(&mut self, call: CallId, decision: Decision, why: &str) {
        let found = self.places.get(&call).and_then(|place| self.calls.get_mut(*place));
        let Some(found) = found else { return };
        self.undecided -= usize::from(found.decision.is_none());
        self.revision += 1;
        found.decision = Some(decision);
        // Not longer than it is, since there may be very many.
        found.why = why.to_owned();
        self.settled = self.undecided == 0;
    }

    /// How many calls were decided in which way.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for restored in &self.calls {
            *counts.entry(restored.decision.map_or("asking", Decision::as_str)).or_default() += 1;
        }
        counts
    }
}

impl fmt::Display for RestoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.calls.is_empty() {
            return f.write_str("no call was live");
        }
        write!(f, "{} calls were live:", self.calls.len())?;
        for (index, (word, count)) in self.counts().into_iter().enumerate() {
            write!(f, "{} {count} {word}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
