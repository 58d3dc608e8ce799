//! How the process begins, and how it ends.

use std::collections::HashMap;
use std::sync::Arc;

use offhook_core::EndReason;
use offhook_manager::{CallRecord, CallState, Change, Driver};

use super::{Event, World};
use crate::plant::Plant;
use crate::point::{Died, Point};
use crate::process::{Process, Waiter};

/// How long a process that stops waits for what is under way, in milliseconds.
const PATIENCE: u64 = 12_000;

/// After so many milliseconds a process that could not start is started again.
const START_PAUSE: u64 = 1_000;

impl World<'_> {
    /// The process begins, with what the store has.
    pub(super) fn start_process(&mut self) {
        self.life += 1;
        self.points = 0;
        self.oracle.disturb(self.now);
        let capabilities =
            HashMap::from([(self.carrier.provider.clone(), self.provider.capabilities())]);
        let mut driver = Driver::new(self.policy.clone(), capabilities, self.now);
        let life = self.life;
        let Ok(loaded) = self.load() else {
            self.tell(|| format!("OURS start no. {life}: the store cannot be read"));
            return self.come(START_PAUSE, Event::Restart);
        };
        let loaded = match self.plant {
            Some(Plant::QueueReversed) => reversed(loaded),
            Some(Plant::QueueDropped) => self.without_queue(loaded),
            _ => loaded,
        };
        let calls = loaded.len();
        for record in loaded {
            driver.restore(record);
        }
        self.process = Some(Process::new(driver));
        self.oracle.restarted();
        self.tell(|| format!("OURS start no. {life}: {calls} calls are taken up"));
        if self.point(Point::Loaded).is_ok() {
            self.run_process();
        }
    }

    /// Ends those that wait, and gives the others.
    fn without_queue(&mut self, loaded: Vec<CallRecord>) -> Vec<CallRecord> {
        let waits = |record: &CallRecord| record.state == CallState::Queued;
        let (waiting, others): (Vec<_>, Vec<_>) = loaded.into_iter().partition(waits);
        let dropped = |before: CallRecord| Change {
            expected_revision: Some(before.revision),
            record: Arc::new(CallRecord {
                revision: before.revision + 1,
                state: CallState::Ended(EndReason::Lost),
                ended_at: Some(self.now),
                ..before
            }),
            entries: Vec::new(),
            new_ids: Vec::new(),
            idempotency: None,
        };
        let changes: Vec<Change> = waiting.into_iter().map(dropped).collect();
        let _ = self.write(&changes);
        others
    }

    /// Here the process can die, and if the story says so it does.
    pub(super) fn point(&mut self, point: Point) -> Result<(), Died> {
        if self.process.is_none() {
            return Err(Died);
        }
        self.tally.point(point);
        let number = self.points;
        self.points += 1;
        match self.story.crashes.get(self.crashes) {
            Some((at, away)) if *at == number => {
                self.crashes += 1;
                self.tally.crash(point);
                self.die(point, *away);
                Err(Died)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn die(&mut self, point: Point, away: u64) {
        self.tell(|| format!("OURS dies ({}), for {away} ms", point.word()));
        self.oracle.disturb(self.now);
        let Some(process) = self.process.take() else { return };
        self.break_webhooks(&process);
        self.come(away, Event::Restart);
    }
    /// The process is asked to stop: it takes in the answers to what is under way, begins nothing,
    /// and leaves the calls running.
    pub(super) fn stop(&mut self, away: u64) {
        self.oracle.disturb(self.now);
        let Some(process) = self.process.as_mut().filter(|process| process.is_open()) else {
            return;
        };
        process.stops_for = Some(away);
        process.finishes = true;
        process.driver.close();
        process.has_news = true;
        self.tell(|| format!("OURS stops, for {away} ms"));
        self.come(PATIENCE, Event::OutOfPatience { life: self.life });
        self.run_process();
    }

    /// Who waits for a carrier in vain stops all the same.
    pub(super) fn out_of_patience(&mut self) {
        if self.process.as_ref().is_some_and(|process| !process.is_open()) {
            self.tally.stop("out of patience");
            self.leave();
        }
    }

    pub(super) fn leave_if_stopped(&mut self) {
        if self.process.as_ref().is_some_and(Process::has_stopped) {
            self.tally.stop("in order");
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.oracle.disturb(self.now);
        let Some(mut process) = self.process.take() else { return };
        let away = process.stops_for.unwrap_or_default();
        self.tell(|| "OURS has stopped".to_owned());
        // Who is not answered by now is told that nobody is there.
        for (_, waiter) in std::mem::take(&mut process.waiting).into_values() {
            if let Waiter::Webhook(waiting) = waiter {
                self.webhook_replied(&waiting, None);
            }
        }
        self.break_webhooks(&process);
        self.come(away, Event::Restart);
    }
}

/// The calls, those that wait in the places of one another.
fn reversed(mut loaded: Vec<CallRecord>) -> Vec<CallRecord> {
    let waits = |record: &CallRecord| record.state == CallState::Queued;
    let began: Vec<_> =
        loaded.iter().filter(|record| waits(record)).map(|record| record.started_at).collect();
    let queued = loaded.iter_mut().filter(|record| waits(record));
    for (record, started_at) in queued.zip(began.into_iter().rev()) {
        record.started_at = started_at;
    }
    loaded
}
