//! What a signature covers, and what two deliveries of one request have in common.

mod support;

use http::{HeaderValue, Method};
use jiff::Timestamp;
use offhook_core::{DedupeKey, WebhookRejection, WebhookRequest, verify};
use offhook_twilio::Twilio;
use proptest::collection::vec;
use proptest::prelude::*;

use support::{
    FORM, Parameters, TOKEN, callback, config, encoded, request, signature, silent, twilio,
};

const PREVIOUS: &str = "the token before it";

fn judged(twilio: &Twilio, request: &WebhookRequest) -> Result<DedupeKey, WebhookRejection> {
    verify(twilio, request, Timestamp::UNIX_EPOCH).map(|webhook| webhook.key())
}

fn key_of(request: &WebhookRequest) -> DedupeKey {
    judged(&twilio(), request).expect("it is genuine")
}

fn is_refused(request: &WebhookRequest) -> bool {
    judged(&twilio(), request).is_err()
}

/// A post with this signature, whatever is true of it.
fn post(url: &str, signature: &str, body: impl Into<bytes::Bytes>) -> WebhookRequest {
    let headers = [("content-type", FORM), ("x-twilio-signature", signature)];
    request(Method::POST, url, &headers, body)
}

/// Speech with characters that are encoded, and a name that stands twice.
fn speech() -> (String, Vec<(String, String)>) {
    let pairs = [
        ("AccountSid", support::ACCOUNT),
        ("CallSid", support::CALL_SID),
        ("From", "+15550001234"),
        ("Note", "b"),
        ("Note", "a"),
        ("SpeechResult", "Größe 9 & ja"),
        ("ToCity", ""),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    (callback("gather"), pairs.into_iter().map(own).collect())
}

#[test]
fn an_empty_previous_token_is_none() {
    let (url, pairs) = speech();
    let empty = silent(config().with_previous_auth_token(""));
    let by_nothing = post(&url, &signature("", &url, &pairs), encoded(&pairs));
    assert_eq!(judged(&empty, &by_nothing), Err(WebhookRejection::Mismatch));
}

#[test]
fn a_shared_key_takes_nothing_from_the_tokens_and_they_nothing_from_it() {
    const SHARED: &str = "the shared key";
    let (url, pairs) = speech();
    let both = silent(config().with_shared_key(SHARED).with_previous_auth_token(PREVIOUS));
    let signed = |secret: &str, settings: &str| {
        let mut webhook = post(&url, &signature(secret, &url, &pairs), encoded(&pairs));
        if !settings.is_empty() {
            let settings = HeaderValue::from_str(settings).unwrap();
            webhook.headers.append("X-Twilio-Webhooks-Signature-Settings", settings);
        }
        judged(&both, &webhook)
    };
    let (sha1, no_algorithm) = ("key=k,algorithm=HMAC_SHA1", "key=k,algorithm=");
    for (secret, by_token, by_shared) in
        [(TOKEN, true, false), (PREVIOUS, true, false), (SHARED, false, true)]
    {
        assert_eq!(signed(secret, "").is_ok(), by_token, "{secret}");
        assert_eq!(signed(secret, no_algorithm).is_ok(), by_token, "{secret}");
        assert_eq!(signed(secret, sha1).is_ok(), by_shared, "{secret}");
        // Another hash than the one that it was made with.
        assert!(signed(secret, "key=k,algorithm=HMAC_SHA256").is_err(), "{secret}");
        assert!(signed(secret, "key=k,algorithm=NONE").is_err(), "{secret}");
    }
    // One delivery, whichever token its retry was signed with.
    assert_eq!(signed(TOKEN, ""), signed(PREVIOUS, ""));
    let nothing = silent(config().with_shared_key(""));
    let mut webhook = post(&url, &signature("", &url, &pairs), encoded(&pairs));
    webhook.headers.append("X-Twilio-Webhooks-Signature-Settings", HeaderValue::from_static(sha1));
    assert_eq!(judged(&nothing, &webhook), Err(WebhookRejection::Scheme { scheme: "SharedKey" }));
}

#[test]
fn settings_that_stand_twice_are_refused() {
    let (url, pairs) = speech();
    let name = "X-Twilio-Webhooks-Signature-Settings";
    let shared = silent(config().with_shared_key(TOKEN));
    let mut named = post(&url, &signature(TOKEN, &url, &pairs), encoded(&pairs));
    named.headers.append(name, HeaderValue::from_static("key=k,algorithm=HMAC_SHA1"));
    assert!(judged(&shared, &named).is_ok());
    named.headers.append(name, HeaderValue::from_static("key=k,algorithm=HMAC_SHA1"));
    let reason = WebhookRejection::MalformedHeader { header: name };
    assert_eq!(judged(&shared, &named), Err(reason));
}

#[test]
fn two_signatures_in_one_header_are_none() {
    let (url, pairs) = speech();
    let signed = signature(TOKEN, &url, &pairs);
    for twice in [format!("{signed}{signed}"), format!("{signed}, {signed}"), format!("{signed},")]
    {
        assert!(is_refused(&post(&url, &twice, encoded(&pairs))), "{twice}");
    }
}

#[test]
fn requests_that_differ_have_keys_that_differ() {
    let parameters = Parameters::read("document");
    let keys: std::collections::HashSet<_> = ["answer", "gather", "said", "held", "sent"]
        .iter()
        .map(|kind| parameters.post(&callback(kind)))
        .chain([parameters.clone().with("Digits", "1").post(&callback("gather"))])
        .chain([parameters.get(&callback("gather"))])
        .map(|request| key_of(&request))
        .collect();
    assert_eq!(keys.len(), 7);
}

#[test]
fn a_body_that_the_signature_does_not_cover_is_refused() {
    let (url, pairs) = speech();
    let over_url = signature::<&str>(TOKEN, &url, &[]);
    let signed = [("x-twilio-signature", over_url.as_str())];
    let body = encoded(&pairs);
    assert!(!is_refused(&request(Method::GET, &url, &signed, "")));
    let reason = Err(WebhookRejection::Unsigned);
    assert_eq!(judged(&twilio(), &request(Method::GET, &url, &signed, body.clone())), reason);
    assert_eq!(judged(&twilio(), &request(Method::POST, &url, &signed, body.clone())), reason);
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", "a/b", ""] {
        let headers = [signed[0], ("content-type", kind)];
        let posted = request(Method::POST, &url, &headers, body.clone());
        assert_eq!(judged(&twilio(), &posted), reason, "{kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn invariant_09_nothing_that_strangers_send_panics_or_passes(
        url in prop_oneof![".*", "https?://[a-z@:\\[\\]é/?#]{0,30}", "[a-z]{0,5}://.*"],
        body in vec(any::<u8>(), 0..200),
        given in prop_oneof![
            vec(any::<u8>(), 0..60),
            "[A-Za-z0-9+/]{27}=".prop_map(String::into_bytes),
            "[A-Za-z0-9+/]{43}=".prop_map(String::into_bytes),
        ],
        settings in proptest::option::of("(key=[a-z]{0,3},)?algorithm=(HMAC_SHA(1|256|512))?.*"),
        content_type in proptest::option::of(prop_oneof![
            Just(FORM.to_owned()), Just("application/json".to_owned()), ".*",
        ]),
        method in prop_oneof![Just(Method::GET), Just(Method::POST), Just(Method::PUT)],
    ) {
        let mut strange = request(method, &url, &[], body);
        for (name, value) in [
            ("x-twilio-signature", Some(given)),
            ("x-twilio-webhooks-signature-settings", settings.map(String::into_bytes)),
            ("content-type", content_type.map(String::into_bytes)),
        ] {
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(&value)) {
                strange.headers.insert(name, value);
            }
        }
        let twilio = silent(config().with_shared_key("shared").with_previous_auth_token("old"));
        prop_assert!(judged(&twilio, &strange).is_err());
    }

    #[test]
    fn invariant_09_any_form_that_is_signed_is_verified_and_read_without_panic(
        url in "https://[a-z]{1,9}(:[0-9]{1,5})?/[a-z%é]{0,9}(\\?[a-z=&%+]{0,20})?",
        mut pairs in vec((vec(any::<u8>(), 0..9), vec(any::<u8>(), 0..30)), 0..9),
    ) {
        use offhook_core::VoiceProvider;
        pairs.push((b"CallSid".to_vec(), support::CALL_SID.into()));
        let genuine = post(&url, &signature(TOKEN, &url, &pairs), encoded(&pairs));
        let twilio = twilio();
        let verified = verify(&twilio, &genuine, Timestamp::UNIX_EPOCH);
        prop_assert!(verified.is_ok());
        let _ = twilio.parse_webhook_event(&verified.expect("just asked"));
    }
}
