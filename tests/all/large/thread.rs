use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, Fill, Node, Setup, both_stores, check_ended};
use serde_json::{Value, json};

use super::{grown_less, org, within};

const MESSAGES: usize = 100_000;

/// A thread with a run and many messages, on a server that shows a model 100 of them.
async fn crowded(setup: Setup) -> (Node, Client, String) {
    let node = setup.variable("RUNLOOM_MAX_HISTORY", "100").start().await;
    let client = node.client();
    let thread = client.thread().await;
    let run = client.run_in(&thread, &json!({ "input": "first" })).await;
    client.follow(&run).await;
    let org = org(&client).await;
    let data = Arc::clone(node.data());
    let stopped = node.terminate().await;
    let count = u32::try_from(MESSAGES).expect("a few");
    data.fill((&org, &thread, &run), Fill::Messages { count })
        .await;
    let node = stopped.restart().await;
    let client = node.client();
    (node, client, thread)
}

/// All messages of a thread, newest first, in pages of 200.
async fn all_contents(client: &Client, thread: &str) -> Vec<String> {
    let mut contents = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/v1/threads/{thread}/messages?limit=200{before}");
        let page = client.get(&path).await;
        let cursor = page.header("x-next-cursor").to_owned();
        let page = page.expect(200);
        let text = |message: &Value| message["content"].as_str().expect("a text").to_owned();
        contents.extend(page.as_array().expect("a page").iter().map(text));
        if cursor.is_empty() {
            return contents;
        }
        before = format!("&before={cursor}");
    }
}

both_stores! {
    async fn a_thread_of_100_000_messages_takes_a_run(store: Store) {
        let provider = Provider::start([Reply::text("hi")]).await;
        let (node, client, thread) = crowded(Setup::new(store).provider(&provider)).await;
        let before = node.resident_bytes();
        let begin = Instant::now();
        let run = client.run_in(&thread, &json!({ "input": "last" })).await;
        within(begin, Duration::from_secs(1), "creating a run");
        check_ended(&client.follow(&run).await, "run.completed");
        within(begin, Duration::from_secs(5), "the run");
        grown_less(&node, before, 32, "a run in a large thread");
        let sent = provider.request(2).await;
        let sent = sent.body["messages"].as_array().expect("messages");
        assert_eq!(sent.len(), 1 + 100, "the prompt and the newest messages");
        assert_eq!(sent[100]["content"], "last");
        // After "first" and "hi" stand those that were filled in.
        assert_eq!(sent[99]["content"], format!("message {}", MESSAGES + 2));
    }

    async fn a_thread_of_100_000_messages_is_read_page_by_page(store: Store) {
        let provider = Provider::start([Reply::text("hi")]).await;
        let (node, client, thread) = crowded(Setup::new(store).provider(&provider)).await;
        let before = node.resident_bytes();
        let contents = all_contents(&client, &thread).await;
        grown_less(&node, before, 32, "reading a large thread");
        let filled = (3..=MESSAGES + 2).rev().map(|n| format!("message {n}"));
        let expected: Vec<String> = filled.chain(["hi".to_owned(), "first".to_owned()]).collect();
        assert_eq!(contents.len(), expected.len());
        assert!(contents == expected, "each once, newest first");
        let begin = Instant::now();
        let newest = client.get(&format!("/v1/threads/{thread}/messages?limit=1")).await;
        within(begin, Duration::from_secs(1), "the newest message");
        assert_eq!(newest.expect(200)[0]["content"], contents[0].as_str());
    }
}
