//! Jobs: what is done at the carrier.

use std::sync::Arc;

use offhook_manager::{CallJob, EffectKind, Job, JobKind, Submission};

use super::{Event, World};
use crate::plant::Plant;
use crate::point::{Died, Point};
use crate::process::{Running, call_job, effect, short, shown, subject};

impl World<'_> {
    pub(super) fn start(&mut self, job: Job) -> Result<(), Died> {
        let (job, asked_at) = (Arc::new(job), self.now);
        self.tell(|| match call_job(&job) {
            Some(CallJob { call, kind, .. }) => format!("OURS {} begins {kind:?}", short(call.id)),
            None => "OURS begins a list".to_owned(),
        });
        self.events += 1;
        let number = self.events;
        let (provider, begun) = (Arc::clone(&self.provider), Arc::clone(&job));
        let work = async move { begun.carry_out(&*provider, asked_at).await };
        let running = Running { number, job: Arc::clone(&job), asked_at, work: Box::pin(work) };
        let effect = effect(&job).map(|effect| effect.kind);
        let forgotten = match self.plant {
            Some(Plant::HangupsForgotten) => effect == Some(EffectKind::HangUp),
            Some(Plant::EffectsForgotten) => {
                matches!(effect, Some(EffectKind::Limit | EffectKind::Perform(_)))
            }
            _ => false,
        };
        if self.plant == Some(Plant::EffectsForgotten) && forgotten {
            // It is not even counted as under way.
            return Ok(());
        }
        if let Some(process) = &mut self.process {
            process.jobs.push(running);
        }
        if forgotten {
            return Ok(());
        }
        if self.pretend(number, &job) {
            return Ok(());
        }
        let at_most = Job::AT_MOST.as_millis();
        self.come(u64::try_from(at_most).unwrap_or(u64::MAX), Event::JobOverdue(number));
        self.poll(number);
        self.point(Point::Started)
    }

    /// Answers in the carrier's place.
    fn pretend(&mut self, number: u64, job: &Job) -> bool {
        let Some(CallJob { call, kind, .. }) = call_job(job) else { return false };
        let call = call.id;
        let ending = self
            .oracle
            .record(call)
            .is_some_and(|record| record.ending.is_some() || record.state.is_ended());
        let pretends = self.plant == Some(Plant::HangupsPretended);
        let submission = match kind {
            JobKind::Status if self.plant == Some(Plant::EndsUnheard) && !ending => {
                job.overdue(self.now)
            }
            JobKind::Effect(effect) if pretends && effect.kind == EffectKind::HangUp => {
                let result = Ok(offhook_core::ProviderCallIds::none());
                Submission::EffectDone { call, effect: effect.id, result }
            }
            JobKind::Status if pretends && ending => Submission::Looked {
                call,
                status: offhook_core::CallStatus::Ended {
                    reason: offhook_core::EndReason::Completed,
                    cause: None,
                },
                asked_at: self.now,
            },
            _ => return false,
        };
        if let Some(process) = &mut self.process {
            process.jobs.retain(|job| job.number != number);
        }
        self.submit(submission);
        true
    }

    /// Looks whether a job can go on.
    pub(super) fn poll(&mut self, number: u64) {
        let Some(process) = &mut self.process else { return };
        let Some(place) = process.jobs.iter().position(|job| job.number == number) else { return };
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let job = &mut process.jobs[place];
        let of = Arc::clone(&job.job);
        let polled = job.work.as_mut().poll(&mut context);
        for (request, what) in self.lobby.take() {
            self.send(request, what, number, &of);
        }
        if let std::task::Poll::Ready(submission) = polled {
            if let Some(process) = &mut self.process {
                process.jobs.retain(|job| job.number != number);
            }
            self.tell(|| format!("OURS {} is back with {submission:?}", shown(subject(&of))));
            self.submit(submission);
            let _ = self.point(Point::Finished);
        }
    }

    pub(super) fn job_overdue(&mut self, number: u64) {
        let Some(process) = &mut self.process else { return };
        let Some(place) = process.jobs.iter().position(|job| job.number == number) else { return };
        let job = process.jobs.remove(place);
        let submission = job.job.overdue(job.asked_at);
        self.oracle.disturb(self.now);
        self.submit(submission);
    }
}
