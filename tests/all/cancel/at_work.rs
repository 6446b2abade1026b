use std::time::{Duration, Instant};

use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Setup, both_stores, call, check_ended, kinds, script, text};
use serde_json::json;

use super::{SOON, cancelled};

const TOOLS: &str = r#"
[[personas]]
key = "worker"
prompt = "Work."
tools = ["sleep", "block", "effect_once", "calculator"]
"#;

both_stores! {
    async fn during_a_stream_of_deltas(store: Store) {
        let endless = Reply::Stream(vec![
            Piece::Text("some text ".to_owned()), Piece::Text("and more".to_owned()), Piece::Hang,
        ]);
        let provider = Provider::start([
            Reply::call("calculator", &json!({ "expression": "1" })), endless,
        ]).await;
        let node = Setup::new(store)
            .provider(&provider)
            .start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        let mut stream = client.events(&run, "").await;
        stream.until("step.completed").await;
        stream.until("message.delta").await;
        let events = cancelled(&client, &run).await;
        provider.hung_up(1).await;

        // What was reported is kept, and what was cut is estimated.
        let reported = events.iter().find(|e| e.kind == "step.completed").expect("a step");
        assert_eq!(reported.data["usage"]["source"], "reported");
        let totals = &events.last().expect("events").data["totals"];
        let output = totals["total_output_tokens"].as_u64().expect("a number");
        assert!(output > 7 && output <= 7 + 5, "{totals}");
        assert!(totals["total_input_tokens"].as_u64() > Some(12), "{totals}");
        assert!(totals["credits_used"].as_u64() > Some(0), "{totals}");
        let shown = client.run_object(&run).await;
        assert_eq!(shown["totals"]["total_output_tokens"], output);
    }

    async fn before_the_first_byte(store: Store) {
        let provider = Provider::start([Reply::Silence]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        provider.request(1).await;
        cancelled(&client, &run).await;
        provider.hung_up(1).await;
        assert_eq!(provider.requests().len(), 1);
    }

    async fn during_a_back_off(store: Store) {
        let busy = Reply::status(429).with_header("Retry-After", "3");
        let provider = Provider::start([busy]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "hello" })).await;
        client.events(&run, "").await.until("step.retried").await;
        cancelled(&client, &run).await;
        assert_eq!(provider.requests().len(), 1);
    }

    async fn during_a_sleeping_tool(store: Store) {
        let turns = script([call("sleep", json!({ "seconds": 60 })), text("awake")]);
        let node = Setup::new(store).scripted("m", turns).toml(TOOLS).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("tool.started").await;
        let events = cancelled(&client, &run).await;
        let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
        assert_eq!(result.data["error"]["error_class"], "tool.cancelled");
    }

    async fn during_a_tool_that_does_not_let_go(store: Store) {
        let turns = script([call("block", json!({ "millis": 6_000 })), text("over")]);
        let node = Setup::new(store).scripted("m", turns).toml(TOOLS).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        stream.until("tool.started").await;
        let asked = Instant::now();
        client.cancel(&run).await.expect(200);
        assert_eq!(client.status(&run).await, "cancelling");
        let requested = stream.until("run.cancel_requested").await;
        assert!(asked.elapsed() < Duration::from_secs(1), "{requested:?}");
        client.cancel(&run).await.expect(200);
        client.input(&run, &json!({ "content": "x" })).await
            .expect_error(409, "runs.not_active");
        stream.rest().await;
        let took = asked.elapsed();
        assert!(took > SOON && took < Duration::from_secs(6), "{took:?}");
        let events = client.log(&run).await;
        check_ended(&events, "run.cancelled");
        let tail = kinds(&events).split_off(events.len() - 3);
        assert_eq!(tail, ["run.cancel_requested", "tool.result", "run.cancelled"]);
        let result = &events[events.len() - 2].data;
        assert_eq!(result["error"]["error_class"], "tool.cancelled");
    }

    async fn during_a_tool_that_must_not_happen_twice(store: Store) {
        let turns = script([call("effect_once", json!({ "after_ms": 60_000 })), text("done")]);
        let node = Setup::new(store).scripted("m", turns).toml(TOOLS).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("tool.started").await;
        let events = cancelled(&client, &run).await;
        let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
        assert_eq!(result.data["error"]["error_class"], "tool.outcome_unknown");
    }

    async fn calls_that_had_not_started_have_results_too(store: Store) {
        let turn = json!([
            { "tool_call": { "name": "sleep", "arguments": { "seconds": 60 } } },
            { "tool_call": { "name": "sleep", "arguments": { "seconds": 60 } } },
            { "tool_call": { "name": "calculator", "arguments": { "expression": "1" } } },
        ]);
        let node = Setup::new(store).scripted("m", script([turn])).toml(TOOLS).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("tool.started").await;
        let events = cancelled(&client, &run).await;
        let results = kinds(&events).iter().filter(|kind| **kind == "tool.result").count();
        assert_eq!(results, 3);
    }

    async fn the_history_stays_well_formed_for_the_next_run(store: Store) {
        let provider = Provider::start([
            Reply::call("sleep", &json!({ "seconds": 60 })), Reply::text("hello again"),
        ]).await;
        let node = Setup::new(store).provider(&provider).toml(TOOLS).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "sleep" })).await;
        client.events(&run, "").await.until("tool.started").await;
        cancelled(&client, &run).await;
        let next = client.run_in(&thread, &json!({ "input": "and now?" })).await;
        client.follow(&next).await;
        let sent = provider.request(2).await;
        let messages = sent.body["messages"].as_array().expect("messages").clone();
        let roles: Vec<_> = messages.iter().map(|m| m["role"].as_str().unwrap_or("")).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
        assert_eq!(messages[2]["tool_calls"][0]["id"], messages[3]["tool_call_id"]);
    }

    async fn a_stop_of_the_server_does_not_undo_it(store: Store) {
        let turns = script([call("sleep", json!({ "seconds": 60 })), text("awake")]);
        let node = Setup::new(store).scripted("m", turns).toml(TOOLS).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("tool.started").await;
        client.cancel(&run).await.expect(200);
        let node = node.kill().await.restart().await;
        let events = node.client().follow(&run).await;
        check_ended(&events, "run.cancelled");
    }
}
