//! The list of the calls in progress, page by page.

mod support;

use std::sync::Arc;

use http::Method;
use offhook_core::{
    ErrorClass, FaultKind, Progress, ProviderError, RunningCall, TransportFault, TransportResponse,
    VoiceProvider,
};
use offhook_twilio::Twilio;

use support::{ACCOUNT, Script, config, response};

/// A page as Twilio gives it: calls by the last digits of their ids, and the path of the next.
fn page(calls: &[(u32, &str)], next: Option<&str>) -> Result<TransportResponse, TransportFault> {
    let calls: Vec<_> = calls
        .iter()
        .map(|(digits, status)| format!(r#"{{"sid":"{}","status":"{status}"}}"#, sid(*digits)))
        .collect();
    let next = next.map_or("null".to_owned(), |next| format!("\"{next}\""));
    let body = format!(r#"{{"calls":[{}],"next_page_uri":{next}}}"#, calls.join(","));
    Ok(response(200, "application/json", body))
}

fn sid(digits: u32) -> String {
    format!("CA{digits:032}")
}

fn next(number: u32) -> String {
    format!(
        "/2010-04-01/Accounts/{ACCOUNT}/Calls.json?Status=in-progress&PageSize=250&Page={number}&PageToken=PA%2B{number}"
    )
}

async fn listed(script: &Arc<Script>) -> Result<Vec<RunningCall>, ProviderError> {
    Twilio::with_transport(config(), Arc::clone(script) as Arc<_>).list_live().await
}

#[tokio::test]
async fn all_pages_are_read() {
    let script = Script::of_all([
        // A list may be older than what it tells of a call.
        page(&[(1, "in-progress"), (2, "completed")], Some(&next(1))),
        page(&[(3, "in-progress"), (4, "a new word")], None),
    ]);
    let calls = listed(&script).await.expect("a list");
    let told: Vec<_> = calls.iter().map(|call| (call.ids.value(), call.progress)).collect();
    let answered = Some(Progress::Answered);
    assert_eq!(told, [(Some(&*sid(1)), answered), (Some(&*sid(3)), answered)]);
    assert!(calls.iter().all(|call| call.call.is_none()), "Twilio does not tell whose they are");

    let requests = script.requests();
    let list = format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    let first = format!("{list}?Status=in-progress&PageSize=250");
    let urls: Vec<_> = requests.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, [first.clone(), format!("{first}&Page=1&PageToken=PA%2B1")]);
    assert!(requests.iter().all(|request| request.method == Method::GET));
}

#[tokio::test]
async fn the_next_page_is_asked_for_where_the_first_was() {
    let elsewhere = "https://attacker.example.com/x?Page=1&PageToken=PA1";
    let script = Script::of_all([page(&[], Some(elsewhere)), page(&[], None)]);
    listed(&script).await.expect("a list");
    let hosts: Vec<_> =
        script.requests().iter().map(|request| request.url.host_str().map(str::to_owned)).collect();
    assert_eq!(hosts, [Some("api.twilio.com".to_owned()), Some("api.twilio.com".to_owned())]);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_none() {
    for (answer, class) in [
        (Ok(response(500, "application/json", "{}")), ErrorClass::Transient),
        (Ok(response(200, "application/json", r#"{"pages":[]}"#)), ErrorClass::Undecodable),
        (Err(TransportFault::perhaps_sent(FaultKind::Timeout, "")), ErrorClass::Transient),
        (page(&[], Some("/nowhere")), ErrorClass::Undecodable),
        (page(&[], Some("/nowhere?Page=2")), ErrorClass::Undecodable),
    ] {
        let script = Script::of_all([page(&[(1, "in-progress")], Some(&next(1))), answer]);
        assert_eq!(listed(&script).await.expect_err("half of a list").class(), class);
    }
}

#[tokio::test]
async fn a_list_without_end_is_not_read_for_ever() {
    let script = Script::of_all((0..50).map(|number| page(&[], Some(&next(number)))));
    let error = listed(&script).await.expect_err("it has no end");
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(script.requests().len(), 40);
}
