//! What a carrier can do.

use std::time::Duration;

/// What a provider can do. The manager asks this and never a provider's name.
///
/// ```
/// let mut capabilities = offhook_core::Capabilities::none();
/// capabilities.documents = true;
/// assert!(!capabilities.answer_call);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The carrier fetches documents: a webhook that waits for one is answered with the call's
    /// plan, and the first document that does not reject an inbound call answers it. Without it,
    /// plans go out as commands.
    pub documents: bool,
    /// `answer_call` works; inbound calls ring until they are answered by it.
    pub answer_call: bool,
    /// `reject_call` works.
    pub reject_call: bool,
    /// `limit_call` works: an inbound call gets limits of the carrier's own after its admission.
    pub limit_call: bool,
    /// `stop_tts` works. A carrier that fetches documents needs it not: another document cuts the
    /// speech off.
    pub stop_tts: bool,
    /// `stop_gathering` works. A carrier that fetches documents needs it not: another document takes
    /// the place of the one that gathers.
    pub stop_gathering: bool,
    /// How long digits are gathered by one command at the longest, before the carrier tells what came of
    /// it. If nothing was told by then, the word of it was lost.
    pub longest_gathering: Duration,
    /// One listening takes speech and digits
    /// ([`ListenFor::SpeechOrDigits`](crate::ListenFor::SpeechOrDigits)).
    pub speech_or_digits: bool,
    /// A document gives the call a limit of the carrier's own
    /// ([`CallPlan::Limited`](crate::CallPlan::Limited)): the first one of an inbound call does.
    pub limit_by_document: bool,
    /// `send_dtmf` works.
    pub send_dtmf: bool,
    /// `find_call` works.
    pub find_call: bool,
    /// `list_live` works.
    pub list_live: bool,
    /// `transfer_call` works.
    pub transfer_call: bool,
    /// SIP URIs can be dialled.
    pub sip: bool,
    /// How many commands one call takes that replace its document; `None` is without limit.
    pub pushes_per_call: Option<u32>,
    /// How long a dialled call may wait in the carrier's queue before it rings.
    pub dial_slack: Duration,
}

impl Capabilities {
    /// A carrier that does just what the nine methods need, by commands.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            documents: false,
            answer_call: false,
            reject_call: false,
            limit_call: false,
            stop_tts: false,
            stop_gathering: false,
            longest_gathering: Duration::from_secs(120),
            speech_or_digits: false,
            limit_by_document: false,
            send_dtmf: false,
            find_call: false,
            list_live: false,
            transfer_call: false,
            sip: false,
            pushes_per_call: None,
            dial_slack: Duration::from_secs(15),
        }
    }
}
