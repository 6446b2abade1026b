use super::*;

/// Whether the address passes, and else what it is said to be.
fn verdict(policy: &Policy, address: &str) -> &'static str {
    match policy.check(address.parse().unwrap()) {
        Ok(()) => "passes",
        Err(Refused::Address { what, .. }) => what,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_is_not_on_the_internet_is_refused_by_its_name() {
    let table = [
        ("8.8.8.8", "passes"),
        ("1.1.1.1", "passes"),
        ("9.255.255.255", "passes"),
        ("10.0.0.0", "a private address"),
        ("10.255.255.255", "a private address"),
        ("11.0.0.0", "passes"),
        ("172.15.255.255", "passes"),
        ("172.16.0.1", "a private address"),
        ("172.31.255.255", "a private address"),
        ("172.32.0.0", "passes"),
        ("192.168.0.1", "a private address"),
        ("192.167.255.255", "passes"),
        ("100.63.255.255", "passes"),
        ("100.64.0.1", "an address shared by a carrier"),
        ("100.127.255.255", "an address shared by a carrier"),
        ("100.128.0.0", "passes"),
        ("127.0.0.1", "a loopback address"),
        ("127.255.255.254", "a loopback address"),
        ("0.0.0.0", "the unspecified address"),
        ("0.1.2.3", "an address of this network"),
        ("169.254.0.1", "a link-local address"),
        ("169.254.169.254", "an address of cloud metadata"),
        ("168.63.129.16", "an address of cloud metadata"),
        ("100.100.100.200", "an address of cloud metadata"),
        ("192.0.0.192", "an address of cloud metadata"),
        ("192.0.0.8", "an address of protocols"),
        ("192.88.99.1", "an address of protocols"),
        ("192.0.2.1", "an address for documentation"),
        ("198.51.100.1", "an address for documentation"),
        ("203.0.113.255", "an address for documentation"),
        ("198.18.0.0", "an address for benchmarks"),
        ("198.19.255.255", "an address for benchmarks"),
        ("198.20.0.0", "passes"),
        ("224.0.0.1", "a multicast address"),
        ("239.255.255.255", "a multicast address"),
        ("240.0.0.1", "a reserved address"),
        ("255.255.255.255", "the broadcast address"),
    ];
    for (address, expected) in table {
        assert_eq!(verdict(&Policy::default(), address), expected, "{address}");
    }
}

#[test]
fn so_it_is_with_ipv6() {
    let table = [
        ("2606:4700:4700::1111", "passes"),
        ("2001:4860:4860::8888", "passes"),
        ("::", "the unspecified address"),
        ("::1", "a loopback address"),
        ("fc00::1", "a private address"),
        ("fdff::1", "a private address"),
        ("fd00:ec2::254", "an address of cloud metadata"),
        ("fd20:ce::254", "an address of cloud metadata"),
        ("fe80::1", "a link-local address"),
        ("fec0::1", "a private address"),
        ("ff02::1", "a multicast address"),
        ("2001:db8::1", "an address for documentation"),
        ("3fff:fff::1", "an address for documentation"),
        ("2001:2::1", "an address for benchmarks"),
        ("2001:10::1", "an address of protocols"),
        ("2001:1ff:ffff::1", "an address of protocols"),
        ("2001:200::1", "passes"),
        ("100::1", "a reserved address"),
        ("5f00::1", "a reserved address"),
        ("4000::1", "a reserved address"),
    ];
    for (address, expected) in table {
        assert_eq!(verdict(&Policy::default(), address), expected, "{address}");
    }
}

#[test]
fn an_embedded_address_decides() {
    let table = [
        // Mapped, compatible, translated.
        ("::ffff:8.8.8.8", "passes"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("::ffff:a9fe:a9fe", "an address of cloud metadata"),
        ("::10.0.0.1", "a private address"),
        ("::8.8.8.8", "passes"),
        ("::ffff:0:192.168.0.1", "a private address"),
        // NAT64.
        ("64:ff9b::808:808", "passes"),
        ("64:ff9b::a00:1", "a private address"),
        (
            "64:ff9b:1::808:808",
            "an address of a network's own translation to IPv4",
        ),
        // 6to4.
        ("2002:808:808::1", "passes"),
        ("2002:7f00:1::1", "a loopback address"),
        // Teredo: server 8.8.8.8 and client 8.8.4.4; client 10.0.0.1; server 10.0.0.1.
        ("2001:0:808:808:0:0:f7f7:fbfb", "passes"),
        ("2001:0:808:808:0:0:f5ff:fffe", "a private address"),
        ("2001:0:a00:1:0:0:f7f7:fbfb", "a private address"),
    ];
    for (address, expected) in table {
        assert_eq!(verdict(&Policy::default(), address), expected, "{address}");
    }
}

#[test]
fn an_operator_allows_ranges_and_nothing_beside_them() {
    let ranges = ["10.0.0.0/8", "127.0.0.1/32", "fd12::/16", "64:ff9b:1::/48"];
    let policy = Policy::allowing(ranges.map(|range| range.parse().unwrap()).to_vec());
    let table = [
        ("10.1.2.3", "passes"),
        ("::ffff:10.1.2.3", "passes"),
        ("64:ff9b::a00:1", "passes"),
        ("127.0.0.1", "passes"),
        ("127.0.0.2", "a loopback address"),
        ("::1", "a loopback address"),
        ("192.168.0.1", "a private address"),
        ("fd12:3::4", "passes"),
        ("fd13::1", "a private address"),
        ("64:ff9b:1::a00:1", "passes"),
        ("8.8.8.8", "passes"),
    ];
    for (address, expected) in table {
        assert_eq!(verdict(&policy, address), expected, "{address}");
    }
}
