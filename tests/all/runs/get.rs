use runloom_tests::{Setup, both_stores, call, script, text};
use serde_json::{Value, json};

both_stores! {
    async fn a_run_shows_exactly_the_given_fields(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/runs");
        let created = client.post(&path, &json!({})).await.expect(201);
        let run = created["run_id"].as_str().expect("an id");
        client.follow(run).await;
        let me = client.get("/v1/me").await.expect(200);
        let shown = client.get(&format!("/v1/runs/{run}")).await.expect(200);
        let expected = json!({
            "run_id": run, "org_id": me["org_id"], "thread_id": thread,
            "created_by_user_id": me["user_id"], "status": "completed",
            "created_at": shown["created_at"], "trace_id": created["trace_id"],
        });
        assert_eq!(shown, expected);
        let created_at = shown["created_at"].as_str().expect("a time");
        assert_eq!((created_at.len(), &created_at[23..]), (24, "Z"), "{created_at}");
    }

    async fn more_is_shown_when_asked_for(store: Store) {
        let turns = script([call("ask_user", json!({ "question": "Which one?" })), text("ok")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("run.waiting_for_input").await;
        let shown = client.run_object(&run).await;
        assert_eq!(shown["status"], "waiting_for_input");
        assert_eq!(shown["metadata"], Value::Null);
        assert_eq!(shown["error"], Value::Null);
        assert_eq!(shown["requests"][0]["kind"], "question");
        assert_eq!(shown["requests"][0]["prompt"], "Which one?");
        assert_eq!(shown["totals"]["credits_used"], Value::Null);
        assert_eq!(shown["totals"]["duration_ms"], Value::Null);
        let only = client.get(&format!("/v1/runs/{run}?include=totals")).await.expect(200);
        assert!(only.get("totals").is_some() && only.get("requests").is_none());
        client.get(&format!("/v1/runs/{run}?include=prompt")).await
            .expect_error(422, "validation.error");
    }

    async fn a_run_keeps_the_trace_of_the_request_that_made_it(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let with_trace = || {
            client.request(reqwest::Method::POST, &path)
                .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
        };
        let untrusted = client.send(with_trace()).await.expect(201);
        assert_ne!(untrusted["trace_id"], trace);

        let trusting = Setup::new(store).variable("RUNLOOM_TRUST_TRACEPARENT", "1").start().await;
        let client = trusting.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let request = client.request(reqwest::Method::POST, &path)
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        let run = client.send(request).await.expect(201);
        assert_eq!(run["trace_id"], trace);
        let run = run["run_id"].as_str().expect("an id");
        assert_eq!(client.get(&format!("/v1/runs/{run}")).await.expect(200)["trace_id"], trace);
        assert_eq!(client.follow(run).await[0].data["trace_id"], trace);
    }
}
