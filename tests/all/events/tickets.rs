use runloom_tests::{Client, Frame, Setup, both_stores, script, soon, text};
use serde_json::json;

both_stores! {
    async fn a_ticket_opens_this_runs_stream_and_nothing_else(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let anonymous = Client::anonymous(node.base());
        let run = client.run(&json!({})).await;
        let other = client.run(&json!({})).await;
        let answer = client.post_nothing(&format!("/v1/runs/{run}/events:ticket")).await;
        let ticket = answer.expect(201);
        assert_eq!(ticket["expires_in"], 60);
        let ticket = ticket["ticket"].as_str().expect("a ticket");
        let query = format!("?ticket={ticket}");
        for _ in 0..2 {
            let events = anonymous.events(&run, &query).await.rest().await;
            assert_eq!(events.len(), 5, "it serves reconnects too");
        }
        let refused = anonymous.get(&format!("/v1/runs/{other}/events{query}")).await;
        refused.expect_error(401, "auth.unauthorized");
        let refused = anonymous.get(&format!("/v1/runs/{run}{query}")).await;
        refused.expect_error(401, "auth.unauthorized");
    }

    async fn a_stream_ends_with_its_key(store: Store) {
        let node = Setup::new(store).scripted("m", script([json!(["hang"])])).start().await;
        let owner = node.client();
        let run = owner.run(&json!({})).await;
        let body = json!({ "name": "watcher", "scopes": ["runs.read"] });
        let key = owner.post("/v1/api-keys", &body).await.expect(201);
        let watcher = Client::new(node.base(), key["key"].as_str().expect("a key"));
        let mut stream = watcher.events(&run, "").await;
        stream.until("step.started").await;
        let path = format!("/v1/api-keys/{}", key["id"].as_str().expect("an id"));
        assert_eq!(owner.delete(&path).await.status, 204);
        let mut last = None;
        while let Some(frame) = soon("the stream's end", stream.frame()).await {
            last = Some(frame);
        }
        assert!(matches!(last, Some(Frame::Retry(_))), "{last:?}");
        watcher.get(&format!("/v1/runs/{run}/events")).await
            .expect_error(401, "auth.unauthorized");
        assert_eq!(owner.status(&run).await, "running");
    }

    async fn keys_and_tokens_are_never_taken_from_a_url(store: Store) {
        let mut node = Setup::new(store).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let anonymous = Client::anonymous(node.base());
        let key = node.key().to_owned();
        for parameter in ["ticket", "access_token", "api_key", "token"] {
            let path = format!("/v1/runs/{run}/events?{parameter}={key}");
            anonymous.get(&path).await.expect_error(401, "auth.unauthorized");
        }
        client.get("/v1/me?canary=in-a-query").await;
        client.get("/v1/nowhere").await;
        node.logged("404").await;
        let log = node.log().join("\n");
        assert!(!log.contains(&key[12..]) && !log.contains("in-a-query"), "{log}");
    }
}
