//! One call: its phases from the queue to the end.

use http::Method;
use jiff::Timestamp;

use super::callbacks;
use super::interpreter::{Run, Script};
use super::view::{View, Visible};
use crate::emulator::Shared;
use crate::people::{Act, Manner, tone_seconds};
use crate::settings::after;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound-api",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Busy,
    NoAnswer,
    Failed,
    Canceled,
    /// By a document's Reject. Twilio has no status for it; `failed` with the
    /// SIP code of a declined call keeps it apart from busy.
    Declined,
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed | Self::Declined => "failed",
            Self::Canceled => "canceled",
        }
    }

    pub(crate) const fn sip_code(self) -> u16 {
        match self {
            Self::Completed => 200,
            Self::Busy => 486,
            Self::NoAnswer | Self::Canceled => 487,
            Self::Failed => 404,
            Self::Declined => 603,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued { leaves: Timestamp },
    Dialing { until: Timestamp },
    Ringing { until: Timestamp },
    InProgress,
    Ended(End),
}

impl Phase {
    /// The word that the REST API shows; dialling is no status of its own there.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Queued { .. } | Self::Dialing { .. } => "queued",
            Self::Ringing { .. } => "ringing",
            Self::InProgress => "in-progress",
            Self::Ended(end) => end.word(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// With its fragment.
    pub(crate) url: String,
    pub(crate) method: Method,
}

/// The progress events that callbacks are sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Initiated,
    Ringing,
    Answered,
    Completed,
}

impl Progress {
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        match word {
            "initiated" => Some(Self::Initiated),
            "ringing" => Some(Self::Ringing),
            "answered" => Some(Self::Answered),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detection {
    AsSoonAsKnown,
    EndOfMessage,
}

/// What the client asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instructions {
    pub(crate) voice: Option<Target>,
    pub(crate) twiml: Option<String>,
    pub(crate) fallback: Option<Target>,
    pub(crate) status_callback: Option<Target>,
    pub(crate) events: Vec<Progress>,
    pub(crate) timeout: u32,
    pub(crate) time_limit: u32,
    pub(crate) send_digits: Option<String>,
    pub(crate) detection: Option<Detection>,
    pub(crate) detects_in_background: bool,
    pub(crate) detection_callback: Option<Target>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) sid: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) direction: Direction,
    pub(crate) manner: Manner,
    pub(crate) instructions: Instructions,
    pub(crate) phase: Phase,
    pub(crate) created: Timestamp,
    pub(crate) queue_millis: i128,
    pub(crate) started: Option<Timestamp>,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) answered_by: Option<&'static str>,
    /// When the machine detection that runs beside the call is done.
    pub(crate) detected_at: Option<Timestamp>,
    pub(crate) sequence: u32,
    pub(crate) script: Script,
    /// What the person is about to do.
    pub(crate) act: Option<(Timestamp, Act)>,
    pub(crate) visible: Visible,
    /// Whether the record was deleted by the client.
    pub(crate) deleted: bool,
}

impl Call {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// When this call next changes by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let phase = match self.phase {
            Phase::Ended(_) => return None,
            Phase::Queued { leaves } => Some(leaves),
            Phase::Dialing { until } => Some(until),
            Phase::Ringing { until } => Some(until),
            Phase::InProgress => self.limit_ends(),
        };
        let act = self.act.map(|(at, _)| at);
        [phase, act, self.detected_at, self.script.due()].into_iter().flatten().min()
    }

    fn limit_ends(&self) -> Option<Timestamp> {
        Some(after(self.answered?, f64::from(self.instructions.time_limit)))
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
                return self.end(End::Completed, at, shared);
            }
            _ => {}
        }
        if let Some((_, act)) = self.act.take_if(|(due, _)| *due <= at) {
            match act {
                Act::Say(words) => {
                    self.person_says(words, at, shared);
                }
                Act::HangUp => self.person_hangs_up(at, shared),
            }
        } else if self.detected_at.take_if(|due| *due <= at).is_some() {
            self.detected(at, shared);
        } else if is_due(self.script.due()) {
            self.go_on(at, shared);
        }
    }

    fn dial(&mut self, at: Timestamp, shared: &mut Shared) {
        const CONNECTS_IN: f64 = 0.5;
        self.started = Some(at);
        self.phase = Phase::Dialing { until: shared.settings.paced(at, CONNECTS_IN) };
        self.changed(at, shared);
        callbacks::progress(self, Progress::Initiated, at, shared);
    }

    /// The far end was reached, or was not.
    fn reached(&mut self, at: Timestamp, shared: &mut Shared) {
        // Twilio adds about five seconds to the asked ring time.
        const GRACE: f64 = 5.0;
        let rings_for = match self.manner {
            Manner::Busy => return self.end(End::Busy, at, shared),
            Manner::Unreachable => return self.end(End::Failed, at, shared),
            _ => f64::from(self.instructions.timeout) + GRACE,
        };
        let rings_for = self.manner.rings_for().map_or(rings_for, |answer| answer.min(rings_for));
        self.phase = Phase::Ringing { until: shared.settings.paced(at, rings_for) };
        self.changed(at, shared);
        callbacks::progress(self, Progress::Ringing, at, shared);
    }

    fn rung(&mut self, at: Timestamp, shared: &mut Shared) {
        if self.direction == Direction::Inbound || self.manner.rings_for().is_none() {
            return self.end(End::NoAnswer, at, shared);
        }
        self.connect(at, shared);
        callbacks::progress(self, Progress::Answered, at, shared);
        let mut wait = 0.0;
        if let Some(digits) = self.instructions.send_digits.clone() {
            wait = tone_seconds(&digits);
            shared.ledger.note(&self.sid, |record| record.digits.push_str(&digits));
        } else if let Some(detection) = self.instructions.detection {
            let takes = self.detection_seconds(detection);
            if self.instructions.detects_in_background {
                self.detected_at = Some(shared.settings.paced(at, takes));
            } else {
                wait = takes;
            }
        }
        if wait > 0.0 {
            let until = shared.settings.paced(at, wait);
            self.script.run = Run::BeforeDocument { until };
        } else {
            self.first_document(at, shared);
        }
    }

    /// Takes the call off the hook. Later steps of a script find it done.
    pub(crate) fn connect(&mut self, at: Timestamp, shared: &mut Shared) {
        if matches!(self.phase, Phase::Ringing { .. }) {
            self.phase = Phase::InProgress;
            self.answered = Some(at);
            self.changed(at, shared);
        }
    }

    fn detection_seconds(&self, detection: Detection) -> f64 {
        match (self.manner, detection) {
            (Manner::Machine, Detection::AsSoonAsKnown) => 3.0,
            (Manner::Machine, Detection::EndOfMessage) => 6.0,
            _ => 1.5,
        }
    }

    /// The answering-machine detection is done.
    pub(crate) fn detected(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some(detection) = self.instructions.detection else { return };
        self.answered_by = Some(match (self.manner, detection) {
            (Manner::Machine, Detection::AsSoonAsKnown) => "machine_start",
            (Manner::Machine, Detection::EndOfMessage) => "machine_end_beep",
            _ => "human",
        });
        self.changed(at, shared);
        if self.instructions.detects_in_background {
            callbacks::detection(self, at, shared);
        }
    }

    pub(crate) fn person_hangs_up(&mut self, at: Timestamp, shared: &mut Shared) {
        let end = match self.phase {
            Phase::InProgress => End::Completed,
            // A caller who gives up, or a called person who declines.
            _ if self.direction == Direction::Inbound => End::NoAnswer,
            _ => End::Busy,
        };
        self.end(end, at, shared);
    }

    /// Ends the call. Nothing ends twice.
    pub(crate) fn end(&mut self, end: End, at: Timestamp, shared: &mut Shared) {
        if self.is_over() {
            return;
        }
        let was_queued = matches!(self.phase, Phase::Queued { .. });
        self.interrupt(at, shared);
        self.script = Script::default();
        self.detected_at = None;
        self.phase = Phase::Ended(end);
        self.ended = Some(at);
        shared.ledger.note(&self.sid, |record| record.ended_at = Some(at.to_string()));
        self.changed(at, shared);
        if !was_queued {
            callbacks::progress(self, Progress::Completed, at, shared);
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

    /// Notes a change, so that reads see it, soon.
    pub(crate) fn changed(&mut self, at: Timestamp, shared: &mut Shared) {
        let word = self.phase.word();
        shared.ledger.note(&self.sid, |record| word.clone_into(&mut record.status));
        let window = shared.settings.stale_reads.as_secs_f64().min(1.0);
        let seen_at = after(at, shared.chance.fraction() * window);
        let view = View::of(self);
        self.visible.push(seen_at, view);
    }
}
