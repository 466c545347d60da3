//! Addresses of the public internet, told from all others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns whether `address` is one that the public internet routes.
///
/// Private, loopback, link-local (cloud metadata lives there), carrier-grade NAT, benchmark, documentation,
/// multicast and reserved ranges are not, and neither is an IPv6 address that carries such an IPv4 address.
///
/// ```
/// use openkoi_core::pattern::is_public_address;
///
/// assert!(is_public_address("93.184.216.34".parse()?));
/// assert!(!is_public_address("169.254.169.254".parse()?));
/// assert!(!is_public_address("::ffff:10.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let closed = match a {
        0 | 10 | 127 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => matches!((b, c), (168, _) | (0, 0 | 2) | (88, 99)),
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => a >= 224,
    };
    !closed
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    // Only 2000::/3 is handed out; everything else is local, multicast or reserved.
    let global = segments[0] & 0xe000 == 0x2000;
    let closed = match (segments[0], segments[1]) {
        // Protocol assignments (Teredo, ORCHID, benchmarks) and documentation.
        (0x2001, b) => b < 0x0200 || b == 0x0db8,
        (0x3fff, b) => b < 0x1000,
        _ => false,
    };
    global && !closed
}

/// The IPv4 address that an IPv6 address stands for: mapped, translated (NAT64) or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let join = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_public_address;
    use std::net::{IpAddr, Ipv4Addr};

    /// The IANA special-purpose registry as prefixes, kept apart from the code above on purpose.
    const CLOSED: [(&str, u32); 17] = [
        ("0.0.0.0", 8),
        ("10.0.0.0", 8),
        ("100.64.0.0", 10),
        ("127.0.0.0", 8),
        ("169.254.0.0", 16),
        ("172.16.0.0", 12),
        ("192.0.0.0", 24),
        ("192.0.2.0", 24),
        ("192.88.99.0", 24),
        ("192.168.0.0", 16),
        ("198.18.0.0", 15),
        ("198.51.100.0", 24),
        ("203.0.113.0", 24),
        ("224.0.0.0", 4),
        ("240.0.0.0", 4),
        ("255.255.255.255", 32),
        ("255.0.0.0", 8),
    ];

    fn closed_by_table(address: u32) -> bool {
        CLOSED.iter().any(|(prefix, bits)| {
            let prefix = u32::from(prefix.parse::<Ipv4Addr>().unwrap());
            let mask = u32::MAX << (32 - bits);
            address & mask == prefix & mask
        })
    }

    #[test]
    fn every_ipv4_network_agrees_with_the_registry() {
        // All /20 networks, first and last address: every boundary in the table is a multiple of /24 or
        // coarser, so the /24s are walked where the first two octets are special.
        for high in 0..=0xffff_u32 {
            let special = matches!(high >> 8, 100 | 169 | 172 | 192 | 198 | 203);
            let steps = if special { 256 } else { 4 };
            for step in 0..steps {
                let base = (high << 16) | (step * (65_536 / steps));
                for address in [base, base + 255] {
                    let parsed = IpAddr::V4(Ipv4Addr::from(address));
                    assert_eq!(is_public_address(parsed), !closed_by_table(address), "{parsed}");
                }
            }
        }
    }

    #[test]
    fn ipv6_addresses_that_stand_for_private_ones_are_not_public() {
        for address in [
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public_address(address.parse().unwrap()), "{address}");
        }
        for address in ["2606:4700::1111", "2a00:1450:4001:830::200e", "::ffff:8.8.8.8"] {
            assert!(is_public_address(address.parse().unwrap()), "{address}");
        }
    }
}
