//! `offhook check`: every planted fault in one run, and nothing is changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use rusqlite::Connection;
use serde_json::Value;

use super::support::{Config, Daemon, Ended, HtmlServer, PLIVO_TOKEN, offhook, run};

const TOKEN: &str = "8f1c6b7de0a94c52b3f7a1d05e6c9b24";

/// A configuration that nothing is wrong with.
fn real() -> Config {
    Config::twilio()
        .text("public_url", "https://voice.example.com/phone")
        .text("twilio.auth_token", TOKEN)
}

/// Every file with its content and its time.
fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let told = |entry: std::fs::DirEntry| {
        let modified = entry.metadata().unwrap().modified().unwrap();
        let content = std::fs::read(entry.path()).unwrap_or_default();
        (entry.file_name().into_string().unwrap(), (content, modified))
    };
    entries.map(told).collect()
}

/// Checks a folder, which is left as it was.
fn check_in(folder: &Path, arguments: &[&str]) -> Ended {
    let before = files(folder);
    let arguments: Vec<&str> = ["check"].iter().chain(arguments).copied().collect();
    let ended = run(&mut offhook(folder, &arguments));
    assert_eq!(files(folder), before);
    assert_eq!(ended.stderr, "", "{ended:#?}");
    ended
}

fn check(config: &Config) -> Value {
    let folder = tempfile::tempdir().unwrap();
    config.write(folder.path());
    let ended = check_in(folder.path(), &["--json"]);
    let report = ended.json();
    assert_eq!(ended.code, Some(if report["ok"] == true { 0 } else { 2 }), "{ended:#?}");
    report
}

/// What is said about a key, at this level.
fn said(report: &Value, level: &str, about: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let right = |finding: &&Value| finding["level"] == level && finding["about"] == about;
    findings.filter(right).map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
}

fn count(report: &Value, level: &str) -> usize {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["level"] == level).count()
}

#[test]
fn what_is_right_has_no_fault_and_is_told_what_to_set_in_the_console() {
    let report = check(&real());
    assert_eq!((count(&report, "fault"), count(&report, "warning")), (0, 0), "{report:#}");
    let console = &report["consoles"][0];
    assert_eq!(console["provider"], "twilio");
    let endpoint = "https://voice.example.com/phone/webhooks/twilio#rc=3&rp=ct,rt,5xx";
    for setting in console["settings"].as_array().unwrap() {
        assert_eq!(setting["url"], endpoint);
        assert!(setting["method"].as_str().unwrap().contains("POST"));
    }
    let names: Vec<&Value> =
        console["settings"].as_array().unwrap().iter().map(|setting| &setting["name"]).collect();
    assert_eq!(names, ["A call comes in", "Primary handler fails", "Call status changes"]);

    let folder = tempfile::tempdir().unwrap();
    real().write(folder.path());
    let human = check_in(folder.path(), &[]);
    human.succeeded();
    for word in [endpoint, "0 faults, 0 warnings", "offhook.db is not there yet"] {
        assert!(human.stdout.contains(word), "{word}: {}", human.stdout);
    }
    assert!(!human.stdout.contains('\x1b') && !human.stdout.contains(TOKEN), "{}", human.stdout);
}

#[test]
fn every_planted_fault_is_found_in_one_run() {
    let taken = HtmlServer::start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("offhook.db"), vec![7; 9000]).unwrap();
    real()
        .text("public_url", "https://192.168.1.20")
        .text("from_number", "5551234")
        .text("colour", "red")
        .text("webhooks.listen", &taken.address().to_string())
        .text("limits.ring_timeout", "soon")
        .text("twilio.account_sid", "AC123")
        .text("twilio.auth_token", "short-secret")
        .text("api.token", "sesame-secret")
        .write(folder.path());
    let ended = check_in(folder.path(), &["--json"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    let report = ended.json();
    for key in [
        "public_url",
        "from_number",
        "colour",
        "webhooks.listen",
        "limits.ring_timeout",
        "twilio.account_sid",
        "store",
    ] {
        assert!(!said(&report, "fault", key).is_empty(), "{key}: {report:#}");
    }
    for key in ["twilio.auth_token", "api.token"] {
        assert_eq!(said(&report, "warning", key).len(), 1, "{key}: {report:#}");
    }
    assert!(!ended.stdout.contains("-secret"), "{}", ended.stdout);
    let human = check_in(folder.path(), &[]);
    assert_eq!(human.code, Some(2));
    assert_eq!(
        human.stdout.lines().filter(|line| line.starts_with("fault ")).count(),
        count(&report, "fault"),
        "{}",
        human.stdout
    );
}

#[test]
fn a_public_url_that_the_carrier_would_refuse_at_every_dial_is_a_fault() {
    let report = check(&real().text("public_url", "https://my_voice.example.com"));
    let told = said(&report, "fault", "public_url");
    assert!(told.len() == 1 && told[0].contains("underscore"), "{report:#}");
}

#[test]
fn odd_credentials_and_a_missing_number_are_warnings() {
    let odd = Config::new()
        .text("provider", "twilio")
        .text("public_url", "https://voice.example.com")
        .text("twilio.account_sid", "AC00000000000000000000000000000001")
        .text("twilio.auth_token", "not-hexadecimal")
        .text("twilio.auth_token_previous", "not-hexadecimal")
        .text("twilio.shared_key", "not-hexadecimal");
    let report = check(&odd);
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(said(&report, "warning", "twilio.auth_token").len(), 1);
    assert_eq!(said(&report, "warning", "twilio.auth_token_previous").len(), 2);
    assert_eq!(said(&report, "warning", "twilio.shared_key").len(), 1);
    assert_eq!(said(&report, "warning", "from_number").len(), 1);
    let own = odd.text("twilio.from_number", "+15550001234");
    assert!(said(&check(&own), "warning", "from_number").is_empty());
}

#[test]
fn policies_that_cannot_be_meant_are_warnings_that_say_what_to_do() {
    let numbers = "[\"+15550001111\"]";
    for (config, about, word) in [
        (real().text("inbound.policy", "allowlist"), "inbound.policy", "names nobody"),
        (real().value("inbound.allow_from", numbers), "inbound.allow_from", "policy is disabled"),
        (
            real().value("inbound.allow_from", numbers).text("inbound.policy", "open"),
            "inbound.allow_from",
            "policy is open",
        ),
        (
            real().value("webhooks.trusted_proxies", "[\"10.0.0.0/8\", \"0.0.0.0/0\"]"),
            "webhooks.trusted_proxies",
            "0.0.0.0/0",
        ),
        (real().text("webhooks.trusted_proxies", "::/0"), "webhooks.trusted_proxies", "::/0"),
    ] {
        let report = check(&config);
        let told = said(&report, "warning", about);
        assert!(told.len() == 1 && told[0].contains(word), "{about}: {report:#}");
        assert_eq!((&report["ok"], count(&report, "warning")), (&Value::Bool(true), 1));
    }
    let meant = real()
        .text("inbound.policy", "allowlist")
        .value("inbound.allow_from", numbers)
        .value("webhooks.trusted_proxies", "[\"10.0.0.0/8\"]");
    assert_eq!(count(&check(&meant), "warning"), 0);
    // What is wrong is said once.
    for wrong in [
        real().text("inbound.policy", "allowlist").text("inbound.allow_from", "anna"),
        real().text("inbound.policy", "shut").value("inbound.allow_from", numbers),
    ] {
        let report = check(&wrong);
        assert_eq!((count(&report, "fault"), count(&report, "warning")), (1, 0), "{report:#}");
    }
}

#[test]
fn a_running_daemon_holds_its_store_and_its_ports_and_that_is_fine() {
    let daemon = Daemon::start(Config::new());
    Config::new()
        .text("api.listen", &daemon.api.to_string())
        .text("webhooks.listen", &daemon.webhooks.to_string())
        .write(daemon.folder());
    let before = std::fs::read(daemon.folder().join("offhook.db")).unwrap();
    let ended = run(&mut offhook(daemon.folder(), &["check", "--json"]));
    ended.succeeded();
    let report = ended.json();
    let owner = format!("held by the daemon (process {})", daemon.process_id());
    assert!(said(&report, "ok", "store")[0].contains(&owner), "{report:#}");
    for key in ["api.listen", "webhooks.listen"] {
        assert!(said(&report, "ok", key)[0].contains("held by the daemon"), "{report:#}");
    }
    assert_eq!(std::fs::read(daemon.folder().join("offhook.db")).unwrap(), before);
    // The daemon does not notice.
    assert_eq!(daemon.get("/v1/calls").status, 200);
}

#[test]
fn a_store_that_was_left_in_mid_call_tells_its_live_calls() {
    let mut daemon = Daemon::start(Config::new());
    daemon.place("+15550100011");
    daemon.kill();
    let folder = daemon.into_folder();
    Config::new().write(folder.path());
    let report = check_in(folder.path(), &["--json"]).json();
    assert!(said(&report, "ok", "store")[0].contains("1 live call"), "{report:#}");
}

#[test]
fn a_store_of_another_program_or_of_a_newer_version_is_a_fault() {
    for (statement, word) in [
        ("CREATE TABLE note (text)", "another program"),
        ("PRAGMA user_version = 999", "version 999"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = Connection::open(folder.path().join("offhook.db")).unwrap();
        store.execute_batch(statement).unwrap();
        drop(store);
        Config::new().write(folder.path());
        let ended = check_in(folder.path(), &["--json"]);
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        let told = &said(&ended.json(), "fault", "store")[0];
        assert!(told.contains(word) && told.contains("offhook.db"), "{told}");
        assert!(!told.contains("copy.db"), "{told}");
    }
    let folder = check(&Config::new().text("store.url", "sqlite:missing/offhook.db"));
    assert!(said(&folder, "fault", "store")[0].contains("create it"), "{folder:#}");
}

#[test]
fn a_file_that_is_no_toml_or_is_not_there_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("offhook.toml"), "a = ").unwrap();
    for arguments in [&["--json"][..], &["--json", "--config", "elsewhere.toml"]] {
        let ended = check_in(folder.path(), arguments);
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert_eq!(count(&ended.json(), "fault"), 1);
    }
}

#[test]
fn every_fault_of_telnyx_is_found_at_once_and_its_application_is_told_the_url() {
    let right = Config::telnyx().text("public_url", "https://voice.example.com/phone");
    let report = check(&right);
    assert_eq!(report["ok"], true, "{report}");
    let console = report["consoles"].to_string();
    assert!(console.contains("https://voice.example.com/phone/webhooks/telnyx"), "{console}");

    let wrong = right
        .clone()
        .text("telnyx.api_key", "a b")
        .text("telnyx.connection_id", "")
        .text("telnyx.public_key", "nonsense")
        .text("telnyx.public_key_previous", "more nonsense");
    let report = check(&wrong);
    for key in ["api_key", "connection_id", "public_key", "public_key_previous"] {
        let key = format!("telnyx.{key}");
        let faults = report["findings"].as_array().unwrap().iter();
        let of_key =
            faults.filter(|fault| fault["level"] == "fault" && fault["about"] == key.as_str());
        assert_eq!(of_key.count(), 1, "{key}: {report:#}");
    }

    let twice = "ilBYeb4b8AwQNJhkLmIt6a15JqGFGbs4Up+zW4Z1sws=";
    let odd = right.text("telnyx.api_key", "0193").text("telnyx.public_key_previous", twice);
    let report = check(&odd).to_string();
    assert!(report.contains("does not begin with KEY"), "{report}");
    assert!(report.contains("is the same as public_key"), "{report}");
}

#[test]
fn every_fault_of_plivo_is_found_at_once_and_its_application_is_told_the_urls() {
    let right = Config::plivo().text("public_url", "https://voice.example.com/phone");
    let report = check(&right);
    assert_eq!(report["ok"], true, "{report}");
    let consoles = report["consoles"].to_string();
    for name in ["Primary Answer URL", "Fallback Answer URL", "Hangup URL"] {
        assert!(consoles.contains(name), "{consoles}");
    }
    let url = "https://voice.example.com/phone/webhooks/plivo#rc=5&rp=ct,rt,5xx";
    assert_eq!(consoles.matches(url).count(), 3, "{consoles}");

    let wrong = right
        .clone()
        .text("plivo.auth_id", "AC1")
        .text("plivo.auth_token", "")
        .value("plivo.signature_v2", "\"perhaps\"");
    let report = check(&wrong);
    for key in ["auth_id", "auth_token", "signature_v2"] {
        let key = format!("plivo.{key}");
        let faults = report["findings"].as_array().unwrap().iter();
        let of_key =
            faults.filter(|fault| fault["level"] == "fault" && fault["about"] == key.as_str());
        assert_eq!(of_key.count(), 1, "{key}: {report:#}");
    }

    let odd =
        right.value("plivo.signature_v2", "true").text("plivo.auth_token_previous", PLIVO_TOKEN);
    let report = check(&odd).to_string();
    assert!(report.contains("is the same as auth_token"), "{report}");
    assert!(report.contains("leave it out unless Plivo sends no V3"), "{report}");
}
