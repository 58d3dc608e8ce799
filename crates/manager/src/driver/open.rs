//! The calls that are open, and the agenda: when something is due for which of them.

use std::sync::Arc;

use jiff::Timestamp;
use offhook_core::CallId;

use super::Driver;
use super::queue::waits;
use super::submission::{Submission, Ticket};
use super::watch::Watch;
use crate::machine;
use crate::record::CallRecord;

/// One of them.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) record: Arc<CallRecord>,
    pub(super) in_flight: Vec<u32>,
    /// Whether it stands in the queues of what may be started.
    pub(super) runnable: bool,
    pub(super) runnable_beside: bool,
    pub(super) watch: Watch,
    /// Loaded after a restart, and what was interrupted is not settled yet: nothing is started.
    pub(super) unsettled: bool,
    pub(super) deadline: Option<Timestamp>,
    pub(super) look: Option<Timestamp>,
}

impl Driver {
    /// Puts a committed record in the place of the one before.
    pub(super) fn put(&mut self, record: Arc<CallRecord>, news: bool) {
        let call = record.id;
        let before = self.open.get(&call).map(|open| Arc::clone(&open.record));
        self.account(before.as_deref(), Some(&record));
        if !record.is_open() {
            if let Some(open) = self.open.remove(&call) {
                self.unschedule(call, &open);
                self.forget_ids(&open.record);
            }
            return;
        }
        let known = self.by_carrier_id.entry(record.provider.clone()).or_default();
        for id in record.ids.iter() {
            if known.get(id.value()) != Some(&call) {
                known.insert(id.value().to_owned(), call);
            }
        }
        let open = self.open.entry(call).or_insert_with(|| Open {
            record: Arc::clone(&record),
            in_flight: Vec::new(),
            runnable: false,
            runnable_beside: false,
            watch: Watch::default(),
            unsettled: false,
            deadline: None,
            look: None,
        });
        open.record = record;
        if news {
            open.watch.news();
        }
        if !open.record.outbox.is_empty() {
            self.run(call);
        }
        self.schedule(call);
    }

    /// Counts its slot, its place in the queue, and the fence around its destination.
    fn account(&mut self, before: Option<&CallRecord>, after: Option<&CallRecord>) {
        self.slots -= usize::from(before.is_some_and(CallRecord::holds_slot));
        self.slots += usize::from(after.is_some_and(CallRecord::holds_slot));
        if let Some(before) = before {
            if waits(before) {
                self.queue.remove(before);
            }
            let fenced = |record: &CallRecord| record.outcome_unknown();
            let is_freed = fenced(before) && !after.is_some_and(fenced);
            if is_freed && self.fences.remove(before) && self.queue.unfence(&before.to) {
                self.admit_at = Some(Timestamp::MIN);
            }
        }
        if let Some(after) = after {
            if after.outcome_unknown() {
                self.fences.insert(after);
            }
            if waits(after) {
                self.queue.insert(after);
                // The next turn finds out for what it waits.
                self.admit_at = Some(Timestamp::MIN);
            }
        }
    }

    fn forget_ids(&mut self, record: &CallRecord) {
        if let Some(known) = self.by_carrier_id.get_mut(&record.provider) {
            for id in record.ids.iter() {
                known.remove(id.value());
            }
        }
    }

    fn unschedule(&mut self, call: CallId, open: &Open) {
        if let Some(at) = open.deadline {
            self.deadlines.remove(&(at, call));
        }
        if let Some(at) = open.look {
            self.looks.remove(&open.record.provider, at, call);
        }
    }

    /// Finds out anew what is due for a call, and when.
    pub(super) fn schedule(&mut self, call: CallId) {
        let Some(open) = self.open.get_mut(&call) else { return };
        let provider = &open.record.provider;
        let capabilities = self.capabilities.get(provider).copied();
        let deadline = machine::next_deadline(&open.record).map(|(at, _)| at);
        // Who is not configured cannot be asked.
        let configured = capabilities.filter(|_| self.policy.providers.contains_key(provider));
        let look = configured
            .and_then(|capabilities| open.watch.wanted(&open.record, &capabilities))
            .map(|(at, _)| at);
        if open.deadline != deadline {
            if let Some(at) = open.deadline {
                self.deadlines.remove(&(at, call));
            }
            self.deadlines.extend(deadline.map(|at| (at, call)));
            open.deadline = deadline;
        }
        // Each news puts the look off. One that stands too early is put off when its time comes,
        // and the agenda is left alone until then.
        let look = match (open.look, look) {
            (Some(present), Some(wanted)) if present <= wanted => Some(present),
            _ => look,
        };
        if open.look != look {
            if let Some(at) = open.look {
                self.looks.remove(provider, at, call);
            }
            if let Some(at) = look {
                self.looks.insert(provider, at, call);
            }
            open.look = look;
        }
    }

    /// The call of a webhook that waits to be applied again, as the store has it.
    pub fn found(&mut self, ticket: Ticket, record: CallRecord) {
        for submission in &mut self.waiting {
            if let Submission::Webhook(arrival) = submission
                && arrival.ticket == ticket
            {
                arrival.found = Some(Box::new(record));
                return;
            }
        }
    }

    /// A call as somebody else wrote it.
    pub fn reload(&mut self, call: CallId, record: Option<CallRecord>) {
        match record {
            Some(record) => self.put(Arc::new(record), false),
            None => {
                if let Some(open) = self.open.remove(&call) {
                    self.account(Some(&open.record), None);
                    self.unschedule(call, &open);
                    self.forget_ids(&open.record);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_does_nothing_is_small_in_memory() {
        // There may be a hundred thousand of them, with 2 KiB for each. What they own beside this is
        // mostly their texts.
        let sizes = (size_of::<CallRecord>(), size_of::<Open>());
        assert!(sizes.0 <= 880 && sizes.1 <= 176, "{sizes:?}");
    }
}
