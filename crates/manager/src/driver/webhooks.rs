//! Which call a webhook belongs to, and first contact.

use jiff::Timestamp;
use offhook_core::{
    Answer as Wanted, CallId, CallPlan, CallRef, Offer, ParsedWebhook, ProviderCallIds,
    ProviderName, Speech, Step, WebhookReply,
};

use super::Driver;
use super::batch::Batch;
use super::submission::{Answer, Arrival, WebhookAnswer};
use crate::machine::{self, Input, NewInbound, Refusal, Webhook};
use crate::record::CallRecord;
use crate::restore::Decision;

impl Driver {
    /// Whether the store is to be asked for the call of a webhook, since it is not open here: one
    /// that has ended, as a rule.
    ///
    /// Not for the first word of a call. Almost always it is what it seems to be, and if not, the
    /// commit finds out: the store lets no carrier id belong to two calls.
    #[must_use]
    pub fn asks_for_the_call(&self, provider: &ProviderName, parsed: &ParsedWebhook) -> bool {
        if parsed.foreign || parsed.begins_a_call() {
            return false;
        }
        match parsed.call {
            Some(call) => !self.knows(call),
            None => !parsed.ids.iter().any(|id| self.known_by(provider, id.value()).is_some()),
        }
    }

    pub(super) fn apply_webhook(&mut self, batch: &mut Batch, arrival: &Arrival, now: Timestamp) {
        let answer = self.webhook_answer(batch, arrival, now);
        batch.answers.push((arrival.ticket, Answer::Webhook(Box::new(answer))));
    }

    fn webhook_answer(
        &mut self,
        batch: &mut Batch,
        arrival: &Arrival,
        now: Timestamp,
    ) -> WebhookAnswer {
        let parsed = &arrival.parsed;
        if parsed.foreign {
            self.counters.foreign += 1;
            return self.without_call(arrival);
        }
        let call = match self.locate(batch, arrival) {
            Some(call) => call,
            None => match &parsed.offer {
                // A request with an id of ours that nobody knows never makes a new call.
                Some(offer) if parsed.begins_a_call() => {
                    self.first_contact(batch, arrival, offer, now)
                }
                _ => {
                    self.counters.unknown_calls += 1;
                    return self.without_call(arrival);
                }
            },
        };
        self.apply_to_call(batch, arrival, call, now)
    }

    fn locate(&self, batch: &mut Batch, arrival: &Arrival) -> Option<CallId> {
        let parsed = &arrival.parsed;
        let call = match parsed.call {
            Some(call) => call,
            None => parsed.ids.iter().find_map(|id| {
                batch
                    .known_by(&arrival.provider, id.value())
                    .or_else(|| self.known_by(&arrival.provider, id.value()))
                    .or_else(|| arrival.found.as_ref().map(|found| found.id))
            })?,
        };
        batch.adopt(&self.open, call, arrival.found.as_deref());
        let record = batch.record(&self.open, call)?;
        // An id of ours that another provider brings back is none of ours.
        (record.provider == arrival.provider).then_some(call)
    }

    fn apply_to_call(
        &mut self,
        batch: &mut Batch,
        arrival: &Arrival,
        call: CallId,
        now: Timestamp,
    ) -> WebhookAnswer {
        let parsed = &arrival.parsed;
        let repeated =
            batch.record(&self.open, call).and_then(|record| record.recent.entry_of(arrival.key));
        if let Some(entry) = repeated {
            self.counters.repeats += 1;
            return self.repeat(batch, arrival, call, entry);
        }
        let webhook = Webhook {
            key: arrival.key,
            ids: &parsed.ids,
            step: parsed.step,
            pushed: parsed.pushed,
            events: &parsed.events,
            wants_document: parsed.answer == Wanted::Document,
        };
        let applied = self.apply(batch, call, Input::Webhook(webhook), now);
        self.verified_by_news(batch, call, now);
        if let Some(working) = batch.working_mut(call) {
            working.news = true;
        }
        match (&parsed.answer, applied.and_then(|applied| applied.reply)) {
            (Wanted::Fixed(reply), _) => WebhookAnswer::Fixed(reply.clone()),
            (Wanted::Document, Some(replied)) => {
                self.plan_answer(batch, call, replied.step, replied.plan)
            }
            (Wanted::Document, None) => WebhookAnswer::Fixed(WebhookReply::acknowledged()),
        }
    }

    /// A call from before a restart that the carrier reports on needs no look any more.
    fn verified_by_news(&mut self, batch: &mut Batch, call: CallId, now: Timestamp) {
        if !self.open.get(&call).is_some_and(|open| open.watch.unverified) {
            return;
        }
        let why = "the carrier reported on it";
        let decision = match batch.record(&self.open, call).and_then(CallRecord::end_reason) {
            Some(_) => Decision::Dropped,
            None => Decision::Kept,
        };
        self.decide(batch, call, decision, why.to_owned(), now);
    }

    fn repeat(&self, batch: &Batch, arrival: &Arrival, call: CallId, entry: u32) -> WebhookAnswer {
        if let Wanted::Fixed(reply) = &arrival.parsed.answer {
            return WebhookAnswer::Fixed(reply.clone());
        }
        let in_this_batch = batch.working(call).and_then(|working| working.replied(entry));
        if let Some(replied) = in_this_batch {
            return self.plan_answer(batch, call, replied.step, replied.plan.clone());
        }
        let reference = batch.record(&self.open, call).and_then(|record| self.reference(record));
        match reference {
            Some(reference) => WebhookAnswer::Repeat { reference, entry },
            None => WebhookAnswer::Unavailable,
        }
    }

    fn plan_answer(
        &self,
        batch: &Batch,
        call: CallId,
        step: Step,
        plan: CallPlan,
    ) -> WebhookAnswer {
        let record = batch.record(&self.open, call);
        match record.and_then(|record| self.reference(record)) {
            Some(reference) => {
                WebhookAnswer::Plan { reference: CallRef { step, ..reference }, plan }
            }
            None => WebhookAnswer::Unavailable,
        }
    }

    /// The answer where there is no call of ours: acknowledged; where the carrier waits for a
    /// document, one that ends what should not be.
    fn without_call(&self, arrival: &Arrival) -> WebhookAnswer {
        if let Wanted::Fixed(reply) = &arrival.parsed.answer {
            return WebhookAnswer::Fixed(reply.clone());
        }
        let Some(policy) = self.policy.providers.get(&arrival.provider) else {
            return WebhookAnswer::Fixed(WebhookReply::acknowledged());
        };
        let reference = CallRef {
            id: arrival.parsed.call.unwrap_or(arrival.new_call),
            ids: ProviderCallIds::none(),
            step: arrival.parsed.step.unwrap_or_default(),
            callbacks: policy.callbacks.clone(),
        };
        let plan = CallPlan::HangUp { after: std::time::Duration::ZERO };
        WebhookAnswer::Plan { reference, plan }
    }

    /// The one door for inbound calls: policy, then limit.
    fn first_contact(
        &mut self,
        batch: &mut Batch,
        arrival: &Arrival,
        offer: &Offer,
        now: Timestamp,
    ) -> CallId {
        let capabilities = self.capabilities_of(&arrival.provider);
        let greeting = self.policy.greeting.clone().map(|text| Speech {
            text,
            voice: self.policy.voice.clone(),
            locale: self.policy.locale.clone(),
        });
        let new = NewInbound {
            id: arrival.new_call,
            provider: arrival.provider.clone(),
            ids: arrival.parsed.ids.clone(),
            from: offer.from.clone(),
            to: offer.to.clone(),
            greeting,
            locale: self.policy.locale.clone(),
            limits: self.limits(&arrival.provider),
        };
        let transition = if !self.policy.inbound.admits(&offer.from) {
            machine::refused(new, Refusal::Policy, &capabilities, now)
        } else if self.free_slots(batch) == 0 {
            machine::refused(new, Refusal::Limit, &capabilities, now)
        } else {
            machine::inbound(new, &capabilities, now)
        };
        batch.create(transition);
        arrival.new_call
    }
}
