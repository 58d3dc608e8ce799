//! Many calls after a restart: the carrier is asked what lives, instead of about each of them.
//!
//! Whoever is listed lives. Who is not is asked about: absence from a list is no proof.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallId, CallStatus, ErrorClass, Progress, ProviderError, ProviderName, RunningCall, Search,
};

use super::Driver;
use super::batch::Batch;
use super::starting::Job;
use super::watch::{ASK_AGAIN, Watch, backoff};
use crate::machine::Input;
use crate::time::after;

/// Above so many calls of one carrier to verify, it is asked for a list first.
const LISTED_ABOVE: usize = 500;

/// A list that fails is asked for again within this time of the first attempt. Then the calls that
/// wait for it are asked about one by one.
const PATIENCE: Duration = Duration::from_secs(10);

/// A list that is wanted of a carrier. Looks at the calls that it may verify wait for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    /// Not before then.
    due: Timestamp,
    /// When it was asked for first.
    begun_at: Option<Timestamp>,
    /// Failed attempts.
    failed: u32,
    in_flight: bool,
}

impl Listing {
    const fn due_at(due: Timestamp) -> Self {
        Self { due, begun_at: None, failed: 0, in_flight: false }
    }

    /// The next attempt after one that failed, if there is to be one.
    fn after_failure(self, error: &ProviderError, now: Timestamp) -> Option<Self> {
        let passes = matches!(
            error.class(),
            ErrorClass::Transient | ErrorClass::Throttled | ErrorClass::Ambiguous
        );
        let due = after(now, backoff(self.failed));
        let in_time = self.begun_at.is_none_or(|begun_at| due <= after(begun_at, PATIENCE));
        let again = Self { due, failed: self.failed + 1, in_flight: false, ..self };
        (passes && in_time).then_some(again)
    }
}

impl Driver {
    /// Of carriers with many calls to verify, a list is wanted first.
    pub(super) fn list_where_many_are_unverified(&mut self) {
        let mut unverified: BTreeMap<&ProviderName, usize> = BTreeMap::new();
        for open in self.open.values().filter(|open| open.watch.unverified) {
            *unverified.entry(&open.record.provider).or_default() += 1;
        }
        let many = unverified.into_iter().filter(|(provider, calls)| {
            *calls > LISTED_ABOVE && self.capabilities_of(provider).list_live
        });
        let many: Vec<ProviderName> = many.map(|(provider, _)| provider.clone()).collect();
        for provider in many {
            let report = Arc::make_mut(&mut self.report);
            for (call, open) in &mut self.open {
                if open.record.provider == provider && open.watch.unverified {
                    open.watch.waits_for_list = true;
                    report.asking(*call, "the carrier is asked which calls are live");
                }
            }
            self.listings.insert(provider, Listing::due_at(Timestamp::MIN));
        }
    }

    /// When a list is due that is not under way.
    pub(super) fn next_listing(&self) -> Option<Timestamp> {
        let waiting = self.listings.values().filter(|listing| !listing.in_flight);
        waiting.map(|listing| listing.due).min()
    }

    /// Starts the lists that are due, as far as rate and concurrency permit.
    pub(super) fn start_lists(&mut self, now: Timestamp, jobs: &mut Vec<Job>) {
        let due = self.listings.iter().filter(|(_, of)| !of.in_flight && of.due <= now);
        let due: Vec<ProviderName> = due.map(|(provider, _)| provider.clone()).collect();
        for provider in due {
            if self.looks_in_flight >= self.policy.verify_concurrency {
                return;
            }
            if !self.may_look(&provider, now) {
                continue;
            }
            let Some(listing) = self.listings.get_mut(&provider) else { continue };
            listing.in_flight = true;
            listing.begun_at.get_or_insert(now);
            self.looks_in_flight += 1;
            jobs.push(Job::List(provider));
        }
    }

    /// A carrier has told which calls live, or has not.
    pub(super) fn apply_list(
        &mut self,
        batch: &mut Batch,
        provider: &ProviderName,
        list: &Result<Vec<RunningCall>, ProviderError>,
        asked_at: Timestamp,
        now: Timestamp,
    ) {
        batch.looks += 1;
        let Some(listing) = self.listings.get(provider).copied() else { return };
        match list {
            Ok(running) => {
                self.adopt_listed(batch, provider, running, now);
                let listed = self.listed(provider, running);
                let why = "the carrier does not list it as live; it is asked about it";
                self.verify_by_list(batch, provider, &listed, why, asked_at, now);
            }
            Err(error) => match listing.after_failure(error, now) {
                Some(again) => batch.listings.push((provider.clone(), Some(again))),
                None => {
                    let why = format!(
                        "the carrier did not list what is live ({error}); it is asked about each call"
                    );
                    self.verify_by_list(batch, provider, &HashMap::new(), &why, asked_at, now);
                }
            },
        }
    }

    /// What a search would have found: a call of ours without an id at the carrier.
    fn adopt_listed(
        &mut self,
        batch: &mut Batch,
        provider: &ProviderName,
        running: &[RunningCall],
        now: Timestamp,
    ) {
        for listed in running {
            let Some(call) = listed.call else { continue };
            let is_sought = batch.record(&self.open, call).is_some_and(|record| {
                record.provider == *provider && record.dial.is_some() && record.ids.is_empty()
            });
            if is_sought {
                let found = Search::Found(listed.ids.clone());
                self.apply(batch, call, Input::Search(&found), now);
            }
        }
    }

    /// The open calls that are on a list, and how far each has come.
    fn listed(
        &self,
        provider: &ProviderName,
        running: &[RunningCall],
    ) -> HashMap<CallId, Option<Progress>> {
        let known = running.iter().filter_map(|listed| {
            let call = listed.ids.iter().find_map(|id| self.known_by(provider, id.value()))?;
            Some((call, listed.progress))
        });
        known.collect()
    }

    /// Takes the calls that waited for a list: who is listed is found live, the others are asked
    /// about.
    fn verify_by_list(
        &mut self,
        batch: &mut Batch,
        provider: &ProviderName,
        listed: &HashMap<CallId, Option<Progress>>,
        why_others: &str,
        asked_at: Timestamp,
        now: Timestamp,
    ) {
        let waiting = self
            .open
            .iter()
            .filter(|(_, open)| open.watch.waits_for_list && open.record.provider == *provider);
        let mut waiting: Vec<(CallId, Watch)> =
            waiting.map(|(call, open)| (*call, open.watch.clone())).collect();
        waiting.sort_unstable_by_key(|(call, _)| *call);
        for (call, watch) in &mut waiting {
            watch.waits_for_list = false;
            let Some(record) = batch.record(&self.open, *call) else { continue };
            // A list that does not tell how far a call has come says too little of one that rings.
            let tells =
                |progress: &&Option<Progress>| progress.is_some() || record.answered_at.is_some();
            let progress = listed.get(call).filter(tells).filter(|_| !record.state.is_ended());
            let Some(progress) = progress.copied() else {
                batch.asking.push((*call, why_others.to_owned()));
                continue;
            };
            let unverified = watch.unverified;
            watch.found_live(now);
            let status = CallStatus::Live { progress };
            let input = Input::Status { status: &status, asked_at, second_look: false };
            self.apply(batch, *call, input, now);
            if unverified {
                self.found_live(batch, *call, "listed as live", now);
            }
        }
        let again = waiting.iter().filter(|(_, watch)| watch.ask_again).count() > LISTED_ABOVE;
        if again {
            for (_, watch) in &mut waiting {
                watch.waits_for_list = watch.ask_again;
            }
        }
        let next = again.then(|| Listing::due_at(after(now, ASK_AGAIN)));
        batch.listings.push((provider.clone(), next));
        batch.touched.extend(waiting.iter().map(|(call, _)| *call));
        batch.watches.extend(waiting);
    }

    /// What comes after a list, once that is committed.
    pub(super) fn put_listing(&mut self, provider: ProviderName, next: Option<Listing>) {
        match next {
            Some(next) => self.listings.insert(provider, next),
            None => self.listings.remove(&provider),
        };
    }
}
