//! Whoever reaches the webhook listener and is no carrier.

use std::time::Duration;

use http::Method;
use offhook_tests::{Setup, TOKEN, World, signed_callback, statuses};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const PATH: &str = "/webhooks/twilio?kind=status";
const HOST: &str = "host: voice.example.com\r\n";

/// A genuine callback is answered, on a connection of its own.
async fn genuine_is_answered(world: &World) {
    let signed = format!("{}{PATH}", world.public_url());
    let request = signed_callback(&signed, PATH, HOST);
    assert_eq!(statuses(world.addresses().0, request, 1).await, [200]);
}

#[tokio::test]
async fn no_spelling_of_a_path_of_the_admin_api_leads_there_from_the_webhook_listener() {
    let world = World::with(Setup::on("twilio")).await;
    let (webhooks, api) = world.addresses();
    let token = format!("authorization: Bearer {TOKEN}\r\n");
    let is_there = format!("GET /v1/calls HTTP/1.1\r\nhost: {api}\r\n{token}\r\n");
    assert_eq!(statuses(api, &is_there, 1).await, [200], "the request itself is right");

    let upgrade = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n";
    let websocket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for target in [
        "/v1/calls",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "//v1/calls",
        "/webhooks/../v1/calls",
        "/webhooks/twilio/../../v1/calls",
        "/webhooks/%2e%2e/v1/calls",
        "/webhooks/..%2fv1%2fcalls",
        "/webhooks/\\..\\v1\\calls",
        "/v1/calls#/webhooks/twilio",
        "/v1/calls?/webhooks/twilio",
        &format!("http://{api}/v1/calls"),
        &format!("https://{api}/v1/calls"),
        "http://localhost/v1/calls",
        "/",
    ] {
        for host in [api.to_string(), webhooks.to_string(), "localhost".to_owned()] {
            for more in ["", upgrade, websocket, "x-original-url: /v1/calls\r\n"] {
                let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{token}{more}\r\n");
                let answer = statuses(webhooks, &request, 1).await;
                assert!(matches!(answer[..], [404] | [400]), "{target}, {host}: {answer:?}");
            }
        }
    }
    for line in [
        format!("CONNECT {api} HTTP/1.1"),
        "OPTIONS * HTTP/1.1".to_owned(),
        "TRACE /v1/calls HTTP/1.1".to_owned(),
        "DELETE /webhooks/twilio HTTP/1.1".to_owned(),
        "POST /v1/calls HTTP/1.1".to_owned(),
    ] {
        let request = format!("{line}\r\nhost: {api}\r\n{token}\r\n");
        let answer = statuses(webhooks, &request, 1).await;
        assert!(matches!(answer[..], [404] | [400]), "{line}: {answer:?}");
    }
    for line in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /v1/calls\r\n\r\n", "\x16\x03\x01"] {
        let mut junk = line.as_bytes().to_vec();
        junk.extend_from_slice(b"\r\n\r\n");
        let answer = statuses(webhooks, junk, 1).await;
        assert!(matches!(answer[..], [] | [400]), "{line:?}: {answer:?}");
    }
    genuine_is_answered(&world).await;
}

#[tokio::test]
async fn a_webhook_is_nothing_to_the_admin_api() {
    let world = World::with(Setup::on("twilio")).await;
    let (_, api) = world.addresses();
    let signed = format!("{}{PATH}", world.public_url());
    for host in [api.to_string(), "voice.example.com".to_owned()] {
        let request = signed_callback(&signed, PATH, &format!("host: {host}\r\n"));
        let answer = statuses(api, request, 1).await;
        assert!(matches!(answer[..], [401] | [403] | [404] | [421]), "{answer:?}");
    }
}

#[tokio::test]
async fn junk_behind_a_genuine_request_ends_the_connection_and_nothing_else() {
    let world = World::with(Setup::on("twilio")).await;
    let webhooks = world.addresses().0;
    let genuine = signed_callback(&format!("{}{PATH}", world.public_url()), PATH, HOST);
    let smuggled = "GET /v1/calls HTTP/1.1\r\nhost: x\r\n\r\n";
    for (junk, expected) in [
        ("\0\0\0\0\r\n\r\n", 400),
        ("hello\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("POST /webhooks/twilio HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", 400),
        ("POST /webhooks/twilio HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        ("POST /webhooks/twilio HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 400),
        ("POST /webhooks/twilio HTTP/1.1\r\nno colon\r\n\r\n", 400),
    ] {
        // What stands behind the junk is never taken for a request.
        let bytes = format!("{genuine}{genuine}{junk}{smuggled}");
        assert_eq!(statuses(webhooks, bytes, 9).await, [200, 200, expected], "{junk:?}");
    }
}

#[tokio::test]
async fn a_length_that_contradicts_the_chunks_hides_no_second_request() {
    let world = World::with(Setup::on("twilio")).await;
    // By the length the second request is part of the body, by the chunks it is not. Whoever is
    // before us and goes by the length must not be able to be cheated: the connection ends.
    let both = "POST /webhooks/twilio HTTP/1.1\r\nhost: x\r\ncontent-length: 43\r\n\
                transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /webhooks/twilio HTTP/1.1\r\nhost: x\r\n\r\n";
    let answers = statuses(world.addresses().0, both, 2).await;
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_head_with_too_much_in_it_is_refused() {
    let world = World::with(Setup::on("twilio")).await;
    let many = "x: y\r\n".repeat(5000);
    let long = format!("x: {}\r\n", "y".repeat(64 * 1024));
    for headers in [many, long] {
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        assert_eq!(statuses(world.addresses().0, request, 1).await, [431]);
    }
    let target = format!("GET /webhooks/twilio?{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    let answer = statuses(world.addresses().0, target, 1).await;
    assert!(matches!(answer[..], [414] | [431]), "{answer:?}");
    genuine_is_answered(&world).await;
}

#[tokio::test]
async fn a_flood_of_bad_signatures_leaves_nothing_behind() {
    let world = World::with(Setup::on("twilio")).await;
    let to = world.addresses().0;
    let bad = signed_callback("https://elsewhere.example/", PATH, HOST);
    for _ in 0..500 {
        // However many are sent ahead, each costs a connection.
        assert_eq!(statuses(to, bad.repeat(3), 3).await, [401]);
    }
    let nothing = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(statuses(to, nothing.repeat(3), 3).await, [404]);
    genuine_is_answered(&world).await;
    assert_eq!(world.calls("all").await, Vec::<Value>::new());
    let metrics = world.api(Method::GET, "/metrics", Value::Null).await.body;
    assert!(metrics.len() < 16 * 1024, "nothing is counted by what strangers choose");
}

#[tokio::test]
async fn whoever_is_slow_holds_up_nobody_else() {
    let patient = Setup {
        // They are never given up on by time here: the test would not see it.
        server: |settings| settings.body_time = Duration::from_secs(600),
        ..Setup::on("twilio")
    };
    let world = World::with(patient).await;
    let mut slow = Vec::new();
    for number in 0..600 {
        let mut stream = TcpStream::connect(world.addresses().0).await.expect("a connection");
        let beginning = match number % 4 {
            0 => String::new(),
            1 => "POST /webhooks/twilio HT".to_owned(),
            2 => format!("POST {PATH} HTTP/1.1\r\n{HOST}content-length: 65536\r\n\r\nx"),
            _ => format!("POST {PATH} HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n1\r\nx"),
        };
        stream.write_all(beginning.as_bytes()).await.expect("it is sent");
        slow.push(stream);
        if number % 50 == 0 {
            genuine_is_answered(&world).await;
        }
    }
    genuine_is_answered(&world).await;
    // None of them was answered meanwhile.
    for stream in &slow {
        let nothing = stream.try_read(&mut [0; 1]).expect_err("no answer and no end");
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    }
}
