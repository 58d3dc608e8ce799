//! The forms that cost most, up to the largest that the daemon takes.
//!
//! What this shows: each size is verified, read and refused with the right result, and what is
//! written grows no faster than what is read. What it cannot show is the time: no clock is asked. A
//! step that is taken for every pair of bytes would be taken four thousand million times at 64 KiB,
//! and then this file would not end in time for anybody to like it; and the fuzzer gives up on an
//! input after 5 s.

mod support;

use http::Method;
use jiff::Timestamp;
use offhook_core::{
    CallPlan, Locale, Say, Speech, SpeechText, Then, VoiceProvider, WebhookRejection,
    WebhookRequest, verify,
};

use support::{ENDPOINT, NONCE, TOKEN, call, callback, hmac, plivo, post, request, signature};

const SIZES: [usize; 4] = [1, 4, 16, 64];

type Pairs = Vec<(String, String)>;

/// Forms of this many KiB, and what they decode to.
fn worst(kibibytes: usize) -> Vec<(String, Pairs)> {
    let size = kibibytes * 1024;
    let pair = |name: String, value: &str| (name, value.to_owned());
    let of = |name: &str, value: &str, count| vec![pair(name.to_owned(), value); count];
    let same_beginning = "n".repeat(500);
    let many: Pairs = (0..size / 512)
        .map(|number| pair(format!("{same_beginning}{:08}", size - number), ""))
        .collect();
    let descending: Pairs = (0..size / 8).rev().map(|it| pair(format!("{it:06}"), "")).collect();
    let names =
        |pairs: &Pairs| pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("=&");
    vec![
        ("&".repeat(size), vec![]),
        ("=".repeat(size), of("", &"=".repeat(size - 1), 1)),
        // What stands twice is signed twice.
        ("=&".repeat(size / 2), of("", "", size / 2)),
        ("a=b&".repeat(size / 4), of("a", "b", size / 4)),
        ("%".repeat(size), of(&"%".repeat(size), "", 1)),
        ("%25".repeat(size / 3), of(&"%".repeat(size / 3), "", 1)),
        ("%2".repeat(size / 2), of(&"%2".repeat(size / 2), "", 1)),
        ("+".repeat(size), of(&" ".repeat(size), "", 1)),
        ("a".repeat(size), of(&"a".repeat(size), "", 1)),
        (format!("a={}", "%26%3D".repeat(size / 6)), of("a", &"&=".repeat(size / 6), 1)),
        (names(&many), many.clone()),
        (names(&descending), descending.clone()),
        (
            format!("CallUUID=1&Speech={}", "%F0%9F%8E%89".repeat(size / 12)),
            vec![pair("CallUUID".into(), "1"), pair("Speech".into(), &"🎉".repeat(size / 12))],
        ),
    ]
}

/// By GET the parameters stand in the query: the content that is signed, by its description.
fn got(token: &str, query: &str, mut pairs: Pairs) -> WebhookRequest {
    pairs.sort();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let question = if pairs.is_empty() { "" } else { "?" };
    let content = format!("{ENDPOINT}{question}{}.{NONCE}", pairs.join("&"));
    let headers = [
        ("x-plivo-signature-v3", hmac(token, content.as_bytes())),
        ("x-plivo-signature-v3-nonce", NONCE.to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    request(Method::GET, &format!("{ENDPOINT}?{query}"), &headers, "")
}

fn is_read_or_refused(request: &WebhookRequest) {
    let plivo = plivo();
    let verified = verify(&plivo, request, Timestamp::UNIX_EPOCH);
    let begins: String = request.url.chars().take(90).collect();
    let verified = verified.unwrap_or_else(|why| panic!("{request:?} {begins}: {why}"));
    let _ = plivo.parse_webhook_event(&verified);
}

#[test]
fn the_worst_forms_are_verified_and_read_at_every_size_by_post_and_by_get() {
    for kibibytes in SIZES {
        for (form, pairs) in worst(kibibytes) {
            let url = callback("input");
            is_read_or_refused(&post(&url, &signature(TOKEN, &url, &pairs), form.clone()));
            is_read_or_refused(&got(TOKEN, &form, pairs.clone()));
            for forged in [
                post(&url, &signature("another", &url, &pairs), form.clone()),
                got("another", &form, pairs),
            ] {
                let refused = plivo().verify_webhook(&forged, Timestamp::UNIX_EPOCH);
                assert_eq!(refused, Err(WebhookRejection::Mismatch));
            }
        }
    }
}

#[test]
fn the_worst_urls_and_headers_are_refused_at_every_size() {
    let plivo = plivo();
    let is_refused =
        |request: &WebhookRequest| plivo.verify_webhook(request, Timestamp::UNIX_EPOCH).is_err();
    let another = hmac("another", b"");
    for kibibytes in SIZES {
        let size = kibibytes * 1024;
        for piece in ["?", "&", "=", "%", ":", "@", "]", "://", "a=b&"] {
            let url = format!("https://{}", piece.repeat(size / piece.len()));
            assert!(is_refused(&post(&url, &another, "")));
        }
        // A header may list signatures, as many as there is room for.
        for piece in ["A", "=", ",", " ", "AAAA,", &format!("{another},")] {
            let long = piece.repeat(size / piece.len());
            for name in [
                "x-plivo-signature-v3",
                "x-plivo-signature-ma-v3",
                "x-plivo-signature-v3-nonce",
                "content-type",
            ] {
                let mut strange = post(&callback("input"), &another, "a=b");
                strange.headers.insert(name, long.parse().expect("a header's value"));
                assert!(is_refused(&strange), "{name}: {piece:?}");
            }
        }
        let mut many = post(&callback("input"), &another, "");
        for _ in 0..size / 8 {
            many.headers.append("x-plivo-signature-v3", "AAAA".parse().expect("a value"));
        }
        assert_eq!(
            plivo.verify_webhook(&many, Timestamp::UNIX_EPOCH),
            Err(WebhookRejection::MalformedHeader { header: "X-Plivo-Signature-V3" })
        );
    }
}

#[test]
fn a_document_is_longer_than_its_text_by_a_bound() {
    for character in ["&", "<", "\"", "'", "\r", "]]>", "a", " ", "🎉"] {
        for share in [64, 16, 4, 1] {
            let text =
                format!("x{}", character.repeat(SpeechText::LIMIT / character.len() / share - 1));
            let speech = Speech {
                text: SpeechText::try_from(text.clone()).expect("a text"),
                voice: None,
                locale: Locale::en_us(),
            };
            let plan = CallPlan::Say(Say { speech, then: Then::Hold });
            let length = plivo().render_reply(&call(), &plan).body.len();
            // Each character is escaped by six at most, and each part of a text has its element.
            assert!(length <= 6 * text.len() + 2048, "{character:?}: {length}");
        }
    }
}
