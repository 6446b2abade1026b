//! URLs of organisations that lead inside, tried on the real server in a network in which every
//! address there is leads to one listener: a connection that should not be made is seen wherever
//! it goes.

mod everywhere;
mod names;
mod network;
mod servers;
mod tools;

use std::net::IpAddr;

use runloom_tests::{Node, Setup, Store};
use serde_json::Value;

use self::everywhere::Everywhere;
use self::names::Names;

/// What may be reached.
const PUBLIC: [&str; 2] = ["93.184.216.34", "2606:4700::1111"];

/// URLs that must not be reached, by whatever way.
const INNER: [&str; 42] = [
    "http://127.0.0.1/",
    "http://10.0.0.5/",
    "https://10.0.0.5/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.1.1/",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    // Metadata of clouds.
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://100.100.100.200/",
    "http://[fd00:ec2::254]/",
    // IPv4 in IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    "http://[::ffff:10.0.0.5]/",
    "http://[::ffff:a00:5]/",
    "http://[::10.0.0.5]/",
    "http://[64:ff9b::a00:5]/",
    "http://[64:ff9b:1::a00:5]/",
    "http://[2002:a00:5::1]/",
    "http://[2001:0:a00:5::1]/",
    // Other ways to write a number.
    "http://2130706433/",
    "http://167772165/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://012.0.0.5/",
    "http://0xa.5/",
    "http://127.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://%31%30.0.0.5/",
    // Whose host isn't what it looks like.
    "http://public.test@10.0.0.5/",
    "http://public.test:80@10.0.0.5/",
    "http://10.0.0.5\\@public.test/",
    "http://10.0.0.5#@public.test/",
    // Names that lead there.
    "http://localhost/",
    "http://inner.test/",
    "https://inner.test/",
    "http://six.inner.test/",
    "http://mapped.test/",
    "http://translated.test/",
    "http://metadata.test/",
];

/// A server in a network of its own.
struct World {
    node: Node,
    everywhere: Everywhere,
    _names: Names,
}

impl World {
    async fn start(setup: impl FnOnce(Setup) -> Setup) -> Self {
        let (everywhere, names) = (Everywhere::listen().await, Names::serve().await);
        let setup = setup(Setup::new(Store::Sqlite)).variable("RUNLOOM_HTTP_REQUEST_ALLOW", "*");
        Self {
            node: setup.start().await,
            everywhere,
            _names: names,
        }
    }

    /// Nothing has come to an inner address, though it would have been seen.
    async fn check(&self) {
        let reached = self.everywhere.inner();
        assert!(reached.is_empty(), "reached: {reached:?}");
        for address in ["10.0.0.5", "169.254.169.254", "fd00::1", "64:ff9b::a00:5"] {
            let address: IpAddr = address.parse().expect("an address");
            self.everywhere.sees(address).await;
        }
    }
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}
