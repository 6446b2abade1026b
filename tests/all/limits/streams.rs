use reqwest::Method;
use runloom_tests::{Answer, Client, EventStream, Setup, both_stores, script, soon};
use serde_json::json;

async fn refused(client: &Client, run: &str) -> Answer {
    let path = format!("/v1/runs/{run}/events");
    client.send(client.request(Method::GET, &path)).await
}

/// Opens a stream as soon as there is a place for it.
async fn opened_again(client: &Client, run: &str) -> EventStream {
    let path = format!("/v1/runs/{run}/events");
    soon("a free place", async {
        loop {
            let request = client.request(Method::GET, &path);
            if let Some(stream) = EventStream::try_open(request).await {
                return stream;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

both_stores! {
    async fn open_streams_and_live_runs_are_limited_by_caller(store: Store) {
        let held = script([json!([{ "text": "a" }, { "delay_ms": 60_000 }])]);
        let node = Setup::new(store)
            .scripted("held", held)
            .variable("RUNLOOM_STREAMS_PER_CALLER", "2")
            .variable("RUNLOOM_STREAMS_PER_ORG", "3")
            .variable("RUNLOOM_MAX_LIVE_RUNS_PER_KEY", "1")
            .variable("RUNLOOM_MAX_LIVE_RUNS_PER_USER", "2")
            .start().await;
        let client = node.client();
        let body = json!({ "name": "other", "scopes": ["runs.read", "runs.write", "threads.write"] });
        let key = client.post("/v1/api-keys", &body).await.expect(201)["key"].clone();
        let other = client.with_token(key.as_str().expect("a key"));
        let key = client.post("/v1/api-keys", &body).await.expect(201)["key"].clone();
        let third = client.with_token(key.as_str().expect("a key"));

        let run = client.run(&json!({})).await;
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let full = client.post(&path, &json!({})).await;
        assert!(!full.header("retry-after").is_empty());
        let full = full.expect_error(429, "runs.limit_exceeded");
        assert!(full["message"].as_str().expect("a text").contains("key"), "{full}");
        other.run(&json!({})).await;
        let full = third.post(&path, &json!({})).await.expect_error(429, "runs.limit_exceeded");
        assert!(full["message"].as_str().expect("a text").starts_with("you have"), "{full}");
        client.stranger("somebody").await.run(&json!({})).await;

        let first = client.events(&run, "").await;
        let _second = client.events(&run, "").await;
        let full = refused(&client, &run).await;
        assert_eq!(full.header("retry-after"), "5");
        full.expect_error(429, "service.too_many_streams");
        let _third = other.events(&run, "").await;
        let full = refused(&third, &run).await.expect_error(429, "service.too_many_streams");
        assert!(full["message"].as_str().expect("a text").contains("organisation"), "{full}");
        drop(first);
        opened_again(&client, &run).await;
        // The stream above has been closed again, too.
        opened_again(&third, &run).await;
    }
}
