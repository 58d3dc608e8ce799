//! The admin API: who may ask, and what is answered.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::support::{Carrier, Config, Daemon, Request, eventually};

fn with_carrier() -> (Carrier, Daemon) {
    let carrier = Carrier::start();
    let daemon = Daemon::start(Config::with_carrier(&carrier.url()));
    (carrier, daemon)
}

#[test]
fn without_the_token_there_is_nothing_but_health() {
    let daemon = Daemon::start(Config::new());
    let wrong = format!("Bearer {}x", daemon.token());
    let basic = format!("Basic {}", daemon.token());
    for (method, path) in [
        ("GET", "/v1/calls"),
        ("POST", "/v1/calls"),
        ("GET", "/v1/calls/x"),
        ("GET", "/v1/calls/x/timeline"),
        ("POST", "/v1/calls/x/hangup"),
        ("GET", "/v1/restore-report"),
    ] {
        let request = Request::new(method, path);
        let answer = request.send(daemon.api);
        let detail = answer.is_problem(401, "unauthorized");
        assert!(detail.contains("api.token"), "{detail}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        for token in [&wrong, &basic, "Bearer ", ""] {
            let request = request.clone().header("Authorization", token);
            request.send(daemon.api).is_problem(401, "unauthorized");
        }
    }
    for path in ["/healthz", "/readyz"] {
        eventually(&format!("{path} is 200"), || {
            (Request::get(path).send(daemon.api).status == 200).then_some(())
        });
    }
    assert!(daemon.calls().is_empty());
}

#[test]
fn a_web_page_cannot_reach_the_api_by_another_name_or_from_another_origin() {
    let daemon = Daemon::start(Config::new().value("api.hosts", r#"["admin.example.com"]"#));
    let port = daemon.api.port();
    let ask = |path, header, value: &str| daemon.send(&Request::get(path).header(header, value));
    for path in ["/v1/calls", "/healthz", "/nowhere"] {
        for host in [&format!("evil.example:{port}"), "127.0.0.1", "evil.example", ""] {
            ask(path, "Host", host).is_problem(421, "wrong_host");
        }
        for origin in ["https://evil.example", "null", &format!("http://evil.example:{port}")] {
            ask(path, "Origin", origin).is_problem(403, "foreign_origin");
        }
    }
    for host in [&format!("localhost:{port}"), "admin.example.com"] {
        assert_eq!(ask("/v1/calls", "Host", host).status, 200, "{host}");
    }
    for origin in [&format!("http://127.0.0.1:{port}"), "https://admin.example.com"] {
        assert_eq!(ask("/v1/calls", "Origin", origin).status, 200, "{origin}");
    }
}

#[test]
fn a_generated_token_is_for_its_owners_eyes_and_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // Somebody made an empty file that everybody may read.
    std::fs::write(folder.path().join("api.token"), "").unwrap();
    let mut daemon = Daemon::start_in(folder, Config::new());
    let mode = || {
        let file = std::fs::metadata(daemon.folder().join("api.token")).unwrap();
        file.permissions().mode() & 0o777
    };
    assert_eq!(mode(), 0o600);
    let token = daemon.token();
    assert!(token.len() >= 32, "{token}");
    daemon.command(&["calls"]).succeeded();
    assert!(daemon.terminate().success());
    assert_eq!(daemon.start_again().token(), token);
}

#[test]
fn a_request_for_a_call_that_is_not_right_is_refused_and_nothing_is_dialled() {
    let (carrier, daemon) = with_carrier();
    let refused = |body: &str, word: &str| {
        let answer = daemon.send(&Request::post("/v1/calls", body));
        let detail = answer.is_problem(422, "invalid_request");
        assert!(detail.contains(word), "{body}: {detail}");
    };
    for (body, word) in [
        ("", "missing field `to`"),
        ("{", "EOF"),
        ("[]", "an array, where an object"),
        (r#"["+15550100001"]"#, "an array, where an object"),
        ("null", "missing field `to`"),
        ("to=+15550100001", "line 1"),
        ("{}", "missing field `to`"),
        (r#"{"to": 15550100001}"#, "string"),
        (r#"{"to": "+15550100001", "form": "+15550100100"}"#, "unknown field `form`"),
    ] {
        refused(body, word);
    }
    let fields = [
        ("to", json!("12345"), "E.164"),
        ("to", json!("+0123456"), "E.164"),
        ("to", json!(" +15550100001"), "to: white space around it"),
        ("to", json!("sip:bob@example.com\r\nX: y"), "E.164"),
        ("from", json!("me"), "from: not a phone number"),
        ("mode", json!("shout"), "expected `notify` or `conversation`"),
        ("message", json!("ring\u{7}"), "U+0007"),
        ("message", json!("x".repeat(5000)), "5000 characters"),
        ("message", json!(""), "empty"),
        ("locale", json!("english please"), "en-US"),
        ("voice", json!("v".repeat(101)), "100"),
        ("metadata", json!({ "note": "x".repeat(5000) }), "4096"),
        ("metadata", json!({ "note": 1 }), "string"),
        ("max_duration", json!("0s"), "max_duration: from 1 s to 4 h"),
        ("max_duration", json!("5h"), "max_duration: from 1 s to 4 h"),
        ("max_duration", json!(-1), ""),
        ("max_duration", json!(1e300), ""),
        ("ring_timeout", json!("soon"), "30s"),
        ("ring_timeout", json!("30"), "seconds are a number"),
        ("ring_timeout", json!(0.5), "ring_timeout: from 1 s to 4 h"),
        ("queue_timeout", json!("5h"), "queue_timeout: from 1 s to 4 h"),
        ("provider", json!("acme"), "acme is not configured"),
    ];
    for (name, value, word) in fields {
        let mut body = json!({ "to": "+15550100001" });
        body[name] = value;
        refused(&body.to_string(), word);
    }
    let key = Request::post("/v1/calls", r#"{"to": "+15550100001"}"#);
    for bad in ["", "a\tb", &"k".repeat(256)] {
        let request = key.clone().header("Idempotency-Key", bad);
        daemon.send(&request).is_problem(422, "invalid_request");
    }
    assert!(daemon.calls().is_empty());
    assert_eq!(carrier.dialled(), 0);
}

#[test]
fn every_error_of_the_framework_is_a_problem_document_too() {
    let daemon = Daemon::start(Config::new());
    let large = json!({ "to": "+15550100001", "message": "x".repeat(100_000) });
    daemon.post("/v1/calls", &large).is_problem(413, "body_too_large");
    for path in [
        "/v1/calls/%FF",
        "/v1/calls/%FF/timeline",
        "/v1/calls/%FF/turns/1",
        "/v1/calls/no-such-call",
    ] {
        daemon.get(path).is_problem(404, "no_such_call");
    }
    daemon.send(&Request::post("/v1/calls/%FF/hangup", "")).is_problem(404, "no_such_call");
    let from = |id| daemon.send(&Request::get("/v1/events").header("Last-Event-ID", id));
    for id in ["soon", "-1", "9223372036854775808"] {
        from(id).is_problem(422, "invalid_request");
    }
    for path in ["/", "/v1", "/v1/call", "/v1/calls/x/y", "/webhooks/twilio"] {
        daemon.get(path).is_problem(404, "not_found");
    }
    for (method, path) in [
        ("PUT", "/v1/calls"),
        ("DELETE", "/v1/calls/x"),
        ("GET", "/v1/calls/x/hangup"),
        ("POST", "/v1/restore-report"),
        ("POST", "/healthz"),
    ] {
        let answer = daemon.send(&Request::new(method, path));
        answer.is_problem(405, "method_not_allowed");
        assert!(answer.header("allow").is_some(), "{method} {path}: {answer:?}");
    }
}

#[test]
fn a_list_that_is_asked_for_wrongly_is_refused() {
    let daemon = Daemon::start(Config::new());
    for query in [
        "state=over",
        "state=",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=many",
        "cursor=x",
        "cursor=",
        "sort=up",
        "state=live&state=ended",
    ] {
        daemon.get(&format!("/v1/calls?{query}")).is_problem(422, "invalid_request");
    }
}

#[test]
fn pages_have_every_call_once_and_newest_first() {
    let (carrier, daemon) = with_carrier();
    let placed: Vec<Value> =
        (11..18).map(|number| daemon.place(&format!("+155501000{number}"))["id"].clone()).collect();
    let list = |query: &str| daemon.get(&format!("/v1/calls?{query}")).json();

    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = list(&format!("state=all&limit=3{cursor}"));
        let calls = page["calls"].as_array().unwrap();
        assert!(calls.len() <= 3);
        seen.extend(calls.iter().map(|call| call["id"].clone()));
        pages += 1;
        // A call that comes meanwhile does not shift the pages.
        if pages == 1 {
            daemon.place("+15550100019");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        assert!(pages < 10);
    }
    let newest_first: Vec<Value> = placed.iter().rev().cloned().collect();
    assert_eq!((seen, pages), (newest_first, 3));

    // By state as well.
    let ended = daemon.place("+15550100002")["id"].clone();
    daemon.call_when(&ended, "is over", |call| call["state"] == "ended");
    let all = |page: &Value| page["calls"].as_array().unwrap().clone();
    assert_eq!(all(&list("state=ended&limit=1000"))[0]["id"], ended);
    assert!(all(&list("")).iter().all(|call| call["state"] != "ended"));
    assert_eq!(all(&list("state=all")).len(), 9);
    assert_eq!(carrier.dialled(), 9);

    // The command takes pages together.
    let listed = daemon.command(&["calls", "--state", "all", "--limit", "5000", "--json"]);
    listed.succeeded();
    assert_eq!(all(&listed.json()).len(), 9);
}

#[test]
fn a_call_is_found_by_our_id_and_by_the_carriers() {
    let (_carrier, daemon) = with_carrier();
    let call = daemon.place("+15550100011");
    let carriers = call["provider_call_id"].as_str().unwrap();
    assert!(carriers.starts_with("CA"), "{call}");
    for id in [call["id"].as_str().unwrap(), carriers] {
        assert_eq!(daemon.get(&format!("/v1/calls/{id}")).json()["id"], call["id"]);
        let timeline = daemon.get(&format!("/v1/calls/{id}/timeline")).json();
        let entries = timeline["entries"].as_array().unwrap();
        assert!(!entries.is_empty());
        for entry in entries {
            assert_eq!(entry["call"], call["id"]);
            assert!(entry["id"].is_u64() && entry["at"].is_string(), "{entry}");
            assert!(entry["kind"].is_string() && entry.get("detail").is_some(), "{entry}");
        }
    }
    let unknown = "019c0000-0000-7000-8000-000000000001";
    daemon.get(&format!("/v1/calls/{unknown}")).is_problem(404, "no_such_call");
    daemon.get(&format!("/v1/calls/{unknown}/timeline")).is_problem(404, "no_such_call");
    let hangup = format!("/v1/calls/{unknown}/hangup");
    daemon.post(&hangup, &json!({})).is_problem(404, "no_such_call");
}

#[test]
fn a_call_shows_all_of_its_members_and_none_of_the_daemons_secrets() {
    let (_carrier, daemon) = with_carrier();
    let request = json!({
        "to": "+15550100011", "from": "+15550100101", "mode": "conversation", "message": "Hello?",
        "metadata": { "order": "42" }, "max_duration": "90s", "ring_timeout": 20,
    });
    let call = daemon.post("/v1/calls", &request).json();
    let call = daemon.call_when(&call["id"], "listens", |call| call["state"] == "listening");
    for name in [
        "id",
        "provider",
        "provider_call_id",
        "direction",
        "state",
        "end_reason",
        "cause",
        "dial",
        "from",
        "to",
        "mode",
        "answered_by",
        "started_at",
        "answered_at",
        "ended_at",
        "updated_at",
        "metadata",
        "transcript",
    ] {
        assert!(call.get(name).is_some(), "no {name}: {call}");
    }
    assert_eq!(
        [&call["provider"], &call["direction"], &call["dial"], &call["from"], &call["mode"]],
        ["twilio", "outbound", "accepted", "+15550100101", "conversation"]
    );
    assert_eq!(call["metadata"], json!({ "order": "42" }));
    assert_eq!(call["transcript"][0]["text"], "Hello?");
    let all = daemon.get(&format!("/v1/calls/{}/timeline", call["id"].as_str().unwrap())).body;
    assert!(!all.contains(&daemon.token()) && !call.to_string().contains(&daemon.token()));
}

#[test]
fn what_the_policy_does_not_permit_is_refused_before_the_carrier_hears_of_it() {
    let carrier = Carrier::start();
    let config = Config::with_carrier(&carrier.url())
        .value("outbound.allow_to", r#"["+1555010", "+43"]"#)
        .value("limits.max_concurrent_calls", "2")
        .value("twilio.calls_per_second", "0.05");
    let daemon = Daemon::start(config);
    let ask = |to: &str| daemon.post("/v1/calls", &json!({ "to": to }));
    ask("+4915550100001").is_problem(403, "destination_not_allowed");

    daemon.place("+15550100011");
    let answer = ask("+15550100012");
    answer.is_problem(429, "rate_limit");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert_eq!((daemon.calls().len(), carrier.dialled()), (1, 1));
}

#[test]
fn the_limit_of_live_calls_holds_and_its_slots_come_back() {
    let carrier = Carrier::start();
    let config = Config::with_carrier(&carrier.url()).value("limits.max_concurrent_calls", "2");
    let daemon = Daemon::start(config);
    let first = daemon.place("+15550100011");
    daemon.place("+15550100012");
    let refused = daemon.post("/v1/calls", &json!({ "to": "+15550100013" }));
    let detail = refused.is_problem(429, "concurrency_limit");
    assert!(detail.contains('2') && detail.contains("max_concurrent_calls"), "{detail}");
    assert_eq!(carrier.dialled(), 2);

    let id = first["id"].as_str().unwrap();
    assert_eq!(daemon.post(&format!("/v1/calls/{id}/hangup"), &json!({})).status, 200);
    daemon.call_when(&first["id"], "is over", |call| call["state"] == "ended");
    daemon.place("+15550100013");
}

#[test]
fn a_call_that_the_carrier_refuses_tells_its_code() {
    let (carrier, daemon) = with_carrier();
    let body = json!({ "code": 21211, "message": "Invalid 'To' Phone Number", "status": 400 });
    let fault = json!({
        "on": "request", "match": "POST", "http_status": 400, "body": body.to_string(),
        "content_type": "application/json",
    });
    carrier.fault(&fault);
    let answer = daemon.post("/v1/calls", &json!({ "to": "+15550100011" }));
    let detail = answer.is_problem(502, "carrier_rejected");
    assert!(detail.contains("twilio did not take the call"), "{detail}");
    assert_eq!(answer.json()["carrier_code"], "21211");
    let call = answer.json()["call"].clone();
    let call = daemon.call_when(&call, "is over", |call| call["state"] == "ended");
    assert_eq!(call["dial"], "refused");
    // The slot is free, and the command says the same.
    carrier.fault(&fault);
    daemon.command(&["call", "+15550100011"]).failed_with(1, &["21211", "carrier_rejected"]);
}
