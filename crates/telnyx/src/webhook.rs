//! Verified requests, read into events.

use std::borrow::Cow;
use std::fmt;

use offhook_core::{
    Answer, CallEvent, Direction, Offer, ParsedWebhook, Party, ProviderCallId, ProviderCallIds,
    Step, UndecodableWebhook, VerifiedWebhook, WebhookReply,
};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::client_state::ClientState;
use crate::status::{Hangup, answered_by};

/// What a callback URL of ours is for.
pub(crate) mod kind {
    /// The webhooks of a call that we placed.
    pub(crate) const OUTBOUND: &str = "outbound";
    /// The webhooks of a call that we answered.
    pub(crate) const INBOUND: &str = "inbound";
}

/// The ids of one leg. The id of the session is left out: several legs have it, so that it names no
/// call.
pub(crate) fn call_ids(control: &str, leg: Option<&str>) -> ProviderCallIds {
    let mut ids = ProviderCallIds::none();
    let mut merge = |kind: &'static str, rank, value: &str| {
        if !value.is_empty() {
            ids.merge(&ProviderCallIds::of(ProviderCallId::new(kind, rank, value)));
        }
    };
    merge("call_leg_id", 1, leg.unwrap_or_default());
    merge("call_control_id", 2, control);
    ids
}

#[derive(Deserialize)]
struct Delivery<'a> {
    #[serde(borrow)]
    data: Event<'a>,
    #[serde(borrow, default)]
    meta: Meta<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    #[serde(borrow)]
    delivered_to: Text<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Option<Payload<'a>>,
}

/// The fields of all the payloads that we read. Those of other types may have other things by the
/// same names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload<'a> {
    #[serde(borrow)]
    call_control_id: Text<'a>,
    #[serde(borrow)]
    call_leg_id: Text<'a>,
    #[serde(borrow)]
    connection_id: Text<'a>,
    #[serde(borrow)]
    client_state: Text<'a>,
    #[serde(borrow)]
    direction: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(borrow)]
    hangup_cause: Text<'a>,
    #[serde(borrow)]
    hangup_source: Text<'a>,
    #[serde(borrow)]
    sip_hangup_cause: Text<'a>,
    call_quality_stats: Option<IgnoredAny>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    result: Text<'a>,
    #[serde(borrow)]
    digit: Text<'a>,
    #[serde(borrow)]
    digits: Text<'a>,
    #[serde(borrow)]
    gather_id: Text<'a>,
    #[serde(borrow)]
    transcription_data: Option<Transcription<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Transcription<'a> {
    #[serde(borrow)]
    transcript: Text<'a>,
    is_final: Option<bool>,
    #[serde(borrow)]
    transcription_track: Text<'a>,
}

/// A text; whatever else stands in its place is none.
#[derive(Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, if there is one that is not empty.
    fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

fn read(body: &[u8]) -> Result<Delivery<'_>, UndecodableWebhook> {
    serde_json::from_slice(body)
        .map_err(|_| UndecodableWebhook { what: "the body is not an event of Telnyx' API v2" })
}

/// The connection that a body names.
pub(crate) fn connection_of(body: &[u8]) -> Option<String> {
    let payload = read(body).ok()?.data.payload?;
    payload.connection_id.get().map(str::to_owned)
}

pub(crate) fn parse(
    webhook: &VerifiedWebhook<'_>,
    connection_id: &str,
) -> Result<ParsedWebhook, UndecodableWebhook> {
    let request = webhook.request();
    let delivery = read(&request.body)?;
    let event_type = &*delivery.data.event_type;
    let payload = delivery.data.payload.unwrap_or_default();

    let ids = call_ids(payload.call_control_id.or_empty(), payload.call_leg_id.get());
    let mut parsed = ParsedWebhook::new(ids, Answer::Fixed(WebhookReply::acknowledged()));
    if payload.connection_id.get().is_some_and(|connection| connection != connection_id) {
        parsed.foreign = true;
        return Ok(parsed);
    }
    let state = payload.client_state.get().and_then(ClientState::decode);
    parsed.call = state.map(|state| state.call);
    parsed.step = step(event_type, &payload, state);
    let called_at = delivery.meta.delivered_to.get().unwrap_or(&request.url);
    let told = match payload.direction.or_empty() {
        "incoming" | "inbound" => Some(Direction::Inbound),
        "outgoing" | "outbound" => Some(Direction::Outbound),
        _ => None,
    };
    parsed.direction = told.or_else(|| direction_of(called_at));
    let is_offer = event_type == "call.initiated"
        && told == Some(Direction::Inbound)
        // A call that Telnyx connects by itself waits for no answer of ours.
        && payload.state.get() != Some("bridging");
    if is_offer && parsed.call.is_none() {
        parsed.offer = Some(Offer {
            from: Party::observed(payload.from.or_empty()),
            to: Party::observed(payload.to.or_empty()),
        });
    }
    parsed.events.push(event(event_type, &payload, parsed.direction));
    Ok(parsed)
}

/// Only of speech and of a gather the step is known: they have one command each. All else belongs to
/// whatever the call does at the time.
fn step(event_type: &str, payload: &Payload<'_>, state: Option<ClientState>) -> Option<Step> {
    let of_state = || state.and_then(|state| state.step);
    match event_type {
        "call.speak.started" | "call.speak.ended" => of_state(),
        // A speech may have set another state since: its own id is surer.
        "call.gather.ended" => {
            let of_gather = payload.gather_id.get().and_then(|id| id.parse().ok().map(Step));
            of_gather.or_else(of_state)
        }
        _ => None,
    }
}

/// Who placed the call, by the URL that it was given: only the first event tells it otherwise.
fn direction_of(url: &str) -> Option<Direction> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    match &*pairs.find(|(name, _)| name == "kind")?.1 {
        kind::OUTBOUND => Some(Direction::Outbound),
        kind::INBOUND => Some(Direction::Inbound),
        _ => None,
    }
}

fn event(event_type: &str, payload: &Payload<'_>, direction: Option<Direction>) -> CallEvent {
    let known = match event_type {
        "call.initiated" => Some(CallEvent::Initiated),
        // Whoever is bridged is connected.
        "call.answered" | "call.bridged" => Some(CallEvent::Answered),
        "call.hangup" => Some(ended(payload, direction)),
        "call.speak.started" => Some(CallEvent::SpeechStarted),
        "call.speak.ended" => match payload.status.or_empty() {
            "completed" => Some(CallEvent::SpeechEnded { completed: true }),
            "call_hangup" | "cancelled_amd" => Some(CallEvent::SpeechEnded { completed: false }),
            // Cut off by a command: there is another already.
            _ => None,
        },
        "call.transcription" => payload.transcription_data.as_ref().and_then(heard),
        "call.dtmf.received" => {
            payload.digit.get().map(|digit| CallEvent::KeyPressed { key: digit.into() })
        }
        "call.gather.ended" => gathered(payload),
        _ => answered_by(event_type, payload.result.or_empty()).map(CallEvent::AnsweredBy),
    };
    known.unwrap_or_else(|| CallEvent::Unknown { name: name(event_type, payload) })
}

fn ended(payload: &Payload<'_>, direction: Option<Direction>) -> CallEvent {
    let hangup = Hangup {
        cause: payload.hangup_cause.or_empty(),
        source: payload.hangup_source.or_empty(),
        sip: payload.sip_hangup_cause.or_empty(),
        direction,
        had_media: payload.call_quality_stats.is_some(),
    };
    CallEvent::Ended { reason: hangup.reason(), cause: hangup.words() }
}

/// What a gather came to. Stopped by a command there is another plan already, and with the call there
/// is none.
fn gathered(payload: &Payload<'_>) -> Option<CallEvent> {
    match (payload.status.or_empty(), payload.digits.get()) {
        // Time that ran out after some keys ends the entry as the key that finishes it does.
        ("valid" | "timeout", Some(digits)) => Some(CallEvent::Digits { digits: digits.into() }),
        ("valid" | "timeout" | "invalid" | "cancelled_amd", _) => Some(CallEvent::NothingHeard),
        _ => None,
    }
}

fn heard(transcription: &Transcription<'_>) -> Option<CallEvent> {
    // The other track is our own voice.
    if transcription.transcription_track.get() == Some("outbound") {
        return None;
    }
    // Unless previews are asked for, all results are final.
    let is_final = transcription.is_final.unwrap_or(true);
    let text = transcription.transcript.or_empty();
    Some(if is_final && text.trim().is_empty() {
        CallEvent::NothingHeard
    } else {
        CallEvent::Transcript { text: text.into(), is_final }
    })
}

/// What stands in the timeline of an event without effect: its type, and how it came out.
fn name(event_type: &str, payload: &Payload<'_>) -> String {
    let word = payload.status.get().or_else(|| payload.result.get());
    let name = match word {
        Some(word) => format!("{event_type} {word}"),
        None => event_type.to_owned(),
    };
    offhook_core::mask_numbers(&name).chars().take(100).collect()
}
