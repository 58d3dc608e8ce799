//! Telnyx' Call Control, API version 2.
//!
//! Media streams, recordings, conferences and audio files are not emulated: parameters that ask for
//! them have no effect. Where Telnyx documents nothing, this holds:
//!
//! | question | choice |
//! |---|---|
//! | `is_alive` between the dial and the ringing | false; such a call is not among the active ones |
//! | the answer to a repeated dial | that of the first: the same ids |
//! | a repeated command | `ok`, also when the call has ended since; one that was refused may come again |
//! | speech that was stopped | ends as `cancelled`, the word for audio files; texts that were still waiting have no events |
//! | retries without a policy | three, after a pause that doubles; then the failover URL, once |
//! | redirects | not followed, not repeated |
//! | a gather beside another | takes its place, and the first is `cancelled` |
//! | keys that time ran out on | `valid` or `invalid` as they are; none at all: `timeout` |
//! | codes of parameters out of range that have none of their own | 10032, 10033 |

mod body;
mod call;
mod commands;
mod detection;
mod dial;
mod events;
mod gather;
mod languages;
mod list;
mod playback;
mod refusal;
mod rest;
mod signature;
mod transcription;
mod transfer;
mod voice;

use std::collections::{BTreeMap, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use self::call::{Call, Direction, Phase, Terms};
use self::dial::{Dials, LONGEST_CALL, NewLeg};
use self::playback::Playback;
use self::rest::{ID_PREFIX, ROOT};
use crate::agenda::Agenda;
use crate::dialect::{Deed, Dialect, InboundCall};
use crate::emulator::{Reply, Shared};
use crate::exchange::ApiRequest;
use crate::outbox::Finished;
use crate::people::{Manner, PATIENCE};
use crate::record::CallRecord;

pub(crate) use self::signature::public_key;

const PROVIDER: &str = "telnyx";

/// Telnyx, with all its calls.
#[derive(Debug, Default)]
pub(crate) struct Telnyx {
    calls: Vec<Call>,
    by_id: BTreeMap<String, usize>,
    agenda: Agenda,
    dials: Dials,
}

impl Dialect for Telnyx {
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
        rest::call_in_path(path)
    }

    fn receive(
        &mut self,
        inbound: InboundCall,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<String, String> {
        if inbound.status_callback.is_some() {
            return Err("Telnyx has no status callback: all its events go to one URL".to_owned());
        }
        let mut targets = dial::own_targets(shared);
        targets.url = inbound.webhook_url.or(targets.url);
        targets.failover = inbound.fallback_url.or(targets.failover);
        if targets.url.is_none() {
            return Err("webhook_url is missing".to_owned());
        }
        let terms = Terms {
            timeout: PATIENCE,
            retries_on_timeout: true,
            time_limit: LONGEST_CALL,
            send_digits: None,
            detection: None,
            transcription: None,
        };
        let (from, to) = (inbound.from, inbound.to);
        let leg = NewLeg { from, to, client_state: None, targets, terms };
        let until = shared.settings.paced(now, PATIENCE);
        let session = shared.chance.uuid();
        let phase = Phase::Ringing { until };
        let manner = Some(inbound.manner);
        let index = self.place(leg, session, phase, manner, now, shared);
        let id = self.change(index, shared, now, |call, shared| {
            call.noted("parked", shared);
            call.initiated("parked", now, shared);
            call.control_id.clone()
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
        let index = *self.by_id.get(id)?;
        if self.calls.get(index)?.is_over() {
            return None;
        }
        self.change(index, shared, now, |call, shared| match deed {
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
        self.change(index, shared, at, |call, shared| call.advance(at, shared));
        true
    }

    /// Answers mean nothing beyond the acknowledgement.
    fn webhook_finished(&mut self, _: Finished, now: Timestamp, _: &mut Shared) {
        self.agenda.reach(now);
    }
}

impl Telnyx {
    /// The only way in which a call changes, so that the agenda stays true and the other leg of a
    /// transfer learns of it.
    fn change<T>(
        &mut self,
        index: usize,
        shared: &mut Shared,
        at: Timestamp,
        change: impl FnOnce(&mut Call, &mut Shared) -> T,
    ) -> Option<T> {
        let call = self.calls.get_mut(index)?;
        let result = change(call, shared);
        let wishes = std::mem::take(&mut call.wishes);
        self.agenda.set(index, call.due());
        for wish in wishes {
            self.fulfil(wish, index, at, shared);
        }
        Some(result)
    }

    /// Opens a leg. Who is at its other end decides by itself what becomes of it, unless it is an
    /// incoming one, whose caller is known.
    fn place(
        &mut self,
        leg: NewLeg,
        session_id: String,
        phase: Phase,
        caller: Option<Manner>,
        now: Timestamp,
        shared: &mut Shared,
    ) -> usize {
        let bytes: Vec<u8> = (0..5).flat_map(|_| shared.chance.id().to_be_bytes()).collect();
        let control_id = format!("{ID_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let (direction, word) = match caller {
            Some(_) => (Direction::Incoming, "inbound"),
            None => (Direction::Outgoing, "outbound"),
        };
        let NewLeg { from, to, client_state, targets, terms } = leg;
        shared.ledger.open(CallRecord::new(&control_id, PROVIDER, word, &from, &to));
        let index = self.calls.len();
        self.by_id.insert(control_id.clone(), index);
        self.calls.push(Call {
            control_id,
            leg_id: shared.chance.uuid(),
            session_id,
            manner: caller.unwrap_or_else(|| Manner::of_number(&to)),
            from,
            to,
            direction,
            phase,
            client_state,
            targets,
            terms,
            started: now,
            answered: None,
            ended: None,
            commands: Vec::new(),
            playback: Playback::default(),
            gathering: None,
            ear: None,
            findings: VecDeque::new(),
            keys: VecDeque::new(),
            act: None,
            partner: None,
            wishes: Vec::new(),
        });
        self.change(index, shared, now, |call, shared| call.noted("dialing", shared));
        index
    }
}
