//! Proxies that the environment names: no request of ours goes there, since it carries credentials
//! and what people say, and since a proxy resolves names that nobody has judged.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::{Carrier, Config, Daemon};

/// Counts who comes.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let visitors = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visitors);
    std::thread::spawn(move || {
        // Each is turned away at once: who goes by the proxy cannot place a call.
        while listener.accept().is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, visitors)
}

#[test]
fn the_environments_proxies_are_not_used_whatever_they_are_called() {
    let (proxy, visitors) = proxy();
    let carrier = Carrier::start();
    let names =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let config = names
        .iter()
        .fold(Config::with_carrier(&carrier.url()), |config, name| config.variable(name, &proxy));
    let daemon = Daemon::start(config);
    let call = daemon.place("+15550100001");
    daemon.call_when(&call["id"], "is over", |call| call["state"] == "ended");
    assert_eq!(carrier.dialled(), 1);
    assert_eq!(visitors.load(Ordering::SeqCst), 0, "somebody went by the proxy");
}
