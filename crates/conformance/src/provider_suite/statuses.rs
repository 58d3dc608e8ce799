//! How a call stands, and which calls there are.

use offhook_core::{CallRef, CallStatus, Search};

use super::command::intent;
use super::harness::{Finding, Meaning, ProviderHarness, Refusal};
use super::line::{self, Line};
use super::{Answered, Outcome, Skipped};

async fn status(h: &dyn ProviderHarness, answers: Vec<Answered>) -> CallStatus {
    h.provider(Line::of(answers)).get_call_status(&h.call()).await
}

/// Every documented answer about a call has its meaning, and no other.
pub(super) async fn every_documented_status_has_its_meaning(h: &dyn ProviderHarness) {
    for look in h.statuses() {
        let found = status(h, look.answers).await;
        let means = match &found {
            CallStatus::Live { progress } => Meaning::Live(*progress),
            CallStatus::Ended { reason, .. } => Meaning::Ended(*reason),
            CallStatus::NotFound => Meaning::NotFound,
            other => panic!("{}: {other:?}", look.word),
        };
        assert_eq!(means, look.means, "{}", look.word);
    }
}

/// A word that nobody documented ends no call.
pub(super) async fn a_status_that_is_not_documented_is_unknown(h: &dyn ProviderHarness) {
    for answers in h.undocumented_statuses() {
        let told: Vec<_> = answers.iter().map(|one| one.body.clone()).collect();
        let found = status(h, answers.into_iter().map(Ok).collect()).await;
        assert!(matches!(found, CallStatus::Unknown { .. }), "{told:?}: {found:?}");
    }
}

/// What is told of another call says nothing of this one.
pub(super) async fn a_status_of_another_call_is_unknown(h: &dyn ProviderHarness) {
    for answers in h.statuses_of_others() {
        let told: Vec<_> = answers.iter().map(|one| one.body.clone()).collect();
        let found = status(h, answers.into_iter().map(Ok).collect()).await;
        assert!(matches!(found, CallStatus::Unknown { .. }), "{told:?}: {found:?}");
    }
}

/// A call that the carrier says it does not know is not found: weaker than over.
pub(super) async fn a_call_that_the_carrier_does_not_know_is_not_found(h: &dyn ProviderHarness) {
    let found = status(h, vec![Ok(h.refusal(Refusal::NotFound))]).await;
    assert!(matches!(found, CallStatus::NotFound), "{found:?}");
}

/// What nobody knows keeps the call: a refused key, a limit, a fault, a proxy's page, silence.
pub(super) async fn a_status_that_cannot_be_had_is_unknown(h: &dyn ProviderHarness) {
    let refusals = [
        Refusal::Unauthenticated,
        Refusal::Forbidden,
        Refusal::Throttled,
        Refusal::ServerError,
        Refusal::Rejected,
    ];
    let mut answers: Vec<(String, Answered)> = refusals
        .into_iter()
        .map(|refusal| (format!("{refusal:?}"), Ok(h.refusal(refusal))))
        .collect();
    let anybody = [
        line::successes_of_nobody(),
        line::empty_successes(),
        line::refusals_of_nobody(),
        line::server_errors(),
        vec![("401 HTML", line::page(401)), ("429 HTML", line::page(429))],
    ];
    let anybody = anybody.into_iter().flatten();
    answers.extend(anybody.map(|(name, answer)| (name.to_owned(), Ok(answer))));
    let faults = line::faults_before().into_iter().chain(line::faults_after());
    answers.extend(faults.map(|fault| (fault.to_string(), Err(fault))));
    for (name, answer) in answers {
        let found = status(h, vec![answer]).await;
        assert!(matches!(found, CallStatus::Unknown { .. }), "{name}: {found:?}");
    }
}

async fn search(h: &dyn ProviderHarness, answers: Vec<Answered>) -> Option<Search> {
    let provider = h.provider(Line::of(answers));
    let call = CallRef { ids: offhook_core::ProviderCallIds::none(), ..h.call() };
    if provider.capabilities().find_call {
        Some(provider.find_call(&intent(&call)).await)
    } else {
        None
    }
}

const NO_SEARCH: Outcome = Err(Skipped("the provider cannot search for calls"));

/// A search finds the call, or calls that may be it, as the carrier lists them, and no others.
pub(super) async fn a_search_finds_what_the_carrier_lists(h: &dyn ProviderHarness) -> Outcome {
    if !h.provider(Line::dead()).capabilities().find_call {
        return NO_SEARCH;
    }
    let searches = h.searches();
    assert!(searches.iter().any(|search| search.finds == Finding::Nothing));
    assert!(searches.iter().any(|search| search.finds != Finding::Nothing));
    for searched in searches {
        let found = match search(h, searched.answers).await {
            Some(Search::Found(ids)) => Finding::Found(ids),
            Some(Search::Candidates(all)) => Finding::Candidates(all),
            Some(Search::Nothing) => Finding::Nothing,
            other => panic!("{}: {other:?}", searched.name),
        };
        assert_eq!(found, searched.finds, "{}", searched.name);
    }
    Ok(())
}

/// A search that did not come through proves nothing.
pub(super) async fn a_search_that_fails_is_unknown(h: &dyn ProviderHarness) -> Outcome {
    let refusals = [
        Refusal::Unauthenticated,
        Refusal::Forbidden,
        Refusal::Throttled,
        Refusal::NotFound,
        Refusal::ServerError,
    ];
    let refused = refusals.into_iter().map(|refusal| Ok(h.refusal(refusal)));
    let faults = line::faults_before().into_iter().chain(line::faults_after()).map(Err);
    let anybody =
        [line::successes_of_nobody(), line::empty_successes(), line::refusals_of_nobody()];
    let anybody = anybody.into_iter().flatten().map(|(_, answer)| Ok(answer));
    for answer in refused.chain(faults).chain(anybody) {
        let told = format!("{answer:?}");
        match search(h, vec![answer]).await {
            None => return NO_SEARCH,
            Some(Search::Unknown { .. }) => {}
            Some(other) => panic!("{told}: {other:?}"),
        }
    }
    Ok(())
}
