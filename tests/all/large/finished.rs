use std::sync::Arc;

use runloom_tests::{Fill, Setup, Store, script, text};
use serde_json::json;

use super::org;

/// Runs that have ended.
const FINISHED: u32 = 20_000;
/// How often each request is made.
const ROUNDS: usize = 20;
/// Rows of a table that this may read: a page of fifty for each list, and some more for each run.
/// If only one of the requests read all runs, it would be twenty times as many.
const MAY_READ: i64 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_reads_all_runs_that_have_ended() {
    let node = Setup::new(Store::Postgres)
        .scripted("m", script([text("hi")]))
        .start()
        .await;
    let client = node.client();
    let thread = client.thread().await;
    let run = client.run_in(&thread, &json!({ "input": "hello" })).await;
    client.follow(&run).await;
    let (org, data) = (org(&client).await, Arc::clone(node.data()));
    let stopped = node.terminate().await;
    let pattern = (org.as_str(), thread.as_str(), run.as_str());
    data.fill(pattern, Fill::Finished { count: FINISHED }).await;
    data.forget_reads().await;

    let node = stopped.restart().await;
    let client = node.client();
    for round in 0..ROUNDS {
        let key = format!("round-{round}");
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/runs");
        let run = client
            .post_once(&path, &key, &json!({ "input": "hello" }))
            .await
            .expect(201);
        client.follow(run["run_id"].as_str().expect("an id")).await;
        for list in [
            "/v1/runs",
            "/v1/runs?status=running",
            "/v1/runs?status=queued,waiting_for_input,cancelled",
            "/v1/runs?status=failed,cancelled",
            "/v1/runs?status=completed",
            "/v1/threads",
            &path,
            &format!("/v1/threads/{thread}/messages"),
        ] {
            client.get(list).await.expect(200);
        }
    }
    let failed = client
        .get("/v1/runs?status=failed&limit=200")
        .await
        .expect(200);
    assert_eq!(
        failed.as_array().map(Vec::len),
        Some(FINISHED as usize / 1_000)
    );
    node.terminate().await;

    let reads = data.reads().await;
    assert!(reads["runs"] > 0, "{reads:?}");
    let too_many: Vec<_> = reads.iter().filter(|(_, rows)| **rows > MAY_READ).collect();
    assert!(too_many.is_empty(), "{too_many:?}");
}
