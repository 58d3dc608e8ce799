//! What outlives a daemon, and what a carrier that makes no sense cannot break.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Carrier, Config, Daemon, HtmlServer, Process, Request, eventually, offhook};

/// What was decided about the one call that was live.
fn decision(report: &Value) -> &str {
    assert_eq!(report["calls"].as_array().unwrap().len(), 1, "{report}");
    report["calls"][0]["decision"].as_str().unwrap()
}

#[test]
fn who_waits_for_a_call_waits_over_a_restart_too() {
    let carrier = Carrier::start();
    // The address must be the same after the restart.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = Config::with_carrier(&carrier.url()).text("api.listen", &free.to_string());
    let mut daemon = Daemon::start(config);
    let words = ["call", "+15550100011", "--mode", "conversation", "--wait", "--json"];
    let log = daemon.folder().join("call.log");
    let mut waits = Process::start(&mut offhook(daemon.folder(), &words), &log);
    let id = eventually("the carrier has the call", || {
        let call = daemon.calls().into_iter().next()?;
        let id = call["provider_call_id"].as_str()?.to_owned();
        (call["state"] == "listening").then_some(id)
    });
    daemon.kill();
    eventually("it says that it waits", || {
        std::fs::read_to_string(&log).unwrap().contains("waiting for the daemon").then_some(())
    });
    let daemon = daemon.start_again();
    assert_eq!(decision(&daemon.restore_report()), "kept");
    carrier.hang_up(&id);
    let call: Value = serde_json::from_str(&waits.line().unwrap()).unwrap();
    assert_eq!((&call["state"], &call["provider_call_id"]), (&json!("ended"), &json!(id)));
    assert!(waits.ends().success());
}

#[test]
fn sigterm_leaves_calls_running_and_the_next_start_takes_them_up() {
    let carrier = Carrier::start();
    let mut daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    let request = json!({ "to": "+15550100011", "message": "Hello?", "mode": "conversation" });
    let call = daemon.post("/v1/calls", &request).json();
    let id = call["provider_call_id"].as_str().unwrap().to_owned();
    let before = daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening");

    // A client that sends nothing does not hold the daemon up for long.
    let mut idle = TcpStream::connect(daemon.api).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    let asked = Instant::now();
    assert!(daemon.terminate().success());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    assert_eq!(carrier.call(&id)["status"], "in-progress");

    let daemon = daemon.start_again();
    assert_eq!(decision(&daemon.restore_report()), "kept");
    let after = daemon.get(&format!("/v1/calls/{id}")).json();
    assert_eq!(after["id"], call["id"]);
    assert_eq!(after["answered_at"], before["answered_at"]);
    assert_ne!(after["state"], "ended");
    assert_eq!(carrier.dialled(), 1);

    // And it is still steered.
    daemon.command(&["hangup", &id]).succeeded();
    carrier.wait_for(&id, "completed");
    let call = daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    assert_eq!(call["end_reason"], "hangup-bot");
}

#[test]
fn sigterm_at_the_first_moment_is_graceful_as_well() {
    for name in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        Config::new().write(folder.path());
        let mut serve = offhook(folder.path(), &["serve", "--json"]);
        let mut process = Process::start(&mut serve, &folder.path().join("log"));
        process.line().unwrap();
        process.signal(name);
        assert_eq!(process.ends().code(), Some(0), "SIG{name}");
    }
}

#[test]
fn a_call_that_ends_while_the_daemon_is_away_is_dropped_and_its_slot_is_free() {
    let carrier = Carrier::start();
    let config = Config::with_carrier(&carrier.url()).value("limits.max_concurrent_calls", "1");
    let mut daemon = Daemon::start(config);
    let request = json!({ "to": "+15550100011", "mode": "conversation" });
    let call = daemon.post("/v1/calls", &request).json();
    let id = call["provider_call_id"].as_str().unwrap().to_owned();
    daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening");
    daemon.kill();
    carrier.hang_up(&id);
    carrier.wait_for(&id, "completed");

    let daemon = daemon.start_again();
    assert_eq!(decision(&daemon.restore_report()), "dropped");
    let call = daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    assert_eq!(call["end_reason"], "completed");
    daemon.place("+15550100012");
}

#[test]
fn a_restore_report_is_not_settled_before_the_calls_are_loaded() {
    let carrier = Carrier::start();
    let mut daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    daemon.place("+15550100011");
    daemon.kill();
    let daemon = daemon.start_again();
    // Whenever it first says so, the call is in it.
    let report = daemon.restore_report();
    assert_eq!(report["calls"].as_array().unwrap().len(), 1, "{report}");
}

#[test]
fn an_idempotency_key_places_one_call_also_after_a_restart() {
    let carrier = Carrier::start();
    let config = Config::with_carrier(&carrier.url()).value("limits.max_concurrent_calls", "1");
    let mut daemon = Daemon::start(config);
    let ask = |daemon: &Daemon, body: &Value| {
        let request = Request::post("/v1/calls", body.to_string());
        daemon.send(&request.header("Idempotency-Key", "order 42"))
    };
    let body = json!({ "to": "+15550100011", "ring_timeout": "30s", "mode": "conversation" });
    let first = ask(&daemon, &body);
    assert_eq!(first.status, 201);
    // In other words, and although the only slot is taken.
    let same = json!({ "mode": "conversation", "ring_timeout": 30, "to": "+15550100011" });
    let again = ask(&daemon, &same);
    assert_eq!((again.status, &again.json()["id"]), (201, &first.json()["id"]));
    let other = json!({ "to": "+15550100012" });
    ask(&daemon, &other).is_problem(422, "idempotency_key_reused");

    daemon.kill();
    let daemon = daemon.start_again();
    let later = ask(&daemon, &same);
    assert_eq!((later.status, &later.json()["id"]), (201, &first.json()["id"]));
    ask(&daemon, &other).is_problem(422, "idempotency_key_reused");
    assert_eq!((daemon.calls().len(), carrier.dialled()), (1, 1));

    // And when the call is over.
    let id = first.json()["id"].as_str().unwrap().to_owned();
    daemon.command(&["hangup", &id]).succeeded();
    daemon.call_when(&json!(id), "is over", |call| call["state"] == "ended");
    assert_eq!(ask(&daemon, &same).json()["id"], id.as_str());
    assert_eq!(carrier.dialled(), 1);
}

#[test]
fn requests_with_one_key_at_the_same_time_place_one_call() {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    let request = Request::post("/v1/calls", r#"{"to": "+15550100011"}"#)
        .header("Idempotency-Key", "at once")
        .header("Authorization", &format!("Bearer {}", daemon.token()));
    let ids: Vec<Value> = std::thread::scope(|scope| {
        let (request, api) = (&request, daemon.api);
        let asked: Vec<_> =
            (0..4).map(|_| scope.spawn(move || request.send(api).json()["id"].clone())).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids[0].is_string() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!((daemon.calls().len(), carrier.dialled()), (1, 1));
}

#[test]
fn a_carrier_that_answers_html_leaves_the_outcome_unknown_and_is_not_dialled_again() {
    let html = HtmlServer::start();
    let mut daemon = Daemon::start(Config::with_carrier(&html.url()));
    let call = daemon.place("+15550100011");
    assert_eq!([&call["dial"], &call["state"]], ["unknown", "initiated"]);
    assert_eq!(html.count("POST"), 1);
    // Its destination is fenced, others are not.
    let again = daemon.post("/v1/calls", &json!({ "to": "+15550100011" }));
    let detail = again.is_problem(409, "destination_fenced");
    assert!(detail.contains(call["id"].as_str().unwrap()), "{detail}");
    assert_eq!(again.json()["call"], call["id"]);

    // A person is told as much.
    let told = daemon.command(&["call", "+15550100012"]);
    told.succeeded();
    assert!(
        told.stdout.contains("did not answer clearly") && told.stdout.contains("not redialled")
    );
    assert_eq!(html.count("POST"), 2);

    daemon.kill();
    let daemon = daemon.start_again();
    let report = daemon.restore_report();
    let decisions: Vec<&Value> =
        report["calls"].as_array().unwrap().iter().map(|call| &call["decision"]).collect();
    assert_eq!(decisions, ["outcome_unknown", "outcome_unknown"]);
    // It searches, and sends nothing else.
    let searches = html.count("GET");
    eventually("the carrier is searched", || (html.count("GET") > searches).then_some(()));
    assert_eq!(html.count("POST"), 2);
    let call = daemon.call_when(&call["id"], "is kept", |_| true);
    assert_eq!([&call["dial"], &call["state"]], ["unknown", "initiated"]);
}

#[test]
fn a_carrier_that_answers_html_at_a_restart_ends_no_call() {
    let carrier = Carrier::start();
    let mut daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    // Nobody speaks, so no webhook comes that proves the call to be live.
    let request = json!({ "to": "+15550100011", "mode": "conversation" });
    let call = daemon.post("/v1/calls", &request).json();
    let id = call["provider_call_id"].as_str().unwrap().to_owned();
    daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening");
    carrier.wait_for(&id, "in-progress");
    daemon.kill();

    let html = HtmlServer::start();
    let mut daemon = daemon.start_again_with(Config::with_carrier(&html.url()));
    assert_eq!(decision(&daemon.restore_report()), "kept_unverified");
    let kept = daemon.call_when(&call["id"], "is kept", |_| true);
    assert_ne!(kept["state"], "ended");
    assert!(daemon.terminate().success());

    // The right API is back, and so is the call.
    let daemon = daemon.start_again_with(Config::with_carrier(&carrier.url()));
    assert_eq!(decision(&daemon.restore_report()), "kept");
    assert_eq!(carrier.dialled(), 1);
}

#[test]
fn the_built_in_carrier_gives_no_id_twice_over_a_restart() {
    let mut daemon = Daemon::start(
        Config::new()
            .value("limits.max_concurrent_calls", "2")
            .value("limits.calls_per_second", "100"),
    );
    let first = daemon.place("+15550100001");
    assert!(daemon.terminate().success());
    let daemon = daemon.start_again();
    let second = daemon.place("+15550100002");
    let (first, id) = (&first["provider_call_id"], &second["provider_call_id"]);
    assert!(first.is_string() && id.is_string() && first != id, "{first} and {id}");
    daemon.call_when(&second["id"], "it rings", |call| call["state"] != "initiated");
    let log = daemon.log();
    assert!(!log.contains("conflict"), "{log}");
}
