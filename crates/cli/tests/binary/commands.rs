//! The commands, as a person and as a script meet them.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::support::{Carrier, Config, Daemon, HtmlServer, Process, offhook, run};

/// With the built-in emulator: people ring and speak as slowly as they do in life.
fn with_emulator() -> Daemon {
    let config = Config::new()
        .value("limits.max_concurrent_calls", "5")
        .value("limits.calls_per_second", "100")
        .text("limits.notify_hangup_delay", "1s")
        .text("limits.ring_timeout", "2s");
    Daemon::start(config)
}

fn wait_for(daemon: &Daemon, to: &str) -> super::support::Ended {
    daemon.command(&["call", to, "--message", "Hello.", "--wait"])
}

#[test]
fn a_call_that_delivers_its_message_exits_with_0() {
    let daemon = with_emulator();
    let human = wait_for(&daemon, "+15550100001");
    human.succeeded();
    assert!(human.stdout.contains("to +15550100001 ended: hangup-bot"), "{human:#?}");

    let arguments = ["call", "+15550100001", "--message", "Hello.", "--wait", "--json"];
    let machine = daemon.command(&arguments);
    machine.succeeded();
    let call = machine.json();
    assert_eq!([&call["state"], &call["end_reason"]], ["ended", "hangup-bot"]);
    assert_eq!(call["transcript"][0]["text"], "Hello.");
}

#[test]
fn a_call_that_reaches_nobody_exits_with_1() {
    let daemon = with_emulator();
    for (to, reason) in
        [("+15550100002", "busy"), ("+15550100003", "no-answer"), ("+15550100004", "failed")]
    {
        let ended = wait_for(&daemon, to);
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(ended.stdout.contains(&format!("to {to} ended: {reason}")), "{ended:#?}");
    }
}

#[test]
fn without_wait_the_command_returns_when_the_carrier_has_the_call() {
    let daemon = with_emulator();
    let placed = daemon.command(&["call", "+15550100003", "--json"]);
    placed.succeeded();
    assert_eq!(placed.json()["dial"], "accepted");
    assert_ne!(placed.json()["state"], "ended");
}

#[test]
fn serve_says_that_no_real_call_is_placed_when_the_emulator_is_the_carrier() {
    for (config, why) in [
        (Config::new(), "no provider is configured"),
        (Config::new().text("provider", "emulator"), "provider = \"emulator\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        config.write(folder.path());
        let log = folder.path().join("log");
        let process = Process::start(&mut offhook(folder.path(), &["serve"]), &log);
        let said = process.lines_to("carrier ");
        assert!(said.contains("the built-in emulator at http://127.0.0.1:"), "{said}");
        assert!(said.contains("no real call is placed") && said.contains(why), "{said}");
        assert!(said.contains("api.token") && said.contains("offhook.db"), "{said}");
    }
}

#[test]
fn a_number_that_is_not_e164_is_refused_by_the_daemon() {
    let daemon = Daemon::start(Config::new());
    let hint = "plus sign, then 2 to 15 digits, like +15550001234";
    daemon.command(&["call", "12345"]).failed_with(1, &[hint, "invalid_request"]);
    daemon.command(&["call", "+15550100001", "--from", "me"]).failed_with(1, &["from", hint]);
    assert!(daemon.calls().is_empty());
}

#[test]
fn calls_show_and_hangup_tell_people_and_machines() {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    let none = daemon.command(&["calls"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), "no live calls\n"));
    let none = daemon.command(&["calls", "--state", "all"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), "no calls\n"));

    let request = json!({ "to": "+15550100011", "message": "Hello?", "mode": "conversation" });
    let call = daemon.post("/v1/calls", &request).json();
    let (id, carriers) = (call["id"].as_str().unwrap(), call["provider_call_id"].as_str().unwrap());
    daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening");

    let list = daemon.command(&["calls"]);
    list.succeeded();
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", list.stdout);
    assert!(lines[0].starts_with("ID ") && lines[0].contains("STATE"));
    for word in [id, "outbound", "+15550100100", "+15550100011", "listening", " s ago"] {
        assert!(lines[1].contains(word), "{word}: {}", list.stdout);
    }
    let list = daemon.command(&["calls", "--json"]).json();
    assert_eq!(list["calls"][0]["id"], id);
    let cut = daemon.command(&["calls", "--limit", "1"]);
    assert!(cut.stdout.contains("raise --limit"), "{}", cut.stdout);
    daemon.command(&["calls", "--limit", "0"]).failed_with(2, &["--limit"]);

    let show = daemon.command(&["show", carriers]);
    show.succeeded();
    for word in [id, carriers, "bot: Hello?", "listening", "SINCE", "WHAT", " s ago", "+0.00 s"] {
        assert!(show.stdout.contains(word), "{word}: {}", show.stdout);
    }
    // Every kind that such a call has is told in words, and without colour where nobody looks.
    assert!(!show.stdout.contains(['{', '\x1b']), "{}", show.stdout);
    let show = daemon.command(&["show", id, "--json"]).json();
    assert_eq!(show["call"]["id"], id);
    assert!(show["timeline"].as_array().is_some_and(|entries| entries.len() > 2), "{show}");

    let hangup = daemon.command(&["hangup", id]);
    hangup.succeeded();
    assert!(hangup.stdout.starts_with(id), "{hangup:#?}");
    daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    // Also right for a call that is over.
    let again = daemon.command(&["hangup", carriers, "--json"]);
    again.succeeded();
    assert_eq!(again.json()["end_reason"], "hangup-bot");
    let again = daemon.command(&["hangup", id]);
    assert_eq!(again.stdout, format!("{id} ended: hangup-bot\n"));

    for arguments in
        [["show", "CA404"], ["hangup", "CA404"], ["show", "CA 4/04?"], ["hangup", "%FF"]]
    {
        daemon.command(&arguments).failed_with(1, &["there is no call with this id"]);
    }
}

#[test]
fn a_call_that_waits_for_its_turn_is_listed_and_can_be_called_off() {
    let carrier = Carrier::start();
    let config = Config::with_carrier(&carrier.url())
        .value("limits.max_concurrent_calls", "1")
        .value("limits.queue", "true");
    let daemon = Daemon::start(config);
    daemon.place("+15550100011");
    assert_eq!(daemon.command(&["calls", "--state", "queued"]).stdout, "no queued calls\n");
    let mut call = daemon.to_run(&["call", "+15550100012", "--json"]);
    let placing = std::thread::spawn(move || call.output().unwrap());
    let listed = (0..200).find_map(|_| {
        let list = daemon.command(&["calls", "--state", "queued", "--json"]).json();
        list["calls"][0]["id"].as_str().map(str::to_owned)
    });
    let id = listed.unwrap();
    let list = daemon.command(&["calls", "--state", "queued"]);
    for word in [&id, "+15550100012", "queued"] {
        assert!(list.stdout.contains(word), "{word}: {}", list.stdout);
    }
    let hangup = daemon.command(&["hangup", &id]);
    assert_eq!(hangup.stdout, format!("{id} ended: canceled\n"));
    let placed = placing.join().unwrap();
    let call: Value = serde_json::from_slice(&placed.stdout).unwrap();
    assert_eq!((placed.status.code(), &call["end_reason"]), (Some(1), &json!("canceled")));
    assert_eq!(carrier.dialled(), 1);
}

#[test]
fn completions_know_the_commands_of_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&mut offhook(folder.path(), &["completions", shell]));
        script.succeeded();
        for word in ["completions", "hangup", "explain"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
    run(&mut offhook(folder.path(), &["completions", "tcsh"])).failed_with(2, &["bash"]);
}

#[test]
fn a_reader_that_has_had_enough_ends_a_command_quietly() {
    let daemon = Daemon::start(Config::new());
    daemon.place("+15550100011");
    for arguments in [&["calls"][..], &["calls", "--json"], &["calls", "--state", "ended"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        // It is gone before anything is printed.
        drop(reader);
        let ended = daemon.command_into(arguments, writer.into());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
    }
}

#[test]
fn a_daemon_that_does_not_run_is_exit_3_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    // A port that nobody listens on.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Config::new().text("api.listen", &address.to_string()).write(folder.path());
    for arguments in [
        &["calls"][..],
        &["show", "x"],
        &["hangup", "x"],
        &["call", "+15550100001"],
        &["call", "+15550100001", "--wait", "--json"],
    ] {
        let ended = run(&mut offhook(folder.path(), arguments));
        ended.failed_with(3, &[&address.to_string(), "is `offhook serve` running?"]);
    }
    // An empty variable is not set.
    let ended = run(offhook(folder.path(), &["calls"]).env("OFFHOOK_API_URL", ""));
    ended.failed_with(3, &[&address.to_string()]);
}

#[test]
fn another_program_at_the_address_of_the_daemon_is_exit_3() {
    let html = HtmlServer::start();
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["calls"][..], &["show", "x"], &["call", "+15550100001", "--wait"]] {
        let ended = run(offhook(folder.path(), arguments).env("OFFHOOK_API_URL", html.url()));
        ended.failed_with(3, &[&html.url(), "no Offhook daemon"]);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_port_in_use_names_the_key_that_chooses_another() {
    let taken = HtmlServer::start();
    let address = taken.address().to_string();
    for key in ["webhooks.listen", "api.listen"] {
        let folder = tempfile::tempdir().unwrap();
        Config::new().text(key, &address).write(folder.path());
        let ended = run(&mut offhook(folder.path(), &["serve"]));
        ended.failed_with(1, &[&address, "in use", key]);
        assert!(!folder.path().join("offhook.db").exists());
    }
    let folder = tempfile::tempdir().unwrap();
    let ended = run(&mut offhook(folder.path(), &["carrier", "--listen", &address]));
    ended.failed_with(1, &[&address, "--listen"]);
}

#[test]
fn the_carrier_emulator_serves_its_account_and_refuses_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = offhook(folder.path(), &["carrier", "--listen", "127.0.0.1:0"]);
    let mut process = Process::start(&mut command, &folder.path().join("log"));
    let said = process.lines_to("call us");
    assert!(said.contains("No real call is placed"), "{said}");
    assert!(said.contains("AC00000000000000000000000000000001") && said.contains("emulator"));
    let address = said.split("http://").nth(1).unwrap().split(". ").next().unwrap();
    let address = address.parse().unwrap();
    let path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json";
    let request = super::support::Request::get(path);
    // AC…1:emulator
    let ours = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTplbXVsYXRvcg==";
    let answer = request.clone().header("Authorization", ours).send(address);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json()["calls"].is_array());
    assert_eq!(request.send(address).status, 401);
    process.signal("INT");
    assert_eq!(process.ends().code(), Some(0));
}

#[test]
fn the_demo_succeeds_and_every_line_of_it_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Process::start(
        &mut offhook(folder.path(), &["demo", "--json"]),
        &folder.path().join("log"),
    );
    let mut lines: Vec<Value> = Vec::new();
    while let Some(line) = demo.line() {
        lines.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
    }
    assert_eq!(demo.ends().code(), Some(0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.to_string().contains("dropped")), "{lines:#?}");
}
