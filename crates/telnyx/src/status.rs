//! Telnyx' words for how a call stands, why it ended, and who answered.

use offhook_core::{AnsweredBy, Cause, Direction, EndReason};

/// What `call.hangup` tells.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hangup<'a> {
    pub(crate) cause: &'a str,
    /// Who hung up: `caller`, `callee` or `unknown`.
    pub(crate) source: &'a str,
    /// A SIP status, or `unspecified`.
    pub(crate) sip: &'a str,
    pub(crate) direction: Option<Direction>,
    /// Whether there was sound to measure. Only a call that was connected has any.
    pub(crate) had_media: bool,
}

impl Hangup<'_> {
    pub(crate) fn reason(&self) -> EndReason {
        match self.cause {
            "normal_clearing" => self.by_whom(),
            "originator_cancel" => EndReason::Canceled,
            "timeout" | "no_answer" => EndReason::NoAnswer,
            "user_busy" => EndReason::Busy,
            "call_rejected" => EndReason::Rejected,
            "not_found" => EndReason::Failed,
            "time_limit" => EndReason::Timeout,
            // `unspecified`, and what is not documented: the call is over all the same.
            _ if self.had_media => EndReason::Completed,
            _ => self.by_sip(),
        }
    }

    /// The caller of an outbound call is we, the one of an inbound call is the other side.
    fn by_whom(&self) -> EndReason {
        match (self.direction, self.source) {
            (Some(Direction::Outbound), "callee") | (Some(Direction::Inbound), "caller") => {
                EndReason::HangupUser
            }
            (Some(Direction::Outbound), "caller") | (Some(Direction::Inbound), "callee") => {
                EndReason::HangupBot
            }
            _ => EndReason::Completed,
        }
    }

    /// Source: RFC 3261, 21; RFC 8197, RFC 8688.
    fn by_sip(&self) -> EndReason {
        match self.sip {
            "200" => EndReason::Completed,
            "486" | "600" => EndReason::Busy,
            "603" | "607" | "608" => EndReason::Rejected,
            "408" | "480" | "487" => EndReason::NoAnswer,
            _ => EndReason::Failed,
        }
    }

    /// Telnyx' words for it; none for an end that needs no explaining.
    pub(crate) fn words(&self) -> Option<Cause> {
        if self.cause == "normal_clearing" {
            return None;
        }
        let cause = if self.cause.is_empty() { "no cause" } else { self.cause };
        let is_code = self.sip.len() == 3 && self.sip.bytes().all(|byte| byte.is_ascii_digit());
        let text = match is_code {
            true => format!("Telnyx says {cause}, SIP {}", self.sip),
            false => format!("Telnyx says {cause}"),
        };
        Some(Cause::new(self.cause, text))
    }
}

/// The `result` of answering-machine detection, by the event that brings it.
pub(crate) fn answered_by(event_type: &str, result: &str) -> Option<AnsweredBy> {
    Some(match (event_type, result) {
        ("call.machine.detection.ended", "human")
        | ("call.machine.premium.detection.ended", "human_residence" | "human_business") => {
            AnsweredBy::Human
        }
        (
            "call.machine.detection.ended" | "call.machine.premium.detection.ended",
            "machine",
        )
        // Only a machine's greeting is waited for, and this may come without the detection.
        | ("call.machine.greeting.ended", "beep_detected" | "ended")
        | ("call.machine.premium.greeting.ended", "beep_detected") => AnsweredBy::Machine,
        ("call.machine.premium.detection.ended", "fax_detected") => AnsweredBy::Fax,
        ("call.machine.detection.ended", "not_sure")
        | ("call.machine.premium.detection.ended", "not_sure" | "silence") => AnsweredBy::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_cause_has_its_reason_and_any_other_is_an_end() {
        for (cause, reason) in [
            ("normal_clearing", EndReason::Completed),
            ("originator_cancel", EndReason::Canceled),
            ("timeout", EndReason::NoAnswer),
            ("no_answer", EndReason::NoAnswer),
            ("user_busy", EndReason::Busy),
            ("call_rejected", EndReason::Rejected),
            ("not_found", EndReason::Failed),
            ("time_limit", EndReason::Timeout),
            ("unspecified", EndReason::Failed),
            ("", EndReason::Failed),
            ("constructor", EndReason::Failed),
        ] {
            let hangup = Hangup { cause, ..Hangup::default() };
            assert_eq!(hangup.reason(), reason, "{cause}");
            assert_eq!(hangup.words().is_none(), cause == "normal_clearing", "{cause}");
        }
    }

    #[test]
    fn who_hung_up_depends_on_who_had_called() {
        for (direction, source, reason) in [
            (Some(Direction::Outbound), "callee", EndReason::HangupUser),
            (Some(Direction::Outbound), "caller", EndReason::HangupBot),
            (Some(Direction::Inbound), "caller", EndReason::HangupUser),
            (Some(Direction::Inbound), "callee", EndReason::HangupBot),
            (Some(Direction::Outbound), "unknown", EndReason::Completed),
            (None, "caller", EndReason::Completed),
        ] {
            let cause = "normal_clearing";
            let hangup = Hangup { cause, source, direction, ..Hangup::default() };
            assert_eq!(hangup.reason(), reason, "{direction:?} {source}");
        }
    }

    #[test]
    fn an_end_without_a_cause_is_told_by_its_sip_status_unless_there_was_sound() {
        for (sip, reason) in [
            ("486", EndReason::Busy),
            ("603", EndReason::Rejected),
            ("487", EndReason::NoAnswer),
            ("404", EndReason::Failed),
            ("unspecified", EndReason::Failed),
        ] {
            let hangup = Hangup { cause: "unspecified", sip, ..Hangup::default() };
            assert_eq!(hangup.reason(), reason, "{sip}");
            let connected = Hangup { had_media: true, ..hangup };
            assert_eq!(connected.reason(), EndReason::Completed, "{sip}");
        }
    }

    #[test]
    fn every_result_of_detection_is_known_and_no_other() {
        let (standard, premium) =
            ("call.machine.detection.ended", "call.machine.premium.detection.ended");
        let (greeting, premium_greeting) =
            ("call.machine.greeting.ended", "call.machine.premium.greeting.ended");
        for (event, result, by) in [
            (standard, "human", Some(AnsweredBy::Human)),
            (standard, "machine", Some(AnsweredBy::Machine)),
            (standard, "not_sure", Some(AnsweredBy::Unknown)),
            (premium, "human_residence", Some(AnsweredBy::Human)),
            (premium, "human_business", Some(AnsweredBy::Human)),
            (premium, "machine", Some(AnsweredBy::Machine)),
            (premium, "silence", Some(AnsweredBy::Unknown)),
            (premium, "fax_detected", Some(AnsweredBy::Fax)),
            (premium, "not_sure", Some(AnsweredBy::Unknown)),
            (greeting, "beep_detected", Some(AnsweredBy::Machine)),
            (greeting, "ended", Some(AnsweredBy::Machine)),
            (greeting, "not_sure", None),
            (premium_greeting, "beep_detected", Some(AnsweredBy::Machine)),
            (premium_greeting, "no_beep_detected", None),
            (standard, "robot", None),
            ("call.gather.ended", "human", None),
        ] {
            assert_eq!(answered_by(event, result), by, "{event} {result}");
        }
    }
}
