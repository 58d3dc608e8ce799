//! Answering-machine detection, before the document or beside it.

use jiff::Timestamp;

use super::call::Call;
use super::callbacks;
use super::ending::Ending;
use super::fetching::Target;
use super::interpreter::Run;
use crate::emulator::Shared;
use crate::people::{Manner, tone_seconds};

/// What a client asked to be found out.
#[derive(Debug, Clone)]
pub(crate) struct Detection {
    pub(crate) hangs_up: bool,
    /// The longest that it takes, in seconds.
    pub(crate) longest: f64,
    /// Where the result is told if the document does not wait for it.
    pub(crate) callback: Option<Target>,
}

impl Call {
    /// The phone was taken off the hook: what comes before the document, then the document.
    pub(crate) fn begin(&mut self, at: Timestamp, shared: &mut Shared) {
        const PERSON: f64 = 1.5;
        const MACHINE: f64 = 3.0;
        let mut wait = 0.0;
        if let Some(digits) = self.terms.send_digits.clone() {
            wait = tone_seconds(&digits);
            shared.ledger.note(&self.id, |record| record.digits.push_str(&digits));
        }
        if let Some(detection) = &self.terms.detection {
            let seconds = if self.manner == Manner::Machine { MACHINE } else { PERSON };
            let seconds = seconds.min(detection.longest);
            if detection.callback.is_some() {
                self.detected_at = Some(shared.settings.paced(at, seconds));
            } else {
                wait = f64::max(wait, seconds);
            }
        }
        if wait > 0.0 {
            self.script.run = Run::BeforeDocument { until: shared.settings.paced(at, wait) };
        } else {
            self.first_document(at, shared);
        }
    }

    /// The document waited for the result, if one was asked for.
    pub(crate) fn waited(&mut self, at: Timestamp, shared: &mut Shared) {
        if self.terms.detection.as_ref().is_some_and(|detection| detection.callback.is_none()) {
            self.detected(at, shared);
        }
        if !self.is_over() {
            self.first_document(at, shared);
        }
    }

    /// The detection is done.
    pub(crate) fn detected(&mut self, at: Timestamp, shared: &mut Shared) {
        let Some(detection) = self.terms.detection.clone() else { return };
        let is_machine = self.manner == Manner::Machine;
        self.machine = Some(is_machine);
        if let Some(target) = &detection.callback {
            callbacks::detection(self, target, at, shared);
        }
        if is_machine && detection.hangs_up {
            self.end(Ending::MACHINE, at, shared);
        }
    }
}
