use std::time::Duration;

use runloom_tests::{Client, Setup, SmallDisk, Store, check_ended, count, script};
use serde_json::json;

/// How long there is no room: with `RUNLOOM_TEST_LONG` longer than a node keeps its lease.
fn full_for() -> Duration {
    let long = std::env::var_os("RUNLOOM_TEST_LONG").is_some();
    Duration::from_secs(if long { 20 } else { 3 })
}

/// Creates threads until there is no room for one.
async fn fill_up(client: &Client) {
    for _ in 0..1_000 {
        let answer = client.post("/v1/threads", &json!({})).await;
        if answer.status != 201 {
            answer.expect_error(507, "service.storage_full");
            return;
        }
    }
    panic!("the disk is never full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_refused_reads_go_on_and_runs_wait_for_room() {
    let disk = SmallDisk::mount(16);
    let folder = disk.path().to_str().expect("UTF-8");
    let node = Setup::new(Store::Sqlite)
        .scripted("count", script([count(200, 20)]))
        .variable("RUNLOOM_DATA_DIR", folder)
        .start()
        .await;
    let client = node.client();
    let thread = client.thread().await;
    let run = client.run_in(&thread, &json!({})).await;
    let mut stream = client.events(&run, "").await;
    let mut seen = stream.until("message.delta").await;
    disk.fill();
    fill_up(&client).await;
    let stands_at = client.log(&run).await.len();
    client
        .get(&format!("/v1/threads/{thread}"))
        .await
        .expect(200);
    Client::anonymous(node.base())
        .get("/healthz")
        .await
        .expect(200);
    tokio::time::sleep(full_for()).await;
    assert_eq!(
        client.log(&run).await.len(),
        stands_at,
        "nothing can be kept"
    );
    assert_eq!(client.status(&run).await, "running");
    disk.free();
    seen.extend(stream.rest().await);
    check_ended(&seen, "run.completed");
    client.thread().await;
    node.kill().await;
}
