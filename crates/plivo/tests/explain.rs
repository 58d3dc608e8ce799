//! What `explain_signature` finds out, and what it does not tell.

mod support;

use http::HeaderValue;
use offhook_core::{WebhookRejection, WebhookRequest};

use support::{ACCOUNT, NONCE, TOKEN, config, hmac, post};

const URL: &str = "https://a.example/x";
const BODY: &str = "c=3&b=2&a=1&b=2&d=";

/// A post whose V3 header is made of this text.
fn signed(key: &str, text: &str) -> WebhookRequest {
    post(URL, &hmac(key, text.as_bytes()), BODY)
}

#[test]
fn what_was_signed_is_found_among_what_is_tried_and_no_secret_is_told() {
    let config = config().with_previous_auth_token("older").with_main_auth_token("upper");
    let http = "http://a.example/x?q=1";
    let urls = [URL, http].map(str::to_owned);
    for (key, text, url, name, content) in [
        (TOKEN, format!("{URL}?a1b2b2c3d.{NONCE}"), 0, "the auth token", None),
        ("older", format!("{http}.a1b2b2c3d.{NONCE}"), 1, "the previous auth token", None),
        (TOKEN, format!("{URL}?a1b2c3d.{NONCE}"), 0, "the auth token", Some("repeated")),
        (TOKEN, format!("{URL}?c3b2a1b2d.{NONCE}"), 0, "the auth token", Some("unsorted")),
        (TOKEN, format!("{URL}.{NONCE}"), 0, "the auth token", Some("URL alone")),
        (TOKEN, format!("{URL}?a1b2b2c3d{NONCE}"), 0, "the auth token", Some("no dot")),
        (TOKEN, format!("{URL}.a1b2b2c3d.{NONCE}"), 0, "the auth token", Some("a dot between")),
        (TOKEN, format!("{URL}{NONCE}"), 0, "the auth token", Some("as in V2")),
    ] {
        let explanation = config.explain_signature(&signed(key, &text), &urls);
        let found = explanation.signed_as.unwrap_or_else(|| panic!("{text} is not found"));
        assert_eq!((found.url, found.key, found.header), (url, name, "X-Plivo-Signature-V3"));
        assert_eq!(found.content.is_some(), content.is_some(), "{text}: {found:?}");
        assert!(found.content.unwrap_or_default().contains(content.unwrap_or_default()), "{text}");
        let text = format!("{explanation:?}");
        assert!(![TOKEN, "older\"", "upper\"", NONCE].iter().any(|word| text.contains(word)));
    }
    let genuine =
        config.explain_signature(&signed(TOKEN, &format!("{URL}?a1b2b2c3d.{NONCE}")), &urls);
    assert_eq!(genuine.rejection, None);
}

#[test]
fn the_header_of_the_main_account_and_of_v2_are_told_apart() {
    let config = config().with_main_auth_token("upper");
    let urls = [URL.to_owned()];
    let mut request = signed("another", URL);
    let by_main = hmac("upper", format!("{URL}?a1b2b2c3d.{NONCE}").as_bytes());
    request.headers.insert("x-plivo-signature-ma-v3", HeaderValue::from_str(&by_main).unwrap());
    let explanation = config.explain_signature(&request, &urls);
    let found = explanation.signed_as.unwrap();
    assert_eq!(explanation.rejection, None);
    assert_eq!((found.key, found.header), ("the main auth token", "X-Plivo-Signature-Ma-V3"));

    let mut legacy = signed("another", URL);
    legacy.headers.clear();
    let by_v2 = hmac(TOKEN, format!("{URL}{NONCE}").as_bytes());
    legacy.headers.insert("x-plivo-signature-v2", HeaderValue::from_str(&by_v2).unwrap());
    legacy.headers.insert("x-plivo-signature-v2-nonce", HeaderValue::from_static(NONCE));
    let explanation = config.explain_signature(&legacy, &urls);
    assert_eq!(explanation.rejection, Some(WebhookRejection::Scheme { scheme: "V2" }));
    let found = explanation.signed_as.unwrap();
    assert_eq!((found.header, found.content), ("X-Plivo-Signature-V2", None));
}

#[test]
fn a_stranger_and_another_account_are_told_apart() {
    let urls = [URL.to_owned()];
    let stranger = signed("another", &format!("{URL}?a1b2b2c3d.{NONCE}"));
    let explanation = config().explain_signature(&stranger, &urls);
    assert_eq!(explanation.rejection, Some(WebhookRejection::Mismatch));
    assert_eq!((explanation.signed_as, explanation.foreign_account), (None, false));
    for (id, foreign) in [(ACCOUNT, false), ("MAYYYYYYYYYYYYYYYYYY", true)] {
        let request = post(URL, &hmac("another", b""), format!("ParentAuthID={id}"));
        assert_eq!(config().explain_signature(&request, &urls).foreign_account, foreign, "{id}");
    }
}
