//! Which addresses aren't anybody's on the internet.
//!
//! After the registries of special-purpose addresses of IANA (RFC 6890 and its updates), as of
//! 2025, and the providers' documents of where a machine asks for its metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const METADATA: &str = "an address of cloud metadata";
const PRIVATE: &str = "a private address";
const LOOPBACK: &str = "a loopback address";
const LINK_LOCAL: &str = "a link-local address";
const DOCUMENTATION: &str = "an address for documentation";
const BENCHMARKING: &str = "an address for benchmarks";
const PROTOCOL: &str = "an address of protocols";
const MULTICAST: &str = "a multicast address";
const UNSPECIFIED: &str = "the unspecified address";
const RESERVED: &str = "a reserved address";

/// The first that fits names the address.
const V4: &[(Ipv4Net, &str)] = &[
    (v4([169, 254, 169, 254], 32), METADATA),
    // Azure's, which looks like anybody's.
    (v4([168, 63, 129, 16], 32), METADATA),
    (v4([100, 100, 100, 200], 32), METADATA),
    (v4([192, 0, 0, 192], 32), METADATA),
    (v4([0, 0, 0, 0], 32), UNSPECIFIED),
    (v4([0, 0, 0, 0], 8), "an address of this network"),
    (v4([10, 0, 0, 0], 8), PRIVATE),
    (v4([172, 16, 0, 0], 12), PRIVATE),
    (v4([192, 168, 0, 0], 16), PRIVATE),
    (v4([100, 64, 0, 0], 10), "an address shared by a carrier"),
    (v4([127, 0, 0, 0], 8), LOOPBACK),
    (v4([169, 254, 0, 0], 16), LINK_LOCAL),
    (v4([192, 0, 0, 0], 24), PROTOCOL),
    (v4([192, 88, 99, 0], 24), PROTOCOL),
    (v4([192, 0, 2, 0], 24), DOCUMENTATION),
    (v4([198, 51, 100, 0], 24), DOCUMENTATION),
    (v4([203, 0, 113, 0], 24), DOCUMENTATION),
    (v4([198, 18, 0, 0], 15), BENCHMARKING),
    (v4([224, 0, 0, 0], 4), MULTICAST),
    (v4([255, 255, 255, 255], 32), "the broadcast address"),
    (v4([240, 0, 0, 0], 4), RESERVED),
];

/// As above. What is outside of `2000::/3` is refused in any case; those are here for their
/// names.
const V6: &[(Ipv6Net, &str)] = &[
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), METADATA),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), METADATA),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), UNSPECIFIED),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), LOOPBACK),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), PRIVATE),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), LINK_LOCAL),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), PRIVATE),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), MULTICAST),
    // Here the IPv4 address stands where each network has chosen, so it can't be looked at.
    (
        v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
        "an address of a network's own translation to IPv4",
    ),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), BENCHMARKING),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), PROTOCOL),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), DOCUMENTATION),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), DOCUMENTATION),
];

/// All that is given out for use on the internet.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Prefixes whose last 32 bits are an IPv4 address: compatible, mapped, translated, NAT64.
const LAST_32_BITS: &[Ipv6Net] = &[
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96),
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96),
];

const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(s: [u16; 8], length: u8) -> Ipv6Net {
    let address = Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    Ipv6Net::new_assert(address, length)
}

/// What an address is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody's on the internet.
    Public,
    /// Set apart; says for what, as a phrase that reads after `is`.
    Special(&'static str),
    /// An IPv6 address by which these IPv4 addresses are reached.
    Embedding(Vec<Ipv4Addr>),
}

pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let special = V4.iter().find(|(range, _)| range.contains(&address));
    special.map_or(Kind::Public, |(_, what)| Kind::Special(what))
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    // Before the ranges around them, and after the two addresses that look like embedding.
    if !address.is_unspecified()
        && !address.is_loopback()
        && let Some(embedded) = embedded(address)
    {
        return Kind::Embedding(embedded);
    }
    let special = V6.iter().find(|(range, _)| range.contains(&address));
    match special {
        Some((_, what)) => Kind::Special(what),
        None if GLOBAL_V6.contains(&address) => Kind::Public,
        None => Kind::Special(RESERVED),
    }
}

fn embedded(address: Ipv6Addr) -> Option<Vec<Ipv4Addr>> {
    let bits = address.to_bits();
    let at = |shift: u32| Ipv4Addr::from_bits((bits >> shift) as u32);
    if LAST_32_BITS.iter().any(|range| range.contains(&address)) {
        return Some(vec![at(0)]);
    }
    if SIX_TO_FOUR.contains(&address) {
        return Some(vec![at(80)]);
    }
    // The server, and the client behind it, whose bits are inverted.
    let inverted = Ipv4Addr::from_bits(!(bits as u32));
    TEREDO.contains(&address).then(|| vec![at(64), inverted])
}
