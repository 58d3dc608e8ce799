//! How many requests one source may send: bounded before a body is read or a signature checked.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts the requests of each source, second by second. Whoever comes from this machine or from a
/// trusted proxy speaks for many, and is not counted.
///
/// (The crate of the field, governor, remembers sources until it is told to forget them, and would
/// bring a dozen crates. A second is forgotten as a whole, so what is kept is bounded by what one
/// second can bring.)
#[derive(Debug)]
pub(crate) struct RequestsPerSource {
    per_second: u32,
    trusted: Vec<IpNet>,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    begun: Instant,
    requests: HashMap<IpAddr, u32>,
}

impl RequestsPerSource {
    pub(crate) fn new(per_second: NonZeroU32, trusted: Vec<IpNet>, now: Instant) -> Self {
        let window = Mutex::new(Window { begun: now, requests: HashMap::new() });
        Self { per_second: per_second.get(), trusted, window }
    }

    /// Takes a request in, unless its source has sent too many in this second.
    pub(crate) fn admit(&self, peer: IpAddr, now: Instant) -> bool {
        let address = peer.to_canonical();
        if address.is_loopback() || self.trusted.iter().any(|network| network.contains(&address)) {
            return true;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.begun) >= WINDOW {
            *window = Window { begun: now, requests: HashMap::new() };
        }
        let requests = window.requests.entry(source(address)).or_default();
        *requests = requests.saturating_add(1);
        *requests <= self.per_second
    }
}

/// One customer: an IPv4 address, or the /64 that the owner of an IPv6 address has at will.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten_per_second(now: Instant) -> RequestsPerSource {
        let trusted = vec!["203.0.113.0/28".parse().unwrap()];
        RequestsPerSource::new(const { NonZeroU32::new(10).unwrap() }, trusted, now)
    }

    /// How many of a hundred requests at once are taken.
    fn taken(sources: &RequestsPerSource, peer: &str, now: Instant) -> usize {
        let peer: IpAddr = peer.parse().unwrap();
        (0..100).filter(|_| sources.admit(peer, now)).count()
    }

    #[test]
    fn a_source_that_sends_too_many_waits_for_the_next_second_and_no_other_does() {
        let now = Instant::now();
        let sources = ten_per_second(now);
        assert_eq!(taken(&sources, "198.51.100.7", now), 10);
        assert_eq!(taken(&sources, "198.51.100.8", now), 10, "the neighbour is not to blame");
        let soon = now + Duration::from_millis(999);
        assert_eq!(taken(&sources, "198.51.100.7", soon), 0);
        assert_eq!(taken(&sources, "198.51.100.7", now + WINDOW), 10);
    }

    #[test]
    fn whoever_speaks_for_many_has_no_bound() {
        let now = Instant::now();
        let sources = ten_per_second(now);
        for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "203.0.113.5"] {
            assert_eq!(taken(&sources, peer, now), 100, "{peer}");
        }
        assert_eq!(taken(&sources, "203.0.113.16", now), 10, "outside of the trusted network");
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_whatever_addresses_it_uses() {
        let now = Instant::now();
        let sources = ten_per_second(now);
        assert_eq!(taken(&sources, "2001:db8:1:2::1", now), 10);
        assert_eq!(taken(&sources, "2001:db8:1:2:ffff::9", now), 0);
        assert_eq!(taken(&sources, "2001:db8:1:3::1", now), 10);
        assert_eq!(taken(&sources, "::ffff:198.51.100.7", now), 10);
        assert_eq!(taken(&sources, "198.51.100.7", now), 0, "the same in two spellings");
    }

    #[test]
    fn what_is_kept_is_forgotten_with_its_second() {
        let now = Instant::now();
        let sources = ten_per_second(now);
        for number in 0..1000_u32 {
            assert!(sources.admit(IpAddr::from((0xC633_0000 + number).to_be_bytes()), now));
        }
        assert!(sources.admit("198.51.100.7".parse().unwrap(), now + WINDOW));
        assert_eq!(sources.window.lock().unwrap().requests.len(), 1);
    }
}
