//! How the process begins, and how it ends.

use std::collections::HashMap;

use offhook_manager::Driver;

use super::{Event, World};
use crate::point::{Died, Point};
use crate::process::Process;

impl World<'_> {
    /// The process begins, with what the store has.
    pub(super) fn start_process(&mut self) {
        self.life += 1;
        self.points = 0;
        self.oracle.disturb(self.now);
        let capabilities =
            HashMap::from([(self.carrier.provider.clone(), self.provider.capabilities())]);
        let mut driver = Driver::new(self.policy.clone(), capabilities, self.now);
        let loaded = self.load();
        let calls = loaded.len();
        for record in loaded {
            driver.restore(record);
        }
        self.process = Some(Process::new(driver));
        let life = self.life;
        self.tell(|| format!("OURS start no. {life}: {calls} calls are taken up"));
        if self.point(Point::Loaded).is_ok() {
            self.run_process();
        }
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

    fn die(&mut self, point: Point, away: u64) {
        self.tell(|| format!("OURS dies ({}), for {away} ms", point.word()));
        self.oracle.disturb(self.now);
        let Some(process) = self.process.take() else { return };
        self.break_webhooks(&process);
        self.come(away, Event::Restart);
    }
}
