//! The store, and what goes wrong with it.

use offhook_core::{CallId, ProviderCallIds, Turn};
use offhook_manager::{
    CallRecord, CallStore, Change, CommitError, EntryKind, RepliedPlan, TurnOutcome,
};

use super::{Event, World};
use crate::plant::Plant;
use crate::point::{Died, Point};
use crate::process::{Committing, ready, rewritten, short};
use crate::story::{Fault, Kind, Weather};

/// Milliseconds between attempts to read what could not be read.
pub(super) const REREAD_PAUSE: u64 = 500;

/// The store could not be read.
#[derive(Debug)]
pub(super) struct Unreadable;

impl World<'_> {
    /// The calls that are open, page by page as they are after a restart.
    pub(super) fn load(&mut self) -> Result<Vec<CallRecord>, Unreadable> {
        const PAGE: usize = 2;
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            self.readable()?;
            let page = ready(self.store.load_live(after, PAGE));
            let page = page.and_then(Result::ok).ok_or(Unreadable)?;
            let is_full = page.len() == PAGE;
            after = page.last().map(|record| record.id);
            all.extend(page);
            if !is_full {
                return Ok(all);
            }
        }
    }

    fn readable(&mut self) -> Result<(), Unreadable> {
        match self.fate(Kind::Read) {
            None => Ok(()),
            Some(_) => {
                self.tell(|| "STORE cannot be read".to_owned());
                Err(Unreadable)
            }
        }
    }

    pub(super) fn get(&mut self, call: CallId) -> Result<Option<CallRecord>, Unreadable> {
        self.readable()?;
        ready(self.store.get(call)).and_then(Result::ok).ok_or(Unreadable)
    }

    pub(super) fn find(&mut self, ids: &ProviderCallIds) -> Result<Option<CallRecord>, Unreadable> {
        for id in ids.iter() {
            self.readable()?;
            let found = ready(self.store.find(&self.carrier.provider, id.value()));
            let found = found.and_then(Result::ok).ok_or(Unreadable)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    pub(super) fn find_idempotent(
        &mut self,
        key: &str,
    ) -> Result<Option<(CallId, [u8; 16])>, Unreadable> {
        self.readable()?;
        ready(self.store.find_idempotent(key)).and_then(Result::ok).ok_or(Unreadable)
    }

    /// What became of a turn, as the manager's handle reads it.
    pub(super) fn outcome(
        &mut self,
        call: CallId,
        turn: Turn,
    ) -> Result<Option<TurnOutcome>, Unreadable> {
        let Some(record) = self.get(call)? else { return Ok(None) };
        self.readable()?;
        let timeline = ready(self.store.timeline(call)).and_then(Result::ok).ok_or(Unreadable)?;
        Ok(TurnOutcome::of(&record, &timeline, turn))
    }

    /// The plan that an earlier delivery was answered with.
    pub(super) fn replied(&mut self, call: CallId, number: u32) -> Option<RepliedPlan> {
        self.readable().ok()?;
        let timeline = ready(self.store.timeline(call))?.ok()?;
        let entry = timeline.into_iter().find(|stored| stored.entry.number == number)?;
        match entry.entry.kind {
            EntryKind::Webhook { reply, .. } => reply,
            _ => None,
        }
    }

    /// Begins to commit. What came of it is known at once, or comes later.
    pub(super) fn begin_commit(&mut self, changes: Vec<Change>) -> Result<(), Died> {
        let mut committing = Committing { changes, result: None };
        let mut wait = None;
        if committing.changes.is_empty() {
            committing.result = Some(Ok(()));
        } else {
            let refused = || CommitError::Refused { reason: "the disk is full".to_owned() };
            let fate = self.fate(Kind::Commit);
            self.point(Point::Writing)?;
            if self.is(Weather::StoreFull) {
                committing.result = Some(Err(refused()));
            } else {
                match fate {
                    Some(Fault::CommitRefused) => committing.result = Some(Err(refused())),
                    Some(Fault::CommitSlow(milliseconds)) => wait = Some(milliseconds),
                    Some(Fault::CommitUnclearWritten) => {
                        committing.result = Some(self.write(&committing.changes));
                        wait = Some(self.read_back());
                    }
                    Some(Fault::CommitUnclearLost) => {
                        committing.result = Some(Err(refused()));
                        wait = Some(self.read_back());
                    }
                    _ => committing.result = Some(self.write(&committing.changes)),
                }
            }
            if let Some(fate) = fate {
                self.tell(|| format!("STORE {}", fate.word()));
            }
            if committing.result.is_some() {
                self.point(Point::Written)?;
            }
        }
        if let Some(wait) = wait {
            self.come(wait, Event::CommitDone { life: self.life });
        }
        if let Some(process) = &mut self.process {
            process.waits_for_store = wait.is_some();
            process.committing = Some(committing);
        }
        Ok(())
    }

    /// How long it takes until an unclear commit was read back.
    fn read_back(&mut self) -> u64 {
        let mut wait = 20;
        while self.readable().is_err() {
            wait += REREAD_PAUSE;
        }
        wait
    }

    pub(super) fn write(&mut self, changes: &[Change]) -> Result<(), CommitError> {
        let rewrites = self.plant == Some(Plant::ReasonRewritten);
        let changed: Vec<Change>;
        let changes = if rewrites {
            let ended_before = |change: &Change| {
                let before = self.oracle.record(change.record.id);
                before.is_some_and(|before| before.state.is_ended())
            };
            let rewrite = |change: &Change| {
                if ended_before(change) { rewritten(change) } else { change.clone() }
            };
            changed = changes.iter().map(rewrite).collect();
            &changed
        } else {
            changes
        };
        let unwritten = || CommitError::Refused { reason: "the store waits".to_owned() };
        ready(self.store.commit(changes)).unwrap_or_else(|| Err(unwritten()))?;
        for change in changes {
            let before = self.oracle.record(change.record.id).map(|record| record.state.as_str());
            self.tally.change(before, change);
            if self.trace.is_some() {
                let state = change.record.state;
                let call = short(change.record.id);
                for entry in &change.entries {
                    self.tell(|| format!("STORE {call} {state:?}: {:?}", entry.kind));
                }
                if change.entries.is_empty() {
                    self.tell(|| format!("STORE {call} {state:?}"));
                }
            }
        }
        let Self { oracle, process, now, .. } = self;
        match process {
            Some(process) => oracle.committed(changes, process.hooks(), *now),
            None => oracle.committed(changes, std::iter::empty(), *now),
        }
        Ok(())
    }
}
