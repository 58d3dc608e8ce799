//! Twilio signs the URL that it has called, and a proxy may stand before ours.

use http::Method;
use offhook_tests::{Setup, World, form_signature};

use crate::support::{setup, world};

const SID: &str = "CA5d2f0e7b9c1a4e63b8d7f0a1c2e3b4d5";
const HOST: &str = "voice.example.com";
const URL: &str = "https://voice.example.com";

/// The answer to a status callback that was signed for this URL and came through a proxy.
async fn through_the_proxy(world: &World, signed_for: &str) -> u16 {
    let form = [("CallSid", SID), ("CallStatus", "ringing"), ("Direction", "outbound-api")];
    let path = "/webhooks/twilio?kind=status";
    let signature = form_signature("emulator", &format!("{signed_for}{path}"), &form);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-twilio-signature", signature.as_str()),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", HOST),
    ];
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = body.join("&").into_bytes();
    world.raw_webhook(Method::POST, path, &headers, body).await.status
}

#[tokio::test]
async fn what_a_stranger_says_of_the_host_is_not_believed() {
    let world = world().await;
    assert_eq!(through_the_proxy(&world, URL).await, 401);
    assert_eq!(through_the_proxy(&world, world.public_url()).await, 200);
}

#[tokio::test]
async fn what_a_trusted_proxy_says_of_the_host_is_what_was_signed() {
    let behind_a_proxy = Setup {
        server: |settings| {
            settings.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        },
        ..setup()
    };
    let world = World::with(behind_a_proxy).await;
    assert_eq!(through_the_proxy(&world, URL).await, 200);
    assert_eq!(through_the_proxy(&world, world.public_url()).await, 401);
}
