//! The guard of URLs: none that passes leads to an address of ours by itself.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use runloom_net::guard::{Guard, Policy};
use url::Host;

libfuzzer_sys::fuzz_target!(|text: &str| {
    thread_local! {
        static GUARD: Guard = Guard::new(Policy::default());
    }
    let Ok(url) = GUARD.with(|guard| guard.checked(text)) else {
        return;
    };
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    let address = match url.host().expect("a URL of http has a host") {
        Host::Domain(name) => name.parse().ok(),
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    if let Some(address) = address {
        assert!(!is_inner(address), "{url}");
    }
});

/// Some of what must never be reached, written another way than the guard's own table.
fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_inner_v4(address),
        IpAddr::V6(address) => is_inner_v6(address),
    }
}

fn is_inner_v4(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || address.octets()[0] == 0
        || (address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64)
}

fn is_inner_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.to_ipv4().is_some_and(is_inner_v4)
}
