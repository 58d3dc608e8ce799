//! Connections, bounded before anything of a request is looked at: how many there are, how many
//! come from one source, how long a request's head may take and how large it may be.
//!
//! Where strangers can connect, a full house is no reason to keep the next one waiting: who has
//! given no sign the longest goes for it. So connections that are held open, that send slowly or
//! never read their answers cost an attacker more than us.
//!
//! A connection whose head does not come in time is closed without an answer. hyper has no way to
//! send a 408 then, and most of those connections are idle and have asked nothing. A body that is too
//! slow is answered with 408, by the listener's own handler. That answer, like one to a body that is too
//! large, is the connection's last and says so.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::guests::{Among, Guests};
use crate::open_files;
use crate::sources::source;

/// How long requests that are being answered may take at a shutdown.
const DRAIN: Duration = Duration::from_secs(5);

/// After a failed accept (no more file descriptors, say), how long nothing is accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener permits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many connections at once.
    connections: usize,
    /// How many of them from one address.
    per_source: usize,
    /// Whether one more than that makes the one go that gave no sign the longest. If not, it waits
    /// until another ends, or is closed at once if its own source has too many.
    gives_way: bool,
    /// How long the head of a request may take, from the moment the last answer was sent. So it
    /// bounds idle connections too.
    head: Duration,
}

impl Limits {
    /// Carriers keep connections open, and a proxy brings all of them from one address.
    pub(crate) const WEBHOOKS: Self = Self {
        connections: 2048,
        per_source: 1024,
        gives_way: true,
        head: Duration::from_secs(30),
    };
    /// One operator and a few programs, which wait for minutes for an answer or an event.
    pub(crate) const API: Self =
        Self { connections: 256, per_source: 256, gives_way: false, head: Duration::from_secs(30) };

    /// No more connections than leave this process half of the files that it may have open: it also
    /// has to write its store and to reach its carriers.
    fn within(self, files: Option<usize>) -> Self {
        let most = files.map_or(self.connections, |files| (files / 2).max(1));
        Self {
            connections: self.connections.min(most),
            per_source: self.per_source.min(most),
            ..self
        }
    }
}

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// Serves connections until it is told to stop, then finishes the requests that are being answered.
pub(crate) async fn serve<F: Future<Output = Response> + Send + 'static>(
    listener: TcpListener,
    answer: impl Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    limits: Limits,
    stopped: watch::Receiver<bool>,
) {
    let limits = limits.within(open_files::permitted());
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let guests = Arc::new(Guests::new(Instant::now()));
    let is_stopped = async || {
        let _ = stopped.clone().wait_for(|stop| *stop).await;
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = is_stopped() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                if limits.gives_way && guests.dismiss(Among::All, Instant::now()) {
                    // Whoever was dismissed leaves a file behind for the next.
                    tokio::task::yield_now().await;
                } else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        let source = source(peer.ip());
        if guests.of_source(source) >= limits.per_source {
            if !limits.gives_way {
                tracing::debug!(%peer, "too many connections from one address; this one is closed");
                continue;
            }
            guests.dismiss(Among::Source(source), Instant::now());
        }
        let permit = match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                if limits.gives_way {
                    guests.make_room(limits.connections, Instant::now());
                }
                tokio::select! {
                    // It is never closed.
                    Ok(permit) = Arc::clone(&room).acquire_owned() => permit,
                    () = is_stopped() => break,
                }
            }
        };
        let (place, dismissed) = guests.enter(source, Instant::now());
        // Answers are small and whole: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let (answer, sign) = (answer.clone(), place.sign());
        let service = service_fn(move |request| {
            sign.asks(Instant::now());
            let (response, sign) = (answer(peer, request), sign.clone());
            async move {
                let mut response = response.await;
                if gives_the_body_up(response.status()) {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                sign.is_answered(response.status(), Instant::now());
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(MAX_HEAD)
            // An answer is small: one piece, copied, costs less than two in their places.
            .writev(false)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                // A peer that breaks off, or is too slow, is its own fault and no error of ours.
                _ = connection => {}
                Ok(()) = dismissed => {}
            }
            drop((permit, place));
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

/// Whether an answer says that the rest of the request is not waited for. Then nobody can tell where
/// the next one would begin: the connection has to end, and the sender is to know it (RFC 9112, 9.3 and
/// 9.6). Any other answer leaves it to hyper, which keeps a connection if what is unread of the body
/// has come already and closes it if not; so who sends too many requests (429) need not connect anew.
fn gives_the_body_up(status: StatusCode) -> bool {
    matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn serving(limits: Limits) -> (SocketAddr, watch::Sender<bool>) {
        serving_with(limits, async |_, _| Response::new("hello".into())).await
    }

    async fn serving_with<F: Future<Output = Response> + Send + 'static>(
        limits: Limits,
        answer: impl Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    ) -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve(listener, answer, limits, stopped));
        (address, stop)
    }

    /// The status that stands in the path. No body is read.
    async fn as_the_path_says(_: SocketAddr, request: Request<Incoming>) -> Response {
        let mut response = Response::default();
        *response.status_mut() = request.uri().path()[1..].parse().unwrap_or_default();
        response
    }

    /// A connection that has sent this, and the head of the answer.
    async fn posted(address: SocketAddr, status: u16, body: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = REQUEST.len();
        let head =
            format!("POST /{status} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = [0; 512];
        let read = stream.read(&mut answer).await.unwrap();
        (stream, String::from_utf8_lossy(&answer[..read]).into_owned())
    }

    /// Everything that comes until the connection is closed.
    async fn rest(mut stream: TcpStream) -> String {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).into_owned()
    }

    async fn first_line(stream: &mut TcpStream) -> String {
        let mut answer = [0; 256];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
    }

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    const ROOMY: Limits =
        Limits { connections: 8, per_source: 8, gives_way: false, head: Duration::from_secs(30) };

    /// A connection that was answered once.
    async fn answered(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        assert!(first_line(&mut stream).await.contains("200"));
        stream
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_is_not_waited_for() {
        let limits = Limits { head: Duration::from_millis(50), ..ROOMY };
        let (address, _stop) = serving(limits).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
        // The connection is closed; what hyper says before is its own.
        assert!(!rest(slow).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let (address, _stop) = serving(ROOMY).await;
        let mut large = TcpStream::connect(address).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(2 * MAX_HEAD));
        let _ = large.write_all(head.as_bytes()).await;
        assert!(first_line(&mut large).await.contains("431"));
    }

    #[tokio::test]
    async fn the_answer_to_a_body_that_is_given_up_is_the_last_and_says_so() {
        let (address, _stop) = serving_with(ROOMY, as_the_path_says).await;
        let whole = std::str::from_utf8(REQUEST).unwrap();
        for status in [408, 413] {
            for body in ["", "GET", whole] {
                let (stream, answer) = posted(address, status, body).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
                assert!(answer.contains("connection: close\r\n"), "{answer}");
                assert_eq!(rest(stream).await, "");
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_nobody_read_is_never_taken_for_the_next_request() {
        let (address, _stop) = serving_with(ROOMY, as_the_path_says).await;
        for status in [200, 401, 408, 413, 429] {
            let (mut stream, answer) = posted(address, status, "").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            // The body, which is a request in itself. Whoever has closed does not take it.
            let _ = stream.write_all(REQUEST).await;
            assert_eq!(rest(stream).await, "", "{status}");
        }
    }

    #[tokio::test]
    async fn who_sends_too_many_requests_keeps_its_connection() {
        let (address, _stop) = serving_with(ROOMY, as_the_path_says).await;
        let whole = std::str::from_utf8(REQUEST).unwrap();
        let (mut stream, answer) = posted(address, 429, whole).await;
        assert!(!answer.contains("connection: close"), "{answer}");
        stream.write_all(b"GET /204 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(first_line(&mut stream).await.contains("204"));
    }

    #[tokio::test]
    async fn one_source_cannot_take_every_connection() {
        let limits = Limits { per_source: 1, ..ROOMY };
        let (address, _stop) = serving(limits).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        assert!(first_line(&mut first).await.contains("200"));
        let second = TcpStream::connect(address).await.unwrap();
        assert_eq!(rest(second).await, "", "closed at once");
        drop(first);
        // The place is free as soon as the first connection is known to be gone.
        loop {
            let mut third = TcpStream::connect(address).await.unwrap();
            let _ = third.write_all(REQUEST).await;
            if first_line(&mut third).await.contains("200") {
                break;
            }
        }
    }

    #[tokio::test]
    async fn what_is_over_the_total_waits_until_another_connection_ends() {
        let limits = Limits { connections: 1, ..ROOMY };
        let (address, _stop) = serving(limits).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        assert!(first_line(&mut first).await.contains("200"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        // As long as the first is served, and it is, nobody looks at the second.
        for _ in 0..5 {
            first.write_all(REQUEST).await.unwrap();
            assert!(first_line(&mut first).await.contains("200"));
        }
        let unread = second.try_read(&mut [0; 1]).unwrap_err();
        assert_eq!(unread.kind(), std::io::ErrorKind::WouldBlock);
        drop(first);
        assert!(first_line(&mut second).await.contains("200"));
    }

    #[tokio::test]
    async fn in_a_full_house_whoever_gave_no_sign_the_longest_goes_for_the_next() {
        let limits = Limits { connections: 3, gives_way: true, ..ROOMY };
        let (address, _stop) = serving(limits).await;
        let mut busy = answered(address).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
        let idle = answered(address).await;
        busy.write_all(REQUEST).await.unwrap();
        assert!(first_line(&mut busy).await.contains("200"));
        // Those who have work are answered at once; the slow one goes, then the idle one.
        let mut first = answered(address).await;
        assert_eq!(rest(slow).await, "");
        let _second = answered(address).await;
        assert_eq!(rest(idle).await, "");
        for stream in [&mut busy, &mut first] {
            stream.write_all(REQUEST).await.unwrap();
            assert!(first_line(stream).await.contains("200"), "who does its work stays");
        }
    }

    #[tokio::test]
    async fn who_never_reads_its_answers_keeps_nobody_out() {
        let limits = Limits { connections: 1, gives_way: true, ..ROOMY };
        let (address, _stop) = serving(limits).await;
        let deaf = TcpStream::connect(address).await.unwrap();
        // Until neither side takes any more: the answers are not read, so the requests are not.
        let many = REQUEST.repeat(1000);
        loop {
            let full = tokio::time::timeout(Duration::from_millis(100), deaf.writable()).await;
            if full.is_err() || deaf.try_write(&many).is_err_and(|error| !would_block(&error)) {
                break;
            }
        }
        let _next = answered(address).await;
    }

    fn would_block(error: &std::io::Error) -> bool {
        error.kind() == std::io::ErrorKind::WouldBlock
    }

    #[tokio::test]
    async fn a_source_with_too_many_connections_makes_room_for_itself_and_not_at_others_cost() {
        let limits = Limits { per_source: 2, gives_way: true, ..ROOMY };
        let (address, _stop) = serving(limits).await;
        let oldest = answered(address).await;
        let mut newer = answered(address).await;
        let _newest = answered(address).await;
        assert_eq!(rest(oldest).await, "");
        newer.write_all(REQUEST).await.unwrap();
        assert!(first_line(&mut newer).await.contains("200"));
    }

    #[test]
    fn connections_leave_half_of_the_files_to_the_rest_of_the_daemon() {
        let within = |files| Limits::WEBHOOKS.within(files);
        let of = |limits: Limits| (limits.connections, limits.per_source);
        assert_eq!(of(within(None)), (2048, 1024));
        assert_eq!(of(within(Some(1 << 20))), (2048, 1024));
        assert_eq!(of(within(Some(1024))), (512, 512));
        assert_eq!(of(within(Some(1))), (1, 1));
    }

    #[tokio::test]
    async fn a_stop_ends_idle_connections() {
        let (address, stop) = serving(ROOMY).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(REQUEST).await.unwrap();
        assert!(first_line(&mut idle).await.contains("200"));
        stop.send_replace(true);
        rest(idle).await;
        assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
    }
}
