//! Twilio's words for how a call stands.

use offhook_core::{
    AnsweredBy, CallEvent, CallStatus, Cause, EndReason, ErrorClass, Progress, ProviderError,
};

/// A documented `CallStatus` (webhooks) or `status` (REST).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Live(Progress),
    Over(EndReason),
}

impl Word {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "queued" | "initiated" => Self::Live(Progress::Initiated),
            "ringing" => Self::Live(Progress::Ringing),
            "in-progress" => Self::Live(Progress::Answered),
            "completed" => Self::Over(EndReason::Completed),
            "busy" => Self::Over(EndReason::Busy),
            "no-answer" => Self::Over(EndReason::NoAnswer),
            "failed" => Self::Over(EndReason::Failed),
            "canceled" => Self::Over(EndReason::Canceled),
            _ => return None,
        })
    }

    /// What a webhook with this word reports.
    pub(crate) fn event(self, cause: Option<Cause>) -> CallEvent {
        match self {
            Self::Live(Progress::Initiated) => CallEvent::Initiated,
            Self::Live(Progress::Ringing) => CallEvent::Ringing,
            Self::Live(Progress::Answered) => CallEvent::Answered,
            Self::Over(reason) => {
                CallEvent::Ended { reason: refined(reason, cause.as_ref()), cause }
            }
        }
    }
}

/// A SIP code can tell more than the word does; of a call that was connected or called off it tells
/// nothing. Source: RFC 3261, 21; RFC 8197, RFC 8688.
fn refined(reason: EndReason, cause: Option<&Cause>) -> EndReason {
    match (reason, cause.map(|cause| cause.code.as_str())) {
        (
            EndReason::Failed | EndReason::Busy | EndReason::NoAnswer,
            Some("603" | "607" | "608"),
        ) => EndReason::Rejected,
        (EndReason::Failed, Some("486" | "600")) => EndReason::Busy,
        (EndReason::Failed, Some("408" | "480" | "487")) => EndReason::NoAnswer,
        _ => reason,
    }
}

/// How a call stands by its REST resource. A word that we do not know tells nothing.
pub(crate) fn rest_status(word: &str) -> CallStatus {
    match Word::parse(word) {
        Some(Word::Live(progress)) => CallStatus::Live { progress: Some(progress) },
        Some(Word::Over(reason)) => CallStatus::Ended {
            reason,
            cause: Some(Cause::new(word, format!("Twilio says {word}"))),
        },
        None => CallStatus::Unknown {
            cause: ProviderError::new(
                ErrorClass::Undecodable,
                "Twilio answered with a call status that is not documented",
            ),
        },
    }
}

/// `AnsweredBy` of answering-machine detection.
pub(crate) fn answered_by(word: &str) -> Option<AnsweredBy> {
    Some(match word {
        "human" => AnsweredBy::Human,
        "fax" => AnsweredBy::Fax,
        "unknown" => AnsweredBy::Unknown,
        machine if machine.starts_with("machine_") => AnsweredBy::Machine,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_word_is_known_and_no_other() {
        for (word, expected) in [
            ("queued", Word::Live(Progress::Initiated)),
            ("initiated", Word::Live(Progress::Initiated)),
            ("ringing", Word::Live(Progress::Ringing)),
            ("in-progress", Word::Live(Progress::Answered)),
            ("completed", Word::Over(EndReason::Completed)),
            ("busy", Word::Over(EndReason::Busy)),
            ("no-answer", Word::Over(EndReason::NoAnswer)),
            ("failed", Word::Over(EndReason::Failed)),
            ("canceled", Word::Over(EndReason::Canceled)),
        ] {
            assert_eq!(Word::parse(word), Some(expected), "{word}");
        }
        for word in ["", "Completed", "constructor", "hangup", "cancel"] {
            assert_eq!(Word::parse(word), None, "{word}");
            assert!(matches!(rest_status(word), CallStatus::Unknown { .. }), "{word}");
        }
    }

    #[test]
    fn a_decline_is_told_from_a_failure_by_its_sip_code() {
        let cause = Some(Cause::new("603", "SIP 603"));
        let event = Word::Over(EndReason::Failed).event(cause.clone());
        assert_eq!(event, CallEvent::Ended { reason: EndReason::Rejected, cause });
    }
}
