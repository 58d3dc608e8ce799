//! What the real daemon and its commands say, at the most verbose level, and what must not be in it.

use std::net::TcpListener;

use offhook_conformance::Secrets;
use serde_json::{Value, json};

use super::support::{
    ACCOUNT_SID, Carrier, Config, Daemon, Ended, Request, form, offhook, run, sign_with,
};

const AUTH_TOKEN: &str = "3f9a7c51e0d2486b8a1be3c4d5f60718";
const PREVIOUS_TOKEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const API_KEY_SECRET: &str = "secret/of+the=API-key";
const WRONG_TOKEN: &str = "the-admin-token-Zx81-Qp7";

const CALLED: &str = "+15550100011";
const REFUSED: &str = "+15550100022";
const CALLER: &str = "+15550100077";
const OURS: &str = "+15550100100";

const MESSAGE: &str = "The key is under the mat.";
const QUESTION: &str = "Which medicine do you take?";
const ANSWER: &str = "The blue pills at night";
const GREETING: &str = "You have reached the surgery.";
const PRESSED: &str = "739184650271";

fn secrets() -> Secrets {
    let keys = Secrets::default()
        .key("the auth token", AUTH_TOKEN)
        .key("the previous token", PREVIOUS_TOKEN)
        .key("the API key's secret", API_KEY_SECRET)
        .key("a wrong admin token", WRONG_TOKEN);
    let numbers = [CALLED, REFUSED, CALLER, OURS].into_iter().fold(keys, Secrets::number);
    [MESSAGE, QUESTION, ANSWER, GREETING, PRESSED].into_iter().fold(numbers, Secrets::words)
}

/// What commands said: what went wrong, and the views that they were asked for.
#[derive(Default)]
struct Said {
    stderr: String,
    stdout: String,
}

impl Said {
    fn take(&mut self, ended: Ended) -> Ended {
        self.stderr.push_str(&ended.stderr);
        self.stdout.push_str(&ended.stdout);
        ended
    }
}

fn daemon(format: &str, carrier: &Carrier, port: &str) -> Daemon {
    let config = Config::with_carrier(&carrier.url())
        .text("webhooks.listen", port)
        .text("from_number", OURS)
        .text("twilio.auth_token", AUTH_TOKEN)
        .text("twilio.auth_token_previous", PREVIOUS_TOKEN)
        .text("inbound.policy", "open")
        .text("inbound.greeting", GREETING)
        .text("log.format", format)
        .variable("RUST_LOG", "trace");
    Daemon::start(config)
}

/// Calls, out and in, with everything that is said and pressed.
fn calls(daemon: &Daemon, carrier: &Carrier, said: &mut Said) {
    let arguments = ["call", CALLED, "--message", MESSAGE, "--mode", "conversation", "--json"];
    let placed = said.take(daemon.command(&arguments)).json();
    let listens = |call: &Value| call["state"] == "listening";
    let call = daemon.call_when(&placed["id"], "listens", listens);
    let (id, sid) = (call["id"].as_str().unwrap(), call["provider_call_id"].as_str().unwrap());
    carrier.say(sid, ANSWER);
    daemon.call_when(&placed["id"], "has heard", |call| {
        call["transcript"].as_array().is_some_and(|lines| lines.len() > 1)
    });
    for arguments in [
        &["speak", id, MESSAGE][..],
        &["ask", id, QUESTION, "--timeout", "1s"],
        &["dtmf", id, PRESSED],
        &["show", id],
        &["hangup", id],
        &["calls", "--state", "all"],
    ] {
        said.take(daemon.command(arguments));
    }
    daemon.call_when(&placed["id"], "is over", |call| call["state"] == "ended");
    said.take(daemon.command(&["speak", id, MESSAGE])).failed_with(1, &["call_ended"]);
    said.take(daemon.command(&["dtmf", id, &PRESSED.repeat(3)])).failed_with(1, &["digits"]);

    let sid = carrier.is_called(CALLER, OURS);
    let inbound = daemon.call_when(&json!(sid), "listens", listens);
    carrier.say(&sid, ANSWER);
    carrier.hang_up(&sid);
    daemon.call_when(&inbound["id"], "is over", |call| call["state"] == "ended");
}

/// A dial, webhooks and requests that are refused.
fn refusals(daemon: &Daemon, carrier: &Carrier, said: &mut Said) {
    let message = "The 'To' number +1 (555) 010-0022 (%2B15550100022) is not valid";
    carrier.fault(&json!({
        "match": "POST /2010-04-01", "http_status": 400, "content_type": "application/json",
        "body": json!({ "code": 21211, "message": message, "status": 400 }).to_string(),
    }));
    let arguments = ["call", REFUSED, "--message", MESSAGE];
    said.take(daemon.command(&arguments)).failed_with(1, &["carrier_rejected", "is not valid"]);

    let parameters = [
        ("AccountSid", ACCOUNT_SID),
        ("CallSid", "CA00000000000000000000000000000077"),
        ("From", CALLER),
        ("SpeechResult", ANSWER),
    ];
    let url = format!("http://{}/webhooks/twilio", daemon.webhooks);
    for (token, parameters, status) in
        [(WRONG_TOKEN, &parameters[..], 401), (PREVIOUS_TOKEN, &parameters[..1], 400)]
    {
        let answer = Request::post("/webhooks/twilio", form(parameters))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("X-Twilio-Signature", &sign_with(token, &url, parameters))
            .send(daemon.webhooks);
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let mut wrong = offhook(daemon.folder(), &["calls"]);
    wrong.env("OFFHOOK_API_URL", format!("http://{}", daemon.api));
    said.take(run(wrong.env("OFFHOOK_API_TOKEN", WRONG_TOKEN))).failed_with(1, &["unauthorized"]);
}

/// Nothing in the log that must not be there, and what must be.
fn search_log(secrets: &Secrets, log: &str) {
    assert_eq!(secrets.found_in(log), Vec::<String>::new(), "in the log");
    for told in ["DEBUG", "INFO", "WARN", "offhook_manager", "offhook_server"] {
        assert!(log.contains(told), "{told}: {log}");
    }
    for others in ["hyper", "reqwest", "h2::", "rustls", "rusqlite"] {
        assert!(!log.contains(others), "{others} tells details: {log}");
    }
}

fn a_whole_run(format: &str) -> String {
    // The carrier must know where the daemon will be.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let carrier = Carrier::with_token(AUTH_TOKEN, &format!("http://{free}"));
    let mut daemon = daemon(format, &carrier, &free);
    let mut said = Said::default();
    calls(&daemon, &carrier, &mut said);
    refusals(&daemon, &carrier, &mut said);
    // A crash with a call on the line; what comes back has a key that the carrier refuses.
    let arguments = ["call", CALLED, "--message", MESSAGE, "--mode", "conversation"];
    said.take(daemon.command(&arguments)).succeeded();
    daemon.kill();
    let key = ("SK00000000000000000000000000000002", API_KEY_SECRET);
    let daemon = daemon.start_again_and(|config| {
        config.text("twilio.api_key_sid", key.0).text("twilio.api_key_secret", key.1)
    });
    daemon.restore_report();
    let refused = said.take(daemon.command(&["call", CALLED, "--message", MESSAGE]));
    refused.failed_with(1, &["carrier_rejected"]);

    let secrets = secrets().key("the admin token", &daemon.token());
    let log = daemon.log();
    search_log(&secrets, &log);
    assert_eq!(secrets.found_in(&said.stderr), Vec::<String>::new(), "on standard error");
    assert_eq!(secrets.keys_found_in(&said.stdout), Vec::<String>::new(), "on standard output");
    let figures = daemon.get("/metrics").body;
    assert_eq!(secrets.found_in(&figures), Vec::<String>::new(), "in the figures");
    let shown = secrets.found_in(&said.stdout);
    assert!(shown.len() >= 5, "the run did not come to everything: {shown:#?}");
    log
}

#[test]
fn a_log_in_text_tells_each_call_and_each_webhook_and_no_secret() {
    let log = a_whole_run("text");
    for told in ["call{id=", " provider=twilio}", "webhook{provider=twilio peer=127.0.0.1:"] {
        assert!(log.contains(told), "{told}: {log}");
    }
    assert!(!log.contains('\x1b'), "no colour where nobody looks");
}

#[test]
fn a_log_in_json_has_the_fields_of_the_span_of_its_call_and_of_its_webhook() {
    let log = a_whole_run("json");
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let told = |what: &str| {
        let found = lines.iter().find(|line| line["fields"]["message"] == what);
        found.unwrap_or_else(|| panic!("{what}: {log}"))
    };
    let over = told("the call is over");
    assert_eq!((&over["level"], &over["span"]["name"]), (&json!("INFO"), &json!("call")));
    assert_eq!(over["span"]["provider"], "twilio");
    assert_eq!(over["span"]["id"].as_str().map(str::len), Some(36));
    let taken = told("a webhook was taken");
    assert_eq!((&taken["level"], &taken["span"]["name"]), (&json!("DEBUG"), &json!("webhook")));
    for field in ["provider", "peer", "kind", "call", "outcome"] {
        assert!(taken["span"][field].is_string(), "{field}: {taken}");
    }
    let refused = told("a webhook was not taken");
    assert_eq!(refused["level"], "WARN");
    assert_eq!(refused["span"]["outcome"], "rejected");
}

#[test]
fn a_configuration_that_is_wrong_is_told_without_its_secrets() {
    for wrong in [
        format!("[twilio]\nauth_token = \"{AUTH_TOKEN}\nregion = \"x\""),
        format!("[twilio]\nauth_token = {AUTH_TOKEN}"),
        format!("[twilio]\nauth_tokn = \"{AUTH_TOKEN}\""),
        format!("[twilio]\nauth_token = [\"{AUTH_TOKEN}\"]"),
        format!("[twilio]\naccount_sid = \"{AUTH_TOKEN}\"\nauth_token = \"{PREVIOUS_TOKEN}\""),
        format!("[twilio]\napi_key_sid = \"{API_KEY_SECRET}\"\napi_key_secret = \"x\""),
        format!("[api]\ntoken = \"{WRONG_TOKEN}\"\ntokens = \"{WRONG_TOKEN}\"\nlisten = \"x\""),
        format!("api.token.x = \"{WRONG_TOKEN}\""),
        format!("public_url = \"https://user:{AUTH_TOKEN}@voice.example.com\""),
        format!("[twilio]\napi_base = \"https://user:{AUTH_TOKEN}@api.example.com\""),
        "from_number = \"+1 (555) 010-0022\"\noutbound.allow_to = [\"+1-555-010-0022\"]".to_owned(),
        "from_number = 15550100022\ninbound.allow_from = [\"15550100022\"]".to_owned(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("offhook.toml"), &wrong).unwrap();
        for arguments in [&["serve"][..], &["check"], &["check", "--json"]] {
            let ended = run(&mut offhook(folder.path(), arguments));
            assert_eq!(ended.code, Some(2), "{wrong}: {ended:#?}");
            let all = format!("{}{}", ended.stderr, ended.stdout);
            assert_eq!(secrets().found_in(&all), Vec::<String>::new(), "{wrong}: {all}");
        }
    }
}
