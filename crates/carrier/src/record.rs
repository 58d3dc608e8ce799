//! What the emulator remembers of each call: the oracle behind the control API.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// A text that the person on the line heard, or began to hear.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Heard {
    /// The whole text, also if it was broken off.
    pub text: String,
    /// Whether it was spoken to its end.
    pub complete: bool,
    /// When it ended or was broken off.
    pub at: Timestamp,
}

/// A call as it truly is at the carrier, whatever its client knows of it. The control API tells
/// the same and more.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Line<'a> {
    /// The carrier's id.
    pub id: &'a str,
    /// Whether a person placed it.
    pub is_inbound: bool,
    /// The status, in the carrier's word.
    pub status: &'a str,
    /// When it ended, if it has, in RFC 3339.
    pub ended_at: Option<&'a str>,
    /// What the person heard, in order.
    pub heard: &'a [Heard],
}

impl CallRecord {
    pub(crate) fn line(&self) -> Line<'_> {
        Line {
            id: &self.id,
            is_inbound: self.direction == "inbound",
            status: &self.status,
            ended_at: self.ended_at.as_deref(),
            heard: &self.heard,
        }
    }
}

/// A request to the carrier's API that was about this call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RequestRecord {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) at: Timestamp,
    /// The status that was answered; none if the connection was closed instead.
    pub(crate) status: Option<u16>,
}

/// A webhook about this call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WebhookRecord {
    pub(crate) url: String,
    pub(crate) kind: &'static str,
    pub(crate) method: String,
    pub(crate) params: BTreeMap<String, String>,
    /// How often it was sent, duplicates included.
    pub(crate) attempts: u32,
    /// The last status that it was answered with.
    pub(crate) status: Option<u16>,
    /// Why the last attempt got no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
    /// When it first was to be sent.
    pub(crate) at: Timestamp,
}

/// Everything about one call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CallRecord {
    pub(crate) id: String,
    pub(crate) provider: &'static str,
    pub(crate) direction: &'static str,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) status: String,
    pub(crate) heard: Vec<Heard>,
    /// The tones that were sent towards the person.
    pub(crate) digits: String,
    pub(crate) documents: Vec<String>,
    pub(crate) requests: Vec<RequestRecord>,
    pub(crate) webhooks: Vec<WebhookRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// When it ended, if it has, in RFC 3339; the status has each carrier's own word for it.
    pub(crate) ended_at: Option<String>,
    /// Why it ended, in the carrier's word, where the status does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'static str>,
}

impl CallRecord {
    pub(crate) fn new(
        id: &str,
        provider: &'static str,
        direction: &'static str,
        from: &str,
        to: &str,
    ) -> Self {
        Self {
            id: id.to_owned(),
            provider,
            direction,
            from: from.to_owned(),
            to: to.to_owned(),
            status: String::new(),
            heard: Vec::new(),
            digits: String::new(),
            documents: Vec::new(),
            requests: Vec::new(),
            webhooks: Vec::new(),
            error: None,
            ended_at: None,
            cause: None,
        }
    }
}

/// The records of all calls, in the order in which they began. Nothing that a
/// client of the carrier does removes one.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    records: Vec<CallRecord>,
    by_id: BTreeMap<String, usize>,
}

impl Ledger {
    pub(crate) fn open(&mut self, record: CallRecord) {
        self.by_id.insert(record.id.clone(), self.records.len());
        self.records.push(record);
    }

    /// Gives a call a second name, by which it can be asked about.
    pub(crate) fn also_known_as(&mut self, name: &str, id: &str) {
        if let Some(index) = self.by_id.get(id).copied() {
            self.by_id.insert(name.to_owned(), index);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&CallRecord> {
        self.records.get(*self.by_id.get(id)?)
    }

    /// Changes the record of a call; of an unknown one nothing.
    pub(crate) fn note(&mut self, id: &str, change: impl FnOnce(&mut CallRecord)) {
        let record = self.by_id.get(id).and_then(|index| self.records.get_mut(*index));
        if let Some(record) = record {
            change(record);
        }
    }

    pub(crate) fn all(&self) -> &[CallRecord] {
        &self.records
    }
}
