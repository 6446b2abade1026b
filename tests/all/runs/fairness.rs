//! One organisation's many runs don't keep another's first from starting.

use runloom_tests::{
    Client, MASTER_KEY, Node, Setup, Store, both_stores, check_ended, count, script,
};
use serde_json::json;

/// A node that works on two short runs at a time.
async fn narrow(store: Store) -> Node {
    Setup::new(store)
        .scripted("short", script([count(5, 40)]))
        .variable("RUNLOOM_MAX_RUNS", "2")
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await
}

/// Sixty runs of one organisation are there before the first one of another, which ends when
/// most of the sixty have yet to.
async fn goes_before_a_backlog(busy: &Client, ada: &Client) {
    let mut backlog = Vec::new();
    for _ in 0..60 {
        backlog.push(busy.run(&json!({})).await);
    }
    let run = ada.run(&json!({})).await;
    ada.events(&run, "").await.until("run.completed").await;
    let mut ended = 0;
    for run in &backlog {
        ended += usize::from(busy.status(run).await == "completed");
    }
    assert!(ended < 50, "{ended} of {} went before", backlog.len());
    for run in &backlog {
        busy.events(run, "").await.until("run.completed").await;
    }
    check_ended(&busy.log(&backlog[0]).await, "run.completed");
}

both_stores! {
    async fn an_organisation_does_not_wait_for_anothers_backlog(store: Store) {
        let node = narrow(store).await;
        let ada = node.client().stranger("ada").await;
        goes_before_a_backlog(&node.client(), &ada).await;
    }
}

/// The backlog is made on one node, the other organisation's run on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_for_one_that_another_node_was_given() {
    let first = narrow(Store::Postgres).await;
    let second = first.peer("second").await;
    let ada = first.client().stranger("ada").await;
    goes_before_a_backlog(&first.client(), &ada.at(second.base())).await;
}
