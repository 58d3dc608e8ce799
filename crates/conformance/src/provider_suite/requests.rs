//! What is sent.

use std::collections::HashSet;
use std::time::Duration;

use http::header::AUTHORIZATION;
use offhook_core::{
    CallRef, CallStatus, Connection, ErrorClass, ProviderCallIds, ProviderError, TransportRequest,
};
use percent_encoding::percent_decode_str;

use super::command::{Command, FROM, TO, able, intent};
use super::harness::{Dialled, ProviderHarness, Refusal};
use super::line::{self, Line};

async fn dial(h: &dyn ProviderHarness) -> TransportRequest {
    let line = Line::with(Ok(h.created().0));
    let provider = h.provider(line.clone());
    provider.initiate_call(&intent(&h.call())).await.expect("it is taken");
    line.requests().remove(0)
}

async fn dialled(h: &dyn ProviderHarness) -> Dialled {
    h.dialled(&dial(h).await)
}

/// What every request has, whatever it is for.
fn is_proper(h: &dyn ProviderHarness, request: &TransportRequest, what: &str) {
    assert!(h.is_authenticated(request), "{what}: its credentials");
    if let Some(credentials) = request.headers.get(AUTHORIZATION) {
        assert!(credentials.is_sensitive(), "{what}: its credentials are marked as sensitive");
    }
    assert_eq!(request.url.scheme(), "https", "{what}");
    assert!(request.timeout <= Duration::from_secs(30), "{what} is bounded in time");
}

/// A dial is one request with our credentials, on a connection of its own, so that a failure to
/// connect proves that nothing was sent.
pub(super) async fn a_dial_is_one_authenticated_request(h: &dyn ProviderHarness) {
    let line = Line::with(Ok(h.created().0));
    let provider = h.provider(line.clone());
    provider.initiate_call(&intent(&h.call())).await.expect("it is taken");
    let request = line.only_request();
    is_proper(h, &request, "a dial");
    assert_eq!(request.connection, Connection::Fresh);
}

/// Both parties stand in a dial as they were given.
pub(super) async fn a_dial_names_both_parties_in_e164(h: &dyn ProviderHarness) {
    let dialled = dialled(h).await;
    assert_eq!((&*dialled.from, &*dialled.to), (FROM, TO));
}

/// A dial brings our id, and every URL in it leads back to this call and step.
pub(super) async fn a_dial_brings_our_id_and_callbacks(h: &dyn ProviderHarness) {
    let (call, dialled) = (h.call(), dialled(h).await);
    assert_eq!(dialled.call, Some(call.id));
    assert!(!dialled.callbacks.is_empty());
    for url in dialled.callbacks {
        assert!(url.starts_with(call.callbacks.endpoint().as_str()), "{url}");
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        for pair in [format!("call={}", call.id), format!("step={}", call.step)] {
            assert!(query.split('&').any(|its| its == pair), "{pair} in {url}");
        }
        assert!(query.split('&').any(|pair| pair.starts_with("kind=")), "{url}");
    }
}

/// The carrier ends the call by itself, should we be gone: whole seconds, rounded up, and 30 more.
pub(super) async fn a_dial_sets_limits_of_the_carriers_own(h: &dyn ProviderHarness) {
    let dialled = dialled(h).await;
    assert_eq!((dialled.ring_seconds, dialled.limit_seconds), (Some(30), Some(330)));
}

/// Who dials learns the carrier's ids.
pub(super) async fn the_carriers_id_of_a_dialled_call_is_returned(h: &dyn ProviderHarness) {
    let (answer, ids) = h.created();
    let provider = h.provider(Line::with(Ok(answer)));
    let call = provider.initiate_call(&intent(&h.call())).await.expect("it is taken");
    assert_eq!(call.ids, ids);
    assert!(!call.ids.is_empty());
}

/// The same call and step give the same bytes, from another process too.
pub(super) async fn the_same_request_is_the_same_bytes(h: &dyn ProviderHarness) {
    let written = |request: &TransportRequest| {
        let headers: Vec<_> = request.headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        (request.method.clone(), request.url.clone(), headers, request.body.clone())
    };
    for command in able(h).await {
        let mut seen = Vec::new();
        for _process in 0..2 {
            let line = Line::dead();
            let provider = h.provider(line.clone());
            let _ = command.run(&*provider, &h.call()).await;
            let _ = command.run(&*provider, &h.call()).await;
            seen.extend(line.requests().iter().map(written));
        }
        assert!(seen.len() >= 4, "{command:?} is sent");
        assert!(seen.iter().all(|request| *request == seen[0]), "{command:?}");
    }
}

/// Every other command is one request with our credentials, to the carrier's id of the call. A
/// carrier may keep several lists of calls: each is asked for once.
pub(super) async fn a_command_is_one_authenticated_request_about_its_call(h: &dyn ProviderHarness) {
    let call = h.call();
    for command in able(h).await.into_iter().filter(|one| *one != Command::Dial) {
        let line = Line::with(Ok(h.taken(command)));
        let provider = h.provider(line.clone());
        let done = command.run(&*provider, &call).await;
        assert!(done.is_ok(), "{command:?}: {done:?}");
        let requests = line.requests();
        requests.iter().for_each(|request| is_proper(h, request, &format!("{command:?}")));
        let urls: HashSet<_> = requests.iter().map(|request| request.url.as_str()).collect();
        assert_eq!(urls.len(), requests.len(), "{command:?} asks nothing twice: {requests:?}");
        if command.names_a_call() {
            let request = line.only_request();
            let path = percent_decode_str(request.url.path()).decode_utf8_lossy().into_owned();
            let id = call.ids.value().expect("the harness has one");
            assert!(path.contains(id), "{command:?} names the call: {path}");
        }
    }
}

/// A call that the carrier has not named yet cannot be asked for; nothing is sent.
pub(super) async fn a_call_without_a_carrier_id_is_asked_of_nobody(h: &dyn ProviderHarness) {
    let call = CallRef { ids: ProviderCallIds::none(), ..h.call() };
    let line = Line::dead();
    let provider = h.provider(line.clone());
    for command in able(h).await.into_iter().filter(|command| command.names_a_call()) {
        let refused = command.run(&*provider, &call).await;
        let class = refused.as_ref().map_err(ProviderError::class);
        assert_eq!(class, Err(ErrorClass::Rejected), "{command:?}: {refused:?}");
    }
    let status = provider.get_call_status(&call).await;
    assert!(matches!(status, CallStatus::Unknown { .. }), "{status:?}");
    assert_eq!(line.requests().len(), 0, "nothing is sent: {:?}", line.requests());
}

/// Whatever comes back, a provider sends a request once: retries have one owner, the manager.
pub(super) async fn nothing_is_repeated_by_itself(h: &dyn ProviderHarness) {
    let answers = || {
        let faults = line::faults_before().into_iter().chain(line::faults_after()).map(Err);
        let throttled = line::waiting(h.refusal(Refusal::Throttled), "0");
        let refused = [h.refusal(Refusal::ServerError), throttled, line::page(503)].map(Ok);
        faults.chain(refused)
    };
    for command in able(h).await {
        for answer in answers() {
            let line = Line::with(answer);
            let _ = command.run(&*h.provider(line.clone()), &h.call()).await;
            assert_eq!(line.requests().len(), 1, "{command:?}: {:?}", line.requests());
        }
    }
    for answer in answers() {
        let line = Line::with(answer);
        h.provider(line.clone()).get_call_status(&h.call()).await;
        let mut asked: Vec<_> = line.requests().iter().map(|one| one.url.to_string()).collect();
        let all = asked.len();
        asked.sort_unstable();
        asked.dedup();
        assert_eq!(asked.len(), all, "no question is asked twice: {asked:?}");
    }
}

/// To hang up a call that is over is done, or is told as not found or over; never as a failure.
pub(super) async fn to_hang_up_a_call_that_is_over_is_no_failure(h: &dyn ProviderHarness) {
    let fine = [ErrorClass::NotFound, ErrorClass::WrongState];
    for refusal in [Refusal::Ended, Refusal::NotFound] {
        let provider = h.provider(Line::with(Ok(h.refusal(refusal))));
        if let Err(error) = provider.hangup_call(&h.call()).await {
            assert!(fine.contains(&error.class()), "{refusal:?}: {error:?}");
        }
    }
}
