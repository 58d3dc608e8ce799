//! One call: its phases from the queue to the end.

use jiff::Timestamp;

use super::callbacks;
use super::detection::Detection;
use super::ending::Ending;
use super::fetching::Target;
use super::interpreter::Script;
use crate::emulator::Shared;
use crate::people::{Act, Manner, PATIENCE};
use crate::settings::after;
use crate::sound::Sound;

/// The transfers that a call survives.
pub(crate) const MOST_TRANSFERS: u32 = 70;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued { leaves: Timestamp },
    Dialing { until: Timestamp },
    Ringing { until: Timestamp },
    InProgress,
    Ended(Ending),
}

impl Phase {
    /// `CallStatus`; dialling is no status of its own.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Dialing { .. } | Self::Ringing { .. } => "ringing",
            Self::InProgress => "in-progress",
            Self::Ended(ending) => ending.status,
        }
    }
}

/// What is agreed about a call.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) answer: Target,
    pub(crate) fallback: Option<Target>,
    pub(crate) ring: Option<Target>,
    pub(crate) hangup: Option<Target>,
    pub(crate) caller_name: Option<String>,
    /// Seconds.
    pub(crate) ring_timeout: u32,
    /// Seconds from the answer.
    pub(crate) time_limit: u32,
    /// Seconds from the first ringing.
    pub(crate) hangup_on_ring: Option<u32>,
    pub(crate) send_digits: Option<String>,
    pub(crate) detection: Option<Detection>,
}

#[derive(Debug)]
pub(crate) struct Call {
    /// The `CallUUID`.
    pub(crate) id: String,
    /// The request that placed an outbound call.
    pub(crate) request_id: Option<String>,
    /// Without a plus, as everywhere at Plivo.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) manner: Manner,
    pub(crate) terms: Terms,
    pub(crate) phase: Phase,
    pub(crate) created: Timestamp,
    /// When it left the queue, or arrived.
    pub(crate) started: Option<Timestamp>,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// What the machine detection found.
    pub(crate) machine: Option<bool>,
    /// When the detection that runs beside the call is done.
    pub(crate) detected_at: Option<Timestamp>,
    /// When the call is hung up whatever happens.
    pub(crate) hangup_at: Option<Timestamp>,
    pub(crate) transfers: u32,
    pub(crate) script: Script,
    /// What a request lets be spoken over the document.
    pub(crate) overlay: Option<Sound>,
    /// What the person is about to do.
    pub(crate) act: Option<(Timestamp, Act)>,
}

impl Call {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    pub(crate) const fn is_queued(&self) -> bool {
        matches!(self.phase, Phase::Queued { .. })
    }

    /// Whether it is among the live calls.
    pub(crate) const fn is_live(&self) -> bool {
        !self.is_over() && !self.is_queued()
    }

    pub(crate) const fn is_inbound(&self) -> bool {
        self.request_id.is_none()
    }

    pub(crate) const fn direction(&self) -> &'static str {
        if self.is_inbound() { "inbound" } else { "outbound" }
    }

    /// When this call next changes by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let phase = match self.phase {
            Phase::Ended(_) => return None,
            Phase::Queued { leaves } => Some(leaves),
            Phase::Dialing { until } | Phase::Ringing { until } => Some(until),
            Phase::InProgress => self.limit_ends(),
        };
        let act = self.act.map(|(at, _)| at);
        let overlay = self.overlay.as_ref().map(Sound::ends);
        [phase, act, self.detected_at, self.hangup_at, overlay, self.script.due()]
            .into_iter()
            .flatten()
            .min()
    }

    fn limit_ends(&self) -> Option<Timestamp> {
        Some(after(self.answered?, f64::from(self.terms.time_limit)))
    }

    /// Does the one thing that is due at `at`.
    pub(crate) fn advance(&mut self, at: Timestamp, shared: &mut Shared) {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= at);
        match self.phase {
            Phase::Ended(_) => return,
            Phase::Queued { leaves } if leaves <= at => return self.dial(at, shared),
            Phase::Dialing { until } if until <= at => return self.reached(at, shared),
            Phase::Ringing { until } if until <= at => return self.rung(at, shared),
            Phase::InProgress if is_due(self.limit_ends()) => {
                return self.end(Ending::scheduled(true), at, shared);
            }
            _ => {}
        }
        if is_due(self.hangup_at) {
            self.end(Ending::scheduled(self.answered.is_some()), at, shared);
        } else if let Some((_, act)) = self.act.take_if(|(due, _)| *due <= at) {
            match act {
                Act::Say(words) => {
                    self.person_says(words, at, shared);
                }
                Act::HangUp => self.person_hangs_up(at, shared),
            }
        } else if self.detected_at.take_if(|due| *due <= at).is_some() {
            self.detected(at, shared);
        } else if is_due(self.overlay.as_ref().map(Sound::ends)) {
            self.overlay_ended(at, shared);
        } else if is_due(self.script.due()) {
            self.go_on(at, shared);
        }
    }

    fn dial(&mut self, at: Timestamp, shared: &mut Shared) {
        const CONNECTS_IN: f64 = 0.5;
        self.started = Some(at);
        self.phase = Phase::Dialing { until: shared.settings.paced(at, CONNECTS_IN) };
        self.changed(shared);
    }

    /// The far end was reached, or was not.
    pub(crate) fn reached(&mut self, at: Timestamp, shared: &mut Shared) {
        self.started.get_or_insert(at);
        match self.manner {
            Manner::Busy => return self.end(Ending::BUSY, at, shared),
            Manner::Unreachable => return self.end(Ending::UNALLOCATED, at, shared),
            _ => {}
        }
        let limit = f64::from(self.terms.ring_timeout);
        // The far end's network has a limit of its own.
        let rings_for = self.manner.rings_for().unwrap_or(PATIENCE).min(limit);
        self.phase = Phase::Ringing { until: shared.settings.paced(at, rings_for) };
        if let Some(seconds) = self.terms.hangup_on_ring {
            self.hangup_at = Some(shared.settings.paced(at, f64::from(seconds)));
        }
        self.changed(shared);
        callbacks::ring(self, at, shared);
    }

    fn rung(&mut self, at: Timestamp, shared: &mut Shared) {
        if self.is_inbound() {
            return self.end(Ending::GIVEN_UP, at, shared);
        }
        let limit = f64::from(self.terms.ring_timeout);
        match self.manner.rings_for() {
            Some(seconds) if seconds <= limit => {
                self.connect(at, shared);
                self.begin(at, shared);
            }
            None if PATIENCE < limit => self.end(Ending::NO_ANSWER, at, shared),
            _ => self.end(Ending::RING_TIMEOUT, at, shared),
        }
    }

    /// Takes the call off the hook. Later elements of a document find it done.
    pub(crate) fn connect(&mut self, at: Timestamp, shared: &mut Shared) {
        if matches!(self.phase, Phase::Ringing { .. }) {
            self.phase = Phase::InProgress;
            self.answered = Some(at);
            self.changed(shared);
        }
    }

    pub(crate) fn person_hangs_up(&mut self, at: Timestamp, shared: &mut Shared) {
        let ending = match self.phase {
            Phase::InProgress => Ending::by_person(self.is_inbound()),
            _ if self.is_inbound() => Ending::GIVEN_UP,
            _ => Ending::DECLINED,
        };
        self.end(ending, at, shared);
    }

    /// Ends the call. Nothing ends twice.
    pub(crate) fn end(&mut self, ending: Ending, at: Timestamp, shared: &mut Shared) {
        if self.is_over() {
            return;
        }
        self.interrupt(at, shared);
        self.stop_overlay(at, shared);
        self.script = Script::default();
        self.detected_at = None;
        self.hangup_at = None;
        self.phase = Phase::Ended(ending);
        self.ended = Some(at);
        shared.ledger.note(&self.id, |record| {
            record.ended_at = Some(at.to_string());
            record.cause = Some(ending.name);
        });
        self.changed(shared);
        // What never left the queue was no call: nobody is told, and there will be no record.
        if self.started.is_some() {
            callbacks::hangup(self, at, shared);
        }
    }

    /// The seconds from the answer to the end.
    pub(crate) fn seconds(&self) -> i64 {
        match (self.answered, self.ended) {
            (Some(answered), Some(ended)) => {
                let millis = ended.duration_since(answered).as_millis();
                i64::try_from((millis + 999) / 1000).unwrap_or(i64::MAX)
            }
            _ => 0,
        }
    }

    /// Notes a change in the record of the call.
    pub(crate) fn changed(&self, shared: &mut Shared) {
        let word = self.phase.word();
        shared.ledger.note(&self.id, |record| word.clone_into(&mut record.status));
    }
}
