//! What goes wrong in a story.

/// What goes wrong, once. The number beside it in a story tells which one of its kind is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A request finds no connection.
    RequestNotSent,
    /// A request is on its way for so many milliseconds.
    RequestLate(u64),
    /// A request is answered with 429.
    RequestThrottled,
    /// A request is answered with 503, and was not carried out.
    RequestFailed,
    /// A request is carried out, and answered with 500.
    RequestFailedAfterAll,
    /// A request is answered with 401.
    RequestUnauthorized,
    /// A request is carried out, and a page comes with 401.
    RequestUnauthorizedAfterAll,
    /// A page comes with 200 instead of an answer; nothing was carried out.
    RequestPage,
    /// A request is carried out, and a page comes with 200.
    RequestPageAfterAll,
    /// A request is carried out, and the connection breaks.
    RequestBroken,
    /// A request gets lost.
    RequestLost,
    /// A request is carried out, and its answer gets lost.
    AnswerLost,
    /// The answer to a request comes so many milliseconds late.
    AnswerLate(u64),
    /// A webhook finds no connection.
    WebhookDropped,
    /// A webhook is on its way for so many milliseconds.
    WebhookLate(u64),
    /// A webhook comes once more so many milliseconds later.
    WebhookTwice(u64),
    /// A webhook's answer gets lost.
    WebhookAnswerLost,
    /// A webhook's answer comes when nobody waits any more.
    WebhookAnswerLate,
    /// A commit is refused.
    CommitRefused,
    /// A commit takes so many milliseconds.
    CommitSlow(u64),
    /// A commit is written, and the store does not know.
    CommitUnclearWritten,
    /// A commit is not written, and the store does not know.
    CommitUnclearLost,
    /// The store cannot be read.
    ReadFailed,
}

/// What a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Request,
    Webhook,
    Commit,
    Read,
}

impl Fault {
    /// One of each kind, its time not chosen yet.
    pub(crate) const KINDS: [Self; 23] = [
        Self::RequestNotSent,
        Self::RequestLate(0),
        Self::RequestThrottled,
        Self::RequestFailed,
        Self::RequestFailedAfterAll,
        Self::RequestUnauthorized,
        Self::RequestUnauthorizedAfterAll,
        Self::RequestPage,
        Self::RequestPageAfterAll,
        Self::RequestBroken,
        Self::RequestLost,
        Self::AnswerLost,
        Self::AnswerLate(0),
        Self::WebhookDropped,
        Self::WebhookLate(0),
        Self::WebhookTwice(0),
        Self::WebhookAnswerLost,
        Self::WebhookAnswerLate,
        Self::CommitRefused,
        Self::CommitSlow(0),
        Self::CommitUnclearWritten,
        Self::CommitUnclearLost,
        Self::ReadFailed,
    ];

    pub(crate) const fn befalls(self) -> Kind {
        match self {
            Self::RequestNotSent
            | Self::RequestLate(_)
            | Self::RequestThrottled
            | Self::RequestFailed
            | Self::RequestFailedAfterAll
            | Self::RequestUnauthorized
            | Self::RequestUnauthorizedAfterAll
            | Self::RequestPage
            | Self::RequestPageAfterAll
            | Self::RequestBroken
            | Self::RequestLost
            | Self::AnswerLost
            | Self::AnswerLate(_) => Kind::Request,
            Self::WebhookDropped
            | Self::WebhookLate(_)
            | Self::WebhookTwice(_)
            | Self::WebhookAnswerLost
            | Self::WebhookAnswerLate => Kind::Webhook,
            Self::CommitRefused
            | Self::CommitSlow(_)
            | Self::CommitUnclearWritten
            | Self::CommitUnclearLost => Kind::Commit,
            Self::ReadFailed => Kind::Read,
        }
    }

    /// The word for it, without its number.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::RequestNotSent => "request not sent",
            Self::RequestLate(_) => "request late",
            Self::RequestThrottled => "request throttled",
            Self::RequestFailed => "request 503",
            Self::RequestFailedAfterAll => "request 500, carried out",
            Self::RequestUnauthorized => "request 401",
            Self::RequestUnauthorizedAfterAll => "request 401, carried out",
            Self::RequestPage => "request got a page",
            Self::RequestPageAfterAll => "request got a page, carried out",
            Self::RequestBroken => "request broken off, carried out",
            Self::RequestLost => "request lost",
            Self::AnswerLost => "answer lost",
            Self::AnswerLate(_) => "answer late",
            Self::WebhookDropped => "webhook dropped",
            Self::WebhookLate(_) => "webhook late",
            Self::WebhookTwice(_) => "webhook twice",
            Self::WebhookAnswerLost => "webhook's answer lost",
            Self::WebhookAnswerLate => "webhook's answer too late",
            Self::CommitRefused => "commit refused",
            Self::CommitSlow(_) => "commit slow",
            Self::CommitUnclearWritten => "commit unclear, written",
            Self::CommitUnclearLost => "commit unclear, not written",
            Self::ReadFailed => "read failed",
        }
    }
}

/// What lasts for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weather {
    /// Nothing of ours reaches the carrier.
    CarrierUnreachable,
    /// Our key is refused.
    KeyRevoked,
    /// Nothing of the carrier's reaches us.
    Unreachable,
    /// The store is full.
    StoreFull,
    /// The carrier does not know the calls that it is asked about.
    CallsForgotten,
}

impl Weather {
    /// All of it.
    pub(crate) const ALL: [Self; 5] = [
        Self::CarrierUnreachable,
        Self::KeyRevoked,
        Self::Unreachable,
        Self::StoreFull,
        Self::CallsForgotten,
    ];

    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::CarrierUnreachable => "carrier unreachable",
            Self::KeyRevoked => "key revoked",
            Self::Unreachable => "we are unreachable",
            Self::StoreFull => "store full",
            Self::CallsForgotten => "calls forgotten",
        }
    }
}
