//! Which addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet, so that a carrier can be there.
///
/// Refused are the special ranges of RFC 6890 and its successors: private, loopback, link-local
/// (and with it the clouds' metadata service), carrier-grade NAT, documentation, benchmarking,
/// multicast, reserved; and IPv6 forms that hide an IPv4 address of those (mapped, compatible,
/// NAT64, 6to4, Teredo).
///
/// ```
/// use offhook_core::is_public_address;
///
/// assert!(is_public_address("54.172.60.0".parse()?));
/// assert!(!is_public_address("169.254.169.254".parse()?));
/// assert!(!is_public_address("::ffff:127.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _) // this network, private, loopback, multicast, reserved
            | (100, 64..=127, _) // carrier-grade NAT, RFC 6598
            | (169, 254, _) // link-local, metadata
            | (172, 16..=31, _) // private
            | (192, 0, 0 | 2) // IETF assignments, documentation
            | (192, 31, 196) // AS112
            | (192, 52, 193) // AMT
            | (192, 88, 99) // 6to4 relays
            | (192, 168, _) // private
            | (192, 175, 48) // AS112
            | (198, 18 | 19, _) // benchmarking
            | (198, 51, 100) // documentation
            | (203, 0, 113) // documentation
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only 2000::/3 is global unicast (RFC 4291); all embedded and local forms but those below
    // lie outside of it. NAT64 (64:ff9b::/96) lies outside too, and leads to IPv4: refused.
    if segments[0] & 0xE000 != 0x2000 {
        return false;
    }
    !matches!(
        (segments[0], segments[1]),
        (0x2001, 0x0000..=0x01FF) // IETF protocol assignments: Teredo, ORCHID, benchmarking
            | (0x2001, 0x0DB8) // documentation
            | (0x2002, _) // 6to4
            | (0x2620, 0x004F) // AS112
            | (0x3FFF, 0x0000..=0x0FFF) // documentation, RFC 9637
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_range_is_refused_at_both_ends() {
        for private in [
            "0.0.0.0",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public_address(private.parse().unwrap()), "{private}");
        }
        for public in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "223.255.255.255",
            "2600:1f18::1",
            "2a00:1450::1",
        ] {
            assert!(is_public_address(public.parse().unwrap()), "{public}");
        }
    }
}
