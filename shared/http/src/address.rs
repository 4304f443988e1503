//! Which addresses are of the public network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// True for an address anybody on the internet could reach: none of this machine, of a network behind it, of a
/// cloud's own services, and none that carries such a one inside (IANA special-purpose address registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network; reserved, broadcast and multicast.
        (0 | 224.., _, _) => true,
        // Shared between a provider and its customers (RFC 6598).
        (100, 64..=127, _) => true,
        // Protocol assignments (RFC 6890), relays of 6to4 (RFC 7526).
        (192, 0, 0) | (192, 88, 99) => true,
        // Benchmarks (RFC 2544).
        (198, 18 | 19, _) => true,
        _ => false,
    };
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

/// Only global unicast (2000::/3), less what is set apart in it. Mapped, translated (64:ff9b::/96), unique
/// local, link-local and multicast addresses lie outside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let special = match (a, b) {
        // Protocol assignments, Teredo among them (RFC 2928, RFC 4380).
        (0x2001, 0..=0x01ff) => true,
        // Documentation (RFC 3849, RFC 9637).
        (0x2001, 0x0db8) | (0x3fff, 0..=0x0fff) => true,
        // 6to4 carries an IPv4 address inside (RFC 3056).
        (0x2002, _) => true,
        _ => false,
    };
    (0x2000..=0x3fff).contains(&a) && !special
}
