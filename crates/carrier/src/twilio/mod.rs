//! Twilio's voice API, version 2010-04-01.

mod call;
mod callbacks;
mod document;
mod form;
mod gather;
mod interpreter;
mod list;
mod overrides;
mod refusal;
mod rest;
mod signature;
mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::call::{Call, Direction, Instructions, Phase, Progress, Target};
use self::interpreter::Script;
use self::refusal::Refusal;
use self::rest::ROOT;
use self::view::Visible;
use crate::agenda::Agenda;
use crate::dialect::{Deed, Dialect, InboundCall};
use crate::emulator::{Reply, Shared};
use crate::exchange::ApiRequest;
use crate::outbox::Finished;
use crate::people::{Manner, PATIENCE};
use crate::record::CallRecord;
use crate::settings::after;

const PROVIDER: &str = "twilio";

/// The longest that a call may last, in seconds.
const LONGEST_CALL: u32 = 4 * 60 * 60;

/// Twilio, with all its calls.
#[derive(Debug, Default)]
pub(crate) struct Twilio {
    calls: Vec<Call>,
    by_sid: BTreeMap<String, usize>,
    agenda: Agenda,
    /// When the next call may leave the queue.
    next_slot: Option<Timestamp>,
}

impl Dialect for Twilio {
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
        path.rsplit('/').next()?.strip_suffix(".json").map(str::to_owned)
    }

    /// Lets a person call us.
    fn receive(
        &mut self,
        inbound: InboundCall,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<String, String> {
        let target = |url: String| Target { url, method: http::Method::POST };
        let webhook_url = inbound.webhook_url.or_else(|| shared.settings.webhook_of(PROVIDER));
        let webhook_url = webhook_url.ok_or_else(|| "webhook_url is missing".to_owned())?;
        let instructions = Instructions {
            voice: Some(target(webhook_url)),
            fallback: inbound.fallback_url.map(target),
            status_callback: inbound.status_callback.map(target),
            // A number's status callback tells of the end only.
            events: vec![Progress::Completed],
            time_limit: LONGEST_CALL,
            ..Instructions::default()
        };
        // A document may let it ring; nobody listens to that forever.
        let until = shared.settings.paced(now, PATIENCE);
        let phase = Phase::Ringing { until };
        let (from, to, manner) = (inbound.from, inbound.to, inbound.manner);
        let index =
            self.open(from, to, Direction::Inbound, manner, instructions, phase, now, shared);
        let sid = self.change(index, |call| {
            call.started = Some(now);
            call.first_document(now, shared);
            call.sid.clone()
        });
        Ok(sid.unwrap_or_default())
    }

    fn person(
        &mut self,
        id: &str,
        deed: Deed<'_>,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Option<bool> {
        self.agenda.reach(now);
        let index = *self.by_sid.get(id)?;
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
        if let Some(index) = self.by_sid.get(&finished.call).copied() {
            self.change(index, |call| {
                call.webhook_finished(finished.order, finished.outcome, now, shared);
            });
        }
    }
}

impl Twilio {
    /// The only way in which a call changes, so that `due` stays true.
    fn change<T>(&mut self, index: usize, change: impl FnOnce(&mut Call) -> T) -> Option<T> {
        let call = self.calls.get_mut(index)?;
        let result = change(call);
        self.agenda.set(index, call.due());
        Some(result)
    }

    /// Puts a call into the queue. Tells whether its first webhook is to
    /// overtake the answer.
    fn place(
        &mut self,
        parties: (String, String),
        instructions: Instructions,
        now: Timestamp,
        shared: &mut Shared,
    ) -> (usize, bool) {
        // An answer normally arrives before the carrier has begun to dial.
        const DIALS_AFTER: f64 = 0.2;
        const OVERTAKES: f64 = 0.5;
        let rate = shared.settings.calls_per_second;
        let slot = self.next_slot.map_or(now, |slot| slot.max(now));
        if rate.is_finite() && rate > 0.0 {
            self.next_slot = Some(after(slot, 1.0 / rate));
        }
        let overtakes =
            shared.chance.happens(shared.settings.webhook_before_answer, OVERTAKES) && slot == now;
        let leaves = if overtakes { now } else { slot.max(after(now, DIALS_AFTER)) };
        let (to, from) = parties;
        let manner = Manner::of_number(&to);
        let phase = Phase::Queued { leaves };
        let queue_millis = slot.duration_since(now).as_millis();
        let index =
            self.open(from, to, Direction::Outbound, manner, instructions, phase, now, shared);
        if let Some(call) = self.calls.get_mut(index) {
            call.queue_millis = queue_millis;
        }
        (index, overtakes)
    }

    #[expect(clippy::too_many_arguments, reason = "each is a property of the new call")]
    fn open(
        &mut self,
        from: String,
        to: String,
        direction: Direction,
        manner: Manner,
        instructions: Instructions,
        phase: Phase,
        now: Timestamp,
        shared: &mut Shared,
    ) -> usize {
        let sid = format!("CA{}", shared.chance.hex32());
        let word = match direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        shared.ledger.open(CallRecord::new(&sid, PROVIDER, word, &from, &to));
        let index = self.calls.len();
        self.by_sid.insert(sid.clone(), index);
        self.calls.push(Call {
            sid,
            from,
            to,
            direction,
            manner,
            instructions,
            phase,
            created: now,
            queue_millis: 0,
            started: None,
            answered: None,
            ended: None,
            answered_by: None,
            detected_at: None,
            sequence: 0,
            script: Script::default(),
            act: None,
            visible: Visible::default(),
            deleted: false,
        });
        self.change(index, |call| call.changed(now, shared));
        index
    }
}
