//! Plivo's words and codes for how a call stands and why it ended.

use offhook_core::{AnsweredBy, Cause, Direction, EndReason, Progress};

use EndReason::{
    Busy, Canceled, Completed, Error, Failed, HangupBot, HangupUser, NoAnswer, Rejected, Timeout,
    Voicemail,
};
use Meaning::{CalledOff, HungUp, Is};

/// A documented `CallStatus` (webhooks) or `call_status` (REST).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Live(Progress),
    Over(EndReason),
}

impl Word {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "ringing" => Self::Live(Progress::Ringing),
            "in-progress" => Self::Live(Progress::Answered),
            "completed" => Self::Over(Completed),
            "busy" => Self::Over(Busy),
            "failed" => Self::Over(Failed),
            "timeout" | "no-answer" => Self::Over(NoAnswer),
            "cancel" => Self::Over(Canceled),
            _ => return None,
        })
    }
}

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Is(EndReason),
    /// Somebody hung up: the source says who.
    HungUp,
    /// Called off by a request; after an answer that is a hangup.
    CalledOff,
}

/// Every code but 0, which says that Plivo does not know. Source: Plivo, "Hangup causes".
const CODES: [(u16, &str, Meaning); 57] = [
    (1000, "Cancelled", CalledOff),
    (1010, "Cancelled (Out Of Credits)", Is(Failed)),
    (1020, "Cancelled (Simultaneous Dial Limit Reached)", Is(Failed)),
    (2000, "Invalid Destination Address", Is(Failed)),
    (2010, "Destination Out Of Service", Is(Failed)),
    (2020, "Endpoint Not Registered", Is(Failed)),
    (2030, "Destination Country Barred", Is(Failed)),
    (2040, "Destination Number Barred", Is(Failed)),
    (2050, "Destination Prefix Barred", Is(Failed)),
    (2060, "Loop Detected", Is(Failed)),
    (2070, "Violates Media Anchoring", Is(Failed)),
    (3000, "No Answer", Is(NoAnswer)),
    (3010, "Busy Line", Is(Busy)),
    (3020, "Rejected", Is(Rejected)),
    (3030, "Unknown Caller ID", Is(Failed)),
    (3040, "Forbidden", Is(Failed)),
    (3050, "Unallocated Number", Is(Failed)),
    (3060, "", Is(Failed)),
    (3070, "Request Timeout", Is(Failed)),
    (3080, "Carrier-side Error", Is(Failed)),
    (3090, "Network Congestion", Is(Failed)),
    (3100, "Busy Everywhere", Is(Busy)),
    (3110, "Declined", Is(Rejected)),
    (3120, "User Does Not Exist Anywhere", Is(Failed)),
    (3130, "Spam Block", Is(Failed)),
    (3140, "Do-not-originate Caller ID", Is(Failed)),
    (4000, "Normal Hangup", HungUp),
    (4010, "End Of XML Instructions", Is(HangupBot)),
    (4020, "Multiparty Call Ended", Is(Completed)),
    (4030, "Kicked From Multiparty Call", Is(Completed)),
    (4210, "SIP Authentication Failed", Is(Failed)),
    (4240, "SIP Call Failed", Is(Failed)),
    (4250, "SIP Call Timeout", Is(Failed)),
    (5000, "Network Error", Is(Failed)),
    (5010, "Platform Error", Is(Failed)),
    (5020, "Routing Error", Is(Failed)),
    (5030, "Concurrency Limit Breached", Is(Failed)),
    (6000, "Scheduled Hangup", Is(Timeout)),
    (6010, "Ring Timeout Reached", Is(NoAnswer)),
    (6020, "Media Timeout", Is(Failed)),
    (7011, "Error Reaching Answer URL", Is(Error)),
    (7012, "Error Reaching Action URL", Is(Error)),
    (7013, "Error Reaching Transfer URL", Is(Error)),
    (7014, "Error Reaching Redirect URL", Is(Error)),
    (7022, "Invalid Action URL", Is(Error)),
    (7023, "Invalid Transfer URL", Is(Error)),
    (7024, "Invalid Redirect URL", Is(Error)),
    (7032, "Invalid Method For Action URL", Is(Error)),
    (7033, "Invalid Method For Transfer URL", Is(Error)),
    (7034, "Invalid Method For Redirect URL", Is(Error)),
    (8011, "Invalid Answer XML", Is(Error)),
    (8012, "Invalid Action XML", Is(Error)),
    (8013, "Invalid Transfer XML", Is(Error)),
    (8014, "Invalid Redirect XML", Is(Error)),
    (9000, "Lost Race", Is(Canceled)),
    (9100, "Machine Detected", Is(Voicemail)),
    (9110, "Confirm Key Challenge Failed", Is(Failed)),
];

/// What a hangup callback or a call detail record tells of an end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hangup<'a> {
    /// `HangupCauseCode`.
    pub(crate) code: &'a str,
    /// `HangupCauseName`.
    pub(crate) name: &'a str,
    /// `HangupCause`, the older text.
    pub(crate) cause: &'a str,
    /// `HangupSource`.
    pub(crate) source: &'a str,
    /// `CallStatus`.
    pub(crate) word: &'a str,
    pub(crate) direction: Option<Direction>,
    /// Whether the call was connected, as far as it is told.
    pub(crate) answered: bool,
}

impl Hangup<'_> {
    pub(crate) fn reason(&self) -> EndReason {
        let by_word = match Word::parse(self.word) {
            Some(Word::Over(reason)) => Some(reason),
            _ => None,
        };
        match (self.meaning(), by_word) {
            (Some(Is(reason)), _) => reason,
            (Some(CalledOff), _) if self.was_connected() => HangupBot,
            (Some(CalledOff), _) => Canceled,
            // Somebody hung up before it was connected: the word tells what came of it.
            (Some(HungUp), Some(reason)) if reason != Completed => reason,
            (Some(HungUp), _) => self.by_whom(),
            (None, Some(reason)) if !matches!(reason, Completed | Failed) => reason,
            (None, _) => match (self.by_range(), by_word) {
                (Some(reason), _) => reason,
                (None, Some(Failed)) => Failed,
                (None, _) if self.was_connected() => self.by_whom(),
                (None, _) => Failed,
            },
        }
    }

    /// A code that is not documented is of the kind of its neighbours.
    fn by_range(&self) -> Option<EndReason> {
        match self.code.parse().ok()? {
            2000..=3999 | 5000..=5999 => Some(Failed),
            7000..=8999 => Some(Error),
            _ => None,
        }
    }

    fn meaning(&self) -> Option<Meaning> {
        if let Some((_, _, meaning)) = self.entry() {
            return Some(*meaning);
        }
        Some(match self.cause {
            "NORMAL_CLEARING" => HungUp,
            "USER_BUSY" => Is(Busy),
            "NO_ANSWER" | "NO_USER_RESPONSE" => Is(NoAnswer),
            "CALL_REJECTED" => Is(Rejected),
            "ORIGINATOR_CANCEL" => CalledOff,
            "UNALLOCATED_NUMBER" | "NETWORK_OUT_OF_ORDER" => Is(Failed),
            _ => return None,
        })
    }

    fn entry(&self) -> Option<&'static (u16, &'static str, Meaning)> {
        let code: u16 = self.code.parse().ok()?;
        CODES.iter().find(|(known, _, _)| *known == code)
    }

    fn was_connected(&self) -> bool {
        self.answered || self.word == "completed"
    }

    /// The caller of an outbound call is we, the one of an inbound call is the other side.
    fn by_whom(&self) -> EndReason {
        use Direction::{Inbound, Outbound};
        match (self.direction, self.source) {
            (Some(Outbound), "Callee" | "Call recipient") | (Some(Inbound), "Caller") => HangupUser,
            (Some(Outbound), "Caller") | (Some(Inbound), "Callee" | "Call recipient") => HangupBot,
            (_, "API Request" | "Answer XML" | "Plivo") => HangupBot,
            _ => Completed,
        }
    }

    /// Plivo's own words for it; none for an end that needs no explaining.
    pub(crate) fn words(&self) -> Option<Cause> {
        let name = [self.name, self.entry().map_or("", |(_, name, _)| name), self.cause];
        let name = name.into_iter().find(|name| !name.is_empty());
        let is_normal = matches!(self.meaning(), Some(HungUp))
            && matches!(self.reason(), Completed | HangupBot | HangupUser);
        if is_normal || self.code.is_empty() && name.is_none() {
            return None;
        }
        let mut text = name.unwrap_or("no cause").to_owned();
        if !self.source.is_empty() {
            text.extend(["; ended by: ", self.source]);
        }
        let code = if self.code.is_empty() { self.cause } else { self.code };
        Some(Cause::new(code, text))
    }
}

/// `Machine` of answering-machine detection.
pub(crate) fn answered_by(machine: &str) -> Option<AnsweredBy> {
    match machine {
        "true" => Some(AnsweredBy::Machine),
        "false" => Some(AnsweredBy::Human),
        _ => None,
    }
}
