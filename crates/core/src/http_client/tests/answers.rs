//! Answers that are none.

use std::time::Duration;

use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::super::MAX_BODY;
use super::{HELLO, Peer, answer, get, read_head};
use crate::{
    Connection, FaultKind, GuardedClient, HostPolicy, Transport, TransportFault, TransportRequest,
};

/// The fault of a request with little time, on either kind of connection.
async fn fault(base: &Url, connection: Connection) -> TransportFault {
    let client = GuardedClient::new(base.clone(), HostPolicy::AllowPrivate).unwrap();
    let mut request = TransportRequest::new(Method::POST, base.clone());
    request.body = "To=%2B15550100001".into();
    request.connection = connection;
    request.timeout = Duration::from_millis(200);
    client.send(request).await.unwrap_err()
}

/// Both kinds of connection end in this fault, behind which bytes may have left.
async fn ends_in(peer: &Peer, kind: FaultKind, what: &str) {
    for connection in [Connection::Pooled, Connection::Fresh] {
        let fault = fault(&peer.base(), connection).await;
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (kind, true), "{what}: {fault}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let victim = Peer::answering(HELLO).await;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for target in [victim.base().to_string(), "http://169.254.169.254/".into(), "/x".into()] {
            let redirect = format!(
                "HTTP/1.1 {status} Elsewhere\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n"
            );
            let peer = Peer::answering(redirect).await;
            assert_eq!(get(&peer.base()).await.unwrap().status, status);
            assert_eq!(peer.connections(), 1);
        }
    }
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off_at_its_bound() {
    let sized = answer("content-length: 99999999\r\n", &vec![b'x'; 2 * MAX_BODY]);
    let until_close = answer("", &vec![b'x'; 2 * MAX_BODY]);
    let peers = [Peer::answering(sized).await, Peer::answering(until_close).await];
    let endless = Peer::new(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(&answer("transfer-encoding: chunked\r\n", b"")).await;
        let chunk = [b"10000\r\n", &[b'x'; 0x10000][..], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    });
    for peer in peers.iter().chain([&endless.await]) {
        let fault = get(&peer.base()).await.unwrap_err();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::TooLarge, true));
    }
}

#[tokio::test]
async fn a_body_of_just_the_bound_is_read() {
    let body = vec![b'x'; MAX_BODY];
    let peer = Peer::answering(answer(&format!("content-length: {MAX_BODY}\r\n"), &body)).await;
    assert_eq!(get(&peer.base()).await.unwrap().body.len(), MAX_BODY);
}

/// Says the beginning, then this again and again, a little at a time.
async fn drips(mut stream: TcpStream, beginning: &[u8], drop: &[u8]) {
    read_head(&mut stream).await;
    let _ = stream.write_all(beginning).await;
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    while stream.write_all(drop).await.is_ok() {
        tick.tick().await;
    }
}

#[tokio::test]
async fn whatever_comes_too_slowly_ends_with_the_time_of_the_whole_request() {
    let silent = Peer::new(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let accepted_and_left = Peer::new(|stream: TcpStream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let head = Peer::new(|stream| drips(stream, b"HTTP/1.1 200 OK\r\nx: ", b"y"));
    let body =
        Peer::new(|stream| drips(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"x"));
    let chunks = Peer::new(|stream| {
        drips(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n")
    });
    let trailers = Peer::new(|stream| {
        drips(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"y")
    });
    let informational = Peer::new(|stream| drips(stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n"));
    ends_in(&silent.await, FaultKind::Timeout, "nothing").await;
    ends_in(&accepted_and_left.await, FaultKind::Timeout, "nothing read").await;
    ends_in(&head.await, FaultKind::Timeout, "a slow head").await;
    ends_in(&body.await, FaultKind::Timeout, "a slow body").await;
    ends_in(&chunks.await, FaultKind::Timeout, "slow chunks").await;
    ends_in(&trailers.await, FaultKind::Timeout, "slow trailers").await;
    ends_in(&informational.await, FaultKind::Timeout, "no final answer").await;
}

#[tokio::test]
async fn a_head_without_an_end_is_not_kept() {
    let line = Peer::new(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        while stream.write_all(&[b'y'; 4096]).await.is_ok() {}
    });
    let lines = Peer::new(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: y\r\n").await.is_ok() {}
    });
    for peer in [line.await, lines.await] {
        // A bound on its size, long before one on its time.
        let fault = get(&peer.base()).await.unwrap_err();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Broken, true));
    }
}

#[tokio::test]
async fn what_is_no_http_or_breaks_off_is_perhaps_sent() {
    for broken in [
        &b""[..],
        b"\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let peer = Peer::answering(broken).await;
        let fault = get(&peer.base()).await.unwrap_err();
        let what = String::from_utf8_lossy(broken).into_owned();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Broken, true), "{what}");
    }
}

#[tokio::test]
async fn no_content_encoding_is_decoded_or_asked_for() {
    // 64 zero bytes by gzip. What is a bomb and what is not cannot be told before it is decoded.
    let zipped = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3, 0x63, 0x60, 0xA0, 0x3D, 0, 0, 0x8D, 0xEF, 2, 0xD2,
        0x40, 0, 0, 0,
    ];
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let head = format!("content-encoding: {encoding}\r\ncontent-length: {}\r\n", zipped.len());
        let peer = Peer::answering(answer(&head, &zipped)).await;
        let response = get(&peer.base()).await.unwrap();
        assert_eq!(&response.body[..], zipped, "{encoding}");
    }
    // The head of the request comes back as the body of its answer.
    let mirror = Peer::new(|mut stream: TcpStream| async move {
        let head = read_head(&mut stream).await;
        let _ = stream.write_all(&answer("", &head)).await;
    });
    let asked = get(&mirror.await.base()).await.unwrap().body.to_ascii_lowercase();
    assert!(asked.starts_with(b"get /calls http/1.1"), "{asked:?}");
    assert!(!asked.windows(15).any(|part| part == b"accept-encoding"), "{asked:?}");
}

#[tokio::test]
async fn html_with_200_is_handed_on_as_it_is() {
    let page = b"<html><body>Sign in to the airport's network</body></html>";
    let head = format!("content-type: text/html\r\ncontent-length: {}\r\n", page.len());
    let response = get(&Peer::answering(answer(&head, page)).await.base()).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (200, &page[..]));
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let fault = get(&base).await.unwrap_err();
    assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
}

#[tokio::test]
async fn a_failed_tls_handshake_proves_that_nothing_was_sent() {
    // An HTTP server on the port of TLS, one that closes at once, and one of another protocol.
    for junk in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"\x15\x03\x01\x00\x02\x02\x28"] {
        let peer = Peer::new(move |mut stream: TcpStream| async move {
            let _ = stream.write_all(junk).await;
        });
        let base = format!("https://{}/", peer.await.address).parse().unwrap();
        for connection in [Connection::Pooled, Connection::Fresh] {
            let fault = fault(&base, connection).await;
            assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
        }
    }
}
