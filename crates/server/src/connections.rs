//! Connections, bounded before anything of a request is looked at: how many there are, how many
//! come from one source, how long a request's head may take and how large it may be.
//!
//! A connection whose head does not come in time is closed without an answer. hyper has no way to
//! send a 408 then, and most of those connections are idle and have asked nothing. A body that is too
//! slow is answered with 408, by the listener's own handler.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::sources::source;

/// How long requests that are being answered may take at a shutdown.
const DRAIN: Duration = Duration::from_secs(5);

/// After a failed accept (no more file descriptors, say), how long nothing is accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener permits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many connections at once; more wait to be accepted.
    connections: usize,
    /// How many of them from one address; more are closed at once.
    per_source: usize,
    /// How long the head of a request may take, from the moment the last answer was sent. So it
    /// bounds idle connections too.
    head: Duration,
}

impl Limits {
    /// Carriers keep connections open, and a proxy brings all of them from one address.
    pub(crate) const WEBHOOKS: Self =
        Self { connections: 2048, per_source: 1024, head: Duration::from_secs(30) };
    /// One operator and a few programs.
    pub(crate) const API: Self =
        Self { connections: 256, per_source: 256, head: Duration::from_secs(30) };
}

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// Serves connections until it is told to stop, then finishes the requests that are being answered.
pub(crate) async fn serve<F: Future<Output = Response> + Send + 'static>(
    listener: TcpListener,
    answer: impl Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let sources = Arc::new(Sources::default());
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = sources.enter(source(peer.ip()), limits.per_source) else {
            tracing::warn!(%peer, "too many connections from one address; this one is closed");
            continue;
        };
        // Answers are small and whole: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let response = answer(peer, request);
            async { Ok::<_, Infallible>(response.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A peer that breaks off, or is too slow, is its own fault and no error of ours.
            let _ = connection.await;
            drop((permit, place));
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Sources {
    count: Mutex<HashMap<IpAddr, usize>>,
}

impl Sources {
    fn enter(self: &Arc<Self>, address: IpAddr, limit: usize) -> Option<Place> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let here = count.entry(address).or_default();
        if *here >= limit {
            return None;
        }
        *here += 1;
        Some(Place { sources: Arc::clone(self), address })
    }
}

/// One connection's place, given back when it is dropped.
struct Place {
    sources: Arc<Sources>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut count = self.sources.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = count.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                count.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn serving(limits: Limits) -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let hello = async |_, _| Response::new("hello".into());
        tokio::spawn(serve(listener, hello, limits, stopped));
        (address, stop)
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
    const ROOMY: Limits = Limits { connections: 8, per_source: 8, head: Duration::from_secs(30) };

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
