//! Carrier, database and API beside each other, call by call: what is lost, doubled or stuck?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A call that was asked for by the API, under an idempotency key and to a number of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) key: String,
    pub(super) to: String,
    /// The calls that the answers named; several answers are to name the same one.
    pub(super) acknowledged: BTreeSet<String>,
    /// Whether the last answer was that nothing was done.
    pub(super) refused: bool,
    /// Whether a hangup was acknowledged.
    pub(super) hung_up: bool,
    /// The sentences to be spoken that were acknowledged.
    pub(super) spoken: Vec<String>,
}

/// A call as it truly is.
#[derive(Clone, Debug, Default)]
pub(super) struct CarrierCall {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) is_inbound: bool,
    pub(super) to: String,
    pub(super) is_over: bool,
    pub(super) heard: Vec<String>,
    /// Whether the webhook that offered it to us was acknowledged.
    pub(super) is_acknowledged: bool,
    /// What the person said, as far as the webhook that brought it was acknowledged.
    pub(super) said: Vec<String>,
}

/// A call as the API shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct ApiCall {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) provider_call_id: Option<String>,
    pub(super) is_inbound: bool,
    pub(super) to: String,
    pub(super) is_over: bool,
    /// Whether its dial may still turn out either way: the outcome is unknown, and the deadline by
    /// which it must be decided lies ahead.
    pub(super) is_undecided: bool,
    pub(super) transcript: Vec<String>,
}

impl fmt::Display for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, provider, provider_call_id, is_inbound, to, is_undecided, .. } = self;
        let way = if *is_inbound { "from" } else { "to" };
        let theirs = provider_call_id.as_deref().unwrap_or("no id");
        let undecided = if *is_undecided { ", undecided" } else { "" };
        write!(f, "{id} {way} {provider} ({theirs}), to {to}{undecided}")
    }
}

/// A call as the file has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredCall {
    pub(crate) id: String,
    pub(crate) is_over: bool,
    pub(crate) carrier_ids: BTreeSet<String>,
}

/// What all of them say at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) asked: Vec<Asked>,
    pub(super) carrier: Vec<CarrierCall>,
    pub(super) api: Vec<ApiCall>,
    pub(super) stored: Vec<StoredCall>,
    /// The call of each idempotency key.
    pub(super) keys: BTreeMap<String, String>,
}

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// It was acknowledged, or it lives, and is not known.
    Lost(String),
    /// It is there more often than it was asked for.
    Doubled(String),
    /// It has no end, or holds what it should have given back.
    Stuck(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "lost: {what}"),
            Self::Doubled(what) => write!(f, "doubled: {what}"),
            Self::Stuck(what) => write!(f, "stuck: {what}"),
        }
    }
}

impl Books {
    /// Everything that is lost, doubled or stuck.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.what_was_asked(&mut findings);
        self.what_is_at_the_carrier(&mut findings);
        self.what_we_know(&mut findings);
        self.what_is_stored(&mut findings);
        findings
    }

    fn api_call(&self, id: &str) -> Option<&ApiCall> {
        self.api.iter().find(|call| call.id == id)
    }

    /// Our call that this one of the carrier's is.
    fn ours(&self, theirs: &CarrierCall) -> impl Iterator<Item = &ApiCall> {
        self.api.iter().filter(move |call| {
            let by_api = call.provider_call_id.as_ref() == Some(&theirs.id);
            let stored = self.stored.iter().find(|stored| stored.id == call.id);
            let by_store = stored.is_some_and(|stored| stored.carrier_ids.contains(&theirs.id));
            call.provider == theirs.provider && (by_api || by_store)
        })
    }

    /// The carrier's call that this one of ours is.
    fn theirs(&self, ours: &ApiCall) -> Option<&CarrierCall> {
        self.carrier.iter().find(|theirs| self.ours(theirs).any(|call| call.id == ours.id))
    }

    fn what_was_asked(&self, findings: &mut Vec<Finding>) {
        for Asked { key, to, acknowledged, refused, hung_up, spoken } in &self.asked {
            let placed = self.api.iter().filter(|call| !call.is_inbound && call.to == *to).count();
            let dialled =
                self.carrier.iter().filter(|call| !call.is_inbound && call.to == *to).count();
            if placed > 1 || dialled > 1 {
                let text = format!("{key:?} is {placed} calls of ours, {dialled} at the carrier");
                findings.push(Finding::Doubled(text));
            }
            if *refused && placed + dialled > 0 {
                findings.push(Finding::Doubled(format!("{key:?} was refused, and is there")));
            }
            if acknowledged.len() > 1 {
                findings.push(Finding::Doubled(format!("{key:?} was answered: {acknowledged:?}")));
            }
            for id in acknowledged {
                if self.keys.get(key) != Some(id) {
                    findings.push(Finding::Lost(format!("{key:?}, acknowledged as {id}")));
                }
                let Some(call) = self.api_call(id) else {
                    findings.push(Finding::Lost(format!("call {id}, acknowledged for {key:?}")));
                    continue;
                };
                if *hung_up && !call.is_over {
                    findings.push(Finding::Stuck(format!("{id}, whose hangup was acknowledged")));
                }
                for text in spoken.iter().filter(|text| !call.transcript.contains(text)) {
                    let text = format!("{text:?}, acknowledged, in the transcript of {id}");
                    findings.push(Finding::Lost(text));
                }
            }
        }
    }

    fn what_is_at_the_carrier(&self, findings: &mut Vec<Finding>) {
        for call in &self.carrier {
            let CarrierCall { id, provider, to, .. } = call;
            let ours: Vec<&ApiCall> = self.ours(call).collect();
            if ours.len() > 1 {
                let text = format!("{provider} call {id} is {} calls of ours", ours.len());
                findings.push(Finding::Doubled(text));
            }
            let is_asked_for = self.asked.iter().any(|asked| asked.to == *to);
            if !call.is_inbound && !is_asked_for {
                let text = format!("{provider} call {id} was dialled, and nobody asked for it");
                findings.push(Finding::Doubled(text));
            }
            if !call.is_over && !ours.iter().any(|ours| !ours.is_over) {
                let text = format!("{provider} call {id} is live, and not for us");
                findings.push(Finding::Lost(text));
            }
            if call.is_inbound && call.is_acknowledged && ours.is_empty() {
                let text = format!("{provider} call {id}, whose offer was acknowledged");
                findings.push(Finding::Lost(text));
            }
            for text in repeated(&call.heard) {
                findings.push(Finding::Doubled(format!("{text:?} was heard twice on {id}")));
            }
            for text in &call.said {
                // What is said in one breath is one utterance.
                let count = |call: &&ApiCall| -> usize {
                    call.transcript.iter().map(|heard| heard.matches(text).count()).sum()
                };
                match ours.first().map_or(0, count) {
                    1 => {}
                    0 => findings.push(Finding::Lost(format!("{text:?}, said on {id}"))),
                    _ => findings.push(Finding::Doubled(format!("{text:?}, said once on {id}"))),
                }
            }
        }
    }

    fn what_we_know(&self, findings: &mut Vec<Finding>) {
        for call in &self.api {
            let ApiCall { id, provider, .. } = call;
            let is_asked_for = self.asked.iter().any(|asked| asked.to == call.to);
            if !call.is_inbound && !is_asked_for {
                findings.push(Finding::Doubled(format!("{id} was placed, and not asked for")));
            }
            if call.is_over || call.is_undecided {
                continue;
            }
            match self.theirs(call) {
                Some(theirs) if !theirs.is_over => {}
                Some(theirs) => {
                    let text = format!("{id} is live, and {provider} call {} is over", theirs.id);
                    findings.push(Finding::Stuck(text));
                }
                None => {
                    findings.push(Finding::Stuck(format!("{id} is live, and not at {provider}")));
                }
            }
        }
    }

    fn what_is_stored(&self, findings: &mut Vec<Finding>) {
        for stored in &self.stored {
            match self.api_call(&stored.id) {
                Some(call) if call.is_over == stored.is_over => {}
                Some(call) => {
                    let (shown, kept) = (call.is_over, stored.is_over);
                    let text = format!("{}: over for the API {shown}, stored {kept}", stored.id);
                    findings.push(Finding::Stuck(text));
                }
                None => findings.push(Finding::Lost(format!("stored call {}", stored.id))),
            }
        }
        let stored: BTreeSet<&str> = self.stored.iter().map(|call| call.id.as_str()).collect();
        for call in self.api.iter().filter(|call| !stored.contains(call.id.as_str())) {
            findings.push(Finding::Lost(format!("{} is in no row of the store", call.id)));
        }
    }
}

/// The texts that are there more than once.
fn repeated(texts: &[String]) -> BTreeSet<&String> {
    let mut seen = BTreeSet::new();
    texts.iter().filter(|text| !seen.insert(*text)).collect()
}
