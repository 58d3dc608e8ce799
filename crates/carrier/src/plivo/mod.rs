//! Plivo's voice API, version 1, and Plivo XML.
//!
//! Media streams, recordings, conferences, second legs and audio files by request are not emulated:
//! their paths are not found, their elements are invalid. SIP headers and parent calls have no effect,
//! a wait does not listen for silence or beeps, and nobody is refused for asking too often unless a
//! fault says so. What is played from a file takes two seconds and is not heard as words. Where Plivo
//! documents nothing, or two things, this holds:
//!
//! | question | choice |
//! |---|---|
//! | the id of a queued call | that of its request; the `CallUUID` comes with the first callback |
//! | what a request's id is good for once the call has left the queue | nothing: 404 |
//! | a call that is cancelled in the queue | has no callback and no record |
//! | no `hangup_url` | the hangup is told to the answer URL |
//! | commands to a call that is not answered | 400, but hanging up works |
//! | the 71st transfer | 202, and the call ends with 2060 |
//! | a transfer while a `Speak/` speaks | it speaks on, beside the new document |
//! | a second `Speak/` | takes the place of the first; `mix` changes nothing |
//! | input that nobody gives | the next element, the action is not asked |
//! | speech that is not understood | told to the action with an empty `Speech` |
//! | `finishOnKey` alone | told to the action with empty `Digits` |
//! | `auto` | 0.8 s of silence after speech, 2 s after a digit |
//! | attributes out of their bounds, texts above 3000 characters | an invalid document |
//! | an empty answer with status 200 | an invalid document (8011), not an unreachable one |
//! | the fallback | for the answer URL only, if it failed or answered an invalid document |
//! | `Event` of actions, transfers and redirects | `Redirect` |
//! | the end by the ring timeout | `timeout` with 6010; the far end's own limit is `no-answer` with 3000 |
//! | a hangup request after the answer | 4000 with source `API Request` |
//! | a caller who gives up | `no-answer` with 1000 |
//! | retries | a new nonce each, so a new signature; pauses that double |
//! | lists of live and queued ids without a `limit` | all of them |

mod body;
mod call;
mod callbacks;
mod commands;
mod content;
mod detection;
mod dial;
mod document;
mod ending;
mod fetching;
mod input;
mod interpreter;
mod list;
mod listening;
mod refusal;
mod rest;
mod signature;
mod view;
mod voice;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::call::{Call, Phase, Terms};
use self::dial::{USUAL_CALL, USUAL_RING};
use self::fetching::Target;
use self::interpreter::Script;
use self::rest::ROOT;
use crate::agenda::Agenda;
use crate::dialect::{Deed, Dialect, InboundCall};
use crate::emulator::{Reply, Shared};
use crate::exchange::ApiRequest;
use crate::outbox::Finished;
use crate::people::{Manner, PATIENCE};
use crate::record::CallRecord;
use crate::settings::after;

const PROVIDER: &str = "plivo";

/// Plivo, with all its calls.
#[derive(Debug, Default)]
pub(crate) struct Plivo {
    calls: Vec<Call>,
    by_id: BTreeMap<String, usize>,
    by_request: BTreeMap<String, usize>,
    agenda: Agenda,
    /// When the next call may leave the queue.
    next_slot: Option<Timestamp>,
}

/// A call that was put into the queue.
#[derive(Debug)]
struct Placed {
    id: String,
    request_id: String,
    /// Whether others go first.
    waits: bool,
    /// Whether its first webhook is to overtake the answer.
    overtakes: bool,
}

impl Dialect for Plivo {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn root(&self) -> &'static str {
        ROOT
    }

    fn request(&mut self, request: &ApiRequest, now: Timestamp, shared: &mut Shared) -> Reply {
        self.agenda.reach(now);
        self.carry_out(request, now, shared)
    }

    fn call_in_path(&self, path: &str) -> Option<String> {
        let (id, is_request) = rest::id_in_path(path)?;
        let index = self.by_request.get(id).filter(|index| is_request || self.is_queued(**index));
        let call = index.and_then(|index| self.calls.get(*index));
        Some(call.map_or_else(|| id.to_owned(), |call| call.id.clone()))
    }

    fn receive(
        &mut self,
        inbound: InboundCall,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<String, String> {
        let target = |url: String| Target { url, method: http::Method::POST };
        let webhook_url = inbound.webhook_url.or_else(|| shared.settings.webhook_of(PROVIDER));
        let answer = target(webhook_url.ok_or_else(|| "webhook_url is missing".to_owned())?);
        let hangup = inbound.status_callback.map_or_else(|| answer.clone(), target);
        let terms = Terms {
            answer,
            fallback: inbound.fallback_url.map(target),
            ring: None,
            hangup: Some(hangup),
            caller_name: None,
            ring_timeout: USUAL_RING,
            time_limit: USUAL_CALL,
            hangup_on_ring: None,
            send_digits: None,
            detection: None,
        };
        // A document may let it ring; nobody listens to that forever.
        let until = shared.settings.paced(now, PATIENCE);
        let phase = Phase::Ringing { until };
        let (from, to) = (bare(&inbound.from), bare(&inbound.to));
        let index = self.open(from, to, None, inbound.manner, terms, phase, now, shared);
        let id = self.change(index, |call| {
            call.started = Some(now);
            call.first_document(now, shared);
            call.id.clone()
        });
        Ok(id.unwrap_or_default())
    }

    fn person(
        &mut self,
        id: &str,
        deed: Deed<'_>,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Option<bool> {
        self.agenda.reach(now);
        let index = *self.by_id.get(id).or_else(|| self.by_request.get(id))?;
        if self.calls.get(index)?.is_over() {
            return None;
        }
        self.change(index, |call| match deed {
            Deed::Say(words) => call.person_says(words, now, shared),
            Deed::Press(keys) => call.person_presses(keys, now, shared),
            Deed::HangUp => {
                call.person_hangs_up(now, shared);
                true
            }
        })
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    fn step(&mut self, now: Timestamp, shared: &mut Shared) -> bool {
        let Some((at, index)) = self.agenda.first_due(now) else { return false };
        self.change(index, |call| call.advance(at, shared));
        true
    }

    fn webhook_finished(&mut self, finished: Finished, now: Timestamp, shared: &mut Shared) {
        self.agenda.reach(now);
        if let Some(index) = self.by_id.get(&finished.call).copied() {
            self.change(index, |call| {
                call.webhook_finished(finished.order, finished.outcome, now, shared);
            });
        }
    }
}

impl Plivo {
    /// The only way in which a call changes, so that the agenda stays true.
    fn change<T>(&mut self, index: usize, change: impl FnOnce(&mut Call) -> T) -> Option<T> {
        let call = self.calls.get_mut(index)?;
        let result = change(call);
        self.agenda.set(index, call.due());
        Some(result)
    }

    fn is_queued(&self, index: usize) -> bool {
        self.calls.get(index).is_some_and(Call::is_queued)
    }

    /// Puts a call into the queue.
    fn place(
        &mut self,
        from: &str,
        to: &str,
        terms: &Terms,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Placed {
        // An answer normally arrives before the carrier has begun to dial.
        const DIALS_AFTER: f64 = 0.2;
        const OVERTAKES: f64 = 0.5;
        let rate = shared.settings.calls_per_second;
        let slot = self.next_slot.map_or(now, |slot| slot.max(now));
        if rate.is_finite() && rate > 0.0 {
            self.next_slot = Some(after(slot, 1.0 / rate));
        }
        let waits = slot > now;
        let overtakes =
            shared.chance.happens(shared.settings.webhook_before_answer, OVERTAKES) && !waits;
        let phase = if overtakes {
            Phase::Dialing { until: now }
        } else {
            Phase::Queued { leaves: slot.max(after(now, DIALS_AFTER)) }
        };
        let manner = Manner::of_number(&format!("+{to}"));
        let request_id = shared.chance.uuid();
        let (from, to, request) = (from.to_owned(), to.to_owned(), Some(request_id.clone()));
        let index = self.open(from, to, request, manner, terms.clone(), phase, now, shared);
        let id = self.calls.get(index).map(|call| call.id.clone()).unwrap_or_default();
        Placed { id, request_id, waits, overtakes }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a property of the new call")]
    fn open(
        &mut self,
        from: String,
        to: String,
        request_id: Option<String>,
        manner: Manner,
        terms: Terms,
        phase: Phase,
        now: Timestamp,
        shared: &mut Shared,
    ) -> usize {
        let id = shared.chance.uuid();
        let word = if request_id.is_some() { "outbound" } else { "inbound" };
        let index = self.calls.len();
        let record = CallRecord::new(&id, PROVIDER, word, &plus(&from), &plus(&to));
        shared.ledger.open(record);
        if let Some(request_id) = &request_id {
            shared.ledger.also_known_as(request_id, &id);
            self.by_request.insert(request_id.clone(), index);
        }
        self.by_id.insert(id.clone(), index);
        self.calls.push(Call {
            id,
            request_id,
            from,
            to,
            manner,
            terms,
            phase,
            created: now,
            started: None,
            answered: None,
            ended: None,
            machine: None,
            detected_at: None,
            hangup_at: None,
            transfers: 0,
            script: Script::default(),
            overlay: None,
            act: None,
        });
        self.change(index, |call| call.changed(shared));
        index
    }
}

/// A party as Plivo writes it.
fn bare(party: &str) -> String {
    party.strip_prefix('+').unwrap_or(party).to_owned()
}

/// A party as the control API writes it, whoever the carrier is.
fn plus(party: &str) -> String {
    if party.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("+{party}");
    }
    party.to_owned()
}
