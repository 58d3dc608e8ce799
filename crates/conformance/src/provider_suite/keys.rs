//! What makes two deliveries one.

use std::collections::HashMap;

use http::HeaderValue;
use offhook_core::{DedupeKey, VoiceProvider, WebhookRequest, verify};

use super::harness::{Part, ProviderHarness};
use super::{Line, named};

fn key(
    h: &dyn ProviderHarness,
    provider: &dyn VoiceProvider,
    name: &str,
    request: &WebhookRequest,
) -> DedupeKey {
    named(name, verify(provider, request, h.now())).key()
}

/// A delivery has one key, whichever process reads it: a repeat may come after a restart.
pub(super) async fn the_same_delivery_has_the_same_key(h: &dyn ProviderHarness) {
    let (provider, after_a_restart) = (h.provider(Line::dead()), h.provider(Line::dead()));
    for webhook in h.webhooks() {
        let first = key(h, &*provider, webhook.name, &webhook.request);
        assert_eq!(first, key(h, &*provider, webhook.name, &webhook.request), "{}", webhook.name);
        let later = key(h, &*after_a_restart, webhook.name, &webhook.request);
        assert_eq!(first, later, "{} after a restart", webhook.name);
    }
}

/// The carrier's next attempt, signed anew perhaps, has the key of the first.
pub(super) async fn a_retry_of_the_carrier_has_the_key_of_the_first(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for webhook in h.webhooks() {
        let retry = h.retry(&webhook.request);
        let keys = [&webhook.request, &retry].map(|one| key(h, &*provider, webhook.name, one));
        assert_eq!(keys[0], keys[1], "{}", webhook.name);
    }
}

/// No two deliveries that differ have one key.
pub(super) async fn different_deliveries_have_different_keys(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    let mut seen = HashMap::new();
    for webhook in h.webhooks() {
        let key = key(h, &*provider, webhook.name, &webhook.request);
        let other = seen.insert(key.0, webhook.name);
        assert_eq!(other, None, "{} has the key of another", webhook.name);
    }
    assert!(seen.len() >= 3, "the harness has several");
}

/// What anybody can add or change without the carrier's key changes no dedupe key.
pub(super) async fn nothing_unsigned_enters_the_key(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for tamper in h.to_tamper_with() {
        let genuine = key(h, &*provider, tamper.name, &tamper.request);
        for name in [
            "x-request-id",
            "idempotency-key",
            "i-twilio-idempotency-token",
            "date",
            "user-agent",
            "x-forwarded-for",
            "x-forwarded-host",
        ] {
            let mut request = tamper.request.clone();
            request.headers.insert(name, HeaderValue::from_static("7"));
            assert_eq!(key(h, &*provider, name, &request), genuine, "{name} of {}", tamper.name);
        }
        if !tamper.covered.contains(&Part::Url) {
            let mut request = tamper.request.clone();
            request.url.push_str("&elsewhere=1");
            assert_eq!(key(h, &*provider, "the URL", &request), genuine, "{}", tamper.name);
        }
    }
}
