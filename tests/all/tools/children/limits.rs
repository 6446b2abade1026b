//! What a child has of its parent's limits and rights.

use runloom_tests::{Client, both_stores, call, check_ended, count, script, text};
use serde_json::json;

use super::{children, errors, leads, of, setup, spawned, told, wait};
use crate::tools::{asked, results};

/// What a run has cost, and how many tokens it has put out.
async fn used(client: &Client, run: &str) -> (f64, u64) {
    let totals = &client.run_object(run).await["totals"];
    let cost = totals["total_cost_usd"].as_f64();
    let output = totals["total_output_tokens"].as_u64();
    (cost.expect("a cost"), output.expect("tokens"))
}

both_stores! {
    async fn five_children_spend_no_more_than_their_parent_may(store: Store) {
        // Each child alone would cost more than all of them may.
        let limits = "max_cost_usd = \"0.003\"";
        let node = setup(store, limits, leads(5), script([count(2_000, 1)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let told = told(&events);
        assert_eq!(told.len(), 5);
        let (mut sum, _) = used(&client, &run).await;
        for agent in &told {
            assert_eq!(agent["error"]["class"], "budget.exhausted", "{agent}");
            let (cost, _) = used(&client, agent["run_id"].as_str().expect("an id")).await;
            assert!(cost > 0.0001, "each got a part: {cost}");
            sum += cost;
        }
        assert!(sum <= 0.003, "{sum}");
    }

    async fn what_ended_children_left_is_for_others(store: Store) {
        // The first takes little of its part, so that the second gets as much again.
        let limits = "max_output_tokens = 300, max_children = 2";
        let spawn = || call("spawn_agent", json!({ "prompt": "x", "persona_id": "worker" }));
        let lead = script([spawn(), wait(), spawn(), wait(), text("ok")]);
        let node = setup(store, limits, lead, script([count(400, 1)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let (_, mut sum) = used(&client, &run).await;
        let mut parts = Vec::new();
        for child in spawned(&events) {
            let (_, output) = used(&client, &child).await;
            parts.push(output);
            sum += output;
        }
        assert!(parts.iter().all(|part| (80..=110).contains(part)), "{parts:?}");
        assert!(sum <= 300, "{sum}");
    }

    async fn a_run_spawns_no_more_than_it_may(store: Store) {
        let node = setup(store, "max_children = 2", leads(4), script([text("x")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let classes: Vec<_> = errors(&events).into_iter().map(|(class, _)| class).collect();
        assert_eq!(classes, ["limits.children", "limits.children"]);
        assert_eq!(children(&client, &run).await.len(), 2);
    }

    async fn a_child_has_no_more_time_than_its_parent(store: Store) {
        let node = setup(store, "timeout_seconds = 3", leads(2), script([count(600, 100)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "limits.timeout");
        for child in children(&client, &run).await {
            let events = client.follow(&child).await;
            let last = events.last().expect("events");
            let end = (&last.data["reason"], &last.data["error_class"]);
            let with_parent = last.kind == "run.cancelled" && end.0 == "parent_ended";
            assert!(with_parent || end.1 == "limits.timeout", "{last:?}");
        }
    }

    async fn a_wait_ends_with_the_runs_patience(store: Store) {
        let work = script([call("ask_user", json!({ "question": "?" })), text("x")]);
        let node = setup(store, "waiting_seconds = 2", leads(1), work).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let agent = told(&events).remove(0);
        assert_eq!((&agent["status"], agent.get("output")), (&json!("waiting_for_input"), None));
        let child = client.follow(agent["run_id"].as_str().expect("an id")).await;
        let cancelled = check_ended(&child, "run.cancelled");
        assert_eq!(cancelled.data["reason"], "parent_ended");
    }

    async fn a_child_has_no_tool_and_no_approval_that_its_parent_has_not(store: Store) {
        let personas = r#"
            [[personas]]
            key = "strict"
            prompt = "x"
            tools = ["spawn_agent", "wait_agents", "calculator"]
            approvals = { tools = { calculator = "ask" } }

            [[personas]]
            key = "lax"
            prompt = "x"
            route_id = "lax"
            tools = ["*"]
        "#;
        let lax = script([json!([
            { "tool_call": { "name": "calculator", "arguments": { "expression": "6*7" } } },
            { "tool_call": { "name": "current_time", "arguments": {} } },
            { "tool_call": { "name": "of_client", "arguments": {} } },
        ]), text("ok")]);
        let lead = script([call("spawn_agent", json!({ "prompt": "x", "persona_id": "lax" })),
            wait(), text("ok")]);
        let node = setup(store, "", lead, script([text("x")]))
            .scripted("lax", lax).toml(personas).start().await;
        let client = node.client();
        let body = json!({ "persona_id": "strict", "tools": [{ "name": "of_client" }] });
        let run = client.run(&body).await;
        client.events(&run, "").await.until("tool.paused").await;
        let child = children(&client, &run).await.remove(0);
        let requests = asked(&client, &child).await;
        assert_eq!((requests.len(), &requests[0]["tool_name"]), (1, &json!("calculator")));
        client.input(&child, &json!({ "content": "approve" })).await.expect(200);
        let events = client.follow(&child).await;
        check_ended(&events, "run.completed");
        assert_eq!(results(&events), ["tool.unknown", "tool.unknown", "42"]);
        assert_eq!(of(&events, "run.waiting_for_input").len(), 1);
        check_ended(&client.follow(&run).await, "run.completed");
    }
}
