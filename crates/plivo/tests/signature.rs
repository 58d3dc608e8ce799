//! What Plivo's signatures have of their own, and that nothing passes or panics by accident.

mod support;

use http::{HeaderValue, Method};
use jiff::Timestamp;
use offhook_core::{DedupeKey, WebhookRejection, WebhookRequest, verify};
use offhook_plivo::Plivo;
use proptest::collection::vec;
use proptest::prelude::*;

use support::{
    FORM, NONCE, TOKEN, callback, config, encoded, hmac, plivo, post, request, signature, silent,
};

fn judged(plivo: &Plivo, request: &WebhookRequest) -> Result<DedupeKey, WebhookRejection> {
    verify(plivo, request, Timestamp::UNIX_EPOCH).map(|webhook| webhook.key())
}

fn is_refused(request: &WebhookRequest) -> bool {
    judged(&plivo(), request).is_err()
}

/// Speech with characters that are encoded, and a name that stands twice.
fn speech() -> (String, Vec<(String, String)>) {
    let pairs = [
        ("CallUUID", support::CALL_UUID),
        ("From", "15550001234"),
        ("Note", "b"),
        ("Note", "a"),
        ("Note", "b"),
        ("SIP-H-To", "<sip:u@h>;tag=1+2"),
        ("Speech", "Größe 9 & ja"),
        ("CallerName", ""),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    (callback("input"), pairs.into_iter().map(own).collect())
}

fn with_header(mut request: WebhookRequest, name: &'static str, value: &str) -> WebhookRequest {
    request.headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    request
}

fn without_header(mut request: WebhookRequest, name: &'static str) -> WebhookRequest {
    request.headers.remove(name);
    request
}

#[test]
fn an_empty_token_is_none() {
    let (url, pairs) = speech();
    let empty = silent(config().with_previous_auth_token("").with_main_auth_token(""));
    let by_nothing = post(&url, &signature("", &url, &pairs), encoded(&pairs));
    assert_eq!(judged(&empty, &by_nothing), Err(WebhookRejection::Mismatch));
}

#[test]
fn another_port_and_what_stands_twice_are_another_request() {
    let (url, pairs) = speech();
    let signed = signature(TOKEN, &url, &pairs);
    let body = encoded(&pairs);
    assert!(!is_refused(&post(&url, &signed, body.clone())));
    let ported = url.replace(".com/", ".com:443/");
    assert!(is_refused(&post(&ported, &signed, body.clone())), "it is the URL that Plivo dialled");
    let twice = format!("{body}&From=15550001234");
    assert!(is_refused(&post(&url, &signed, twice)), "what stands twice is signed twice");
}

#[test]
fn one_of_several_signatures_is_enough_wherever_it_stands() {
    let (url, pairs) = speech();
    let right = signature(TOKEN, &url, &pairs);
    let other = signature("another", &url, &pairs);
    for list in
        [format!("{other},{other},{right}"), format!("not base64,{right}"), format!(",{right},")]
    {
        assert!(!is_refused(&post(&url, &list, encoded(&pairs))), "{list}");
    }
    for list in [format!("{other},{other}"), format!("{other}, {right}"), format!("{right};")] {
        assert!(is_refused(&post(&url, &list, encoded(&pairs))), "{list}");
    }
}

#[test]
fn what_is_wrong_with_the_headers_is_named() {
    let (url, pairs) = speech();
    let right = signature(TOKEN, &url, &pairs);
    let genuine = post(&url, &right, encoded(&pairs));
    let (own, nonce) = ("X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce");
    let missing = |header| Err(WebhookRejection::MissingHeader { header });
    let malformed = |header| Err(WebhookRejection::MalformedHeader { header });
    let judge = |request: WebhookRequest| judged(&plivo(), &request);
    assert_eq!(judge(without_header(genuine.clone(), own)), missing(own));
    assert_eq!(judge(without_header(genuine.clone(), nonce)), missing(nonce));
    let without_nonce = without_header(genuine.clone(), nonce);
    assert_eq!(judge(with_header(without_nonce, nonce, "")), missing(nonce));
    assert_eq!(judge(with_header(genuine.clone(), own, &right)), malformed(own));
    assert_eq!(judge(with_header(genuine.clone(), nonce, NONCE)), malformed(nonce));
    for bad in ["", ",,", "AAAA", &right[..43], &format!("{right}="), &right.replace('=', "")] {
        assert_eq!(judge(post(&url, bad, encoded(&pairs))), malformed(own), "{bad}");
    }
    let main = "X-Plivo-Signature-Ma-V3";
    let only_main = with_header(without_header(genuine.clone(), own), main, "AAAA");
    assert_eq!(judge(only_main), malformed(main));
}

#[test]
fn a_body_that_the_signature_does_not_cover_is_refused() {
    let (url, pairs) = speech();
    let over_url = signature::<&str>(TOKEN, &url, &[]);
    let signed =
        [("x-plivo-signature-v3", over_url.as_str()), ("x-plivo-signature-v3-nonce", NONCE)];
    let body = encoded(&pairs);
    assert!(!is_refused(&request(Method::GET, &url, &signed, "")));
    assert!(!is_refused(&request(Method::POST, &url, &signed, "")));
    let reason = Err(WebhookRejection::Unsigned);
    assert_eq!(judged(&plivo(), &request(Method::GET, &url, &signed, body.clone())), reason);
    assert_eq!(judged(&plivo(), &request(Method::POST, &url, &signed, body.clone())), reason);
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", "a/b", ""] {
        let headers = [signed[0], signed[1], ("content-type", kind)];
        let posted = request(Method::POST, &url, &headers, body.clone());
        assert_eq!(judged(&plivo(), &posted), reason, "{kind}");
    }
}

#[test]
fn a_v2_signature_never_stands_in_for_a_v3_that_is_there() {
    let (url, pairs) = speech();
    let base = url.split('?').next().unwrap();
    let v2 = hmac(TOKEN, format!("{base}{NONCE}").as_bytes());
    let legacy = |request| {
        let request = with_header(request, "x-plivo-signature-v2", &v2);
        with_header(request, "x-plivo-signature-v2-nonce", NONCE)
    };
    let lenient = silent(config().with_signature_v2(true));
    let alone = request(Method::POST, &url, &[("content-type", FORM)], encoded(&pairs));
    let first = judged(&lenient, &legacy(alone.clone()));
    assert!(first.is_ok());
    assert!(judged(&plivo(), &legacy(alone.clone())).is_err());
    let wrong = signature("another", &url, &pairs);
    let beside = legacy(post(&url, &wrong, encoded(&pairs)));
    assert_eq!(judged(&lenient, &beside), Err(WebhookRejection::Mismatch));
    // It covers no parameters, so that only its nonce tells one request from the next.
    let again = hmac(TOKEN, format!("{base}2").as_bytes());
    let next = with_header(alone.clone(), "x-plivo-signature-v2", &again);
    let next = with_header(next, "x-plivo-signature-v2-nonce", "2");
    assert_ne!(judged(&lenient, &next), first);
    let put = WebhookRequest { method: Method::PUT, ..alone };
    assert_eq!(judged(&lenient, &legacy(put)), Err(WebhookRejection::Method));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn invariant_09_nothing_that_strangers_send_panics_or_passes(
        url in prop_oneof![".*", "https?://[a-z@:\\[\\]é/?#]{0,30}", "[a-z]{0,5}://.*"],
        body in vec(any::<u8>(), 0..200),
        given in prop_oneof![vec(any::<u8>(), 0..60), "([A-Za-z0-9+/]{43}=,?){1,3}".prop_map(String::into_bytes)],
        header in prop_oneof![
            Just("x-plivo-signature-v3"), Just("x-plivo-signature-ma-v3"),
            Just("x-plivo-signature-v2"), Just("x-plivo-signature-ma-v2"),
        ],
        nonce in vec(any::<u8>(), 0..30),
        content_type in proptest::option::of(prop_oneof![
            Just(FORM.to_owned()), Just("application/json".to_owned()), ".*",
        ]),
        method in prop_oneof![Just(Method::GET), Just(Method::POST), Just(Method::PUT)],
    ) {
        let mut strange = request(method, &url, &[], body);
        for (name, value) in [
            (header, Some(given)),
            ("x-plivo-signature-v3-nonce", Some(nonce.clone())),
            ("x-plivo-signature-v2-nonce", Some(nonce)),
            ("content-type", content_type.map(String::into_bytes)),
        ] {
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(&value)) {
                strange.headers.insert(name, value);
            }
        }
        let config = config().with_signature_v2(true).with_previous_auth_token("old");
        let urls = [url];
        let explained = config.explain_signature(&strange, &urls);
        prop_assert!(explained.rejection.is_some() && explained.signed_as.is_none());
        prop_assert!(judged(&silent(config), &strange).is_err());
    }

    #[test]
    fn invariant_09_any_form_that_is_signed_is_verified_and_read_without_panic(
        url in "https://[a-z]{1,9}(:[0-9]{1,5})?/[a-z%é]{0,9}(\\?[a-z=&+]{0,20})?",
        mut pairs in vec((vec(any::<u8>(), 0..9), vec(any::<u8>(), 0..30)), 0..9),
    ) {
        use offhook_core::VoiceProvider;
        pairs.push((b"CallUUID".to_vec(), support::CALL_UUID.into()));
        let genuine = post(&url, &signature(TOKEN, &url, &pairs), encoded(&pairs));
        let plivo = plivo();
        let verified = verify(&plivo, &genuine, Timestamp::UNIX_EPOCH);
        prop_assert!(verified.is_ok());
        let _ = plivo.parse_webhook_event(&verified.expect("just asked"));
    }
}
