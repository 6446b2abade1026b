use runloom_tests::{Client, Setup, both_stores, kinds, script, text};
use serde_json::json;

async fn with_last_event_id(client: &Client, run: &str, query: &str, id: &str) -> Vec<u64> {
    let path = format!("/v1/runs/{run}/events{query}");
    let request = client.request(reqwest::Method::GET, &path);
    let mut stream = runloom_tests::EventStream::open(request.header("Last-Event-ID", id)).await;
    let events = stream.rest().await;
    events.iter().map(|event| event.seq).collect()
}

both_stores! {
    async fn the_larger_cursor_counts(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        assert_eq!(client.follow(&run).await.len(), 5);
        assert_eq!(with_last_event_id(&client, &run, "", "3").await, [4, 5]);
        assert_eq!(with_last_event_id(&client, &run, "?after_seq=4", "3").await, [5]);
        assert_eq!(with_last_event_id(&client, &run, "?after_seq=1", "3").await, [4, 5]);
        assert_eq!(with_last_event_id(&client, &run, "?after_seq=0", "0").await.len(), 5);
    }

    async fn at_the_end_of_a_finished_run_there_is_nothing_more(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.follow(&run).await;
        let path = format!("/v1/runs/{run}/events?after_seq=5");
        let followed = client.get(&path).await;
        assert_eq!((followed.status, followed.body.as_str()), (204, ""));
        let replayed = client.get(&format!("{path}&follow=0")).await;
        assert_eq!(replayed.status, 200);
        assert_eq!(replayed.header("content-type"), "text/event-stream");
        assert!(!replayed.body.contains("data:"), "{}", replayed.body);
        let request = client.request(reqwest::Method::GET, &format!("/v1/runs/{run}/events"));
        assert_eq!(client.send(request.header("Last-Event-ID", "5")).await.status, 204);
    }

    async fn a_cursor_beyond_the_log_is_refused(store: Store) {
        let hold = script([json!([{ "text": "a" }, { "delay_ms": 60_000 }])]);
        let node = Setup::new(store)
            .scripted("m", script([text("hi")]))
            .scripted("held", hold)
            .start().await;
        let client = node.client();
        let done = client.run(&json!({})).await;
        client.follow(&done).await;
        let live = client.run(&json!({ "route_id": "held" })).await;
        let seen = client.events(&live, "").await.until("message.delta").await;
        assert_eq!(kinds(&seen), ["run.started", "step.started", "message.delta"]);
        for (run, ahead) in [(&done, 6), (&done, i64::MAX), (&live, 4), (&live, i64::MAX)] {
            for follow in ["", "&follow=0"] {
                let path = format!("/v1/runs/{run}/events?after_seq={ahead}{follow}");
                client.get(&path).await.expect_error(409, "runs.cursor_ahead");
            }
        }
    }

    async fn what_is_no_cursor_is_refused(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let path = format!("/v1/runs/{run}/events");
        for bad in ["-1", "1e3", "1.0", "x", "", "9223372036854775808", "%2B1"] {
            let answer = client.get(&format!("{path}?after_seq={bad}")).await;
            let error = answer.expect_error(422, "validation.error");
            assert!(error["details"]["after_seq"].is_string(), "{error}");
            let request = client.request(reqwest::Method::GET, &path);
            let bad = bad.replace("%2B", "+");
            client.send(request.header("Last-Event-ID", bad)).await
                .expect_error(422, "validation.error");
        }
        let nowhere = "/v1/runs/0190c9d6-1b6f-7d4e-8f00-000000000000/events";
        client.get(nowhere).await.expect_error(404, "runs.not_found");
    }
}
