//! What is printed.

use http::HeaderValue;
use offhook_core::{FaultKind, TransportFault, verify};

use super::Answered;
use super::command::{Command, able, intent};
use super::harness::{ProviderHarness, Refusal};
use super::line::{self, Line};

fn answers(h: &dyn ProviderHarness) -> Vec<Answered> {
    let refusals = [
        Refusal::Rejected,
        Refusal::Unauthenticated,
        Refusal::Forbidden,
        Refusal::Throttled,
        Refusal::NotFound,
        Refusal::Ended,
        Refusal::ServerError,
    ];
    let refused = refusals.into_iter().map(|refusal| Ok(h.refusal(refusal)));
    let fault = TransportFault::perhaps_sent(FaultKind::Timeout, "carrier.test");
    refused.chain([Ok(line::page(200)), Ok(line::page(404)), Err(fault)]).collect()
}

/// Neither a key nor a whole number stands in what is printed of a provider, of what it sends, of
/// what it answers, and of what it refuses.
pub(super) async fn nothing_that_is_printed_shows_a_secret_or_a_number(h: &dyn ProviderHarness) {
    let (secrets, call) = (h.secrets(), h.call());
    let mut printed = h.printed();
    printed.push(format!("{:?} {:?}", h.provider(Line::dead()), h.rotating(Line::dead())));
    for answer in answers(h) {
        for command in able(h).await {
            let line = Line::with(answer.clone());
            let provider = h.provider(line.clone());
            if let Err(error) = command.run(&*provider, &call).await {
                printed.push(format!("{error} {error:?} {} {:?}", error.cause(), error.cause()));
            }
            for request in line.requests() {
                printed.push(format!("{provider:?} {request:?} {:?}", request.headers));
            }
        }
        let provider = h.provider(Line::with(answer.clone()));
        printed.push(format!("{:?} {provider:?}", provider.get_call_status(&call).await));
        if provider.capabilities().find_call {
            printed.push(format!("{:?}", provider.find_call(&intent(&call)).await));
        }
    }
    let provider = h.provider(Line::dead());
    for webhook in h.webhooks() {
        let mut spoilt = webhook.request.clone();
        spoilt.headers.insert(h.signature_headers()[0], HeaderValue::from_static("AAAA"));
        for request in [&webhook.request, &spoilt] {
            printed.push(format!("{request:?}"));
            match verify(&*provider, request, h.now()) {
                Ok(webhook) => {
                    let parsed = provider.parse_webhook_event(&webhook);
                    printed.push(format!("{webhook:?} {parsed:?}"));
                }
                Err(refused) => printed.push(format!("{refused} {refused:?}")),
            }
        }
    }
    for text in printed {
        assert_eq!(secrets.found_in(&text), Vec::<String>::new(), "in: {text}");
    }
}

/// The search for secrets would find them: they stand in what is sent.
pub(super) async fn the_secrets_that_are_searched_for_are_the_right_ones(h: &dyn ProviderHarness) {
    let line = Line::dead();
    let _ = Command::Dial.run(&*h.provider(line.clone()), &h.call()).await;
    let request = &line.requests()[0];
    let headers: Vec<_> = request.headers.values().map(HeaderValue::as_bytes).collect();
    let sent = [&headers.concat()[..], &request.body].concat();
    let sent = String::from_utf8_lossy(&sent);
    assert!(!h.secrets().keys_found_in(&sent).is_empty(), "the credentials are not among them");
    let numbers = h.secrets().found_in(&sent).len() - h.secrets().keys_found_in(&sent).len();
    assert_eq!(numbers, 2, "both numbers are among them");
}
