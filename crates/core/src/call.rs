//! What a call is called: our id, the carrier's ids, its steps and turns, and the URLs that bring
//! a carrier back to it.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;
use uuid::Uuid;

/// Our id of a call: a UUID, sortable by time when it is version 7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(Uuid);

impl CallId {
    /// The greatest id there can be, for ranges.
    pub const LAST: Self = Self(Uuid::max());

    /// Wraps a UUID. The caller draws it (version 7 keeps ids in order of time).
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID itself.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for CallId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// The name of a provider: `twilio`, `plivo`, `telnyx`, or one of your own.
///
/// An open newtype and not an enum: a provider that this crate never heard of is a provider too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderName(Cow<'static, str>);

impl ProviderName {
    /// Names a provider at compile time. Lower-case letters, as it stands in URLs.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ProviderName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One carrier id of a call, with its kind and the rank of that kind.
///
/// Carriers give several: Plivo a request id first and the call's own later, Telnyx a control, a
/// leg and a session id. Commands go to the id of the highest rank.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProviderCallId {
    kind: Cow<'static, str>,
    rank: u8,
    value: String,
}

impl ProviderCallId {
    /// An id of a kind (the carrier's word, `"call"` or `"request"`) and the rank of that kind.
    pub fn new(kind: impl Into<Cow<'static, str>>, rank: u8, value: impl Into<String>) -> Self {
        Self { kind: kind.into(), rank, value: value.into() }
    }

    /// The carrier's word for this kind of id.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id itself, as the carrier wrote it.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// The carrier ids of one call, lowest rank first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderCallIds(#[serde(deserialize_with = "no_larger")] Vec<ProviderCallId>);

/// A list that is read has room for four, and most calls have one id.
fn no_larger<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ProviderCallId>, D::Error> {
    let mut ids = Vec::deserialize(from)?;
    ids.shrink_to_fit();
    Ok(ids)
}

impl ProviderCallIds {
    /// No id yet: the carrier has not answered.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Just this id.
    #[must_use]
    pub fn of(id: ProviderCallId) -> Self {
        Self(vec![id])
    }

    /// The id to which commands go: the one of the highest rank.
    #[must_use]
    pub fn current(&self) -> Option<&ProviderCallId> {
        self.0.last()
    }

    /// The value of [`current`](Self::current).
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.current().map(ProviderCallId::value)
    }

    /// All of them, lowest rank first.
    pub fn iter(&self) -> impl Iterator<Item = &ProviderCallId> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in the ids that are new, and says whether there were any.
    ///
    /// A kind that is already known keeps its first value, so that neither a late answer nor
    /// another leg can take a call over.
    pub fn merge(&mut self, others: &Self) -> bool {
        let before = self.0.len();
        for other in &others.0 {
            if !self.0.iter().any(|known| known.kind == other.kind) {
                let place = self.0.partition_point(|known| known.rank <= other.rank);
                self.0.insert(place, other.clone());
            }
        }
        self.0.len() != before
    }
}

/// The number of a call's script: +1 with each new plan.
///
/// It stands in every callback URL, so that a request that belongs to an older plan is known as
/// such.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Step(pub u32);

impl Step {
    /// The step after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a turn in a conversation: what is said in it answers no other turn.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Turn(pub u32);

impl Turn {
    /// The turn after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a provider's callbacks arrive: the public URL of one webhook endpoint.
///
/// It comes from configuration and never from a request, so that nobody can lead a carrier
/// elsewhere by a `Host` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callbacks {
    /// Shared: every reply to a carrier names it.
    endpoint: Arc<Url>,
}

impl Callbacks {
    /// Callbacks to this endpoint, `https://voice.example.com/webhooks/twilio`. A fragment of it is
    /// left out.
    #[must_use]
    pub fn to(mut endpoint: Url) -> Self {
        endpoint.set_fragment(None);
        Self { endpoint: Arc::new(endpoint) }
    }

    /// The endpoint itself: what stands in a carrier's console for inbound calls.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }
}

/// What a provider needs to know of a call to steer it: ids, step and callback URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRef {
    /// Our id.
    pub id: CallId,
    /// The carrier's ids.
    pub ids: ProviderCallIds,
    /// The step whose plan is being carried out.
    pub step: Step,
    /// Where callbacks go.
    pub callbacks: Callbacks,
}

/// Enough for call, step and kind, and for what a provider may put behind them.
const USUAL_QUERY: usize = 96;

impl CallRef {
    /// The callback URL of this call and step for one `kind` of request (a word of the provider
    /// crate's own, in letters).
    ///
    /// Call, step and kind together make two genuine requests differ in their signed bytes unless
    /// one repeats the other; that is what deduplication rests on.
    #[must_use]
    pub fn callback(&self, kind: &str) -> String {
        // Nothing of it has to be encoded.
        let endpoint = &self.callbacks.endpoint;
        let joint = if endpoint.query().is_some() { '&' } else { '?' };
        let mut url = String::with_capacity(endpoint.as_str().len() + USUAL_QUERY);
        url.push_str(endpoint.as_str());
        url.push(joint);
        // Into a String nothing fails.
        let _ = write!(url, "call={}&step={}&kind={kind}", self.id, self.step);
        url
    }
}

/// What a callback URL of ours says: the way back from [`CallRef::callback`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalledBack {
    /// Our id of the call; `None` if it is not there, or none.
    pub call: Option<CallId>,
    /// The step.
    pub step: Option<Step>,
    /// The provider crate's own word for the kind of request.
    pub kind: Option<String>,
}

impl CalledBack {
    /// Reads a URL. The last of a repeated parameter counts.
    #[must_use]
    pub fn read(url: &str) -> Self {
        let mut called = Self::default();
        // A URL may be told with the retry policy that was set for it.
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let query = url.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "call" => called.call = value.parse().ok(),
                "step" => called.step = value.parse().ok().map(Step),
                "kind" => called.kind = Some(value.into_owned()),
                _ => {}
            }
        }
        called
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_kind_of_id_is_never_replaced_by_an_older() {
        let mut ids = ProviderCallIds::of(ProviderCallId::new("call", 2, "CALL"));
        assert!(ids.merge(&ProviderCallIds::of(ProviderCallId::new("request", 1, "REQUEST"))));
        assert_eq!(ids.value(), Some("CALL"));
        assert!(!ids.merge(&ProviderCallIds::of(ProviderCallId::new("call", 2, "OTHER"))));
        assert_eq!(ids.value(), Some("CALL"));
    }

    #[test]
    fn callback_urls_keep_the_prefix_and_differ_by_call_step_and_kind() {
        let call = CallRef {
            id: CallId::new(Uuid::nil()),
            ids: ProviderCallIds::none(),
            step: Step(3),
            callbacks: Callbacks::to(
                Url::parse("https://voice.example.com/phone/webhooks/twilio").unwrap(),
            ),
        };
        assert_eq!(
            call.callback("gather"),
            "https://voice.example.com/phone/webhooks/twilio\
             ?call=00000000-0000-0000-0000-000000000000&step=3&kind=gather"
        );
        let read = CalledBack::read(&format!("{}#rc=1", call.callback("gather")));
        let kind = Some("gather".to_owned());
        assert_eq!(read, CalledBack { call: Some(call.id), step: Some(call.step), kind });
        assert_eq!(CalledBack::read("https://a.example/x?call=7&step=-1"), CalledBack::default());
    }
}
