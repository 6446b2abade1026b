use std::sync::Arc;

use runloom_tests::{Answer, Client, Setup, both_stores, count, script, soon, xtask};
use serde_json::json;

/// Makes threads until one is refused with this status.
async fn refused(client: &Client, status: u16) -> Answer {
    soon("a refusal", async {
        loop {
            let answer = client.post("/v1/threads", &json!({})).await;
            if answer.status == status {
                return answer;
            }
            answer.expect(201);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await
}

both_stores! {
    async fn an_organisation_keeps_as_much_as_it_may(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([count(10, 1)]))
            .variable("RUNLOOM_THREADS_PER_ORG", "3")
            .start().await;
        let client = node.client();
        let thread = client.post_once("/v1/threads", "once", &json!({})).await.expect(201);
        let run = client.run(&json!({})).await;
        client.follow(&run).await;
        client.thread().await;
        let full = client.post("/v1/threads", &json!({})).await;
        let full = full.expect_error(429, "threads.limit_exceeded");
        assert_eq!(full["details"], json!({ "max_threads": 3 }));
        let again = client.post_once("/v1/threads", "once", &json!({})).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201), thread);
        let path = format!("/v1/threads/{}", thread["id"].as_str().expect("an id"));
        client.delete(&path).await.expect(204);
        let left = client.thread().await;
        client.stranger("somebody").await.thread().await;

        // An own limit takes the place of the settings', and what is kept is measured.
        let org = client.get("/v1/me").await.expect(200)["org_id"].clone();
        let org = org.as_str().expect("an id").to_owned();
        let data = Arc::clone(node.data());
        let stopped = node.terminate().await;
        let (option, place) = match data.database_url() {
            Some(url) => ("--database-url", url),
            None => ("--data-dir", data.folder().join("data").display().to_string()),
        };
        let arguments = ["limits", &org, "--threads", "0", "--bytes", "10", option, &place];
        xtask(&arguments).await.expect();
        let node = stopped.restart().await;
        let client = node.client();
        let full = refused(&client, 507).await.expect_error(507, "storage.limit_exceeded");
        assert_eq!(full["details"]["max_bytes"], 10);
        assert!(full["details"]["stored_bytes"].as_u64().expect("a number") > 100, "{full}");
        let path = format!("/v1/threads/{left}/runs");
        client.post(&path, &json!({})).await.expect_error(507, "storage.limit_exceeded");
        let path = format!("/v1/threads/{left}/messages");
        let message = json!({ "content": "more" });
        client.post(&path, &message).await.expect_error(507, "storage.limit_exceeded");
        client.log(&run).await;
        client.stranger("another").await.thread().await;
    }
}
