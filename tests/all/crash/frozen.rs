//! A node that freezes and wakes up after another has taken its runs.

use std::time::{Duration, Instant};

use runloom_tests::{Client, EventStream, Metrics, Node, Setup, Store, check_ended, count, script};
use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinSet;

const RUNS: usize = 20;
/// The longest time after which a run goes on elsewhere.
const TAKEN_OVER: Duration = Duration::from_secs(20);

/// How long the node is frozen, at least until its runs have been taken, and how many deltas of
/// 20 ms a run has: so many that it wakes up in the middle of them.
fn times() -> (Duration, u32) {
    if std::env::var_os("RUNLOOM_TEST_LONG").is_some() {
        (Duration::from_mins(1), 3_500)
    } else {
        (Duration::ZERO, 1_200)
    }
}

/// Runs whose deltas have begun.
async fn streaming(client: &Client) -> Vec<String> {
    let mut starting = JoinSet::new();
    for _ in 0..RUNS {
        let client = client.clone();
        starting.spawn(async move {
            let run = client.run(&json!({})).await;
            client.events(&run, "").await.until("message.delta").await;
            run
        });
    }
    starting.join_all().await
}

/// Follows runs until each has been resumed.
async fn taken_over(client: &Client, runs: &[String], since: Instant) -> Vec<EventStream> {
    let mut streams = Vec::new();
    for run in runs {
        streams.push(client.events(run, "").await);
    }
    for stream in &mut streams {
        stream.until("run.resumed").await;
        assert!(since.elapsed() < TAKEN_OVER, "{:?}", since.elapsed());
    }
    streams
}

/// How many of these runs a line of the node's log is about.
fn told_of(node: &Node, runs: &[String], line: &str) -> usize {
    let log = node.log();
    let lines: Vec<_> = log.iter().filter(|logged| logged.contains(line)).collect();
    let told = |run: &&String| lines.iter().any(|line| line.contains(run.as_str()));
    runs.iter().filter(told).count()
}

/// Only on PostgreSQL, since an SQLite file has one node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_node_cannot_write_to_what_another_has_taken() {
    let (frozen_for, deltas) = times();
    let setup = Setup::new(Store::Postgres).scripted("m", script([count(deltas, 20)]));
    let frozen = setup.start().await;
    let other = frozen.peer("other").await;
    let runs = streaming(&frozen.client()).await;

    frozen.signal(Signal::STOP);
    let since = Instant::now();
    let client = frozen.client().at(other.base());
    let streams = taken_over(&client, &runs, since).await;
    tokio::time::sleep(frozen_for.saturating_sub(since.elapsed())).await;
    frozen.signal(Signal::CONT);

    for (run, mut stream) in runs.iter().zip(streams) {
        assert!(!stream.rest().await.is_empty());
        let log = client.log(run).await;
        check_ended(&log, "run.completed");
        let resumed = log.iter().filter(|event| event.kind == "run.resumed");
        assert_eq!(resumed.count(), 1, "it changed hands once");
        // It serves again, and knows the same log.
        assert_eq!(frozen.client().log(run).await, log);
    }
    // It had deltas to write when it woke up. They were refused, and it has let go of each run.
    let fenced = "runloom_fenced_writes_total";
    Metrics::until(&frozen.client(), fenced, 1.0).await;
    Metrics::until(&frozen.client(), "runloom_lease_lapses_total", 1.0).await;
    let lost = told_of(&frozen, &runs, "the run is not this node's any more");
    assert_eq!(lost, RUNS);
    let freed = "runloom_runs_freed_total{reason=\"lease_expired\"}";
    assert_eq!(Metrics::of(&client).await.get(freed) as usize, RUNS);
}
