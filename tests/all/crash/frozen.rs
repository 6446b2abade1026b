//! A node that freezes and wakes up after another has taken its runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::{Metrics, Setup, Store, check_ended, count, script};
use rustix::process::Signal;
use serde_json::json;

/// The longest time after which a run goes on elsewhere.
const TAKEN_OVER: Duration = Duration::from_secs(20);

/// Only on PostgreSQL, since an SQLite file has one node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_node_cannot_write_to_what_another_has_taken() {
    // Long enough that the frozen node wakes up in the middle of it.
    let setup = Setup::new(Store::Postgres).scripted("m", script([count(1_500, 20)]));
    let frozen = setup.start().await;
    let client = frozen.client();
    let run = client.run(&json!({})).await;
    client.events(&run, "").await.until("message.delta").await;
    let own = frozen.data().folder().join("other-node");
    let other = frozen
        .setup()
        .clone()
        .on(Arc::clone(frozen.data()))
        .variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"))
        .start()
        .await;

    frozen.signal(Signal::STOP);
    let since = Instant::now();
    let client = client.at(other.base());
    let mut stream = client.events(&run, "").await;
    stream.until("run.resumed").await;
    assert!(since.elapsed() < TAKEN_OVER, "{:?}", since.elapsed());

    frozen.signal(Signal::CONT);
    let events = stream.rest().await;
    assert!(!events.is_empty());
    let log = client.log(&run).await;
    check_ended(&log, "run.completed");
    let resumed = log.iter().filter(|event| event.kind == "run.resumed");
    assert_eq!(resumed.count(), 1, "it changed hands once");
    // Both nodes have counted what happened.
    let freed = "runloom_runs_freed_total{reason=\"lease_expired\"}";
    assert_eq!(Metrics::of(&client).await.get(freed) as u64, 1);
    Metrics::until(&frozen.client(), "runloom_lease_lapses_total", 1.0).await;
    // It serves again, and knows the same log.
    assert_eq!(frozen.client().log(&run).await, log);
}
