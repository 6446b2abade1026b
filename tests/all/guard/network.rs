//! A test in a network of its own.

use std::process::Command;

use tokio::runtime::Builder;

/// Says to the test's own program that it is inside.
const INSIDE: &str = "RUNLOOM_TEST_INSIDE";

/// Every address is this machine's, and names are asked of it.
const SETUP: &str = r#"
    PATH="$PATH:/usr/sbin:/sbin"
    ip link set lo up
    ip route add local 0.0.0.0/0 dev lo
    ip -6 route add local ::/0 dev lo
    mount --bind "$1" /etc/resolv.conf
    shift
    exec "$@"
"#;

/// Starts this test's program again for this test alone, inside. There it runs the test.
pub(super) fn alone(test: &str, inside: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        return runtime.expect("a runtime").block_on(inside);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let names = folder.path().join("resolv.conf");
    let settings = "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n";
    std::fs::write(&names, settings).expect("the folder takes files");
    let status = Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "--mount",
            "sh",
            "-euc",
            SETUP,
            "sh",
        ])
        .arg(names)
        .arg(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    let status = status.expect("there is no `unshare`: this test needs util-linux and iproute2");
    assert!(
        status.success(),
        "{status}. When nothing above says why, this system lets nobody make a network of their \
         own: the test needs Linux with user namespaces, `unshare` and `ip`"
    );
}
