//! What is taken away on one node ends on the other.

use std::time::{Duration, Instant};

use runloom_tests::{Client, MASTER_KEY, Setup, Store, script};
use serde_json::json;

use super::{colleague, id, user_id};

/// Until the credential is refused. Of what was asked later than is promised all must be.
async fn refused(client: &Client) {
    let begun = Instant::now();
    loop {
        let asked = begun.elapsed();
        if client.get("/v1/me").await.status == 401 {
            return;
        }
        assert!(asked < Duration::from_secs(2), "it works after {asked:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_a_member_end_on_every_node() {
    let first = Setup::new(Store::Postgres)
        .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let second = first.peer("second").await;
    let owner = first.client();
    let body = json!({ "name": "k", "scopes": ["runs.read"] });
    let key = owner.post("/v1/api-keys", &body).await.expect(201);
    let by_key = owner.with_token(&id(&key["key"])).at(second.base());
    let run = owner.run(&json!({})).await;
    let mut stream = by_key.events(&run, "").await;
    stream.until("message.delta").await;
    let eve = colleague(&owner, "eve", "member").await.at(second.base());
    let eves = user_id(&eve).await;

    let path = format!("/v1/api-keys/{}", id(&key["id"]));
    assert_eq!(owner.delete(&path).await.status, 204);
    let revoked = Instant::now();
    refused(&by_key).await;
    let path = format!("/v1/members/{eves}");
    assert_eq!(owner.delete(&path).await.status, 204);
    refused(&eve).await;
    // An open stream is looked at twice a minute, so this takes its time.
    if std::env::var_os("RUNLOOM_TEST_LONG").is_some() {
        let left = stream.rest();
        let ended = tokio::time::timeout(Duration::from_mins(1), left).await;
        assert!(ended.is_ok(), "{:?}", revoked.elapsed());
        assert_eq!(owner.status(&run).await, "running");
    }
}
