//! Names that lead elsewhere.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::Method;
use reqwest::dns::Resolve;
use tokio::net::TcpListener;
use url::Url;

use super::super::resolver::{JudgedResolver, LookUp};
use super::{HELLO, Peer, only_second_loopback, says};
use crate::{
    Connection, FaultKind, GuardedClient, HostPolicy, Transport, TransportFault, TransportRequest,
    TransportResponse, is_public_address,
};

/// A name server that answers as it was told, each time with the next; then with nothing.
#[derive(Debug, Default)]
struct Scripted(Mutex<VecDeque<Vec<&'static str>>>);

impl Scripted {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.iter().map(|answer| answer.to_vec()).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl LookUp for Scripted {
    async fn look_up(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
        let answer = self.0.lock().unwrap().pop_front().unwrap_or_default();
        let addresses = answer.iter().map(|text| text.parse().expect("an address"));
        Ok(addresses.map(|address: IpAddr| SocketAddr::new(address, 0)).collect())
    }
}

/// A name server that says nothing.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl LookUp for Silent {
    async fn look_up(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
        std::future::pending().await
    }
}

/// What the client connects to when the name server gives these.
async fn permitted(answer: &[&'static str]) -> Result<Vec<IpAddr>, String> {
    let resolver = JudgedResolver { look_up: Scripted::new(&[answer]), judge: is_public_address };
    let found = resolver.resolve("api.example.com".parse().unwrap()).await;
    found.map(|found| found.map(|address| address.ip()).collect()).map_err(|why| why.to_string())
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_after_the_look_up_and_nothing_is_sent() {
    for inside in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:1:1::5601:5601",
    ] {
        let base = Url::parse("https://api.example.com/").unwrap();
        let look_up = Scripted::new(&[&[inside]]);
        let client = GuardedClient::resolving(
            base.clone(),
            HostPolicy::PublicOnly,
            JudgedResolver { look_up, judge: is_public_address },
        )
        .unwrap();
        let fault = client.send(TransportRequest::new(Method::GET, base)).await.unwrap_err();
        assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
        assert!(fault.to_string().contains("no public address"), "{inside}: {fault}");
    }
}

#[tokio::test]
async fn of_a_mixed_answer_only_the_public_addresses_are_used() {
    let mixed = ["10.0.0.1", "54.172.60.0", "::1", "2600:1f18::1", "169.254.169.254", "fe80::1"];
    let used = permitted(&mixed).await.unwrap();
    let public: [IpAddr; 2] = ["54.172.60.0".parse().unwrap(), "2600:1f18::1".parse().unwrap()];
    assert_eq!(used, public);
    assert!(permitted(&["10.0.0.1", "::1"]).await.unwrap_err().contains("no public address"));
    assert!(permitted(&[]).await.is_err());
}

#[tokio::test]
async fn localhost_of_the_system_itself_is_refused() {
    let base = Url::parse("https://localhost/").unwrap();
    let client = GuardedClient::new(base.clone(), HostPolicy::PublicOnly).unwrap();
    let fault = client.send(TransportRequest::new(Method::GET, base)).await.unwrap_err();
    assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
    assert!(fault.to_string().contains("no public address"), "{fault}");
}

/// A carrier and a victim at the same port of two addresses, and a client for which the carrier's
/// is the only public one. Only Linux has the whole of 127.0.0.0/8.
#[cfg(target_os = "linux")]
struct Rebinding {
    carrier: Peer,
    victim: Peer,
    look_up: Arc<Scripted>,
    client: GuardedClient,
    base: Url,
}

#[cfg(target_os = "linux")]
impl Rebinding {
    async fn new(answers: &[&[&'static str]]) -> Self {
        let hello = |stream| says(stream, HELLO.into());
        let (carrier, victim) = loop {
            let carrier = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).await.unwrap();
            let port = carrier.local_addr().unwrap().port();
            // The same port may be somebody's on the other address.
            if let Ok(victim) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                break (Peer::on(carrier, hello), Peer::on(victim, hello));
            }
        };
        let base = Url::parse(&format!("http://api.example.com:{}/", carrier.address.port()));
        let base = base.unwrap();
        let look_up = Scripted::new(answers);
        let client = GuardedClient::resolving(
            base.clone(),
            // For http; the judge is what counts.
            HostPolicy::AllowPrivate,
            JudgedResolver { look_up: Arc::clone(&look_up) as _, judge: only_second_loopback },
        );
        Self { carrier, victim, look_up, client: client.unwrap(), base }
    }

    async fn get(&self) -> Result<TransportResponse, TransportFault> {
        let mut request = TransportRequest::new(Method::GET, self.base.clone());
        request.connection = Connection::Fresh;
        self.client.send(request).await
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_is_rebound_after_it_was_judged_leads_nowhere_else() {
    let world = Rebinding::new(&[&["127.0.0.2"], &["127.0.0.1"], &["127.0.0.2"]]).await;
    // Had anyone asked a second time between the judgement and the connection, the answer would
    // have been the victim, and one answer more would be gone.
    assert_eq!(world.get().await.unwrap().status, 200);
    assert_eq!((world.look_up.left(), world.carrier.connections()), (2, 1));
    let fault = world.get().await.unwrap_err();
    assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
    assert_eq!(world.get().await.unwrap().status, 200);
    assert_eq!((world.carrier.connections(), world.victim.connections()), (2, 0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_private_part_of_a_mixed_answer_is_not_even_tried() {
    let world = Rebinding::new(&[&["127.0.0.1", "127.0.0.2"]]).await;
    assert_eq!(world.get().await.unwrap().status, 200);
    assert_eq!((world.carrier.connections(), world.victim.connections()), (1, 0));
    // Nor is it where the public part cannot be reached.
    let world = Rebinding::new(&[&["127.0.0.1", "::1"]]).await;
    assert!(!world.get().await.unwrap_err().may_have_been_sent());
    assert_eq!((world.carrier.connections(), world.victim.connections()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_name_server_that_says_nothing_is_not_waited_for_and_nothing_was_sent() {
    let base = Url::parse("https://api.example.com/").unwrap();
    let client = GuardedClient::resolving(
        base.clone(),
        HostPolicy::PublicOnly,
        JudgedResolver { look_up: Arc::new(Silent), judge: is_public_address },
    );
    let fault = client.unwrap().send(TransportRequest::new(Method::GET, base)).await.unwrap_err();
    assert_eq!((fault.kind(), fault.may_have_been_sent()), (FaultKind::Connect, false));
}
