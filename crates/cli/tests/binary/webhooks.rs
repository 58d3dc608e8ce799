//! The webhook listener: what is not a genuine webhook changes nothing.

use std::io::Read;
use std::net::TcpStream;

use super::support::{ACCOUNT_SID, Answer, Config, Daemon, Request, form, sign};

const FORM: &str = "application/x-www-form-urlencoded";
const PATH: &str = "/webhooks/twilio";

/// A daemon that the internet knows by another name.
fn daemon() -> Daemon {
    // Nobody is at this API: what the carrier is told does not matter here.
    let config = Config::with_carrier("http://127.0.0.1:1")
        .text("public_url", "https://voice.example.com/phone")
        .text("inbound.policy", "open");
    Daemon::start(config)
}

/// A webhook that is signed for `url` and sent to `path`.
fn webhook(daemon: &Daemon, path: &str, url: &str, parameters: &[(&str, &str)]) -> Answer {
    Request::post(path, form(parameters))
        .header("Content-Type", FORM)
        .header("X-Twilio-Signature", &sign(url, parameters))
        .send(daemon.webhooks)
}

/// A call comes in.
const INBOUND: [(&str, &str); 6] = [
    ("AccountSid", ACCOUNT_SID),
    ("CallSid", "CA00000000000000000000000000000077"),
    ("CallStatus", "ringing"),
    ("Direction", "inbound"),
    ("From", "+15550100077"),
    ("To", "+15550100100"),
];

#[test]
fn a_genuine_webhook_is_taken_with_and_without_the_prefix_of_the_public_url() {
    let daemon = daemon();
    let url = "https://voice.example.com/phone/webhooks/twilio";
    let whole = webhook(&daemon, "/phone/webhooks/twilio", url, &INBOUND);
    assert_eq!(whole.status, 200, "{whole:?}");
    assert!(whole.body.contains("How can I help you today?"), "{whole:?}");
    // The same delivery, by a proxy that takes the prefix away: the same bytes, no second call.
    let stripped = webhook(&daemon, PATH, url, &INBOUND);
    assert_eq!((stripped.status, stripped.body), (200, whole.body));
    assert_eq!(daemon.calls().len(), 1);
}

#[test]
fn a_signature_made_for_another_url_is_refused_and_changes_nothing() {
    let daemon = daemon();
    for url in [
        "https://voice.example.com/webhooks/twilio",
        "http://voice.example.com/phone/webhooks/twilio",
        "https://evil.example.com/phone/webhooks/twilio",
        "https://voice.example.com/phone/webhooks/twilio?call=1",
    ] {
        let answer = webhook(&daemon, PATH, url, &INBOUND);
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{url}");
    }
    let unsigned = Request::post(PATH, form(&INBOUND)).header("Content-Type", FORM);
    assert_eq!(unsigned.send(daemon.webhooks).status, 401);
    // A proxy that nobody trusts cannot say what was signed.
    let answer = unsigned
        .header(
            "X-Twilio-Signature",
            &sign("https://evil.example.com/phone/webhooks/twilio", &INBOUND),
        )
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "evil.example.com")
        .send(daemon.webhooks);
    assert_eq!(answer.status, 401);
    assert!(daemon.calls().is_empty());
}

#[test]
fn a_signed_webhook_for_a_call_that_nobody_knows_is_hung_up_and_makes_no_call() {
    let daemon = daemon();
    for kind in ["answer", "gather", "said"] {
        let query = format!("?call=019c0000-0000-7000-8000-000000000001&step=1&kind={kind}");
        let url = format!("https://voice.example.com/phone{PATH}{query}");
        let parameters = [
            ("AccountSid", ACCOUNT_SID),
            ("CallSid", "CA00000000000000000000000000000088"),
            ("CallStatus", "in-progress"),
            ("Direction", "outbound-api"),
            ("From", "+15550100100"),
            ("To", "+15550100011"),
        ];
        let answer = webhook(&daemon, &format!("{PATH}{query}"), &url, &parameters);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("<Hangup/>"), "{answer:?}");
        assert!(answer.header("content-type").unwrap().contains("xml"), "{answer:?}");
    }
    assert!(daemon.calls().is_empty());
}

#[test]
fn an_outbound_call_that_is_not_ours_is_acknowledged_without_a_record() {
    let daemon = daemon();
    let mut parameters = INBOUND;
    parameters[3] = ("Direction", "outbound-api");
    let url = "https://voice.example.com/phone/webhooks/twilio";
    let answer = webhook(&daemon, PATH, url, &parameters);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(daemon.calls().is_empty());
}

#[test]
fn a_signed_webhook_that_cannot_be_read_is_400() {
    let daemon = daemon();
    let url = "https://voice.example.com/phone/webhooks/twilio";
    let answer = webhook(&daemon, PATH, url, &[("AccountSid", ACCOUNT_SID)]);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(daemon.calls().is_empty());
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_daemon_goes_on() {
    let daemon = daemon();
    let large = Request::post(PATH, vec![b'x'; 600 * 1024]).header("Content-Type", FORM);
    let mut connection = TcpStream::connect(daemon.webhooks).unwrap();
    // All of it was sent, and so the answer is read. Nothing more is taken on its connection.
    assert_eq!(large.send_on(&mut connection, daemon.webhooks).status, 413);
    assert_eq!(connection.read(&mut [0; 1]).unwrap(), 0);
    let next = Request::post(PATH, form(&INBOUND)).header("Content-Type", FORM);
    assert_eq!(next.send(daemon.webhooks).status, 401);
    assert!(daemon.calls().is_empty());
}

#[test]
fn a_body_as_large_as_max_body_is_taken() {
    let daemon = Daemon::start(Config::new().text("webhooks.max_body", "1KiB"));
    let status = |size| Request::post(PATH, vec![b'x'; size]).send(daemon.webhooks).status;
    assert_eq!((status(1024), status(1025)), (401, 413));
}

#[test]
fn nothing_but_webhooks_is_on_the_webhook_listener() {
    let daemon = daemon();
    let token = format!("Bearer {}", daemon.token());
    for path in [
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks/plivo",
        "/webhooks/twilio/x",
        "/phone",
        "/v1/calls",
        "/phone/v1/calls",
        "/v1/restore-report",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        for method in ["GET", "POST"] {
            let request = Request::new(method, path).header("Authorization", &token);
            assert_eq!(request.send(daemon.webhooks).status, 404, "{method} {path}");
        }
    }
    assert_eq!(Request::new("PUT", "/elsewhere").send(daemon.webhooks).status, 404);
    assert_eq!(Request::new("DELETE", PATH).send(daemon.webhooks).status, 404);
}
