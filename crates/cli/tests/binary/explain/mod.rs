//! `offhook webhook explain`: what was signed, and no secret.

mod plivo;
mod telnyx;

use std::fs::File;
use std::path::Path;

use crate::support::{ACCOUNT_SID, Config, Ended, form, offhook, run, sign};

const PUBLIC: &str = "https://voice.example.com/phone";
const PATH: &str = "/phone/webhooks/twilio?call=1&step=1";

const FORM: [(&str, &str); 3] =
    [("AccountSid", ACCOUNT_SID), ("CallStatus", "ringing"), ("Digits", "12 34")];

/// A request to us with this signature, as a proxy would show it.
fn capture(signature: &str) -> String {
    capture_of(&form(&FORM), signature)
}

fn capture_of(body: &str, signature: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: inner.example.net:3334\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn config() -> Config {
    Config::twilio().text("public_url", PUBLIC)
}

fn explain_in(folder: &Path, capture: &str, arguments: &[&str]) -> Ended {
    std::fs::write(folder.join("capture.http"), capture).unwrap();
    let arguments: Vec<&str> =
        ["webhook", "explain", "capture.http"].iter().chain(arguments).copied().collect();
    let ended = run(&mut offhook(folder, &arguments));
    // The token, and the signature that would be right.
    let right = sign(&format!("https://voice.example.com{PATH}"), &FORM);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!all.contains(&right) && !all.contains("secret"), "{all}");
    ended
}

fn explain(config: &Config, capture: &str, arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    config.write(folder.path());
    explain_in(folder.path(), capture, arguments)
}

#[test]
fn a_right_signature_is_accepted_from_a_file_and_from_standard_input() {
    let right = capture(&sign(&format!("https://voice.example.com{PATH}"), &FORM));
    let folder = tempfile::tempdir().unwrap();
    config().write(folder.path());
    let ended = explain_in(folder.path(), &right, &["--json"]);
    ended.succeeded();
    assert_eq!(ended.json()["accepted"], true);
    let mut command = offhook(folder.path(), &["webhook", "explain"]);
    let ended = run(command.stdin(File::open(folder.path().join("capture.http")).unwrap()));
    ended.succeeded();
    assert!(ended.stdout.starts_with("accepted"), "{ended:#?}");
    // Elsewhere, the same signature is one for another URL.
    let ended = explain(&config(), &right, &["--url", "https://other.example.com/phone"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
}

#[test]
fn the_variant_that_was_signed_is_named() {
    for (url, difference) in [
        ("http://voice.example.com/phone/webhooks/twilio?call=1&step=1", "scheme http instead"),
        ("https://voice.example.com/webhooks/twilio?call=1&step=1", "without the path prefix"),
        ("https://voice.example.com/phone/webhooks/twilio/?call=1&step=1", "a slash at the end"),
        ("https://voice.example.com/phone/webhooks/twilio", "without the query"),
        ("https://voice.example.com:3334/phone/webhooks/twilio?call=1&step=1", "with port 3334"),
        ("https://inner.example.net/phone/webhooks/twilio?call=1&step=1", "the Host header"),
    ] {
        let ended = explain(&config(), &capture(&sign(url, &FORM)), &["--json"]);
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        let told = ended.json();
        assert_eq!((&told["accepted"], &told["signed_url"]), (&false.into(), &url.into()));
        assert!(told["failed_check"].as_str().unwrap().contains("does not match"), "{told}");
        let differences = told["differences"].as_array().unwrap();
        assert_eq!(differences.len(), 1, "{told}");
        assert!(differences[0].as_str().unwrap().contains(difference), "{told}");
        let human = explain(&config(), &capture(&sign(url, &FORM)), &[]);
        assert!(human.stdout.contains(url) && human.stdout.contains(difference), "{human:#?}");
    }
}

#[test]
fn the_way_in_which_the_parameters_were_signed_is_named() {
    let url = format!("https://voice.example.com{PATH}");
    let unsorted = format!("{url}Digits12 34CallStatusringing");
    let body = "Digits=12+34&CallStatus=ringing";
    let joined = sign(&unsorted, &[]);
    for (signature, difference) in [(joined, "unsorted"), (sign(&url, &[]), "the URL alone")] {
        let capture = capture_of(body, &signature);
        let told = explain(&config(), &capture, &["--json"]).json();
        let differences = told["differences"].as_array().unwrap_or_else(|| panic!("{told}"));
        assert_eq!(differences.len(), 1, "{told}");
        assert!(differences[0].as_str().unwrap().contains(difference), "{told}");
    }
}

#[test]
fn the_previous_token_is_named_and_not_told() {
    let rotated = config()
        .text("twilio.auth_token", "new-secret")
        .text("twilio.auth_token_previous", "emulator");
    let genuine = capture(&sign(&format!("http://voice.example.com{PATH}"), &FORM));
    let ended = explain(&rotated, &genuine, &["--json"]);
    let told = ended.json();
    assert_eq!(told["differences"][1], "the previous auth token", "{told}");
}

#[test]
fn a_shared_key_is_used_if_it_is_configured_and_asked_for_if_not() {
    let right = sign(&format!("https://voice.example.com{PATH}"), &FORM);
    let settings = "X-Twilio-Webhooks-Signature-Settings: key=SH1,algorithm=HMAC_SHA1\r\nHost:";
    let genuine = capture(&right).replace("Host:", settings);
    let without = config().text("twilio.auth_token", "another-secret");
    let with = without.clone().text("twilio.shared_key", "emulator");

    let ended = explain(&with, &genuine, &["--json"]);
    ended.succeeded();
    assert_eq!(ended.json()["differences"], serde_json::json!([]), "{ended:#?}");
    let wrong = without.clone().text("twilio.shared_key", "third-secret");
    assert_eq!(explain(&wrong, &genuine, &[]).code, Some(1));

    let ended = explain(&without, &genuine, &[]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    for word in ["SharedKey", "not configured", "set twilio.shared_key"] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
}

#[test]
fn every_other_check_that_fails_is_named() {
    let genuine = capture(&sign(&format!("https://voice.example.com{PATH}"), &FORM));
    let without = genuine.replace("X-Twilio-Signature", "X-Other");
    for (capture, word) in [
        (without, "there is no X-Twilio-Signature header"),
        (genuine.replace("Digits", "digits"), "no variant of the URL"),
        (genuine.replace("POST ", "PUT "), "GET or POST"),
        (genuine.replace(ACCOUNT_SID, &ACCOUNT_SID.replace('1', "2")), "another account"),
        (genuine.replace("Content-Length: ", "Content-Length: 9"), "the capture is not whole"),
        (genuine.replace("/webhooks/twilio", "/hooks"), "answered 404"),
        (genuine.replace("Content-Type", "X-Type"), "no Content-Type header"),
    ] {
        let ended = explain(&config(), &capture, &[]);
        assert!(ended.stdout.contains(word), "{word}: {ended:#?}");
    }
}

#[test]
fn what_cannot_be_explained_is_exit_2() {
    explain(&config(), "hello", &[]).failed_with(2, &["no captured request", "POST"]);
    let genuine = capture("x");
    explain(&Config::new(), &genuine, &[]).failed_with(2, &["no provider is configured"]);
    explain(&Config::twilio(), &genuine, &[]).failed_with(2, &["public_url", "--url"]);
    explain(&config(), &genuine, &["--url", "nothing"]).failed_with(2, &["--url"]);
    let folder = tempfile::tempdir().unwrap();
    let missing = run(&mut offhook(folder.path(), &["webhook", "explain", "none.http"]));
    missing.failed_with(2, &["none.http", "cannot be read"]);
}
