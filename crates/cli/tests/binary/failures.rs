//! What failed, for people on standard error and for machines on standard output.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::support::{Carrier, Config, Daemon, Ended, offhook, run};

/// It failed with this code, and says so to both.
fn failed(ended: &Ended, exit_code: i32, code: &str) -> Value {
    assert_eq!(ended.code, Some(exit_code), "{ended:#?}");
    let told = ended.json();
    assert_eq!((&told["exit_code"], &told["code"]), (&json!(exit_code), &json!(code)), "{told}");
    assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{told}");
    assert!(!ended.stderr.is_empty(), "{ended:#?}");
    told
}

fn refusal() -> Value {
    let body = json!({ "code": 21211, "message": "not valid", "status": 400 });
    json!({
        "on": "request", "match": "POST", "http_status": 400, "body": body.to_string(),
        "content_type": "application/json",
    })
}

#[test]
fn a_refused_dial_tells_machines_the_carriers_code_and_the_call() {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    carrier.fault(&refusal());
    let ended = daemon.command(&["call", "+15550100011", "--json"]);
    let told = failed(&ended, 1, "carrier_rejected");
    assert_eq!((&told["carrier_code"], &told["status"]), (&json!("21211"), &json!(502)), "{told}");
    let call = told["call"].as_str().unwrap();
    daemon.command(&["show", call]).succeeded();

    // A person is told the same, and where to look.
    carrier.fault(&refusal());
    let ended = daemon.command(&["call", "+15550100011"]);
    ended.failed_with(1, &["not valid", "21211", "[carrier_rejected]", "see offhook show "]);
    assert_eq!(ended.stdout, "");
}

#[test]
fn who_dials_too_fast_is_told_when_to_come_back() {
    let carrier = Carrier::start();
    let config = Config::with_carrier(&carrier.url()).value("twilio.calls_per_second", "0.01");
    let daemon = Daemon::start(config);
    daemon.place("+15550100011");
    let ended = daemon.command(&["call", "+15550100012", "--json"]);
    let told = failed(&ended, 1, "rate_limit");
    assert!(told["retry_after"].as_u64().is_some_and(|seconds| seconds > 10), "{told}");
    daemon.command(&["call", "+15550100012"]).failed_with(1, &["try again in", " s"]);
}

#[test]
fn a_question_without_an_answer_tells_machines_its_turn() {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    let request = json!({ "to": "+15550100011", "message": "Hello?", "mode": "conversation" });
    let call = daemon.post("/v1/calls", &request).json();
    daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening");
    let id = call["id"].as_str().unwrap();
    let ended = daemon.command(&["ask", id, "Are you there?", "--timeout", "1s", "--json"]);
    let told = failed(&ended, 1, "transcript_timeout");
    assert!(told["turn"].as_u64().is_some_and(|turn| turn > 1), "{told}");
}

#[test]
fn what_is_wrong_before_the_daemon_is_asked_is_one_object_too() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Config::new().text("api.listen", &free.to_string()).write(folder.path());
    for (arguments, exit_code, code, word) in [
        (&["call", "--json"][..], 2, "usage", "<TO>"),
        (&["calls", "--json", "--state", "dead"], 2, "usage", "dead"),
        (&["calls", "--json", "--api", "nowhere"], 2, "usage", "nowhere"),
        (&["calls", "--json", "--config", "none.toml"], 2, "configuration", "none.toml"),
        (&["serve", "--json", "--config", "none.toml"], 2, "configuration", "none.toml"),
        (&["calls", "--json"], 3, "daemon_unreachable", "is `offhook serve` running?"),
        (&["tail", "--json"], 3, "daemon_unreachable", "is `offhook serve` running?"),
    ] {
        let ended = run(&mut offhook(folder.path(), arguments));
        let told = failed(&ended, exit_code, code);
        assert!(told["detail"].as_str().unwrap().contains(word), "{arguments:?}: {told}");
    }
    // Without --json, standard output is for results alone; behind `--` it is a word like others.
    for arguments in
        [&["calls"][..], &["calls", "--state", "dead"], &["call", "--x", "--", "--json"]]
    {
        let ended = run(&mut offhook(folder.path(), arguments));
        assert_eq!(ended.stdout, "", "{ended:#?}");
    }
}

#[test]
fn people_read_the_carriers_code_of_a_call_that_failed() {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    carrier.fault(&refusal());
    let call = daemon.post("/v1/calls", &json!({ "to": "+15550100011" })).json()["call"].clone();
    let show = daemon.command(&["show", call.as_str().unwrap()]);
    let told = "ended: failed (Twilio answered HTTP 400: not valid [21211])";
    assert!(show.stdout.contains(told), "{}", show.stdout);

    // An application error that the call does not get over: what the carrier fetches is none of our
    // documents, at the fallback neither.
    let broken = json!({ "on": "webhook", "match": "kind=", "http_status": 404, "count": 0 });
    carrier.fault(&broken);
    let ended = daemon.command(&["call", "+15550100001", "--message", "Hello.", "--wait"]);
    assert!(ended.stdout.contains("[11200])"), "{ended:#?}");
    let id = ended.stdout.split(' ').next().unwrap();
    let show = daemon.command(&["show", id]);
    let state = show.stdout.lines().find(|line| line.starts_with("state ")).unwrap();
    assert!(state.contains("[11200])"), "{}", show.stdout);
}
