//! The suite's own bite: a provider with one fault fails the case that names it, and no other.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use offhook_conformance::Secrets;
use offhook_conformance::provider_suite::{
    CASES, Carried, Case, Command, Dialled, Genuine, Look, ProviderHarness, Refusal, Searched,
    Signer, Tamper, Told,
};
use offhook_core::{
    CallRef, ListenFor, ProviderCallIds, Transport, TransportRequest, TransportResponse,
    VoiceProvider, WebhookReply, WebhookRequest,
};

use crate::faults::{Base, FAULTS, Fault};
use crate::faulty::Faulty;
use crate::harness::Harness;

/// A test carrier whose provider has a fault.
struct FaultyHarness {
    base: Harness,
    fault: Fault,
    /// Instead of those of the base.
    skips: Option<&'static [(&'static str, &'static str)]>,
}

impl FaultyHarness {
    fn new(base: Base, fault: Fault) -> Self {
        let base = match base {
            Base::Commands => Harness::commands(),
            Base::Documents => Harness::documents(),
        };
        Self { base, fault, skips: None }
    }

    /// The cases that fail.
    fn failures(&self) -> Vec<&'static str> {
        self.failures_of(|_| true)
    }

    /// Those of some cases that fail.
    fn failures_of(&self, is_meant: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let fails = |case: &Case| {
            let run = || runtime.block_on(case.run(self));
            catch_unwind(AssertUnwindSafe(run)).is_err()
        };
        let meant = CASES.iter().filter(|case| is_meant(case.name()));
        meant.filter(|case| fails(case)).map(Case::name).collect()
    }
}

impl ProviderHarness for FaultyHarness {
    fn provider(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        Faulty::over(self.fault, transport, |transport| self.base.provider(transport))
    }

    fn rotating(&self, transport: Arc<dyn Transport>) -> Box<dyn VoiceProvider> {
        if self.fault == Fault::ForgetsThePreviousKey {
            return self.provider(transport);
        }
        Faulty::over(self.fault, transport, |transport| self.base.rotating(transport))
    }

    fn secrets(&self) -> Secrets {
        match self.fault {
            Fault::IsSearchedForNothing => Secrets::default(),
            _ => self.base.secrets(),
        }
    }

    fn skips(&self) -> &'static [(&'static str, &'static str)] {
        self.skips.unwrap_or_else(|| self.base.skips())
    }

    fn printed(&self) -> Vec<String> {
        self.base.printed()
    }

    fn call(&self) -> CallRef {
        self.base.call()
    }

    fn now(&self) -> Timestamp {
        self.base.now()
    }

    fn webhooks(&self) -> Vec<Genuine> {
        self.base.webhooks()
    }

    fn to_tamper_with(&self) -> Vec<Tamper> {
        self.base.to_tamper_with()
    }

    fn signature_headers(&self) -> &'static [&'static str] {
        self.base.signature_headers()
    }

    fn sign(&self, signer: Signer, body: &[u8]) -> WebhookRequest {
        self.base.sign(signer, body)
    }

    fn retry(&self, of: &WebhookRequest) -> WebhookRequest {
        self.base.retry(of)
    }

    fn same_to_the_carrier(&self) -> Vec<(&'static str, WebhookRequest, WebhookRequest)> {
        self.base.same_to_the_carrier()
    }

    fn tolerance(&self) -> Option<SignedDuration> {
        self.base.tolerance()
    }

    fn dialled(&self, request: &TransportRequest) -> Dialled {
        self.base.dialled(request)
    }

    fn is_authenticated(&self, request: &TransportRequest) -> bool {
        self.base.is_authenticated(request)
    }

    fn carries(&self, request: &TransportRequest, text: &str) -> Carried {
        self.base.carries(request, text)
    }

    fn says(&self, reply: &WebhookReply, text: &str) -> bool {
        self.base.says(reply, text)
    }

    fn listens_for(&self, told: &Told<'_>) -> Option<ListenFor> {
        self.base.listens_for(told)
    }

    fn created(&self) -> (TransportResponse, ProviderCallIds) {
        self.base.created()
    }

    fn taken(&self, command: Command) -> TransportResponse {
        self.base.taken(command)
    }

    fn refusal(&self, refusal: Refusal) -> TransportResponse {
        self.base.refusal(refusal)
    }

    fn rejection_code(&self) -> &'static str {
        self.base.rejection_code()
    }

    fn needs_no_body(&self, command: Command) -> bool {
        self.base.needs_no_body(command)
    }

    fn statuses(&self) -> Vec<Look> {
        self.base.statuses()
    }

    fn undocumented_statuses(&self) -> Vec<Vec<TransportResponse>> {
        self.base.undocumented_statuses()
    }

    fn statuses_of_others(&self) -> Vec<Vec<TransportResponse>> {
        self.base.statuses_of_others()
    }

    fn searches(&self) -> Vec<Searched> {
        self.base.searches()
    }
}

#[test]
fn each_fault_fails_the_case_that_names_it_and_no_other() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some((fault, base, case)) = FAULTS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let failed = FaultyHarness::new(*base, *fault).failures();
            if failed != [*case] {
                wrong.push(format!("{fault:?} fails {failed:?}, not just {case}"));
            }
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("it catches panics")).collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_case_has_a_fault_that_fails_it() {
    let bitten: HashSet<&str> = FAULTS.iter().map(|(_, _, case)| *case).collect();
    let toothless: Vec<_> =
        CASES.iter().map(Case::name).filter(|case| !bitten.contains(case)).collect();
    assert!(toothless.is_empty(), "no fault shows that these fail: {toothless:?}");
}

#[test]
fn a_skip_is_listed_with_its_reason_and_nothing_else_is() {
    let (skipped, tried) = ("odd_text_is_rendered_as_it_is", "a_reply_is_of_its_step");
    let failures = |skips| {
        let harness =
            FaultyHarness { skips: Some(skips), ..FaultyHarness::new(Base::Commands, Fault::None) };
        harness.failures_of(|case| case == skipped || case == tried)
    };
    assert_eq!(failures(Harness::commands().skips()), <[&str; 0]>::default());
    assert_eq!(failures(&[]), [skipped], "not listed");
    assert_eq!(failures(&[("odd_text_is_rendered_as_it_is", "no time")]), [skipped]);
    let listed_for_nothing = &[
        ("odd_text_is_rendered_as_it_is", "the provider takes no documents"),
        ("a_reply_is_of_its_step", "too hard"),
    ];
    assert_eq!(failures(listed_for_nothing), [tried]);
}
