//! Plivo's captures: V3 over the URL, the query and the form, and V2 over the URL alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{PUBLIC, explain};
use crate::support::{Config, Ended, PLIVO_ID, PLIVO_TOKEN, form};

const NONCE: &str = "48219377201945583017";
const ORIGIN: &str = "https://voice.example.com";
const PATH: &str = "/phone/webhooks/plivo";
const FORM: [(&str, &str); 4] =
    [("To", "15550001234"), ("CallStatus", "ringing"), ("Digits", "12 34"), ("From", "1555+1")];

/// The form's names and values by name, and the query's, as Plivo signs them.
const SORTED_FORM: &str = "CallStatusringingDigits12 34From1555+1To15550001234";
const QUERY: &str = "step=1&call=1";
const SORTED_QUERY: &str = "call=1&step=1";

/// What is kept from whoever reads the explanation.
const OLDER_TOKEN: &str = "OTk4ODc3NjY1NTQ0MzMyMjExMDBmZmVlZGRjY2Ji";
const MAIN_TOKEN: &str = "MDAxMTIyMzM0NDU1NjY3Nzg4OTlhYWJiY2NkZGVl";

/// Base64 of HMAC-SHA256. Source: Plivo, "Validating requests".
fn signed(token: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What V3 signs of a POST to this URL.
fn posted_to(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let dot = if query.is_empty() { "" } else { "." };
    let query = if query.is_empty() { "" } else { SORTED_QUERY };
    format!("{base}?{query}{dot}{SORTED_FORM}.{NONCE}")
}

fn expected_url() -> String {
    format!("{ORIGIN}{PATH}?{QUERY}")
}

fn right() -> String {
    signed(PLIVO_TOKEN, &posted_to(&expected_url()))
}

fn config() -> Config {
    Config::plivo().text("public_url", PUBLIC)
}

/// A request with these headers for its signature, as a proxy would show it.
fn capture(signature_headers: &[(&str, &str)]) -> String {
    let body = form(&FORM);
    let headers: String =
        signature_headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "POST {PATH}?{QUERY} HTTP/1.1\r\nHost: inner.example.net:3334\r\n{headers}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn by_v3(signature: &str) -> String {
    capture(&[("X-Plivo-Signature-V3", signature), ("X-Plivo-Signature-V3-Nonce", NONCE)])
}

/// Explains, and looks for whatever must not be told: tokens, and the signature that is right.
fn told(config: &Config, capture: &str, arguments: &[&str]) -> Ended {
    let ended = explain(config, capture, arguments);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    for hidden in [PLIVO_TOKEN, OLDER_TOKEN, MAIN_TOKEN, &right()] {
        assert!(!all.contains(hidden), "{all}");
    }
    ended
}

/// What stands under `differences`, of a capture that is refused.
fn differences(config: &Config, capture: &str) -> Vec<String> {
    let ended = told(config, capture, &["--json"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let told = ended.json();
    assert_eq!((&told["accepted"], &told["provider"]), (&false.into(), &"plivo".into()), "{told}");
    let differences = told["differences"].as_array().unwrap_or_else(|| panic!("{told}"));
    differences.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_right_signature_is_accepted_whether_it_came_by_post_or_by_get() {
    let posted = by_v3(&right());
    told(&config(), &posted, &["--json"]).succeeded();
    let query = format!("{QUERY}&{}", form(&FORM));
    // By GET all parameters are the query's.
    let pairs = "CallStatus=ringing&Digits=12 34&From=1555+1&To=15550001234&call=1&step=1";
    let by_get = signed(PLIVO_TOKEN, &format!("{ORIGIN}{PATH}?{pairs}.{NONCE}"));
    let got = |signature: &str| {
        format!(
            "GET {PATH}?{query} HTTP/1.1\r\nHost: inner.example.net\r\n\
             X-Plivo-Signature-V3: {signature}\r\nX-Plivo-Signature-V3-Nonce: {NONCE}\r\n\r\n"
        )
    };
    let accepted = told(&config(), &got(&by_get), &["--json"]);
    accepted.succeeded();
    assert_eq!(accepted.json()["differences"], serde_json::json!([]), "{accepted:#?}");

    let raw = signed(PLIVO_TOKEN, &format!("{ORIGIN}{PATH}?{query}.{NONCE}"));
    assert_eq!(differences(&config(), &got(&raw)), ["a query that was not decoded"]);
    let by_http = signed(PLIVO_TOKEN, &format!("http://voice.example.com{PATH}?{pairs}.{NONCE}"));
    assert_eq!(differences(&config(), &got(&by_http)), ["scheme http instead of https"]);
}

#[test]
fn the_url_that_was_signed_is_named() {
    for (url, difference) in [
        (format!("http://voice.example.com{PATH}?{QUERY}"), "scheme http instead"),
        (format!("{ORIGIN}/webhooks/plivo?{QUERY}"), "without the path prefix"),
        (format!("{ORIGIN}{PATH}/?{QUERY}"), "a slash at the end"),
        (format!("{ORIGIN}{PATH}"), "without the query"),
        (format!("{ORIGIN}:443{PATH}?{QUERY}"), "with port 443"),
        (format!("https://inner.example.net{PATH}?{QUERY}"), "the Host header"),
    ] {
        let capture = by_v3(&signed(PLIVO_TOKEN, &posted_to(&url)));
        let found = differences(&config(), &capture);
        assert!(matches!(&found[..], [one] if one.contains(difference)), "{url}: {found:?}");
        let human = told(&config(), &capture, &[]);
        assert!(human.stdout.contains(&url) && human.stdout.contains(difference), "{human:#?}");
    }
}

#[test]
fn the_way_in_which_the_parameters_were_signed_is_named() {
    let unsorted = "To15550001234CallStatusringingDigits12 34From1555+1";
    let start = format!("{ORIGIN}{PATH}");
    for (message, difference) in [
        (format!("{start}?{QUERY}.{unsorted}.{NONCE}"), "unsorted"),
        (format!("{start}?{SORTED_QUERY}.{NONCE}"), "the URL alone"),
        (format!("{start}?{SORTED_QUERY}.{SORTED_FORM}{NONCE}"), "no dot before the nonce"),
        (format!("{start}{NONCE}"), "as in V2"),
    ] {
        let found = differences(&config(), &by_v3(&signed(PLIVO_TOKEN, &message)));
        assert!(matches!(&found[..], [one] if one.contains(difference)), "{message}: {found:?}");
    }
}

#[test]
fn of_several_signatures_one_is_enough_and_its_token_is_named_and_not_told() {
    let by = |token| signed(token, &posted_to(&expected_url()));
    let (older, stranger) = (by(OLDER_TOKEN), by("a stranger's"));
    for list in [format!("{stranger},{}", right()), format!("{older},{}", right())] {
        let accepted = told(&config(), &by_v3(&list), &["--json"]);
        accepted.succeeded();
        assert_eq!(accepted.json()["differences"], serde_json::json!([]), "{accepted:#?}");
    }
    let rotated = config().text("plivo.auth_token_previous", OLDER_TOKEN);
    let accepted = told(&rotated, &by_v3(&format!("{stranger},{older}")), &["--json"]);
    accepted.succeeded();
    assert_eq!(accepted.json()["differences"], serde_json::json!(["the previous auth token"]));

    let refused = told(&rotated, &by_v3(&format!("{stranger},{stranger}")), &[]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stdout.contains("no variant of the URL"), "{refused:#?}");

    // A number of a subaccount: the main account signs a header of its own.
    let main = by(MAIN_TOKEN);
    let both = capture(&[
        ("X-Plivo-Signature-V3", &stranger),
        ("X-Plivo-Signature-Ma-V3", &main),
        ("X-Plivo-Signature-V3-Nonce", NONCE),
    ]);
    let subaccount = config()
        .text("plivo.auth_id", "SAXXXXXXXXXXXXXXXXXX")
        .text("plivo.main_auth_token", MAIN_TOKEN);
    let accepted = told(&subaccount, &both, &["--json"]);
    accepted.succeeded();
    assert_eq!(accepted.json()["differences"], serde_json::json!([]), "it signs that header");
}

#[test]
fn v2_is_explained_and_taken_only_where_it_was_opted_in() {
    let v2 = signed(PLIVO_TOKEN, &format!("{ORIGIN}{PATH}{NONCE}"));
    let legacy = capture(&[("X-Plivo-Signature-V2", &v2), ("X-Plivo-Signature-V2-Nonce", NONCE)]);
    let refused = told(&config(), &legacy, &[]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    for word in ["V2 is not configured", "leaves the query uncovered", "plivo.signature_v2 = true"]
    {
        assert!(refused.stdout.contains(word), "{word}: {}", refused.stdout);
    }
    assert_eq!(differences(&config(), &legacy), Vec::<String>::new(), "it is right as a V2");

    let lenient = config().value("plivo.signature_v2", "true");
    told(&lenient, &legacy, &["--json"]).succeeded();
    let elsewhere = signed(PLIVO_TOKEN, &format!("{ORIGIN}/webhooks/plivo{NONCE}"));
    let elsewhere = legacy.replace(&v2, &elsewhere);
    assert_eq!(differences(&lenient, &elsewhere), ["without the path prefix /phone"]);
    // A V3 that is there is what counts.
    let wrong = signed("a stranger's", &posted_to(&expected_url()));
    let beside = capture(&[
        ("X-Plivo-Signature-V2", &v2),
        ("X-Plivo-Signature-V2-Nonce", NONCE),
        ("X-Plivo-Signature-V3", &wrong),
        ("X-Plivo-Signature-V3-Nonce", NONCE),
    ]);
    assert_eq!(told(&lenient, &beside, &[]).code, Some(1));
}

#[test]
fn every_other_check_that_fails_is_named() {
    let genuine = by_v3(&right());
    let other_account = format!("ParentAuthID={}", PLIVO_ID.replace('X', "Y"));
    let without_type = genuine.replace("Content-Type", "X-Type");
    for (capture, word) in [
        (genuine.replace("Signature-V3:", "Other:"), "there is no X-Plivo-Signature-V3 header"),
        (genuine.replace("V3-Nonce", "V3-Other"), "there is no X-Plivo-Signature-V3-Nonce header"),
        (genuine.replace(&right(), "AAAA"), "X-Plivo-Signature-V3 header is malformed"),
        (genuine.replace("Digits", "digits"), "no variant of the URL"),
        (genuine.replace("POST ", "PUT "), "GET or POST"),
        (genuine.replace("POST ", "GET "), "does not cover its body"),
        (genuine.replace("To=15550001234", &other_account), "another main account"),
        (genuine[..genuine.len() - 5].to_owned(), "the capture is not whole"),
        (without_type, "no Content-Type header"),
    ] {
        let ended = told(&config(), &capture, &[]);
        assert_eq!(ended.code, Some(1), "{word}: {ended:#?}");
        assert!(ended.stdout.contains(word), "{word}: {ended:#?}");
    }
}
