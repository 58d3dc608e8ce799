//! What the listeners bear.

use std::net::SocketAddr;
use std::time::Duration;

use offhook_tests::{Setup, World, signed_callback};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The status of the answer to these bytes behind a first line, `Host` and the token.
async fn status(to: SocketAddr, first: &str, token: &str, rest: &str) -> String {
    let mut stream = TcpStream::connect(to).await.expect("a connection");
    let request =
        format!("{first} HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {token}\r\n{rest}");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await.unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// The status of the answer to a request whose body never comes whole.
async fn half_a_body(to: SocketAddr, path: &str, token: &str) -> String {
    status(to, &format!("POST {path}"), token, "content-length: 20\r\n\r\n{\"to\":").await
}

#[tokio::test]
async fn a_last_event_id_that_came_from_nowhere_is_refused() {
    let world = World::with(Setup::on("twilio")).await;
    let (_, api) = world.addresses();
    for (id, expected) in
        [("7", "200"), (" 7 ", "200"), ("soon", "422"), ("-1", "422"), ("", "422")]
    {
        let rest = format!("last-event-id:{id}\r\n\r\n");
        let answer = status(api, "GET /v1/events", offhook_tests::TOKEN, &rest).await;
        assert_eq!(answer, expected, "{id:?}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_with_408_on_both_listeners() {
    let hasty = Setup {
        server: |settings| settings.body_time = Duration::from_millis(50),
        ..Setup::on("twilio")
    };
    let world = World::with(hasty).await;
    let (webhooks, api) = world.addresses();
    assert_eq!(half_a_body(webhooks, "/webhooks/twilio", "").await, "408");
    assert_eq!(half_a_body(api, "/v1/calls", offhook_tests::TOKEN).await, "408");
    assert_eq!(
        half_a_body(api, "/v1/calls", "another").await,
        "401",
        "a stranger is not waited for"
    );
}

/// Whether a genuine request on this connection is answered.
async fn is_served(world: &World, stream: &mut TcpStream) -> bool {
    let path = "/webhooks/twilio?kind=status";
    let signed_for = format!("{}{path}", world.public_url());
    let request = signed_callback(&signed_for, path, "host: voice.example.com\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = [0; 512];
    let length = stream.read(&mut answer).await.unwrap_or_default();
    answer[..length].starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn one_proxy_may_bring_more_connections_than_the_admin_api_has_room_for() {
    let world = World::with(Setup::on("twilio")).await;
    let mut open = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(world.addresses().0).await.expect("a connection");
        assert!(is_served(&world, &mut stream).await);
        open.push(stream);
    }
    // None of them had to go for another.
    for stream in &mut open {
        assert!(is_served(&world, stream).await);
    }
}
