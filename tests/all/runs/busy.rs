use runloom_tests::{Setup, both_stores, count, script, text};
use serde_json::{Value, json};

fn setup(store: runloom_tests::Store) -> Setup {
    Setup::new(store)
        .scripted("quick", script([text("done")]))
        .scripted(
            "held",
            script([json!([{ "text": "a" }, { "delay_ms": 60_000 }])]),
        )
        .scripted("slow", script([count(10, 50)]))
}

both_stores! {
    async fn a_second_run_is_refused_and_told_of_the_first(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({ "route_id": "held" })).await;
        let path = format!("/v1/threads/{thread}/runs");
        for body in [json!({}), json!({ "on_busy": "reject" })] {
            let error = client.post(&path, &body).await.expect_error(409, "runs.thread_busy");
            assert_eq!(error["details"], json!({ "run_id": first }));
        }
        let shown = client.get(&format!("/v1/threads/{thread}")).await.expect(200);
        assert_eq!(shown["active_run_id"], first.as_str());
        client.cancel(&first).await.expect(200);
        client.follow(&first).await;
        let shown = client.get(&format!("/v1/threads/{thread}")).await.expect(200);
        assert_eq!(shown["active_run_id"], Value::Null);
        client.run_in(&thread, &json!({})).await;
    }

    async fn enqueued_runs_start_in_order(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({ "route_id": "slow" })).await;
        let mut behind = vec![first];
        for _ in 0..3 {
            let run = client.run_in(&thread, &json!({ "on_busy": "enqueue" })).await;
            behind.push(run);
        }
        assert_eq!(client.status(&behind[2]).await, "queued");
        let mut ends: Vec<String> = Vec::new();
        for pair in behind.windows(2) {
            let events = client.follow(&pair[1]).await;
            assert_eq!(events[0].kind, "run.queued");
            assert_eq!((events[0].seq, &events[0].data["behind_run_id"]), (1, &json!(pair[0])));
            assert_eq!(events[1].kind, "run.started");
            assert_eq!(events.last().expect("events").kind, "run.completed");
            let before = client.log(&pair[0]).await;
            assert!(before.last().expect("events").created_at <= events[1].created_at);
            ends.push(events[1].created_at.clone());
        }
        assert!(ends.is_sorted());
    }

    async fn a_thread_holds_ten_waiting_runs(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        client.run_in(&thread, &json!({ "route_id": "held" })).await;
        for _ in 0..10 {
            client.run_in(&thread, &json!({ "on_busy": "enqueue" })).await;
        }
        let path = format!("/v1/threads/{thread}/runs");
        let answer = client.post(&path, &json!({ "on_busy": "enqueue" })).await;
        assert!(!answer.header("retry-after").is_empty());
        answer.expect_error(429, "runs.queue_full");
    }

    async fn an_interrupt_cancels_the_live_run_and_follows_it(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({ "route_id": "held" })).await;
        client.events(&first, "").await.until("message.delta").await;
        let second = client.run_in(&thread, &json!({ "on_busy": "interrupt" })).await;
        let cancelled = client.follow(&first).await;
        assert_eq!(cancelled.last().expect("events").kind, "run.cancelled");
        let events = client.follow(&second).await;
        assert_eq!(events[0].kind, "run.queued");
        assert_eq!(events.last().expect("events").kind, "run.completed");
    }

    async fn an_organisation_may_have_so_many_live_runs(store: Store) {
        let node = setup(store).variable("RUNLOOM_MAX_LIVE_RUNS_PER_ORG", "2").start().await;
        let client = node.client();
        let held = json!({ "route_id": "held" });
        let first = client.run(&held).await;
        client.run(&held).await;
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let answer = client.post(&path, &held).await;
        assert!(!answer.header("retry-after").is_empty());
        answer.expect_error(429, "runs.limit_exceeded");
        let other = client.stranger("somebody").await;
        other.run(&held).await;
        client.cancel(&first).await.expect(200);
        client.follow(&first).await;
        client.post(&path, &held).await.expect(201);
    }

    async fn in_an_idle_thread_nothing_waits(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        for on_busy in ["enqueue", "interrupt"] {
            let run = client.run(&json!({ "on_busy": on_busy, "route_id": "held" })).await;
            assert_eq!(client.status(&run).await, "running", "{on_busy}");
            let seen = client.events(&run, "").await.until("message.delta").await;
            assert_eq!((seen[0].seq, seen[0].kind.as_str()), (1, "run.started"));
        }
    }
}
