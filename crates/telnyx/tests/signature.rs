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
    signed_by, silent, telnyx,
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
fn a_header_that_is_missing_stands_twice_or_cannot_be_read_is_named() {
    for (name, header) in [("telnyx-signature-ed25519", SIGNATURE), ("telnyx-timestamp", TIMESTAMP)]
    {
        let mut request = signed(body());
        let twice = request.headers[name].clone();
        request.headers.append(name, twice);
        assert_eq!(refused(&request), Some(WebhookRejection::MalformedHeader { header }));
        request.headers.remove(name);
        assert_eq!(refused(&request), Some(WebhookRejection::MissingHeader { header }));
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
    request.method = Method::PUT;
    assert_eq!(refused(&request), Some(WebhookRejection::Method));
}

#[test]
fn both_keys_are_good_while_one_is_rotated_and_a_third_never_is() {
    let rotating = config().with_previous_public_key(public(&previous_key())).unwrap();
    let rotating = silent(rotating);
    let key_of = |request: &WebhookRequest| verify(&rotating, request, now()).unwrap().key();
    let by_current = signed(body());
    let by_previous = signed_by(&previous_key(), body());
    assert_eq!(key_of(&by_current), key_of(&by_previous), "one event, whichever key signed it");
    assert_eq!(refused(&by_previous), Some(WebhookRejection::Mismatch));
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let by_stranger = signed_by(&stranger, body());
    let refused = verify(&rotating, &by_stranger, now()).map(drop);
    assert_eq!(refused, Err(WebhookRejection::Mismatch));
}

#[test]
fn an_attempt_that_is_signed_anew_is_a_repeat_and_another_event_is_not() {
    let telnyx = telnyx();
    let key_of = |body: String, at: i64| {
        let timestamp = at.to_string();
        let signature = signature(&carrier_key(), &timestamp, body.as_bytes());
        verify(&telnyx, &posted(&timestamp, &signature, body), now()).unwrap().key()
    };
    let first = event("call.answered", json!({}));
    let mut again = first.clone();
    again["meta"]["attempt"] = 2.into();
    let mut other = first.clone();
    other["data"]["id"] = "0ccc7b54-4df3-4bca-a65a-3da1ecc77700".into();
    let key = key_of(first.to_string(), NOW - 60);
    assert_eq!(key, key_of(again.to_string(), NOW));
    assert_ne!(key, key_of(other.to_string(), NOW));
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

    #[test]
    fn any_change_of_one_byte_of_what_is_signed_is_refused(
        place in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let request = signed(body());
        let mut changed = request.body.to_vec();
        changed[place.index(request.body.len())] ^= flip;
        let altered = WebhookRequest { body: changed.into(), ..request };
        prop_assert_eq!(refused(&altered), Some(WebhookRejection::Mismatch));
    }

    #[test]
    fn any_change_of_one_character_of_the_headers_is_refused(
        of_signature in any::<bool>(),
        place in any::<prop::sample::Index>(),
        other in 0x21..0x7f_u8,
    ) {
        let mut request = signed(body());
        let name = if of_signature { "telnyx-signature-ed25519" } else { "telnyx-timestamp" };
        let mut value = request.headers[name].as_bytes().to_vec();
        let place = place.index(value.len());
        prop_assume!(value[place] != other);
        value[place] = other;
        request.headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
        prop_assert!(refused(&request).is_some());
    }
}
