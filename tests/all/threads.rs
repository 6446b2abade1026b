//! Threads.

use runloom_tests::{Setup, both_stores, call, check_ended, kinds, script};
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

    async fn a_thread_has_exactly_these_fields(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let metadata = json!({ "b": 1, "a": [1.50, null, "ü"] });
        let body = json!({ "title": "t", "metadata": metadata });
        let thread = client.post("/v1/threads", &body).await.expect(201);
        let fields = ["active_run_id", "created_at", "created_by_user_id", "id", "org_id", "title"];
        let mut named: Vec<&String> = thread.as_object().expect("an object").keys().collect();
        named.sort_unstable();
        assert_eq!(named, fields);
        let path = format!("/v1/threads/{}", thread["id"].as_str().expect("an id"));
        assert_eq!(client.get(&path).await.expect(200), thread);
        assert_eq!(client.get("/v1/threads").await.expect(200), json!([thread]));
        let whole = client.get(&format!("{path}?include=metadata")).await.expect(200);
        assert_eq!(whole["metadata"], metadata);
        client.get(&format!("{path}?include=runs")).await.expect_error(422, "validation.error");
        let changed = client.patch(&path, &json!({ "metadata": null })).await.expect(200);
        assert_eq!(changed, thread);
        let whole = client.get(&format!("{path}?include=metadata")).await.expect(200);
        assert_eq!((&whole["metadata"], &whole["title"]), (&Value::Null, &json!("t")));
    }

    async fn titles_and_metadata_have_a_length(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let metadata = |bytes: usize| json!({ "a": "x".repeat(bytes - r#"{"a":""}"#.len()) });
        let fits = json!({ "title": "ü".repeat(200), "metadata": metadata(16_384) });
        let thread = client.post("/v1/threads", &fits).await.expect(201);
        let path = format!("/v1/threads/{}", thread["id"].as_str().expect("an id"));
        for (field, value) in [
            ("title", json!("ü".repeat(201))),
            ("metadata", metadata(16_385)),
        ] {
            let body = json!({ field: value });
            for answer in [client.post("/v1/threads", &body).await, client.patch(&path, &body).await] {
                let error = answer.expect_error(422, "validation.error");
                assert!(error["details"][field].is_string(), "{error}");
            }
        }
        let runs = format!("{path}/runs");
        let too_long = json!({ "metadata": metadata(16_385) });
        client.post(&runs, &too_long).await.expect_error(422, "validation.error");
        client.post(&runs, &json!({ "metadata": metadata(16_384) })).await.expect(201);
    }

    async fn deleting_a_thread_starts_none_of_its_waiting_runs(store: Store) {
        let node = Setup::new(store).scripted("m", script([json!([{ "text": "a" }, "hang"])]))
            .start().await;
        let client = node.client();
        let thread = client.thread().await;
        let live = client.run_in(&thread, &json!({})).await;
        let mut queued = Vec::new();
        for _ in 0..4 {
            queued.push(client.run_in(&thread, &json!({ "on_busy": "enqueue" })).await);
        }
        client.events(&live, "").await.until("message.delta").await;
        assert_eq!(client.delete(&format!("/v1/threads/{thread}")).await.status, 204);
        check_ended(&client.follow(&live).await, "run.cancelled");
        for run in queued {
            let events = client.follow(&run).await;
            assert_eq!(kinds(&events), ["run.queued", "run.cancel_requested", "run.cancelled"]);
        }
        let runs = format!("/v1/threads/{thread}/runs");
        client.get(&runs).await.expect_error(404, "threads.not_found");
    }

    async fn a_run_that_waits_for_a_person_ends_with_its_thread(store: Store) {
        let question = call("ask_user", json!({ "question": "?" }));
        let node = Setup::new(store).scripted("m", script([question])).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({})).await;
        client.events(&run, "").await.until("run.waiting_for_input").await;
        assert_eq!(client.delete(&format!("/v1/threads/{thread}")).await.status, 204);
        assert_eq!(client.status(&run).await, "cancelled");
    }
}
