//! What the carrier answers when it is asked.

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallStatus, EndReason, Progress, ProviderCallIds, Search};

use super::{Ignored, Work};
use crate::entry::{Adoption, EntryKind, FoundStatus};
use crate::record::{CallState, DialOutcome, EffectKind};
use crate::time::after;

/// How often a hangup that was taken and not done is sent again.
const CONFIRMATIONS: u32 = 10;

/// For how long the carrier is asked whether a hangup was done.
const CONFIRM_AT_MOST: Duration = Duration::from_secs(600);

impl Work {
    pub(super) fn status(&mut self, status: &CallStatus, asked_at: Timestamp, second_look: bool) {
        if self.record.state.is_ended() {
            return self.confirmed(status);
        }
        if self.record.ids.is_empty() {
            // Nobody can have asked about a call that has no name at the carrier.
            return self.ignore(Ignored::NothingNew);
        }
        match status {
            CallStatus::Ended { reason, cause } => {
                self.note(EntryKind::Status { found: FoundStatus::Ended });
                // A carrier that tells no reason may take a short call for one that never was.
                let was_answered = self.record.answered_at.is_some();
                let reason = match *reason {
                    EndReason::Failed if was_answered => EndReason::Completed,
                    reason => reason,
                };
                self.end(reason, cause.clone());
            }
            CallStatus::NotFound if second_look && asked_at >= self.record.news_at => {
                self.note(EntryKind::Status { found: FoundStatus::NotFound });
                self.gone();
            }
            CallStatus::Live { progress } if asked_at >= self.record.news_at => {
                self.live(*progress);
            }
            _ => self.ignore(Ignored::NothingNew),
        }
    }

    fn live(&mut self, progress: Option<Progress>) {
        let found = EntryKind::Status { found: FoundStatus::Live { progress } };
        let overdue = self.record.ring_overdue_at.is_some() && self.record.ending.is_none();
        match progress {
            Some(Progress::Answered) if self.record.answered_at.is_none() => {
                self.note(found);
                self.answered();
            }
            // Alive past the carrier's own limit on ringing: somebody answered.
            None if overdue => {
                self.note(found);
                self.answered();
            }
            Some(_) if overdue => {
                self.note(found);
                self.ask_hangup(EndReason::NoAnswer);
            }
            Some(Progress::Ringing) if self.record.state == CallState::Initiated => {
                self.note(found);
                self.record.state = CallState::Ringing;
            }
            _ => self.ignore(Ignored::NothingNew),
        }
    }

    /// A look after an accepted hangup: was it done?
    fn confirmed(&mut self, status: &CallStatus) {
        let Some(asked_first) = self.record.confirm_at else {
            return self.ignore(Ignored::AlreadyEnded);
        };
        match status {
            CallStatus::Ended { cause, .. } => {
                self.note(EntryKind::Status { found: FoundStatus::Ended });
                self.record.confirm_at = None;
                if self.record.cause.is_none() {
                    self.record.cause.clone_from(cause);
                }
            }
            CallStatus::NotFound => {
                self.note(EntryKind::Status { found: FoundStatus::NotFound });
                self.record.confirm_at = None;
            }
            CallStatus::Live { progress } => {
                self.note(EntryKind::Status { found: FoundStatus::Live { progress: *progress } });
                self.record.confirm_at = None;
                self.record.confirmations += 1;
                if self.record.confirmations <= CONFIRMATIONS {
                    self.push_effect(EffectKind::HangUp);
                }
            }
            CallStatus::Unknown { .. } if after(asked_first, CONFIRM_AT_MOST) <= self.now => {
                self.note(EntryKind::Status { found: FoundStatus::Unknown });
                self.record.confirm_at = None;
            }
            _ => self.ignore(Ignored::NothingNew),
        }
    }

    /// The outcome of a dial never became known: slot and destination are free. A carrier that
    /// comes for documents ends a call by itself when it gets none, and asks us before. On any other
    /// a call could live on that nobody knows of: it is searched for until the carrier has answered.
    pub(super) fn lose(&mut self) {
        self.end(EndReason::Lost, None);
        if self.capabilities.find_call && !self.capabilities.documents {
            self.record.confirm_at = Some(self.now);
        }
    }

    /// The result of a search for a call that was given up as lost.
    fn searched_late(&mut self, search: &Search) {
        let Some(lost_at) = self.record.confirm_at.filter(|_| self.record.ids.is_empty()) else {
            return self.ignore(Ignored::AlreadyEnded);
        };
        match search {
            Search::Found(ids) => {
                self.record.confirm_at = None;
                self.record.ids.merge(ids);
                self.note(EntryKind::Adopted { by: Adoption::Search });
                self.push_effect(EffectKind::HangUp);
            }
            Search::Unknown { .. } if after(lost_at, CONFIRM_AT_MOST) > self.now => {
                self.ignore(Ignored::NothingNew);
            }
            _ => {
                self.record.confirm_at = None;
                self.note(EntryKind::Searched { candidates: Vec::new() });
            }
        }
    }

    pub(super) fn search(&mut self, search: &Search) {
        if self.was_lost() {
            return self.searched_late(search);
        }
        let unknown = self
            .record
            .dial
            .is_some_and(|dial| matches!(dial.outcome, DialOutcome::Unknown { .. }));
        if !unknown || self.record.state.is_ended() {
            return self.ignore(Ignored::NothingNew);
        }
        match search {
            Search::Found(ids) => {
                self.record.ids.merge(ids);
                self.record.news_at = self.now;
                self.adopt(Adoption::Search);
            }
            Search::Candidates(candidates) => {
                // It may be a colleague's call: it is written down and not touched.
                let candidates =
                    candidates.iter().filter_map(ProviderCallIds::value).map(str::to_owned);
                self.note(EntryKind::Searched { candidates: candidates.collect() });
            }
            _ => self.ignore(Ignored::NothingNew),
        }
    }
}
