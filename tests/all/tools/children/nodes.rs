//! A family whose node dies goes on, or ends, on another one.

use std::time::{Duration, Instant};

use runloom_tests::{Client, MASTER_KEY, Node, Store, check_ended, count, script};
use serde_json::json;

use super::{children, leads, setup, told};

/// The lease of a dead node, and what a takeover takes.
const TAKEN_OVER: Duration = Duration::from_secs(20);

/// How long all of a family may take to end.
const ALL: Duration = Duration::from_secs(6);

/// Two nodes, and a run of the first that waits for five children.
async fn waiting() -> (Node, Node, Client, String) {
    let first = setup(Store::Postgres, "", leads(5), script([count(60, 100)]))
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let second = first.peer("second").await;
    let client = first.client();
    let run = client.run(&json!({})).await;
    client.events(&run, "").await.until("tool.paused").await;
    let client = client.at(second.base());
    assert_eq!(children(&client, &run).await.len(), 5);
    (first, second, client, run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_nodes_family_goes_on_elsewhere() {
    let (first, _second, client, run) = waiting().await;
    first.kill().await;
    let events = client.follow(&run).await;
    check_ended(&events, "run.completed");
    let told = told(&events);
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|agent| agent["status"] == "completed"));
    assert_eq!(children(&client, &run).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_nodes_family_is_cancelled_elsewhere() {
    let (first, second, client, run) = waiting().await;
    first.kill().await;
    let killed = Instant::now();
    client.cancel(&run).await.expect(200);
    client.follow(&run).await;
    for child in children(&client, &run).await {
        let events = client.follow(&child).await;
        let cancelled = check_ended(&events, "run.cancelled");
        assert_eq!(cancelled.data["reason"], "parent_ended");
    }
    let took = killed.elapsed();
    assert!(took < TAKEN_OVER + ALL, "{took:?}");
    assert_eq!(second.data().live_runs().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_ends_elsewhere_and_wakes_its_parent() {
    // Only the second node works on what is created, and both on what is free.
    let (first, second, client, run) = waiting().await;
    first.terminate().await;
    let third = second.peer("third").await;
    let events = client.at(third.base()).follow(&run).await;
    check_ended(&events, "run.completed");
    assert_eq!(told(&events).len(), 5);
}
