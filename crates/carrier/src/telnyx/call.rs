//! One leg: its phases from the dial, or the ring, to the end.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::detection::{Detection, Finding};
use super::events::{self, Targets, written};
use super::gather::Gathering;
use super::playback::Playback;
use super::transcription::{Ear, Settings as EarSettings};
use crate::emulator::Shared;
use crate::people::{Act, Manner, tone_seconds};
use crate::settings::{after, later};

/// For how long a command's id is known.
const ID_KNOWN_FOR: Duration = Duration::from_secs(60);

/// For how long an ended call can be asked about.
const REMEMBERED_FOR: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Incoming,
    Outgoing,
}

impl Direction {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Person,
    Us,
    Unknown,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) cause: &'static str,
    pub(crate) source: Source,
    /// What the far end of an outgoing call answered by SIP.
    pub(crate) sip: &'static str,
}

impl End {
    pub(crate) const fn new(cause: &'static str, source: Source, sip: &'static str) -> Self {
        Self { cause, source, sip }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The command was taken; nothing has happened yet.
    Placed {
        until: Timestamp,
    },
    /// The far end is looked for.
    Dialing {
        until: Timestamp,
    },
    /// It rings; of an incoming call Telnyx says that it is parked.
    Ringing {
        until: Timestamp,
    },
    Answered,
    Ended,
}

/// The other leg of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partner {
    /// Its place in the list of calls.
    pub(crate) index: usize,
    /// Whether this leg came later, and goes without the other until they are bridged.
    pub(crate) is_second: bool,
    pub(crate) bridged: bool,
}

/// What a change of one leg means for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Bridge {
        with: usize,
    },
    HangUp {
        leg: usize,
    },
    /// The leg that was to come did not.
    Forget {
        leg: usize,
    },
}

/// What the client asked for.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) timeout: f64,
    /// Whether a ring that took too long ends as `timeout`, and not as `no_answer`.
    pub(crate) retries_on_timeout: bool,
    pub(crate) time_limit: f64,
    pub(crate) send_digits: Option<String>,
    pub(crate) detection: Option<Detection>,
    pub(crate) transcription: Option<EarSettings>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) control_id: String,
    pub(crate) leg_id: String,
    pub(crate) session_id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) direction: Direction,
    pub(crate) manner: Manner,
    pub(crate) phase: Phase,
    pub(crate) client_state: Option<String>,
    pub(crate) targets: Targets,
    pub(crate) terms: Terms,
    pub(crate) started: Timestamp,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) commands: Vec<(Timestamp, String)>,
    pub(crate) playback: Playback,
    pub(crate) gathering: Option<Gathering>,
    pub(crate) ear: Option<Ear>,
    pub(crate) findings: VecDeque<Finding>,
    /// The keys that the person is pressing.
    pub(crate) keys: VecDeque<(Timestamp, char)>,
    /// What the person is about to do.
    pub(crate) act: Option<(Timestamp, Act)>,
    pub(crate) partner: Option<Partner>,
    pub(crate) wishes: Vec<Wish>,
}

impl Call {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// What Telnyx calls alive: there is a leg, not only the intent of one.
    pub(crate) const fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Ringing { .. } | Phase::Answered)
    }

    /// Whether the carrier still knows this call.
    pub(crate) fn is_remembered(&self, now: Timestamp) -> bool {
        self.ended.is_none_or(|ended| now < later(ended, REMEMBERED_FOR))
    }

    /// Whether a command of this id was carried out a moment ago.
    pub(crate) fn knows_command(&self, id: &str, now: Timestamp) -> bool {
        let is_it = |(at, known): &(Timestamp, String)| known == id && is_known(*at, now);
        self.commands.iter().any(is_it)
    }

    /// When this call next changes by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let phase = match self.phase {
            Phase::Ended => return None,
            Phase::Placed { until } | Phase::Dialing { until } | Phase::Ringing { until } => {
                Some(until)
            }
            Phase::Answered => self.limit_ends(),
        };
        [
            phase,
            self.act.map(|(at, _)| at),
            self.keys.front().map(|(at, _)| *at),
            self.findings.front().map(|finding| finding.at),
            self.playback.due(),
            self.gathering.as_ref().map(Gathering::due),
            self.ear.as_ref().and_then(Ear::due),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn limit_ends(&self) -> Option<Timestamp> {
        Some(after(self.answered?, self.terms.time_limit))
    }

    /// Does the one thing that is due at `at`.
    pub(crate) fn advance(&mut self, at: Timestamp, shared: &mut Shared) {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= at);
        match self.phase {
            Phase::Ended => return,
            Phase::Placed { until } if until <= at => return self.dial(at, shared),
            Phase::Dialing { until } if until <= at => return self.reached(at, shared),
            Phase::Ringing { until } if until <= at => return self.rung(at, shared),
            Phase::Answered if is_due(self.limit_ends()) => {
                return self.end(End::new("time_limit", Source::Unknown, "200"), at, shared);
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
        } else if is_due(self.keys.front().map(|(at, _)| *at)) {
            self.key_pressed(at, shared);
        } else if is_due(self.playback.due()) {
            self.playback_due(at, shared);
        } else if is_due(self.gathering.as_ref().map(Gathering::due)) {
            self.gather_due(at, shared);
        } else if is_due(self.ear.as_ref().and_then(Ear::due)) {
            self.ear_due(at, shared);
        } else {
            self.found(at, shared);
        }
    }

    /// Sets out, which is the first thing that the client is told.
    pub(crate) fn dial(&mut self, at: Timestamp, shared: &mut Shared) {
        const CONNECTS_IN: f64 = 0.5;
        self.started = at;
        self.phase = Phase::Dialing { until: shared.settings.paced(at, CONNECTS_IN) };
        self.noted("dialing", shared);
        self.initiated("bridging", at, shared);
    }

    pub(crate) fn initiated(&self, state: &str, at: Timestamp, shared: &mut Shared) {
        let fields = json!({
            "direction": self.direction.word(),
            "state": state,
            "start_time": written(self.started),
            "caller_id_name": self.from,
            "connection_codecs": "PCMU,PCMA",
            "offered_codecs": "PCMU,PCMA",
            "custom_headers": [],
            "sip_headers": [],
            "tags": [],
        });
        self.tell("call.initiated", &fields, at, shared);
    }

    /// The far end was reached, or was not.
    fn reached(&mut self, at: Timestamp, shared: &mut Shared) {
        match self.manner {
            Manner::Busy => {
                return self.end(End::new("user_busy", Source::Person, "486"), at, shared);
            }
            Manner::Unreachable => {
                return self.end(End::new("not_found", Source::Person, "404"), at, shared);
            }
            _ => {}
        }
        let answers = self.manner.rings_for().map(|seconds| shared.settings.paced(at, seconds));
        let gives_up = shared.settings.paced(self.started, self.terms.timeout);
        let until = answers.map_or(gives_up, |answers| answers.min(gives_up));
        self.phase = Phase::Ringing { until };
        self.noted("ringing", shared);
    }

    fn rung(&mut self, at: Timestamp, shared: &mut Shared) {
        if self.direction == Direction::Incoming {
            // Nobody listens to the ringing forever.
            return self.end(End::new("originator_cancel", Source::Person, "487"), at, shared);
        }
        let gives_up = shared.settings.paced(self.started, self.terms.timeout);
        if self.manner.rings_for().is_none() || gives_up <= at {
            let cause = if self.terms.retries_on_timeout { "timeout" } else { "no_answer" };
            return self.end(End::new(cause, Source::Unknown, "487"), at, shared);
        }
        self.answer(at, shared);
    }

    /// The call is taken off the hook, at whichever end.
    pub(crate) fn answer(&mut self, at: Timestamp, shared: &mut Shared) {
        self.phase = Phase::Answered;
        self.answered = Some(at);
        self.noted("answered", shared);
        let fields = json!({
            "state": "answered",
            "start_time": written(self.started),
            "custom_headers": [],
            "sip_headers": [],
            "tags": [],
        });
        self.tell("call.answered", &fields, at, shared);
        let mut ready = at;
        if let Some(digits) = self.terms.send_digits.clone() {
            ready = shared.settings.paced(at, tone_seconds(&digits));
            shared.ledger.note(&self.control_id, |record| record.digits.push_str(&digits));
        }
        if let Some(detection) = self.terms.detection {
            self.findings = detection.findings(self.manner, ready, &shared.settings);
        }
        if let Some(settings) = self.terms.transcription {
            self.listen(settings, at, shared);
        }
        if let Some(Partner { index, is_second: true, .. }) = self.partner {
            self.wishes.push(Wish::Bridge { with: index });
        }
    }

    /// The person presses keys. A line that is up has them all.
    pub(crate) fn person_presses(
        &mut self,
        keys: &str,
        at: Timestamp,
        shared: &mut Shared,
    ) -> bool {
        if self.phase != Phase::Answered {
            return false;
        }
        let mut pressed = self.keys.back().map_or(at, |(last, _)| at.max(*last));
        for key in keys.chars() {
            pressed = shared.settings.paced(pressed, tone_seconds("1"));
            self.keys.push_back((pressed, key));
        }
        true
    }

    fn key_pressed(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some((_, key)) = self.keys.pop_front() else { return };
        self.tell("call.dtmf.received", &json!({ "digit": key }), at, shared);
        self.gather_key(key, at, shared);
    }

    pub(crate) fn person_hangs_up(&mut self, at: Timestamp, shared: &mut Shared) {
        let end = match self.phase {
            Phase::Answered => End::new("normal_clearing", Source::Person, "200"),
            // A caller who gives up, or a called person who declines.
            _ if self.direction == Direction::Incoming => {
                End::new("originator_cancel", Source::Person, "487")
            }
            _ => End::new("call_rejected", Source::Person, "603"),
        };
        self.end(end, at, shared);
    }

    /// The client hangs up.
    pub(crate) fn we_hang_up(&mut self, at: Timestamp, shared: &mut Shared) {
        let end = match self.phase {
            Phase::Answered => End::new("normal_clearing", Source::Us, "200"),
            _ if self.direction == Direction::Incoming => {
                End::new("call_rejected", Source::Us, "603")
            }
            _ => End::new("originator_cancel", Source::Us, "487"),
        };
        self.end(end, at, shared);
    }

    /// Ends the call. Nothing ends twice.
    pub(crate) fn end(&mut self, end: End, at: Timestamp, shared: &mut Shared) {
        if self.is_over() {
            return;
        }
        self.break_off("call_hangup", true, at, shared);
        self.end_gather("call_hangup", at, shared);
        self.act = None;
        self.ear = None;
        self.keys.clear();
        self.findings.clear();
        self.phase = Phase::Ended;
        self.ended = Some(at);
        self.noted("hangup", shared);
        shared.ledger.note(&self.control_id, |record| {
            record.ended_at = Some(at.to_string());
            record.cause = Some(end.cause);
        });
        let is_outgoing = self.direction == Direction::Outgoing;
        let source = match (end.source, self.direction) {
            (Source::Unknown, _) => "unknown",
            (Source::Person, Direction::Incoming) | (Source::Us, Direction::Outgoing) => "caller",
            (Source::Us, Direction::Incoming) | (Source::Person, Direction::Outgoing) => "callee",
        };
        let fields = json!({
            "state": "hangup",
            "hangup_cause": end.cause,
            "hangup_source": source,
            "sip_hangup_cause": if is_outgoing { end.sip } else { "unspecified" },
            "start_time": written(self.started),
            "custom_headers": [],
            "sip_headers": [],
            "tags": [],
        });
        self.tell("call.hangup", &fields, at, shared);
        match self.partner.take() {
            None => {}
            Some(Partner { index, is_second: true, bridged: false }) => {
                self.wishes.push(Wish::Forget { leg: index });
            }
            Some(Partner { index, .. }) => self.wishes.push(Wish::HangUp { leg: index }),
        }
    }

    /// The seconds from the answer to the end, or to now.
    pub(crate) fn seconds(&self, now: Timestamp) -> i64 {
        let Some(answered) = self.answered else { return 0 };
        self.ended.unwrap_or(now).duration_since(answered).as_secs().max(0)
    }

    pub(crate) fn tell(
        &self,
        event: &'static str,
        fields: &Value,
        at: Timestamp,
        shared: &mut Shared,
    ) {
        events::tell(self, event, fields, at, shared);
    }

    pub(crate) fn noted(&self, status: &str, shared: &mut Shared) {
        shared.ledger.note(&self.control_id, |record| status.clone_into(&mut record.status));
    }
}

/// Whether the id of a command that was carried out at `at` is still known.
pub(crate) fn is_known(at: Timestamp, now: Timestamp) -> bool {
    now < later(at, ID_KNOWN_FOR)
}
