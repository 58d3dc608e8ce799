//! When a carrier is asked how a call stands: reconciliation. After a restart it is asked at once.

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{CallId, Capabilities};

use crate::record::{CallRecord, CallState, Dial, DialOutcome, EffectKind};
use crate::time::after;

/// A call without news for so long is asked about.
const QUIET: Duration = Duration::from_secs(60);

/// A second look at a call that the carrier does not know.
const SECOND_LOOK: Duration = Duration::from_secs(3);

/// A carrier's answer may be a second old (Twilio's reads are eventually consistent), and the
/// callback that would set it right may have come while we were away: after a restart a call that
/// is found live is asked about once more.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(3);

/// When the carrier is searched after an unclear dial.
const SEARCHES: [u64; 5] = [2, 5, 10, 20, 40];

/// What is known of the looks at one call. Not persisted: after a restart every call is asked
/// about anyway.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Failed looks in a row, or searches.
    attempt: u32,
    /// No look before then.
    not_before: Option<Timestamp>,
    /// When the carrier first did not know the call.
    pub(super) missing_since: Option<Timestamp>,
    /// A request is under way.
    pub(super) in_flight: bool,
    /// Taken over from before a restart, and not verified yet.
    pub(super) unverified: bool,
    /// Found live after the restart; asked once more soon.
    pub(super) ask_again: bool,
    /// A list is wanted that may verify it: until then it is not asked about.
    pub(super) waits_for_list: bool,
    /// When the carrier last answered that the call lives.
    alive_at: Option<Timestamp>,
}

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Status,
    Search,
}

impl Watch {
    /// What is to be asked next, and when.
    pub(super) fn wanted(
        &self,
        record: &CallRecord,
        capabilities: &Capabilities,
    ) -> Option<(Timestamp, Wanted)> {
        if self.in_flight || record.state == CallState::Queued {
            return None;
        }
        let (at, wanted) = self.due(record, capabilities)?;
        Some((self.not_before.map_or(at, |not_before| at.max(not_before)), wanted))
    }

    fn due(&self, record: &CallRecord, capabilities: &Capabilities) -> Option<(Timestamp, Wanted)> {
        if record.state.is_ended() {
            // One that was lost has no id to be asked about.
            let wanted = if record.ids.is_empty() { Wanted::Search } else { Wanted::Status };
            return record.confirm_at.map(|at| (at, wanted));
        }
        if let Some(Dial { outcome: DialOutcome::Unknown { since }, .. }) = record.dial {
            let wait = SEARCHES.get(self.attempt as usize)?;
            let at = after(since, Duration::from_secs(*wait));
            return capabilities.find_call.then_some((at, Wanted::Search));
        }
        // As long as the carrier has not answered the dial.
        if record.ids.is_empty() {
            return None;
        }
        let hangup_failed = record
            .outbox
            .iter()
            .any(|effect| effect.kind == EffectKind::HangUp && effect.attempts > 0);
        let overdue = record.ring_overdue_at.filter(|_| record.ending.is_none());
        let at = if self.unverified || self.ask_again {
            if self.waits_for_list {
                return None;
            }
            Timestamp::MIN
        } else if let Some(overdue) = overdue {
            overdue
        } else if let Some(missing) = self.missing_since {
            after(missing, SECOND_LOOK)
        } else if hangup_failed {
            self.alive_at.map_or(Timestamp::MIN, |alive| after(alive, QUIET))
        } else {
            after(self.alive_at.map_or(record.news_at, |alive| alive.max(record.news_at)), QUIET)
        };
        Some((at, Wanted::Status))
    }

    /// The carrier told us something of itself: whatever we were about to ask is out of date.
    pub(super) fn news(&mut self) {
        *self = Self { in_flight: self.in_flight, ..Self::default() };
    }

    /// The carrier answered that the call lives.
    pub(super) fn found_live(&mut self, now: Timestamp) {
        self.attempt = 0;
        self.missing_since = None;
        self.ask_again = self.unverified;
        self.alive_at = Some(now);
        self.not_before = self.ask_again.then(|| after(now, ASK_AGAIN));
    }

    /// The carrier does not know the call. Gives whether it is the second look at a call that may
    /// just have begun, or the first at one without news for long.
    pub(super) fn found_missing(&mut self, record: &CallRecord, now: Timestamp) -> bool {
        let first = *self.missing_since.get_or_insert(now);
        let second_look = after(first, SECOND_LOOK) <= now || after(record.news_at, QUIET) <= now;
        if !second_look {
            self.not_before = Some(after(now, SECOND_LOOK));
        }
        second_look
    }

    /// The carrier could not tell: it is asked again, with jitter.
    pub(super) fn found_unknown(&mut self, call: CallId, now: Timestamp) {
        let base = backoff(self.attempt);
        self.attempt = self.attempt.saturating_add(1);
        self.not_before = Some(after(now, jittered(base, call, self.attempt)));
    }

    /// A search was done.
    pub(super) const fn searched(&mut self) {
        self.attempt = self.attempt.saturating_add(1);
    }
}

/// How long to wait after so many failures before this one: 2 s, doubling to 30 s.
pub(super) fn backoff(failures: u32) -> Duration {
    Duration::from_secs(2_u64 << failures.min(4)).min(Duration::from_secs(30))
}

/// 75 to 125 % of a wait, by call and attempt: many calls spread out, and a test repeats.
fn jittered(base: Duration, call: CallId, attempt: u32) -> Duration {
    let seed = call.uuid().as_u128() ^ u128::from(attempt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let percent = 75 + (seed ^ (seed >> 64)) % 51;
    base.saturating_mul(percent as u32) / 100
}
