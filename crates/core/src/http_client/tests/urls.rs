//! URLs that lead elsewhere.

use http::Method;
use url::Url;

use super::{HELLO, Peer};
use crate::{FaultKind, GuardedClient, HostPolicy, InvalidBaseUrl, Transport, TransportRequest};

fn refused(base: &str) -> InvalidBaseUrl {
    GuardedClient::new(Url::parse(base).unwrap(), HostPolicy::PublicOnly).unwrap_err()
}

#[test]
fn a_base_that_leads_inside_is_refused_at_once_however_it_is_written() {
    for inside in [
        "https://169.254.169.254/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://①②⑦.0.0.1/",
        "https://%31%32%37.0.0.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:a00:1::]/",
        "https://[fe80::1]/",
        "https://168.63.129.16/",
    ] {
        assert_eq!(refused(inside), InvalidBaseUrl::Private, "{inside}");
    }
}

#[test]
fn a_base_is_scheme_host_and_port() {
    for scheme in ["http", "ftp", "ws", "gopher"] {
        let base = format!("{scheme}://api.example.com/");
        assert_eq!(refused(&base), InvalidBaseUrl::NotHttps, "{base}");
    }
    for odd in [
        "https://user:pass@api.example.com/",
        "https://user@api.example.com/",
        "https://:pass@api.example.com/",
        "https://api.example.com/?a",
        "https://api.example.com/#a",
    ] {
        assert_eq!(refused(odd), InvalidBaseUrl::NotABase, "{odd}");
    }
    let file = GuardedClient::new(Url::parse("file:///x").unwrap(), HostPolicy::AllowPrivate);
    assert_eq!(file.unwrap_err(), InvalidBaseUrl::NotHttps);
}

#[tokio::test]
async fn another_origin_is_refused_before_anything_is_sent() {
    let peer = Peer::answering(HELLO).await;
    let port = peer.address.port();
    let client = GuardedClient::new(peer.base(), HostPolicy::AllowPrivate).unwrap();
    for elsewhere in [
        "http://127.0.0.1:1/calls".to_owned(),
        "https://example.com/".to_owned(),
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://127.0.0.1:{port}@example.com/"),
        format!("http://user@127.0.0.1:{port}/"),
        format!("http://user:pass@127.0.0.1:{port}/"),
        "http://127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:,hello".to_owned(),
    ] {
        let request = TransportRequest::new(Method::GET, Url::parse(&elsewhere).unwrap());
        let fault = client.send(request).await.unwrap_err();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Forbidden, false));
    }
    assert_eq!(peer.connections(), 0);
}
