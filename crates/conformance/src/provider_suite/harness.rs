//! What the suite needs to know of a carrier: the tests of its provider tell it.

use std::sync::Arc;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use offhook_core::{
    CallEvent, CallId, CallRef, EndReason, ListenFor, Party, Progress, ProviderCallIds, Transport,
    TransportRequest, TransportResponse, VoiceProvider, WebhookReply, WebhookRequest,
};

use super::{Answered, Command};
use crate::Secrets;

/// A carrier as its description tells, for the suite to hold the provider against.
///
/// Nothing here may come from the provider's own code: signatures are made by another hand, answers
/// and webhooks are the carrier's documented ones, and what was sent is read by a reader of the
/// harness's own. A suite that signs and verifies by the same code agrees with its mistakes.
pub trait ProviderHarness: Sync {
    /// The cases that do not concern this carrier, each with the reason that the case itself gives.
    /// One that is skipped and not listed fails, and so does one that is listed and not skipped.
    fn skips(&self) -> &'static [(&'static str, &'static str)];

    /// The provider over a transport, with one key.
    fn provider(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider>;

    /// The same while its webhook key is rotated: [`Signer::Previous`] is accepted too.
    fn rotating(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider>;

    /// What must not be printed: the keys that the provider was made with, and [`FROM`](super::FROM)
    /// and [`TO`](super::TO).
    fn secrets(&self) -> Secrets;

    /// What this provider prints beside what the trait makes it print: its configuration, what it
    /// explains of a signature.
    fn printed(&self) -> Vec<String>;

    /// A call that the carrier knows: with ids, at a step of its own.
    fn call(&self) -> CallRef;

    /// When the webhooks of this harness are received.
    fn now(&self) -> Timestamp;

    /// Genuine webhooks, as documented, signed with [`Signer::Current`]: at least one of each sort.
    /// Those that tell of a call tell of [`call`](Self::call). No two are the same delivery.
    fn webhooks(&self) -> Vec<Genuine>;

    /// Webhooks in which every byte of what is signed is changed: a short one of each form.
    fn to_tamper_with(&self) -> Vec<Tamper>;

    /// The headers without which a webhook is refused, the signature's first. Each stands once.
    fn signature_headers(&self) -> &'static [&'static str];

    /// A request with this body, whatever it is, signed as the carrier signs one.
    fn sign(&self, signer: Signer, body: &[u8]) -> WebhookRequest;

    /// The carrier's next attempt at a delivery that was not taken, signed anew if it does that.
    fn retry(&self, of: &WebhookRequest) -> WebhookRequest;

    /// Pairs that the carrier's scheme takes for one request, and what their difference is.
    fn same_to_the_carrier(&self) -> Vec<(&'static str, WebhookRequest, WebhookRequest)>;

    /// How old a signature may be, where the carrier signs a time.
    fn tolerance(&self) -> Option<SignedDuration>;

    /// A dial, read from what was sent.
    fn dialled(&self, request: &TransportRequest) -> Dialled;

    /// Whether a request has the carrier's credentials, and just once.
    fn is_authenticated(&self, request: &TransportRequest) -> bool;

    /// How a request to speak carries this text.
    fn carries(&self, request: &TransportRequest, text: &str) -> Carried;

    /// Whether a document is well-formed and says just this text. Asked only where there are
    /// documents.
    fn says(&self, reply: &WebhookReply, text: &str) -> bool;

    /// What a carrier listens for that was told this, as its description has it. `None` if it does not
    /// listen at all.
    fn listens_for(&self, told: &Told<'_>) -> Option<ListenFor>;

    /// The answer to a dial that was taken, and the ids in it.
    fn created(&self) -> (TransportResponse, ProviderCallIds);

    /// The answer to a command that was carried out. Never asked for [`Command::Dial`].
    fn taken(&self, command: Command) -> TransportResponse;

    /// A refusal in the carrier's own form. Its text holds [`TO`](super::TO), since carriers tell
    /// what was wrong with what they were sent.
    fn refusal(&self, refusal: Refusal) -> TransportResponse;

    /// The carrier's code in [`Refusal::Rejected`].
    fn rejection_code(&self) -> &'static str;

    /// Whether a success without a body, or with any, is this carrier's answer to a command: a 204.
    fn needs_no_body(&self, command: Command) -> bool {
        let _ = command;
        false
    }

    /// Every documented answer about a call.
    fn statuses(&self) -> Vec<Look>;

    /// Answers about a call that are not documented: other words, none at all.
    fn undocumented_statuses(&self) -> Vec<Vec<TransportResponse>>;

    /// Answers that tell of another call than the one that was asked about.
    fn statuses_of_others(&self) -> Vec<Vec<TransportResponse>>;

    /// What a search for [`call`](Self::call) can bring. Asked only with the capability.
    fn searches(&self) -> Vec<Searched>;
}

/// Whose key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The carrier's.
    Current,
    /// The one that it had before.
    Previous,
    /// Somebody else's.
    Stranger,
}

/// A genuine webhook.
#[derive(Debug)]
pub struct Genuine {
    /// What it is, for messages.
    pub name: &'static str,
    /// As it arrives.
    pub request: WebhookRequest,
    /// What it says.
    pub says: Says,
}

/// What a webhook says.
#[derive(Debug)]
pub enum Says {
    /// An inbound call asks to be taken.
    Offer {
        /// Who calls.
        from: Party,
        /// Which of our numbers.
        to: Party,
    },
    /// Something happened to a call that has our id.
    Ours {
        /// What, in order.
        events: Vec<CallEvent>,
        /// Whether the carrier waits for a document.
        waits: bool,
    },
    /// Something about a call of another account.
    Foreign,
    /// A sort of event, or a word, that is not documented, about a call that has our id.
    Undocumented,
}

/// A genuine webhook, and what of it the signature covers.
#[derive(Debug)]
pub struct Tamper {
    /// What it is, for messages.
    pub name: &'static str,
    /// As it arrives.
    pub request: WebhookRequest,
    /// All that is covered, the signature itself left out.
    pub covered: &'static [Part],
}

/// A part of a request that a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The URL, every byte.
    Url,
    /// The parameters of a form, decoded.
    Form,
    /// The body, every byte.
    Body,
    /// A header beside the signature: a nonce, a time.
    Header(&'static str),
}

/// What a dial tells the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// Who is called, in E.164 or as a SIP URI. A harness of a carrier that writes numbers without
    /// a plus sign sets it before them.
    pub to: String,
    /// Who calls.
    pub from: String,
    /// Our id, wherever the carrier brings it back from.
    pub call: Option<CallId>,
    /// Every URL of ours.
    pub callbacks: Vec<String>,
    /// The carrier's limit on ringing, in seconds.
    pub ring_seconds: Option<u64>,
    /// The carrier's limit on the whole call, in seconds.
    pub limit_seconds: Option<u64>,
}

/// How a text is brought to the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// In the request, just as it is.
    Whole,
    /// By a document of ours, which the request tells the carrier to fetch.
    Fetched,
    /// Otherwise than it should be.
    Spoilt,
}

/// What tells a carrier to listen.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// A command, where there are no documents.
    Request(&'a TransportRequest),
    /// A document.
    Reply(&'a WebhookReply),
}

/// A refusal of the carrier's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// For what the request says; not one of those that a command passes over.
    Rejected,
    /// The credentials.
    Unauthenticated,
    /// Something that the account may not do.
    Forbidden,
    /// Too many requests, without a time to wait.
    Throttled,
    /// No such call.
    NotFound,
    /// The call is over.
    Ended,
    /// A fault of the carrier's own.
    ServerError,
}

/// Answers about a call, and what they mean.
#[derive(Debug)]
pub struct Look {
    /// The carrier's word, for messages.
    pub word: &'static str,
    /// The answers, as many as the provider asks for; the last is repeated.
    pub answers: Vec<Answered>,
    /// What they mean.
    pub means: Meaning,
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Not over.
    Live(Option<Progress>),
    /// Over.
    Ended(EndReason),
    /// Not known, or not alive and no more.
    NotFound,
}

/// Answers to a search, and what was found.
#[derive(Debug)]
pub struct Searched {
    /// What is listed, for messages.
    pub name: &'static str,
    /// The answers; the last is repeated.
    pub answers: Vec<Answered>,
    /// What it comes to.
    pub finds: Finding,
}

/// What a search finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The call itself.
    Found(ProviderCallIds),
    /// Calls that may be it.
    Candidates(Vec<ProviderCallIds>),
    /// None.
    Nothing,
}

/// The methods that no carrier calls a webhook by.
pub(super) const OTHER_METHODS: [Method; 4] =
    [Method::PUT, Method::DELETE, Method::HEAD, Method::PATCH];
