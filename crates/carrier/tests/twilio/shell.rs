use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use offhook_carrier::{
    ApiRequest, Carrier, Clock, Delivery, DeliveryFault, Emulator, HttpDelivery, OutgoingWebhook,
    SystemClock, WebhookAnswer,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::line::{answer, plain};

/// A clock that stands until it is moved.
#[derive(Debug)]
struct HandClock {
    now: watch::Sender<Timestamp>,
    parked_until: Mutex<Option<Timestamp>>,
}

impl HandClock {
    fn new() -> Arc<Self> {
        let start = "2026-01-05T09:00:00Z".parse().expect("a test's instant is one");
        Arc::new(Self { now: watch::Sender::new(start), parked_until: Mutex::new(None) })
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            *self.parked_until.lock().expect("no test panics with it") = Some(at);
            let mut now = self.now.subscribe();
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

/// Hands each webhook to the test and answers 204.
#[derive(Debug)]
struct ToTest(mpsc::UnboundedSender<OutgoingWebhook>);

#[async_trait]
impl Delivery for ToTest {
    async fn deliver(&self, webhook: OutgoingWebhook) -> Result<WebhookAnswer, DeliveryFault> {
        let _ = self.0.send(webhook);
        answer(204, "text/plain", "")
    }
}

fn control(path: &str, body: &Value) -> ApiRequest {
    ApiRequest {
        method: Method::POST,
        path_and_query: path.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_string()),
    }
}

async fn settle(carrier: &Carrier) {
    loop {
        tokio::task::yield_now().await;
        if carrier.deliveries_in_flight() == 0 && carrier.requests_in_flight() == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn idle_carrier_is_parked_in_its_clock() {
    let clock = HandClock::new();
    let (hooks, mut seen) = mpsc::unbounded_channel();
    let carrier = Carrier::start(Emulator::new(plain()), clock.clone(), Arc::new(ToTest(hooks)));
    tokio::task::yield_now().await;
    assert_eq!(*clock.parked_until.lock().unwrap(), Some(Timestamp::MAX));

    let call =
        json!({"from": "+15550100099", "to": "+15550100100", "webhook_url": "http://a.test/"});
    let answer = carrier.request(control("/emulator/calls", &call)).await.unwrap();
    assert_eq!(answer.status, StatusCode::CREATED);
    settle(&carrier).await;
    assert_eq!(seen.recv().await.unwrap().url, "http://a.test/");
}

#[tokio::test]
async fn carrier_ends_with_its_last_handle() {
    let (hooks, mut seen) = mpsc::unbounded_channel();
    let carrier = Carrier::start(Emulator::new(plain()), HandClock::new(), Arc::new(ToTest(hooks)));
    let second = carrier.clone();
    drop(carrier);
    assert_eq!(second.request(control("/nothing", &Value::Null)).await.unwrap().status, 404);
    drop(second);
    assert!(seen.recv().await.is_none(), "the task let go of its delivery");
}

#[tokio::test]
async fn delayed_answer_waits_for_the_clock() {
    let clock = HandClock::new();
    let (hooks, _seen) = mpsc::unbounded_channel();
    let carrier = Carrier::start(Emulator::new(plain()), clock.clone(), Arc::new(ToTest(hooks)));
    let fault = json!({"delay_ms": 3000});
    carrier.request(control("/emulator/faults", &fault)).await.unwrap();
    let waiting = carrier.request(control("/2010-04-01/Accounts/x.json", &Value::Null));
    tokio::pin!(waiting);
    assert!(is_pending(waiting.as_mut()).await);
    settle(&carrier).await;
    assert!(is_pending(waiting.as_mut()).await);
    clock.now.send_modify(|now| *now += jiff::SignedDuration::from_secs(3));
    assert_eq!(waiting.await.unwrap().status, StatusCode::UNAUTHORIZED);
}

async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
    })
    .await
}

/// Sends raw bytes, reads until the connection closes.
async fn talk(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: emulator\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn http_door_answers_drops_and_limits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let delivery = Arc::new(HttpDelivery::new().unwrap());
    let carrier = Carrier::start(Emulator::new(plain()), Arc::new(SystemClock), delivery);
    let server = tokio::spawn(carrier.serve(listener));

    let refused = talk(address, &post("/2010-04-01/Accounts/AC1/Calls.json", "")).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert!(refused.contains("20003"));

    let fault = json!({"drop": true}).to_string();
    assert!(talk(address, &post("/emulator/faults", &fault)).await.starts_with("HTTP/1.1 201"));
    let dropped = talk(address, &post("/2010-04-01/Accounts/AC1/Calls.json", "")).await;
    assert_eq!(dropped, "", "closed without an answer");

    let large = "x".repeat(1024 * 1024 + 1);
    let too_large = talk(address, &post("/emulator/faults", &large)).await;
    assert!(too_large.is_empty() || too_large.starts_with("HTTP/1.1 413"), "{too_large}");
    server.abort();
}

#[tokio::test]
async fn webhooks_go_over_the_network() {
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = receiver.local_addr().unwrap();
    let delivery = Arc::new(HttpDelivery::new().unwrap());
    let carrier = Carrier::start(Emulator::new(plain()), Arc::new(SystemClock), delivery);
    let call = json!({
        "from": "+15550100099", "to": "+15550100100",
        "webhook_url": format!("http://{address}/voice#rc=0"),
    });
    carrier.request(control("/emulator/calls", &call)).await.unwrap();
    let (mut stream, _) = receiver.accept().await.unwrap();
    let mut head = vec![0; 2048];
    let read = stream.read(&mut head).await.unwrap();
    let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
    assert!(head.starts_with("post /voice http/1.1\r\n"), "{head}");
    assert!(head.contains("x-twilio-signature: "));
    assert_eq!(carrier.deliveries_in_flight(), 1);
    let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    drop(stream);
    settle(&carrier).await;
}
