use std::time::Duration;

use runloom_tests::{Client, FailingFlushes, Setup, Store, check_ended, count, script};
use serde_json::{Value, json};

async fn titles(client: &Client) -> Vec<Value> {
    let threads = client.get("/v1/threads").await.expect(200);
    let threads = threads.as_array().expect("a list").iter();
    threads.map(|thread| thread["title"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_flushed_is_not_answered_and_runs_go_on_after() {
    let node = Setup::new(Store::Sqlite)
        .scripted("count", script([count(100, 20)]))
        .start()
        .await;
    let client = node.client();
    let run = client.run(&json!({})).await;
    let mut stream = client.events(&run, "").await;
    let mut seen = stream.until("message.delta").await;

    let failing = FailingFlushes::of(node.pid()).await;
    let refused = client
        .post("/v1/threads", &json!({ "title": "lost" }))
        .await;
    refused.expect_error(503, "service.database_unavailable");
    tokio::time::sleep(Duration::from_secs(1)).await;
    failing.end().await;

    client
        .post("/v1/threads", &json!({ "title": "kept" }))
        .await
        .expect(201);
    seen.extend(stream.rest().await);
    check_ended(&seen, "run.completed");
    // What was refused is not there now, and not after a crash.
    let before = titles(&client).await;
    assert!(
        before.contains(&json!("kept")) && !before.contains(&json!("lost")),
        "{before:?}"
    );
    let node = node.kill().await.restart().await;
    assert_eq!(titles(&node.client()).await, before);
    assert_eq!(node.client().log(&run).await.len(), seen.len());
}
