//! Configuration that is wrong: exit 2, and words that help.

use std::path::Path;

use super::support::{Config, Daemon, Ended, offhook, run};

/// `offhook serve` with this file, which must refuse it.
fn refused(text: &str) -> Ended {
    refused_with(text, &[])
}

/// The same with environment variables.
fn refused_with(text: &str, environment: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("offhook.toml"), text).unwrap();
    let mut serve = offhook(folder.path(), &["serve"]);
    let ended = run(serve.envs(environment.iter().copied()));
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert_eq!(ended.stdout, "");
    assert_nothing_else(folder.path());
    ended
}

/// Neither a store nor a token was made.
fn assert_nothing_else(folder: &Path) {
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["offhook.toml"]);
}

#[test]
fn a_misspelt_key_in_the_file_names_the_nearest_one_and_the_file() {
    let ended = refused(&Config::new().text("limits.max_duraton", "5m").to_string());
    ended.failed_with(2, &["limits.max_duraton", "did you mean limits.max_duration?"]);
    ended.failed_with(2, &["offhook.toml", "a problem"]);
}

#[test]
fn a_misspelt_variable_names_the_nearest_variable() {
    let text = Config::new().to_string();
    for (wrong, right) in [
        ("OFFHOOK_LIMITS__MAX_DURATON", "OFFHOOK_LIMITS__MAX_DURATION"),
        ("OFFHOOK_LIMITS_MAX_DURATION", "OFFHOOK_LIMITS__MAX_DURATION"),
        ("OFFHOOK_PUBLICURL", "OFFHOOK_PUBLIC_URL"),
    ] {
        refused_with(&text, &[(wrong, "5")])
            .failed_with(2, &[wrong, &format!("did you mean {right}?")]);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = r#"
provider = "twilio"
from_number = "5551234"
public_url = "https://192.168.1.20"
colour = "red"
[webhooks]
listen = "localhost"
max_body = "1GiB"
[store]
url = "postgres://db"
[limits]
max_duration = "5h"
ring_timeout = "soon"
max_concurrent_calls = 0
[outbound]
allow_to = ["43"]
[speech]
locale = "english please"
[log]
format = "yaml"
[twilio]
account_sid = "AC123"
"#;
    let ended = refused_with(text, &[("OFFHOOK_INBOUND__POLICY", "everybody")]);
    let problems = [
        "from_number",
        "public_url",
        "colour",
        "webhooks.listen",
        "webhooks.max_body",
        "store.url",
        "limits.max_duration",
        "limits.ring_timeout",
        "limits.max_concurrent_calls",
        "outbound.allow_to",
        "speech.locale",
        "log.format",
        "twilio.account_sid",
        "twilio.auth_token",
        "inbound.policy",
    ];
    for key in problems {
        let told = |line: &&str| line.trim_start().starts_with(&format!("{key} "));
        assert_eq!(ended.stderr.lines().filter(told).count(), 1, "{key}: {}", ended.stderr);
    }
}

#[test]
fn every_value_that_cannot_be_read_says_what_could() {
    for (key, value, hint) in [
        ("from_number", "0660123", "+15550001234"),
        ("webhooks.listen", "localhost:3334", "127.0.0.1:3335"),
        ("api.listen", "3335", "127.0.0.1:3335"),
        ("webhooks.max_body", "lots", "from 1KiB to 16MiB"),
        ("store.url", "offhook.db", "sqlite:"),
        ("store.retention", "a month", "30d"),
        ("limits.max_duration", "0s", "from 1s to 4h"),
        ("limits.ring_timeout", "-3s", "30s"),
        ("limits.calls_per_second", "fast", "a number above 0"),
        ("limits.queue", "maybe", "true or false"),
        ("limits.queue_timeout", "0s", "at least 1s"),
        ("limits.max_queued_calls", "none", "a whole number from 1"),
        ("outbound.mode", "shout", "notify or conversation"),
        ("outbound.allow_to", "0043", "+43"),
        ("inbound.allow_from", "me", "+15550001234"),
        ("webhooks.trusted_proxies", "my proxy", "10.0.0.0/8"),
        ("twilio.api_base", "localhost", "https://"),
    ] {
        let text = Config::twilio().text("public_url", "https://voice.example.com");
        refused(&text.text(key, value).to_string()).failed_with(2, &[key, hint]);
    }
}

#[test]
fn invariant_17_a_public_url_that_a_real_carrier_cannot_reach_is_refused() {
    for (url, hint) in [
        ("https://127.0.0.1:3334", "private or loopback"),
        ("https://localhost", "private or loopback"),
        ("https://10.0.0.7", "private or loopback"),
        ("https://offhook.internal", "private or loopback"),
        ("http://voice.example.com", "https"),
        ("voice.example.com", "https://voice.example.com"),
    ] {
        let config = Config::twilio().text("public_url", url);
        refused(&config.to_string()).failed_with(2, &["public_url", hint]);
    }
    refused(&Config::twilio().to_string()).failed_with(2, &["public_url", "is missing"]);
}

#[test]
fn a_provider_that_is_named_needs_its_credentials() {
    let config = Config::new()
        .text("provider", "twilio")
        .text("public_url", "https://voice.example.com")
        .to_string();
    refused(&config).failed_with(2, &["twilio", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]);
    // Half of them is not enough, and the emulator does not step in.
    refused_with(&Config::new().to_string(), &[("TWILIO_AUTH_TOKEN", "secret")])
        .failed_with(2, &["twilio.account_sid", "is missing"]);
    let unknown = Config::new().text("provider", "twillio").to_string();
    refused(&unknown).failed_with(2, &["twillio", "emulator, twilio"]);
}

#[test]
fn an_error_never_shows_a_secret() {
    let config = Config::twilio()
        .text("twilio.auth_token", "hush-hush")
        .text("twilio.shared_key", "hush-hush")
        .text("colour", "red");
    let ended = refused_with(&config.to_string(), &[("OFFHOOK_API__TOKEN", "top-secret")]);
    assert!(!ended.stderr.contains("hush-hush") && !ended.stderr.contains("top-secret"));
}

#[test]
fn a_file_that_is_not_toml_names_the_line() {
    let ended = refused("from_number = \"+15550001234\"\n[limits\nqueue = true\n");
    ended.failed_with(2, &["offhook.toml", "is not TOML", "line 2"]);
}

#[test]
fn a_file_that_is_named_and_not_there_is_an_error_and_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let by_argument = run(&mut offhook(folder.path(), &["serve", "--config", "missing.toml"]));
    by_argument.failed_with(2, &["missing.toml", "does not exist"]);
    let by_variable = run(offhook(folder.path(), &["serve"]).env("OFFHOOK_CONFIG", "missing.toml"));
    by_variable.failed_with(2, &["missing.toml", "does not exist"]);
    let client = run(&mut offhook(folder.path(), &["calls", "--config", "missing.toml"]));
    client.failed_with(2, &["missing.toml", "does not exist"]);
}

#[test]
fn the_environment_alone_can_configure_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = offhook(folder.path(), &["serve", "--json"]);
    serve.envs([
        ("OFFHOOK_WEBHOOKS__LISTEN", "127.0.0.1:0"),
        ("OFFHOOK_API__LISTEN", "127.0.0.1:0"),
        ("OFFHOOK_STORE__URL", "memory:"),
        ("OFFHOOK_PUBLIC_URL", "https://voice.example.com/phone/"),
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "emulator"),
        ("OFFHOOK_LIMITS__MAX_DURATION", ""),
    ]);
    let process = super::support::Process::start(&mut serve, &folder.path().join("log"));
    let line = process.lines_to("listening");
    assert!(line.contains("https://voice.example.com/phone"), "{line}");
    assert!(line.contains(r#""emulator":null"#), "{line}");
}

#[test]
fn the_token_can_come_by_the_name_that_the_documentation_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    Config::new().write(folder.path());
    let mut serve = offhook(folder.path(), &["serve", "--json"]);
    serve.env("OFFHOOK_API_TOKEN", "sesame");
    let process = super::support::Process::start(&mut serve, &folder.path().join("log"));
    let line: serde_json::Value = serde_json::from_str(&process.line().unwrap()).unwrap();
    let calls = |token: &str| {
        let api = line["api"].as_str().unwrap();
        run(offhook(folder.path(), &["calls", "--api", api]).env("OFFHOOK_API_TOKEN", token))
    };
    calls("sesame").succeeded();
    calls("guess").failed_with(1, &["unauthorized"]);
    assert!(!folder.path().join("api.token").exists());
}

#[test]
fn a_client_reads_no_more_of_the_configuration_than_it_needs() {
    let daemon = Daemon::start(Config::new());
    let broken = Config::new().text("public_url", "nonsense").text("colour", "red");
    broken.write(daemon.folder());
    daemon.command(&["calls"]).succeeded();
}

#[test]
fn usage_errors_exit_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["sing"][..], &["call"], &["call", "+15550100001", "--mode", "shout"]] {
        assert_eq!(run(&mut offhook(folder.path(), arguments)).code, Some(2), "{arguments:?}");
    }
    run(&mut offhook(folder.path(), &["calls", "--api", "localhost:3335"]))
        .failed_with(2, &["--api", "http://127.0.0.1:3335"]);
    run(&mut offhook(folder.path(), &["demo", "--provider", "acme"])).failed_with(2, &["twilio"]);
    run(&mut offhook(folder.path(), &["demo", "--speed", "0"])).failed_with(2, &["0.1 to 100"]);
    run(&mut offhook(folder.path(), &["carrier", "--speed", "0"])).failed_with(2, &["0.1 to 100"]);
}
