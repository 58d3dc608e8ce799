//! Carries out jobs at the carrier. One request each; nothing is repeated here.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, CallStatus, DialIntent, ErrorClass, ProviderCallIds, ProviderError, Search,
    VoiceProvider,
};
use tracing::Instrument;

use crate::driver::{CallJob, Job, JobKind, Submission};
use crate::logging;
use crate::record::{CallRecord, EffectKind};

/// Does the job, within its span and its time, and gives what is to be submitted.
pub(crate) async fn run(
    provider: Arc<dyn VoiceProvider>,
    job: Arc<Job>,
    asked_at: Timestamp,
) -> Submission {
    let span = logging::span_of(&job);
    let work = async {
        let answer = tokio::time::timeout(Job::AT_MOST, job.carry_out(&*provider, asked_at));
        let answer = answer.await.unwrap_or_else(|_| job.overdue(asked_at));
        logging::answered(&job, &answer);
        answer
    };
    work.instrument(span).await
}

impl Job {
    /// No job takes longer, whatever the provider's transport does.
    pub const AT_MOST: Duration = Duration::from_secs(30);

    /// Does the job at its carrier, and gives what is to be submitted. It is not bounded in time:
    /// after [`AT_MOST`](Self::AT_MOST) drop it and submit [`overdue`](Self::overdue) instead.
    pub async fn carry_out(&self, provider: &dyn VoiceProvider, asked_at: Timestamp) -> Submission {
        match self {
            Self::Call(job) => job.carry_out(provider, asked_at).await,
            Self::List(name) => {
                let list = provider.list_live().await;
                Submission::Listed { provider: name.clone(), list, asked_at }
            }
        }
    }

    /// What is submitted if it was not done in time.
    #[must_use]
    pub fn overdue(&self, asked_at: Timestamp) -> Submission {
        self.unanswered(asked_at, "the carrier did not answer in time")
    }

    /// What is submitted if its task was lost (it panicked).
    pub(crate) fn lost(&self, asked_at: Timestamp) -> Submission {
        self.unanswered(asked_at, "the request was lost inside of us")
    }

    fn unanswered(&self, asked_at: Timestamp, why: &str) -> Submission {
        let error = |class| ProviderError::new(class, why);
        match self {
            Self::List(provider) => {
                let list = Err(error(ErrorClass::Transient));
                Submission::Listed { provider: provider.clone(), list, asked_at }
            }
            Self::Call(CallJob { call, kind, .. }) => {
                let call = call.id;
                match kind {
                    JobKind::Effect(effect) => {
                        let result = Err(error(ErrorClass::Ambiguous));
                        Submission::EffectDone { call, effect: effect.id, result }
                    }
                    JobKind::Status => {
                        let status = CallStatus::Unknown { cause: error(ErrorClass::Transient) };
                        Submission::Looked { call, status, asked_at }
                    }
                    JobKind::Search => {
                        let search = Search::Unknown { cause: error(ErrorClass::Transient) };
                        Submission::Searched { call, search }
                    }
                }
            }
        }
    }
}

impl CallJob {
    async fn carry_out(&self, provider: &dyn VoiceProvider, asked_at: Timestamp) -> Submission {
        let call = self.call.id;
        match self.kind {
            JobKind::Effect(effect) => {
                let result = perform(provider, &self.call, &self.reference, effect.kind).await;
                Submission::EffectDone { call, effect: effect.id, result }
            }
            JobKind::Status => {
                let status = provider.get_call_status(&self.reference).await;
                Submission::Looked { call, status, asked_at }
            }
            JobKind::Search => {
                let search = match intent(&self.call, &self.reference) {
                    Some(intent) => provider.find_call(&intent).await,
                    None => Search::Nothing,
                };
                Submission::Searched { call, search }
            }
        }
    }
}

fn intent(call: &CallRecord, reference: &CallRef) -> Option<DialIntent> {
    Some(DialIntent::new(
        reference.clone(),
        call.from.clone(),
        call.to.clone(),
        call.script.plan.clone(),
        call.limits.ring_timeout,
        call.limits.max_duration,
        call.dial?.sent_at,
    ))
}

async fn perform(
    provider: &dyn VoiceProvider,
    call: &CallRecord,
    reference: &CallRef,
    effect: EffectKind,
) -> Result<ProviderCallIds, ProviderError> {
    let nothing = |()| ProviderCallIds::none();
    match effect {
        EffectKind::Initiate => match intent(call, reference) {
            Some(intent) => provider.initiate_call(&intent).await.map(|initiated| initiated.ids),
            None => Err(ProviderError::unsupported("dialling an inbound call")),
        },
        EffectKind::Answer => provider.answer_call(reference).await.map(nothing),
        EffectKind::Reject(reason) => provider.reject_call(reference, reason).await.map(nothing),
        EffectKind::Limit => {
            provider.limit_call(reference, call.limits.max_duration).await.map(nothing)
        }
        EffectKind::HangUp => provider.hangup_call(reference).await.map(nothing),
        EffectKind::StopSpeech => provider.stop_tts(reference).await.map(nothing),
        EffectKind::StopGathering => provider.stop_gathering(reference).await.map(nothing),
        EffectKind::StopTranscribing => provider.stop_listening(reference).await.map(nothing),
        EffectKind::Perform(_) => match &call.script.plan {
            CallPlan::Say(say) => provider.play_tts(reference, say).await.map(nothing),
            CallPlan::Listen(listen) => {
                provider.start_listening(reference, listen).await.map(nothing)
            }
            CallPlan::SendDigits { digits, then } => {
                provider.send_dtmf(reference, digits, then).await.map(nothing)
            }
            CallPlan::Hold => provider.stop_listening(reference).await.map(nothing),
            CallPlan::HangUp { .. } => provider.hangup_call(reference).await.map(nothing),
            CallPlan::Reject(reason) => provider.reject_call(reference, *reason).await.map(nothing),
            _ => Err(ProviderError::unsupported("this plan")),
        },
    }
}
