//! Jobs: what is done at the carrier.

use offhook_manager::{EffectKind, Job, JobKind, Submission};

use super::{Event, World};
use crate::plant::Plant;
use crate::point::{Died, Point};
use crate::process::{Running, short};

impl World<'_> {
    pub(super) fn start(&mut self, job: Job) -> Result<(), Died> {
        let (call, kind, asked_at) = (job.call.id, job.kind, self.now);
        self.tell(|| format!("OURS {} begins {kind:?}", short(call)));
        self.events += 1;
        let number = self.events;
        let provider = std::sync::Arc::clone(&self.provider);
        let work = async move { job.carry_out(&*provider, asked_at).await };
        let running = Running { number, call, kind, asked_at, work: Box::pin(work) };
        let effect = match kind {
            JobKind::Effect(effect) => Some(effect.kind),
            _ => None,
        };
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
        if self.pretend(number, call, kind) {
            return Ok(());
        }
        let at_most = Job::AT_MOST.as_millis();
        self.come(u64::try_from(at_most).unwrap_or(u64::MAX), Event::JobOverdue(number));
        self.poll(number);
        self.point(Point::Started)
    }

    /// Answers in the carrier's place.
    fn pretend(&mut self, number: u64, call: offhook_core::CallId, kind: JobKind) -> bool {
        let ending = self
            .oracle
            .record(call)
            .is_some_and(|record| record.ending.is_some() || record.state.is_ended());
        let pretends = self.plant == Some(Plant::HangupsPretended);
        let submission = match kind {
            JobKind::Status if self.plant == Some(Plant::EndsUnheard) && !ending => {
                kind.overdue(call, self.now)
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
        let (call, kind) = (job.call, job.kind);
        let polled = job.work.as_mut().poll(&mut context);
        for (request, what) in self.lobby.take() {
            self.send(request, what, number, call, kind);
        }
        if let std::task::Poll::Ready(submission) = polled {
            if let Some(process) = &mut self.process {
                process.jobs.retain(|job| job.number != number);
            }
            self.tell(|| format!("OURS {} is back with {submission:?}", short(call)));
            self.submit(submission);
            let _ = self.point(Point::Finished);
        }
    }

    pub(super) fn job_overdue(&mut self, number: u64) {
        let Some(process) = &mut self.process else { return };
        let Some(place) = process.jobs.iter().position(|job| job.number == number) else { return };
        let job = process.jobs.remove(place);
        let submission = job.kind.overdue(job.call, job.asked_at);
        self.oracle.disturb(self.now);
        self.submit(submission);
    }
}
