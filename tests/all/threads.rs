//! Threads.

use runloom_tests::{Setup, both_stores, script};
use serde_json::{Value, json};

both_stores! {
    async fn a_thread_is_made_read_changed_and_deleted(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let body = json!({ "title": "Plans", "metadata": { "a": [1, null] } });
        let thread = client.post("/v1/threads", &body).await.expect(201);
        let me = client.get("/v1/me").await.expect(200);
        assert_eq!(thread["org_id"], me["org_id"]);
        assert_eq!(thread["created_by_user_id"], me["user_id"]);
        assert_eq!((&thread["title"], &thread["active_run_id"]), (&json!("Plans"), &Value::Null));
        let path = format!("/v1/threads/{}", thread["id"].as_str().expect("an id"));
        assert_eq!(client.get(&path).await.expect(200), thread);
        let changed = client.patch(&path, &json!({ "title": null })).await.expect(200);
        assert_eq!(changed["title"], Value::Null);
        assert_eq!(client.patch(&path, &json!({})).await.expect(200), changed);
        let deleted = client.delete(&path).await;
        assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
        client.get(&path).await.expect_error(404, "threads.not_found");
        client.delete(&path).await.expect_error(404, "threads.not_found");
        client.post_nothing(&format!("{path}/runs")).await
            .expect_error(404, "threads.not_found");
        assert_eq!(client.get("/v1/threads").await.expect(200), json!([]));
    }

    async fn a_thread_needs_no_body(store: Store) {
        let node = Setup::new(store).start().await;
        node.client().post_nothing("/v1/threads").await.expect(201);
    }

    async fn deleting_a_thread_cancels_its_run(store: Store) {
        let node = Setup::new(store).scripted("m", script([json!(["hang"])])).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({})).await;
        assert_eq!(client.delete(&format!("/v1/threads/{thread}")).await.status, 204);
        let events = client.follow(&run).await;
        assert_eq!(events.last().expect("events").kind, "run.cancelled");
    }
}
