//! What a name server, a carrier and whoever stands between can do to the client. All of it happens
//! on this machine.

mod answers;
mod resolution;
mod urls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{GuardedClient, HostPolicy};
use crate::{Transport, TransportFault, TransportRequest, TransportResponse};

/// A server that does the same with every connection.
struct Peer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    async fn new<F: Future<Output = ()> + Send + 'static>(
        behaviour: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::on(listener, behaviour)
    }

    fn on<F: Future<Output = ()> + Send + 'static>(
        listener: TcpListener,
        behaviour: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(behaviour(stream));
            }
        });
        Self { address, connections }
    }

    /// One that reads a request and answers with this, then closes.
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::new(move |stream| says(stream, Arc::clone(&answer))).await
    }

    fn base(&self) -> Url {
        Url::parse(&format!("http://{}/", self.address)).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads the head of a request, then says this.
async fn says(mut stream: TcpStream, answer: Arc<[u8]>) {
    read_head(&mut stream).await;
    let _ = stream.write_all(&answer).await;
}

async fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => head.extend_from_slice(&part[..read]),
            _ => break,
        }
    }
    head
}

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// An answer with this head behind the status line and this body.
fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes(), body].concat()
}

async fn get(base: &Url) -> Result<TransportResponse, TransportFault> {
    let client = GuardedClient::new(base.clone(), HostPolicy::AllowPrivate).unwrap();
    client.send(TransportRequest::new(Method::GET, base.join("calls").unwrap())).await
}

/// Stands for `is_public_address` where a test has to have a public address on this machine.
fn only_second_loopback(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))
}
