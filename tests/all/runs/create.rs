use runloom_tests::{PATIENCE, Setup, both_stores, script, text};
use serde_json::json;

both_stores! {
    async fn a_post_without_body_or_content_type_starts_a_run(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let answer = client.post_nothing(&format!("/v1/threads/{thread}/runs")).await;
        let trace = answer.header("x-trace-id").to_owned();
        let run = answer.expect(201);
        let fields: Vec<&String> = run.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["run_id", "trace_id"]);
        assert_eq!(run["trace_id"], trace.as_str());
        assert_eq!(trace.len(), 32);

        let run = run["run_id"].as_str().expect("an id");
        let events = client.follow(run).await;
        assert_eq!(events[0].kind, "run.started");
        let expected = json!({
            "run_id": run, "thread_id": thread, "route_id": "m", "persona_id": "assistant@1",
            "model": "m", "trace_id": trace,
        });
        assert_eq!(events[0].data, expected);
        assert_eq!(events.last().expect("events").kind, "run.completed");
    }

    async fn null_and_empty_mean_absent(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        for body in [
            json!({}),
            json!({ "route_id": null, "persona_id": null }),
            json!({ "persona_id": "" }),
        ] {
            let run = client.run(&body).await;
            let events = client.follow(&run).await;
            assert_eq!(events[0].data["persona_id"], "assistant@1", "{body}");
            assert_eq!(events[0].data["route_id"], "m", "{body}");
        }
    }

    async fn its_input_joins_the_thread_and_reaches_the_model(store: Store) {
        let echo = script([text("You said {last_user}.")]);
        let node = Setup::new(store).scripted("m", echo).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "good morning" })).await;
        let events = client.follow(&run).await;
        let last = events.last().expect("events");
        assert_eq!(last.data["output"], "You said good morning.");

        let messages = client.get(&format!("/v1/threads/{thread}/messages")).await.expect(200);
        let shown: Vec<_> = messages.as_array().expect("an array").iter()
            .map(|m| (m["role"].as_str(), m["content"].as_str(), m["run_id"].as_str()))
            .collect();
        assert_eq!(shown, [
            (Some("assistant"), Some("You said good morning."), Some(run.as_str())),
            (Some("user"), Some("good morning"), Some(run.as_str())),
        ]);
    }

    async fn it_is_in_the_log_before_the_answer(store: Store) {
        let node = Setup::new(store).scripted("m", script([json!(["hang"])])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let stopped = node.kill().await;
        let node = stopped.restart().await;
        let log = node.client().log(&run).await;
        assert_eq!((log[0].seq, log[0].kind.as_str()), (1, "run.started"));
    }

    async fn metadata_and_limits_are_taken(store: Store) {
        let turns = script([json!([{ "tool_call": {
            "name": "calculator", "arguments": { "expression": "1+1" } } }])]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let body = json!({ "metadata": { "ticket": 7 }, "limits": { "max_steps": 2 } });
        let run = client.run(&body).await;
        let events = client.follow(&run).await;
        let last = events.last().expect("events");
        assert_eq!(last.kind, "run.failed");
        assert_eq!(last.data["error_class"], "limits.max_steps");
        let calls = events.iter().filter(|e| e.kind == "step.completed").count();
        assert_eq!(calls, 2);
        let run = client.run_object(&run).await;
        assert_eq!(run["metadata"], json!({ "ticket": 7 }));
        assert_eq!(run["error"]["error_class"], "limits.max_steps");
    }

    async fn limits_above_the_personas_are_refused(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        for limits in [
            json!({ "max_steps": 33 }), json!({ "max_steps": 0 }), json!({ "max_steps": "3" }),
            json!({ "max_cost_usd": -1 }), json!({ "steps": 3 }),
        ] {
            let name = limits.as_object().and_then(|l| l.keys().next().cloned());
            let answer = client.post(&path, &json!({ "limits": limits })).await;
            let error = answer.expect_error(422, "validation.error");
            let field = format!("limits.{}", name.expect("a field"));
            assert!(error["details"][&field].is_string(), "{error}");
        }
        assert_eq!(client.get(&path).await.expect(200), json!([]));
    }

    async fn a_time_limit_ends_it(store: Store) {
        let node = Setup::new(store).scripted("m", script([json!(["hang"])])).start().await;
        let client = node.client();
        let run = client.run(&json!({ "limits": { "timeout_seconds": 1 } })).await;
        let begun = std::time::Instant::now();
        let events = client.follow(&run).await;
        assert!(begun.elapsed() < PATIENCE / 6);
        let last = events.last().expect("events");
        assert_eq!(last.kind, "run.failed");
        assert_eq!(last.data["error_class"], "limits.timeout");
    }
}
