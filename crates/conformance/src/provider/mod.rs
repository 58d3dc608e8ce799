//! Two carriers that exist only in tests: all that they are told is kept, and all that they answer
//! can be scripted. Over a transport they speak a little API of their own ([`wire`]), so that they are
//! held to the same suite as the providers of real carriers.

mod command;
mod document;
mod webhook;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offhook_core::{
    CallId, CallPlan, CallRef, CallStatus, DialIntent, InitiatedCall, ProviderCallId,
    ProviderCallIds, ProviderError, Search, Step, Transport, VoiceProvider,
};

pub use command::CommandProvider;
pub use document::DocumentProvider;
pub use webhook::{SECRET, SIGNATURE_HEADER, Sent, TIMESTAMP_HEADER, signed, signed_as};
pub use wire::API_KEY;

/// One request that a test carrier got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The trait's method.
    pub method: &'static str,
    /// Our id of the call.
    pub call: CallId,
    /// The carrier id that the request named.
    pub carrier_id: Option<String>,
    /// The step.
    pub step: Step,
    /// What was asked for: a spoken text, digits, the plan of a dial. Empty for none.
    pub detail: String,
}

/// How a test carrier answers one request.
#[derive(Debug)]
pub enum Scripted {
    /// It takes it; a dial gets these ids.
    Taken(ProviderCallIds),
    /// It does not.
    Failed(ProviderError),
    /// It never answers.
    Silent,
}

type Status = Box<dyn Fn() -> CallStatus + Send>;
type Searcher = Box<dyn Fn() -> Search + Send>;

#[derive(Default)]
struct Inner {
    requests: Vec<Request>,
    answers: HashMap<&'static str, VecDeque<Scripted>>,
    statuses: HashMap<String, Status>,
    search: Option<Searcher>,
    dialled: u32,
}

/// What both test carriers have in common: the record of requests and the scripted answers.
#[derive(Default)]
pub struct TestProvider {
    inner: Mutex<Inner>,
    transport: Option<Arc<dyn Transport>>,
    previous_secret: Option<&'static str>,
}

impl fmt::Debug for TestProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "test carrier with {} requests", self.lock().requests.len())
    }
}

impl TestProvider {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// How often a method was called.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        self.lock().requests.iter().filter(|request| request.method == method).count()
    }

    /// The next call of a method is answered like this; without a script it succeeds.
    pub fn script(&self, method: &'static str, answer: Scripted) {
        self.lock().answers.entry(method).or_default().push_back(answer);
    }

    /// Every question about this carrier id is answered like this from now on.
    pub fn set_status(&self, carrier_id: &str, status: impl Fn() -> CallStatus + Send + 'static) {
        self.lock().statuses.insert(carrier_id.to_owned(), Box::new(status));
    }

    /// Every search is answered like this from now on.
    pub fn set_search(&self, search: impl Fn() -> Search + Send + 'static) {
        self.lock().search = Some(Box::new(search));
    }

    fn note(&self, method: &'static str, call: &CallRef, detail: String) {
        let request = Request {
            method,
            call: call.id,
            carrier_id: call.ids.value().map(str::to_owned),
            step: call.step,
            detail,
        };
        self.lock().requests.push(request);
    }

    async fn answer(
        &self,
        method: &'static str,
        call: &CallRef,
        detail: String,
    ) -> Result<Option<ProviderCallIds>, ProviderError> {
        self.note(method, call, detail.clone());
        if let Some(transport) = &self.transport {
            return wire::command(&**transport, method, call, &detail).await.map(|()| None);
        }
        let scripted = self.lock().answers.get_mut(method).and_then(VecDeque::pop_front);
        match scripted {
            None => Ok(None),
            Some(Scripted::Taken(ids)) => Ok(Some(ids)),
            Some(Scripted::Failed(error)) => Err(error),
            Some(Scripted::Silent) => std::future::pending().await,
        }
    }

    async fn done(
        &self,
        method: &'static str,
        call: &CallRef,
        detail: String,
    ) -> Result<(), ProviderError> {
        self.answer(method, call, detail).await.map(drop)
    }

    async fn dial(
        &self,
        kind: &'static str,
        intent: &DialIntent,
    ) -> Result<InitiatedCall, ProviderError> {
        let plan = plan_text(&intent.plan);
        if let Some(transport) = &self.transport {
            self.note("initiate_call", &intent.call, plan.clone());
            return wire::dial(&**transport, kind, intent, &plan).await;
        }
        let scripted = self.answer("initiate_call", &intent.call, plan).await?;
        let fresh = || {
            let mut inner = self.lock();
            inner.dialled += 1;
            let value = format!("{kind}-{}", inner.dialled);
            ProviderCallIds::of(ProviderCallId::new(kind, 1, value))
        };
        Ok(InitiatedCall { ids: scripted.unwrap_or_else(fresh) })
    }

    async fn status(&self, call: &CallRef) -> Option<CallStatus> {
        self.note("get_call_status", call, String::new());
        if let Some(transport) = &self.transport {
            return Some(wire::status(&**transport, call).await);
        }
        let inner = self.lock();
        call.ids.iter().find_map(|id| inner.statuses.get(id.value())).map(|status| status())
    }

    async fn search(&self, kind: &'static str, intent: &DialIntent) -> Search {
        self.note("find_call", &intent.call, intent.to.to_text());
        if let Some(transport) = &self.transport {
            return wire::search(&**transport, kind, intent).await;
        }
        self.lock().search.as_ref().map_or(Search::Nothing, |search| search())
    }
}

/// A plan in few words, the same for the same plan.
fn plan_text(plan: &CallPlan) -> String {
    match plan {
        CallPlan::Say(say) => format!(
            "say {:?} then {}",
            say.speech.text.as_str(),
            plan_text(&say.then.clone().into())
        ),
        CallPlan::Listen(listen) => {
            let digits = listen.input.digits().map(|digits| {
                format!(" for {} digits until {}", digits.max_digits(), digits.finish_on_key())
            });
            let speech = digits.is_some() && listen.input.takes_speech();
            format!(
                "listen{}{} for turn {} in {}",
                digits.unwrap_or_default(),
                if speech { " or speech" } else { "" },
                listen.turn,
                listen.locale.as_str()
            )
        }
        CallPlan::SendDigits { digits, then } => {
            format!("send {} then {}", digits.as_str(), plan_text(&then.clone().into()))
        }
        CallPlan::Hold => "hold".to_owned(),
        CallPlan::HangUp { after } => format!("hang up after {} ms", after.as_millis()),
        CallPlan::Reject(reason) => format!("reject {reason:?}"),
        other => format!("{other:?}"),
    }
}

/// Lets a provider's tests reach its script: `provider.requests()`, `provider.set_status(…)`.
macro_rules! test_provider {
    ($provider:ident) => {
        impl std::ops::Deref for $provider {
            type Target = crate::TestProvider;

            fn deref(&self) -> &crate::TestProvider {
                &self.carrier
            }
        }

        impl $provider {
            /// A carrier without calls.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// A carrier at the other end of a transport. No script is asked then.
            #[must_use]
            pub fn over(transport: std::sync::Arc<dyn offhook_core::Transport>) -> Self {
                let mut provider = Self::default();
                provider.carrier.transport = Some(transport);
                provider
            }

            /// Webhooks that are signed with this key are accepted too.
            #[must_use]
            pub const fn with_previous_secret(mut self, secret: &'static str) -> Self {
                self.carrier.previous_secret = Some(secret);
                self
            }
        }
    };
}
use test_provider;

#[allow(unused, reason = "proves that both can stand behind the trait object")]
fn object_safe(one: DocumentProvider, other: CommandProvider) -> [Box<dyn VoiceProvider>; 2] {
    [Box::new(one), Box::new(other)]
}
