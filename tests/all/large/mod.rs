//! Threads, runs and results of a size that nobody has by hand: what they cost stays bounded.
//!
//! The times allowed are ten times what is promised of a server that is built for release and has
//! the machine for itself; `cargo xtask bench --only big` measures the promise.

mod finished;
mod result;
mod run;
mod thread;
mod usage;

use std::time::{Duration, Instant};

use runloom_tests::{Client, Node};

/// Bytes.
const MIB: u64 = 1024 * 1024;

/// The organisation of a client.
async fn org(client: &Client) -> String {
    let me = client.get("/v1/me").await.expect(200);
    me["org_id"].as_str().expect("an id").to_owned()
}

/// What something took, which must be less than `limit`.
#[track_caller]
fn within(begin: Instant, limit: Duration, what: &str) {
    let took = begin.elapsed();
    assert!(took < limit, "{what} took {took:?}");
}

/// Checks that the server's memory has grown by less than so many MiB.
#[track_caller]
fn grown_less(node: &Node, before: u64, limit: u64, what: &str) {
    let grown = node.resident_bytes().saturating_sub(before) / MIB;
    assert!(grown < limit, "{what} took {grown} MiB");
}
