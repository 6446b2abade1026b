//! Events of types that a later version writes are streamed and replayed as they are, and left
//! aside when a run is rebuilt.

use std::time::Duration;

use runloom_tests::{
    Client, Event, EventStream, Node, Setup, Store, call, check_ended, count, script, text,
};
use serde_json::json;

/// What the later version writes; the order of its keys and its spaces are not ours.
const DATA: &str = r#"{"z": 1, "a": [ "\u00e9" ], "at": null}"#;

async fn node() -> Node {
    let question = call("ask_user", json!({ "question": "?" }));
    Setup::new(Store::Postgres)
        .scripted("count", script([count(60, 50)]))
        .scripted("ask", script([question, text("You said {last_tool}.")]))
        .start()
        .await
}

/// Writes the event as an intent would, whoever works on the run.
async fn write(node: &Node, run: &str) {
    let session = node.data().session().await;
    let write = format!(
        "WITH moved AS (UPDATE run_heads SET last_seq = last_seq + 1 WHERE run_id = '{run}'
            RETURNING org_id, run_id, last_seq)
        INSERT INTO events (org_id, run_id, seq, type, data, private, created_at)
        SELECT org_id, run_id, last_seq, 'run.of_a_later_version', '{DATA}',
            '{{\"kind\": \"of_a_later_version\", \"x\": {{}}}}', now() FROM moved"
    );
    let written = session.execute(&write, &[]).await;
    assert_eq!(written.expect("the event is written"), 1);
}

/// Checks that the stream's events are the log's, with one of the later version among them.
async fn check(client: &Client, run: &str, seen: &[Event]) {
    let log = client.log(run).await;
    assert_eq!(seen, log);
    let unknown: Vec<_> = log
        .iter()
        .filter(|event| event.kind == "run.of_a_later_version")
        .collect();
    assert_eq!(unknown.len(), 1, "{log:#?}");
    assert_eq!(unknown[0].data, json!({ "z": 1, "a": ["é"], "at": null }));
    let mut replay = client.events(run, "?follow=0").await;
    assert!(raw(&mut replay).await.contains(DATA), "byte for byte");
}

async fn raw(stream: &mut EventStream) -> String {
    let mut all = String::new();
    while let Some(frame) = stream.frame().await {
        if let runloom_tests::Frame::Event { raw, .. } = frame {
            all.push_str(&raw);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_at_work_goes_on_around_it() {
    let node = node().await;
    let client = node.client();
    let run = client.run(&json!({})).await;
    let mut stream = client.events(&run, "").await;
    let mut seen = stream.until("message.delta").await;
    write(&node, &run).await;
    seen.extend(stream.rest().await);
    check_ended(&seen, "run.completed");
    check(&client, &run, &seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_waits_is_followed_past_it_and_goes_on() {
    let node = node().await;
    let client = node.client();
    let run = client.run(&json!({ "route_id": "ask" })).await;
    let mut stream = client.events(&run, "").await;
    let mut seen = stream.until("run.waiting_for_input").await;
    write(&node, &run).await;
    let answer = json!({ "content": "yes" });
    client.input(&run, &answer).await.expect(200);
    seen.extend(stream.rest().await);
    let last = check_ended(&seen, "run.completed");
    assert_eq!(last.data["output"], "You said yes.");
    check(&client, &run, &seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_rebuilt_around_it() {
    let node = node().await;
    let client = node.client();
    let run = client.run(&json!({})).await;
    client.events(&run, "").await.until("message.delta").await;
    write(&node, &run).await;
    let node = node.kill().await.restart().await;
    let client = client.at(node.base());
    let seen = tokio::time::timeout(Duration::from_mins(1), client.follow(&run)).await;
    let seen = seen.expect("it goes on");
    check_ended(&seen, "run.completed");
    assert!(seen.iter().any(|event| event.kind == "run.resumed"));
    check(&client, &run, &seen).await;
}
