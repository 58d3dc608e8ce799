//! How a call waits for its turn to be dialled.

use offhook_core::{Cause, EndReason, ErrorClass, ProviderError};

use super::{Ignored, Work};
use crate::entry::EntryKind;
use crate::record::{CallState, Dial, DialOutcome, EffectKind, Throttled};
use crate::time::{after, between};

impl Work {
    /// The dial's intent: persisted with this transition, sent after it, and never again.
    pub(super) fn admitted(&mut self) {
        if self.record.state != CallState::Queued {
            return self.ignore(Ignored::NothingNew);
        }
        self.record.state = CallState::Initiated;
        self.record.dial = Some(Dial { sent_at: self.now, outcome: DialOutcome::Pending });
        self.push_effect(EffectKind::Initiate);
        self.note(EntryKind::Admitted);
    }

    /// Whether a dial that was not taken waits for another turn. `Throttled` is a definite refusal:
    /// the carrier has nothing of the call, so that the next dial is no second one.
    pub(super) fn waits_again(&self, error: &ProviderError) -> bool {
        error.class() == ErrorClass::Throttled
            && self.record.limits.queue_timeout.is_some()
            && self.record.state == CallState::Initiated
            && self.record.ending.is_none()
    }

    /// Back to its old place. It waits as long as the carrier asks for, and longer each time.
    pub(super) fn wait_again(&mut self, error: &ProviderError) {
        let before = self.record.throttled.map_or(0, |throttled| throttled.times);
        let times = before.saturating_add(1);
        let wait = error.retry_after().unwrap_or_default().max(super::outbox::backoff(times));
        self.record.throttled = Some(Throttled { times, not_before: after(self.now, wait) });
        self.record.cause = Some(error.cause());
        self.record.dial = None;
        self.record.state = CallState::Queued;
        self.note_failure(EffectKind::Initiate, error, true);
    }

    /// It has waited as long as it may.
    pub(super) fn wait_is_over(&mut self) {
        let waited = between(self.record.started_at, self.now).as_secs();
        let text = match self.record.throttled {
            None => format!("it waited {waited} s for its turn, and was not dialled"),
            Some(Throttled { times, .. }) => format!(
                "it waited {waited} s for its turn; the carrier refused its dial as one too many, {times} times"
            ),
        };
        self.end(EndReason::Canceled, Some(Cause::new("queue-timeout", text)));
    }
}
