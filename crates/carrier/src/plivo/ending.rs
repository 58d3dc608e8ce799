//! How calls end, in Plivo's words.

use super::fetching::Purpose;

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The last `CallStatus`.
    pub(crate) status: &'static str,
    pub(crate) code: u16,
    /// The name of the code.
    pub(crate) name: &'static str,
    /// The older word, `HangupCause`.
    pub(crate) cause: &'static str,
    pub(crate) source: &'static str,
}

impl Ending {
    const fn new(
        status: &'static str,
        code: u16,
        name: &'static str,
        cause: &'static str,
        source: &'static str,
    ) -> Self {
        Self { status, code, name, cause, source }
    }

    /// A person hung up a call that was answered.
    pub(crate) const fn by_person(inbound: bool) -> Self {
        let source = if inbound { "Caller" } else { "Callee" };
        Self::new("completed", 4000, "Normal Hangup", "NORMAL_CLEARING", source)
    }

    /// The called person declined.
    pub(crate) const DECLINED: Self =
        Self::new("busy", 3020, "Rejected", "CALL_REJECTED", "Callee");

    /// The caller gave up before anybody answered.
    pub(crate) const GIVEN_UP: Self =
        Self::new("no-answer", 1000, "Cancelled", "ORIGINATOR_CANCEL", "Caller");

    pub(crate) const BUSY: Self = Self::new("busy", 3010, "Busy Line", "USER_BUSY", "Carrier");

    pub(crate) const UNALLOCATED: Self =
        Self::new("failed", 3050, "Unallocated Number", "UNALLOCATED_NUMBER", "Carrier");

    /// The far end's own network stopped the ringing.
    pub(crate) const NO_ANSWER: Self =
        Self::new("no-answer", 3000, "No Answer", "NO_USER_RESPONSE", "Carrier");

    /// The call rang for as long as was asked.
    pub(crate) const RING_TIMEOUT: Self =
        Self::new("timeout", 6010, "Ring Timeout Reached", "NO_ANSWER", "Plivo");

    /// A limit or a scheduled hangup.
    pub(crate) const fn scheduled(answered: bool) -> Self {
        let (status, cause) = if answered {
            ("completed", "NORMAL_CLEARING")
        } else {
            ("cancel", "ORIGINATOR_CANCEL")
        };
        Self::new(status, 6000, "Scheduled Hangup", cause, "Plivo")
    }

    /// By a request of the client.
    pub(crate) const fn by_request(answered: bool) -> Self {
        if answered {
            Self::new("completed", 4000, "Normal Hangup", "NORMAL_CLEARING", "API Request")
        } else {
            Self::new("cancel", 1000, "Cancelled", "ORIGINATOR_CANCEL", "API Request")
        }
    }

    /// By the request that ends all calls; Plivo is known to give no reason then.
    pub(crate) const fn with_all_others(answered: bool) -> Self {
        let by_request = Self::by_request(answered);
        Self { code: 0, name: "Unknown", ..by_request }
    }

    /// A document said so.
    pub(crate) const HANGUP_ELEMENT: Self =
        Self::new("completed", 4000, "Normal Hangup", "NORMAL_CLEARING", "Answer XML");

    /// The document was over.
    pub(crate) const END_OF_XML: Self =
        Self::new("completed", 4010, "End Of XML Instructions", "NORMAL_CLEARING", "Plivo");

    /// A document refused a call that was ringing.
    pub(crate) const fn refused(busy: bool) -> Self {
        if busy {
            Self::new("busy", 3010, "Busy Line", "USER_BUSY", "Answer XML")
        } else {
            Self::new("failed", 3020, "Rejected", "CALL_REJECTED", "Answer XML")
        }
    }

    /// One transfer too many.
    pub(crate) const LOOP: Self =
        Self::new("completed", 2060, "Loop Detected", "NORMAL_CLEARING", "Plivo");

    pub(crate) const MACHINE: Self =
        Self::new("completed", 9100, "Machine Detected", "NORMAL_CLEARING", "Plivo");

    /// A document that could not be had, or not be understood.
    pub(crate) const fn faulty(problem: Problem, of: Purpose, answered: bool) -> Self {
        let (code, name) = match (problem, of) {
            (Problem::Unreachable, Purpose::Answer) => (7011, "Error Reaching Answer URL"),
            (Problem::Unreachable, Purpose::Action) => (7012, "Error Reaching Action URL"),
            (Problem::Unreachable, Purpose::Transfer) => (7013, "Error Reaching Transfer URL"),
            (Problem::Unreachable, Purpose::Redirect) => (7014, "Error Reaching Redirect URL"),
            (Problem::Url, Purpose::Answer | Purpose::Action) => (7022, "Invalid Action URL"),
            (Problem::Url, Purpose::Transfer) => (7023, "Invalid Transfer URL"),
            (Problem::Url, Purpose::Redirect) => (7024, "Invalid Redirect URL"),
            (Problem::Method, Purpose::Answer | Purpose::Action) => {
                (7032, "Invalid Method For Action URL")
            }
            (Problem::Method, Purpose::Transfer) => (7033, "Invalid Method For Transfer URL"),
            (Problem::Method, Purpose::Redirect) => (7034, "Invalid Method For Redirect URL"),
            (Problem::Xml, Purpose::Answer) => (8011, "Invalid Answer XML"),
            (Problem::Xml, Purpose::Action) => (8012, "Invalid Action XML"),
            (Problem::Xml, Purpose::Transfer) => (8013, "Invalid Transfer XML"),
            (Problem::Xml, Purpose::Redirect) => (8014, "Invalid Redirect XML"),
        };
        let status = if answered { "completed" } else { "failed" };
        Self::new(status, code, name, "NORMAL_CLEARING", "Error")
    }
}

/// What is wrong with a document, or with the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Unreachable,
    Url,
    Method,
    Xml,
}
