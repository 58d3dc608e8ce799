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

use support::{FORM, TOKEN, call, callback, request, signature, twilio};

const SIZES: [usize; 4] = [1, 4, 16, 64];

/// Forms of this many KiB, and what they decode to.
fn worst(kibibytes: usize) -> Vec<(String, Vec<(String, String)>)> {
    let size = kibibytes * 1024;
    let pair = |name: String, value: &str| (name, value.to_owned());
    let same_beginning = "n".repeat(500);
    let many: Vec<_> = (0..size / 512)
        .map(|number| pair(format!("{same_beginning}{:08}", size - number), ""))
        .collect();
    let descending: Vec<_> = (0..size / 8).rev().map(|it| pair(format!("{it:06}"), "")).collect();
    let names = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("=&")
    };
    vec![
        ("&".repeat(size), vec![]),
        ("=".repeat(size), vec![pair(String::new(), &"=".repeat(size - 1))]),
        ("=&".repeat(size / 2), vec![pair(String::new(), "")]),
        ("%".repeat(size), vec![pair("%".repeat(size), "")]),
        ("%25".repeat(size / 3), vec![pair("%".repeat(size / 3), "")]),
        ("%2".repeat(size / 2), vec![pair("%2".repeat(size / 2), "")]),
        ("+".repeat(size), vec![pair(" ".repeat(size), "")]),
        ("a".repeat(size), vec![pair("a".repeat(size), "")]),
        ("a=b&".repeat(size / 4), vec![pair("a".into(), "b")]),
        (
            format!("a={}", "%26%3D".repeat(size / 6)),
            vec![pair("a".into(), &"&=".repeat(size / 6))],
        ),
        (names(&many), many.clone()),
        (names(&descending), descending.clone()),
        (
            format!("CallSid=CA1&SpeechResult={}", "%F0%9F%8E%89".repeat(size / 12)),
            vec![
                pair("CallSid".into(), "CA1"),
                pair("SpeechResult".into(), &"🎉".repeat(size / 12)),
            ],
        ),
    ]
}

fn posted(url: &str, signature: &str, form: &str) -> WebhookRequest {
    let headers = [("content-type", FORM), ("x-twilio-signature", signature)];
    request(Method::POST, url, &headers, form.to_owned())
}

#[test]
fn the_worst_forms_are_verified_and_read_at_every_size() {
    let twilio = twilio();
    for kibibytes in SIZES {
        for (form, pairs) in worst(kibibytes) {
            let url = callback("gather");
            let begins = &form[..form.len().min(40)];
            let genuine = posted(&url, &signature(TOKEN, &url, &pairs), &form);
            let verified = verify(&twilio, &genuine, Timestamp::UNIX_EPOCH);
            let verified = verified.unwrap_or_else(|why| panic!("{kibibytes} KiB {begins}: {why}"));
            let _ = twilio.parse_webhook_event(&verified);
            let forged = posted(&url, &signature("another", &url, &pairs), &form);
            assert_eq!(
                twilio.verify_webhook(&forged, Timestamp::UNIX_EPOCH),
                Err(WebhookRejection::Mismatch)
            );
        }
    }
}

#[test]
fn the_worst_urls_and_headers_are_refused_at_every_size() {
    let twilio = twilio();
    for kibibytes in SIZES {
        let size = kibibytes * 1024;
        for piece in ["?", "&", "=", "%", ":", "@", "]", "://", "bodySHA256=", "bodySHA256=&"] {
            let url = format!("https://{}", piece.repeat(size / piece.len()));
            assert!(
                twilio.verify_webhook(&posted(&url, "AAAA", ""), Timestamp::UNIX_EPOCH).is_err()
            );
        }
        for piece in ["A", "=", ",", " ", "algorithm=", ",algorithm="] {
            let long = piece.repeat(size / piece.len());
            let mut strange = posted(&callback("gather"), "AAAA", "");
            for name in
                ["x-twilio-webhooks-signature-settings", "content-type", "x-twilio-signature"]
            {
                strange.headers.insert(name, long.parse().expect("a header's value"));
                assert!(twilio.verify_webhook(&strange, Timestamp::UNIX_EPOCH).is_err());
            }
        }
        let mut many = posted(&callback("gather"), "AAAA", "");
        for _ in 0..size / 8 {
            many.headers.append("x-twilio-signature", "AAAA".parse().expect("a value"));
        }
        assert_eq!(
            twilio.verify_webhook(&many, Timestamp::UNIX_EPOCH),
            Err(WebhookRejection::MalformedHeader { header: "X-Twilio-Signature" })
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
            let length = twilio().render_reply(&call(), &plan).body.len();
            // Each character is escaped by six at most, and each part of a text has its element.
            assert!(length <= 6 * text.len() + 2048, "{character:?}: {length}");
        }
    }
}
