//! Which addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet, so that a carrier can be there.
///
/// Refused are the special ranges of IANA's registries (RFC 6890 and its successors): private,
/// loopback, link-local (and with it the clouds' metadata service), carrier-grade NAT,
/// documentation, benchmarking, multicast, reserved; IPv6 forms that hide an IPv4 address (mapped,
/// compatible, NAT64, 6to4, Teredo); and the one service of a cloud that has a public address. A
/// NAT64 prefix of a network's own cannot be told from any other public prefix.
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

/// Azure's own service for its virtual machines. It lies among public addresses, and answers inside
/// only. Source: Microsoft, "What is IP address 168.63.129.16?".
const AZURE_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn is_public_v4(address: Ipv4Addr) -> bool {
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
    !special && address != AZURE_PLATFORM
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

    /// IANA's IPv4 special-purpose address registry, and what lies outside of it and is no host of
    /// the internet. First and last address of each.
    const SPECIAL_V4: &[(&str, &str, &str)] = &[
        ("0.0.0.0", "0.255.255.255", "this network, RFC 791"),
        ("10.0.0.0", "10.255.255.255", "private use, RFC 1918"),
        ("100.64.0.0", "100.127.255.255", "carrier-grade NAT, RFC 6598"),
        ("100.100.100.200", "100.100.100.200", "metadata of one cloud, in the range above"),
        ("127.0.0.0", "127.255.255.255", "loopback, RFC 1122"),
        ("168.63.129.16", "168.63.129.16", "platform service of one cloud"),
        ("169.254.0.0", "169.254.255.255", "link-local, RFC 3927"),
        ("169.254.169.254", "169.254.170.2", "metadata, in the range above"),
        ("172.16.0.0", "172.31.255.255", "private use, RFC 1918"),
        ("192.0.0.0", "192.0.0.255", "IETF protocol assignments, RFC 6890"),
        ("192.0.0.192", "192.0.0.192", "metadata of one cloud, in the range above"),
        ("192.0.2.0", "192.0.2.255", "documentation, RFC 5737"),
        ("192.31.196.0", "192.31.196.255", "AS112, RFC 7535"),
        ("192.52.193.0", "192.52.193.255", "AMT, RFC 7450"),
        ("192.88.99.0", "192.88.99.255", "6to4 relays, RFC 7526"),
        ("192.168.0.0", "192.168.255.255", "private use, RFC 1918"),
        ("192.175.48.0", "192.175.48.255", "AS112, RFC 7534"),
        ("198.18.0.0", "198.19.255.255", "benchmarking, RFC 2544"),
        ("198.51.100.0", "198.51.100.255", "documentation, RFC 5737"),
        ("203.0.113.0", "203.0.113.255", "documentation, RFC 5737"),
        ("224.0.0.0", "239.255.255.255", "multicast, RFC 5771"),
        ("240.0.0.0", "255.255.255.255", "reserved and broadcast, RFC 1112 and RFC 919"),
    ];

    /// IANA's IPv6 special-purpose address registry, and all that is not global unicast.
    const SPECIAL_V6: &[(&str, &str, &str)] = &[
        ("::", "::1", "unspecified and loopback, RFC 4291"),
        ("::2", "::fffe:ffff:ffff", "IPv4-compatible, RFC 4291"),
        ("::ffff:0:0", "::ffff:ffff:ffff", "IPv4-mapped, RFC 4291"),
        ("::ffff:0:0:0", "::ffff:0:ffff:ffff", "IPv4-translated, RFC 2765"),
        ("64:ff9b::", "64:ff9b::ffff:ffff", "NAT64, RFC 6052"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64 of a network, RFC 8215"),
        ("100::", "100::ffff:ffff:ffff:ffff", "discard only, RFC 6666"),
        ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", "dummy prefix, RFC 9780"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "IETF assignments, RFC 2928"),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo, RFC 4380"),
        ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking, RFC 5180"),
        ("2001:10::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID, RFC 4843 and 7343"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation, RFC 3849"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4, RFC 3056"),
        ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "AS112, RFC 7534"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation, RFC 9637"),
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "segment routing, RFC 9602"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local, RFC 4193"),
        ("fd00:ec2::254", "fd00:ec2::254", "metadata of one cloud, in the range above"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local, RFC 4291"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local, RFC 3879"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast, RFC 4291"),
    ];

    #[test]
    fn every_special_range_is_refused_at_both_ends() {
        for (first, last, what) in SPECIAL_V4.iter().chain(SPECIAL_V6) {
            for end in [first, last] {
                assert!(!is_public_address(end.parse().unwrap()), "{end}: {what}");
            }
        }
    }

    #[test]
    fn every_special_range_of_ipv4_is_refused_in_each_form_that_hides_it_in_ipv6() {
        for (first, last, what) in SPECIAL_V4 {
            for end in [first, last] {
                let v4: Ipv4Addr = end.parse().unwrap();
                let [a, b, c, d] = v4.octets();
                let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                for hidden in [
                    v4.to_ipv6_mapped(),
                    Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                    Ipv6Addr::new(0x64, 0xFF9B, 0, 0, 0, 0, high, low),
                    Ipv6Addr::new(0x64, 0xFF9B, 1, 0, 0, 0, high, low),
                    Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                    // Teredo has the client's address inverted.
                    Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low),
                ] {
                    assert!(!is_public_address(hidden.into()), "{hidden}: {end}, {what}");
                }
            }
        }
    }

    #[test]
    fn the_neighbours_of_the_special_ranges_are_public() {
        for public in [
            "1.0.0.0",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "54.172.60.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.31.195.255",
            "192.31.197.0",
            "192.52.192.255",
            "192.52.194.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.175.47.255",
            "192.175.49.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2600:1f18::1",
            "2606:4700::1111",
            "2620:4e:ffff::1",
            "2620:50::1",
            "2a00:1450::1",
            "3ffe:ffff::1",
            "3fff:1000::1",
        ] {
            assert!(is_public_address(public.parse().unwrap()), "{public}");
        }
    }
}
