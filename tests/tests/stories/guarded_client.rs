//! Every provider request goes through a client guarded against SSRF.

use offhook_core::{
    CallId, CallRef, CallStatus, Callbacks, ErrorClass, InvalidBaseUrl, ProviderCallId,
    ProviderCallIds, Step,
};
use offhook_tests::{Setup, stories};

stories! {
    on every provider:
    every_request_goes_through_a_guarded_client,
}

async fn every_request_goes_through_a_guarded_client(setup: Setup) {
    let at = |base: &str| (setup.provider.guarded)(base.parse().expect("a URL"));
    assert_eq!(at("https://169.254.169.254").unwrap_err(), InvalidBaseUrl::Private);
    assert_eq!(at("http://api.example.com").unwrap_err(), InvalidBaseUrl::NotHttps);
    // A name that leads inside is refused after it was looked up, and nothing is sent.
    let call = CallRef {
        id: CallId::LAST,
        ids: ProviderCallIds::of(ProviderCallId::new("call", 1, setup.provider.unknown_id)),
        step: Step(1),
        callbacks: Callbacks::to("https://voice.example.com/".parse().unwrap()),
    };
    let status = at("https://localhost").unwrap().get_call_status(&call).await;
    let CallStatus::Unknown { cause } = status else { panic!("{status:?}") };
    assert_eq!(cause.class(), ErrorClass::Transient);
    assert!(cause.cause().text.contains("no public address"), "{cause:?}");
}
