//! Whose webhooks are taken, whose are refused, and what an operator is told of it.

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use http::{HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use offhook_core::{VoiceProvider, WebhookRejection, WebhookRequest, verify};
use offhook_telnyx::SignedAs;
use proptest::prelude::*;
use serde_json::json;
use support::{
    NOW, carrier_key, config, event, now, posted, previous_key, public, signature, signed,
    signed_by, telnyx,
};

const SIGNATURE: &str = "Telnyx-Signature-Ed25519";
const TIMESTAMP: &str = "Telnyx-Timestamp";

fn body() -> String {
    event("call.answered", json!({"state": "answered"})).to_string()
}

fn refused_at(request: &WebhookRequest, now: Timestamp) -> Option<WebhookRejection> {
    verify(&telnyx(), request, now).err()
}

fn refused(request: &WebhookRequest) -> Option<WebhookRejection> {
    refused_at(request, now())
}

#[test]
fn a_header_that_cannot_be_read_is_named() {
    for (name, header) in [("telnyx-signature-ed25519", SIGNATURE), ("telnyx-timestamp", TIMESTAMP)]
    {
        let mut request = signed(body());
        request.headers.insert(name, HeaderValue::from_static("12x"));
        assert_eq!(refused(&request), Some(WebhookRejection::MalformedHeader { header }));
        request.headers.insert(name, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(refused(&request), Some(WebhookRejection::MalformedHeader { header }));
    }
}

#[test]
fn a_signature_is_good_for_300_seconds_before_and_after_and_not_a_moment_more() {
    let request = signed(body());
    let signed_at = Timestamp::from_second(NOW - 2).unwrap();
    let moment = SignedDuration::from_nanos(1);
    for tolerated in [SignedDuration::from_secs(300), SignedDuration::from_secs(-300)] {
        assert_eq!(refused_at(&request, signed_at + tolerated), None);
    }
    for (now, seconds) in [
        (signed_at + SignedDuration::from_secs(300) + moment, 301),
        (signed_at - SignedDuration::from_secs(300) - moment, 301),
        (signed_at + SignedDuration::from_secs(86_400), 86_400),
    ] {
        assert_eq!(refused_at(&request, now), Some(WebhookRejection::Stale { seconds }));
    }
    for end_of_time in [Timestamp::MIN, Timestamp::MAX] {
        let refused = refused_at(&request, end_of_time);
        assert!(matches!(refused, Some(WebhookRejection::Stale { .. })), "{refused:?}");
    }
}

#[test]
fn a_get_is_refused_since_nothing_it_says_is_signed() {
    let mut request = signed("");
    request.method = Method::GET;
    assert_eq!(refused(&request), Some(WebhookRejection::Unsigned));
}

#[test]
fn a_sealed_body_that_is_no_event_is_taken_as_genuine_and_not_as_readable() {
    let telnyx = telnyx();
    for body in
        ["", "ping", "[1]", "{}", "null", "{\"data\":{\"id\":\"1\"},\"data\":{}}", "\u{feff}{}"]
    {
        let request = signed(body);
        let verified = verify(&telnyx, &request, now()).unwrap();
        assert!(telnyx.parse_webhook_event(&verified).is_err(), "{body}");
    }
}

#[test]
fn what_is_wrong_with_a_signature_is_found_out_and_no_secret_told() {
    let config = config().with_previous_public_key(public(&previous_key())).unwrap();
    let body = "{\"data\": {\"id\": \"a b\"}}\n";
    let by = |message: &[u8]| {
        let signature = STANDARD.encode(carrier_key().sign(message).to_bytes());
        posted(&NOW.to_string(), &signature, body)
    };
    let told = |request: &WebhookRequest, now| {
        let explanation = config.explain_signature(request, now);
        let text = format!("{explanation:?}");
        for secret in [support::API_KEY, &public(&carrier_key()), &public(&previous_key())] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!text.contains(request.headers["telnyx-signature-ed25519"].to_str().unwrap()));
        (explanation.rejection, explanation.signed_as)
    };
    let current = |content| Some(SignedAs { key: "the public key", content });
    assert_eq!(told(&signed(body), now()), (None, current(None)));
    let previous = Some(SignedAs { key: "the previous public key", content: None });
    assert_eq!(told(&signed_by(&previous_key(), body), now()), (None, previous));

    let later = now() + SignedDuration::from_hours(24);
    let stale = WebhookRejection::Stale { seconds: 86_402 };
    assert_eq!(told(&signed(body), later), (Some(stale), current(None)), "an old capture");

    for (message, word) in [
        (format!("{NOW}|{}", body.trim()), "without white space at its ends"),
        (format!("{NOW}|{{\"data\":{{\"id\":\"a b\"}}}}"), "written anew"),
        (body.to_owned(), "the body alone"),
        (format!("{NOW}.{body}"), "a dot"),
        (format!("{NOW}{body}"), "nothing between"),
    ] {
        let (rejection, signed_as) = told(&by(message.as_bytes()), now());
        assert_eq!(rejection, Some(WebhookRejection::Mismatch), "{word}");
        let content = signed_as.unwrap().content.unwrap();
        assert!(content.contains(word), "{content}");
    }
    let altered =
        posted(&NOW.to_string(), &signature(&carrier_key(), &NOW.to_string(), b"{}"), body);
    assert_eq!(told(&altered, now()), (Some(WebhookRejection::Mismatch), None));
}

#[test]
fn a_webhook_of_another_connection_is_told_apart_from_one_of_ours() {
    let of = |connection: &str| {
        let event = event("call.answered", json!({"connection_id": connection}));
        config().explain_signature(&signed(event.to_string()), now()).foreign_connection
    };
    assert!(!of(support::CONNECTION));
    assert!(of("1494404757140276706"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_verifier_or_the_parser_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        timestamp in "[0-9+. -]{0,24}",
        header in "[!-~]{0,100}",
    ) {
        let telnyx = telnyx();
        let _ = config().explain_signature(&posted(&timestamp, &header, bytes.clone()), now());
        let request = signed(bytes);
        let verified = verify(&telnyx, &request, now()).unwrap();
        let _ = telnyx.parse_webhook_event(&verified);
    }

}
