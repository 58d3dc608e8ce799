//! Steering a live call from the command line, and watching.

use serde_json::{Value, json};

use super::support::{Carrier, Config, Daemon, PATIENCE, Process, offhook, run, within};

/// A conversation that listens.
fn conversation(daemon: &Daemon) -> Value {
    let request = json!({ "to": "+15550100011", "message": "Hello?", "mode": "conversation" });
    let call = daemon.post("/v1/calls", &request).json();
    daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening")
}

/// What the person on the line heard, and what was pressed.
fn heard(carrier: &Carrier, call: &Value, what: &str) {
    let id = call["provider_call_id"].as_str().unwrap();
    within(PATIENCE, &format!("the line has {what:?}"), || {
        carrier.call(id).to_string().contains(what).then_some(())
    });
}

fn start() -> (Carrier, Daemon) {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    (carrier, daemon)
}

#[test]
fn what_is_spoken_is_heard_and_has_a_turn() {
    let (carrier, daemon) = start();
    let call = conversation(&daemon);
    let id = call["id"].as_str().unwrap();
    let spoken = daemon.command(&["speak", id, "One moment.", "--json"]);
    spoken.succeeded();
    assert!(spoken.json()["turn"].as_u64().is_some_and(|turn| turn > 1), "{spoken:#?}");
    heard(&carrier, &call, "One moment.");
    let spoken = daemon.command(&["speak", id, "Thank you."]);
    spoken.succeeded();
    assert!(spoken.stdout.starts_with(id) && spoken.stdout.contains("turn"), "{spoken:#?}");
}

#[test]
fn a_question_that_is_not_answered_in_time_is_exit_1() {
    let (_carrier, daemon) = start();
    let call = conversation(&daemon);
    let id = call["id"].as_str().unwrap();
    let asked = daemon.command(&["ask", id, "Are you there?", "--timeout", "1s"]);
    asked.failed_with(1, &["transcript_timeout"]);
    daemon.command(&["ask", id, "Hm?", "--timeout", "soon"]).failed_with(2, &["--timeout"]);
}

#[test]
fn digits_that_are_asked_for_are_printed() {
    let (carrier, daemon) = start();
    let call = conversation(&daemon);
    let (id, line) = (call["id"].as_str().unwrap(), call["provider_call_id"].as_str().unwrap());
    let ask = ["ask", id, "Your PIN?", "--input", "digits", "--max-digits", "4"];
    for json in [false, true] {
        let mut arguments = ask.to_vec();
        arguments.extend(json.then_some("--json"));
        let asked = std::thread::scope(|scope| {
            let mut command = daemon.to_run(&arguments);
            let asked = scope.spawn(move || run(&mut command));
            within(PATIENCE, "the question is heard, and answered", || {
                carrier.press(line, "4711");
                asked.is_finished().then_some(())
            });
            asked.join().unwrap()
        });
        asked.succeeded();
        match json {
            true => assert_eq!(asked.json()["digits"], "4711", "{asked:#?}"),
            false => assert_eq!(asked.stdout, "4711\n", "{asked:#?}"),
        }
    }
    let too_many = ["ask", id, "Your PIN?", "--input", "digits", "--max-digits", "33"];
    daemon.command(&too_many).failed_with(1, &["max_digits", "invalid_request"]);
    daemon.command(&["ask", id, "Your PIN?", "--max-digits", "4"]).failed_with(2, &["--input"]);
    daemon.command(&["ask", id, "Your PIN?", "--input", "keys"]).failed_with(2, &["--input"]);
}

#[test]
fn digits_are_sent() {
    let (carrier, daemon) = start();
    let call = conversation(&daemon);
    let id = call["id"].as_str().unwrap();
    daemon.command(&["dtmf", id, "12#"]).succeeded();
    heard(&carrier, &call, "12#");
    daemon.command(&["dtmf", id, "x"]).failed_with(1, &["DTMF", "invalid_request"]);
}

#[test]
fn a_call_that_is_over_can_be_told_nothing() {
    let (_carrier, daemon) = start();
    let call = conversation(&daemon);
    let id = call["id"].as_str().unwrap();
    daemon.command(&["hangup", id]).succeeded();
    daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    for arguments in [["speak", id, "Hello?"], ["ask", id, "Hello?"], ["dtmf", id, "1"]] {
        daemon.command(&arguments).failed_with(1, &["call_ended"]);
    }
}

#[test]
fn tail_goes_on_after_a_restart_and_misses_nothing() {
    let carrier = Carrier::start();
    // The address must be the same after the restart.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = Config::with_carrier(&carrier.url()).text("api.listen", &free.to_string());
    let mut daemon = Daemon::start(config);
    let mut tail = offhook(daemon.folder(), &["tail", "--after", "0", "--json"]);
    let tail = Process::start(&mut tail, &daemon.folder().join("tail.log"));
    let first = daemon.place("+15550100001");
    let seen = tail.lines_to("\n");
    let event: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(event["call"], first["id"]);
    daemon.kill();
    let daemon = daemon.start_again();
    let second = daemon.place("+15550100002");
    let lines = tail.lines_to(second["id"].as_str().unwrap());
    let ids = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64());
    let next = event["id"].as_u64().unwrap() + 1;
    assert!(ids.eq((next..).take(lines.lines().count()).map(Some)), "one was missed: {lines}");
}

#[test]
fn tail_is_not_deaf_after_a_restart_with_a_store_that_forgets() {
    let carrier = Carrier::start();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = Config::with_carrier(&carrier.url())
        .text("api.listen", &free.to_string())
        .text("store.url", "memory:");
    let mut daemon = Daemon::start(config);
    // More than the next daemon will have seen when the tail comes back.
    for to in ["+15550100002", "+15550100004", "+15550100002"] {
        let call = daemon.place(to);
        daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    }
    let mut tail = offhook(daemon.folder(), &["tail", "--after", "0", "--json"]);
    let tail = Process::start(&mut tail, &daemon.folder().join("tail.log"));
    for _ in 0..3 {
        tail.lines_to("\"kind\":\"ended\"");
    }
    daemon.kill();
    let daemon = daemon.start_again();
    let second = daemon.place("+15550100003");
    // Behind what was still said of the calls before, if anything was.
    let lines = tail.lines_to(second["id"].as_str().unwrap());
    let first: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(first["id"], 1, "{lines}");
}

#[test]
fn tail_tells_people_in_columns_that_stay_where_they_are() {
    let (_carrier, daemon) = start();
    let call = daemon.place("+15550100002");
    daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    let mut tail = offhook(daemon.folder(), &["tail", "--after", "0"]);
    tail.env("OFFHOOK_API_URL", format!("http://{}", daemon.api));
    let tail = Process::start(&mut tail, &daemon.folder().join("tail.log"));
    let told = tail.lines_to("ended  ");
    let id = call["id"].as_str().unwrap();
    let place = told.lines().next().unwrap().find("CALL").unwrap();
    let lines: Vec<&str> = told.lines().filter(|line| line.contains(id)).collect();
    assert!(lines.len() > 3 && lines.iter().all(|line| line.find(id) == Some(place)), "{told}");
    assert!(lines[0].contains("+0.00 s") && lines[lines.len() - 1].contains("busy"), "{told}");
}

#[test]
fn without_a_daemon_every_steering_command_is_exit_3() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Config::new().text("api.listen", &free.to_string()).write(folder.path());
    for arguments in [&["speak", "x", "y"][..], &["ask", "x", "y"], &["dtmf", "x", "1"], &["tail"]]
    {
        let ended = run(&mut offhook(folder.path(), arguments));
        ended.failed_with(3, &["is `offhook serve` running?"]);
    }
}
