//! Telnyx' captures: Ed25519 over the timestamp and the raw body, whatever the URL.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};

use super::{PUBLIC, explain};
use crate::support::Config;

const TIMESTAMP: &str = "1736846813";

fn config() -> Config {
    Config::telnyx().text("public_url", PUBLIC)
}

fn capture(signature: &str, body: &str) -> String {
    format!(
        "POST /phone/webhooks/telnyx HTTP/1.1\r\nHost: inner.example.net:3334\r\n\
         Telnyx-Timestamp: {TIMESTAMP}\r\nTelnyx-Signature-Ed25519: {signature}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The signature of an empty body at that time, from the vectors of Telnyx' official SDKs.
fn published(body: &str) -> String {
    let signature =
        "4fmeCuJP8o8XTWy0hXyzZvXcWrKt4DY2jL16db8UONQkru8mqRICLWfW3zuCR/FhLpYmDK4rGRZ+KLnP10Z8Aw==";
    capture(signature, body)
}

#[test]
fn captures_grow_stale_and_their_signatures_stay_right() {
    let genuine = published("");
    let ended = explain(&config(), &genuine, &["--json"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let told = ended.json();
    assert_eq!(told["provider"], "telnyx");
    assert_eq!(told["differences"], serde_json::json!([]), "{told}");
    assert!(told["failed_check"].as_str().unwrap().contains("timestamp"), "{told}");
    assert!(told["hints"].to_string().contains("the signature itself is right"), "{told}");

    let rotated = config()
        .text("telnyx.public_key_previous", "ilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=")
        .text("telnyx.public_key", "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=");
    let ended = explain(&rotated, &genuine, &["--json"]);
    assert_eq!(ended.json()["differences"], serde_json::json!(["the previous public key"]));

    let ended = explain(&config(), &published("{}"), &[]);
    assert!(!ended.stdout.contains("the signature itself is right"), "{ended:#?}");
}

#[test]
fn the_content_that_was_signed_is_named() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let config =
        config().text("telnyx.public_key", &STANDARD.encode(key.verifying_key().as_bytes()));
    let body = "{ \"data\": { \"event_type\": \"call.answered\" } }\n";
    let compact = "{\"data\":{\"event_type\":\"call.answered\"}}";
    for (message, difference) in [
        (format!("{TIMESTAMP}|{}", body.trim()), "without white space at its ends"),
        (format!("{TIMESTAMP}|{compact}"), "written anew on its way"),
        (body.to_owned(), "without the timestamp"),
        (format!("{TIMESTAMP}.{body}"), "with a dot between them"),
        (format!("{TIMESTAMP}{body}"), "with nothing between them"),
    ] {
        let signature = STANDARD.encode(key.sign(message.as_bytes()).to_bytes());
        let ended = explain(&config, &capture(&signature, body), &["--json"]);
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        let told = ended.json();
        let differences = told["differences"].as_array().unwrap_or_else(|| panic!("{told}"));
        assert_eq!(differences.len(), 1, "{told}");
        assert!(differences[0].as_str().unwrap().contains(difference), "{told}");
    }
}

#[test]
fn every_other_check_that_fails_is_named() {
    let genuine = published("");
    let foreign =
        r#"{"data":{"id":"1","event_type":"call.answered","payload":{"connection_id":"1"}}}"#;
    for (capture, word) in [
        (genuine.replace("Telnyx-Timestamp", "X-Other"), "there is no Telnyx-Timestamp header"),
        (
            genuine.replace("Telnyx-Signature-Ed25519", "X-Other"),
            "there is no Telnyx-Signature-Ed25519 header",
        ),
        (genuine.replace("4fmeCuJP", "4fmeCu P"), "Ed25519 header is malformed"),
        (genuine.replace(TIMESTAMP, "now"), "Telnyx-Timestamp header is malformed"),
        (genuine.replace("POST ", "PUT "), "GET or POST"),
        (genuine.replace("POST ", "GET "), "does not cover its body"),
        (published(foreign), "another application than telnyx.connection_id"),
        (genuine.replace("Content-Length: 0", "Content-Length: 9"), "the capture is not whole"),
    ] {
        let ended = explain(&config(), &capture, &[]);
        assert_eq!(ended.code, Some(1), "{word}: {ended:#?}");
        assert!(ended.stdout.contains(word), "{word}: {ended:#?}");
    }
}
