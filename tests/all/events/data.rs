//! Every row of the event table.

use runloom_tests::{Event, Setup, both_stores, call, check_ended, kinds, script, text};
use serde_json::{Value, json};

/// The fields of an event's data, sorted.
fn fields(event: &Event) -> Vec<&str> {
    let mut fields: Vec<&str> = event
        .data
        .as_object()
        .expect("data is an object")
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    fields
}

fn find<'a>(events: &'a [Event], kind: &str) -> &'a Event {
    let found = events.iter().find(|event| event.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {:?}", kinds(events)))
}

const TOTALS: [&str; 5] = [
    "cache_hit_rate",
    "credits_used",
    "total_cost_usd",
    "total_input_tokens",
    "total_output_tokens",
];

fn check_totals(totals: &Value) {
    let mut names: Vec<&String> = totals.as_object().expect("an object").keys().collect();
    names.sort_unstable();
    assert_eq!(names, TOTALS);
}

const CAREFUL: &str = r#"
[[personas]]
key = "careful"
prompt = "Ask first."
tools = ["calculator", "current_time", "ask_user"]
approvals = { tools = { current_time = "ask" } }
"#;

both_stores! {
    async fn a_run_with_a_retry_reasoning_a_tool_and_text(store: Store) {
        let turns = script([
            json!([
                { "reasoning": "hm" }, { "text": "Let me " }, { "text": "see." },
                { "error": { "kind": "stream_cut", "first_attempts": 1 } },
                { "tool_call": { "name": "calculator", "arguments": { "expression": "6*7" } } },
            ]),
            text("It is 42."),
        ]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "6*7?" })).await;
        let events = client.follow(&run).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(kinds(&events), [
            "run.started",
            "step.started", "reasoning.delta", "message.delta", "message.delta", "step.retried",
            "step.started", "reasoning.delta", "message.delta", "message.delta",
            "step.completed", "tool.call", "tool.started", "tool.result",
            "step.started", "message.delta", "step.completed", "run.completed",
        ]);

        let started = find(&events, "run.started");
        assert_eq!(fields(started),
            ["model", "persona_id", "route_id", "run_id", "thread_id", "trace_id"]);
        assert_eq!(events[1].data,
            json!({ "step": 1, "attempt": 1, "route_id": "m", "model": "m" }));
        assert_eq!(events[2].data, json!({ "content": "hm", "step": 1, "attempt": 1 }));
        assert_eq!(events[3].data,
            json!({ "content": "Let me ", "role": "assistant", "step": 1, "attempt": 1 }));
        let retried = find(&events, "step.retried");
        let delay = retried.data["delay_ms"].clone();
        assert!(delay.as_u64() <= Some(50), "{delay}");
        assert_eq!(retried.data, json!({
            "step": 1, "attempt": 1, "error_class": "provider.stream_cut", "delay_ms": delay,
            "discard_from_seq": 3,
        }));
        assert_eq!(events[8].data["attempt"], 2);

        let step = find(&events, "step.completed");
        assert_eq!(fields(step), ["cost_usd", "finish_reason", "message", "step", "usage"]);
        let id = &find(&events, "tool.call").data["tool_call_id"];
        assert_eq!(step.data["finish_reason"], "tool_calls");
        let arguments = json!({ "expression": "6*7" });
        assert_eq!(step.data["message"], json!({
            "role": "assistant", "content": "Let me see.",
            "tool_calls": [
                { "tool_call_id": id, "tool_name": "calculator", "arguments": arguments }],
        }));
        assert_eq!(find(&events, "tool.call").data, json!({
            "tool_call_id": id, "tool_name": "calculator", "arguments": arguments, "step": 1,
            "approval": "auto",
        }));
        assert_eq!(find(&events, "tool.started").data,
            json!({ "tool_call_id": id, "attempt": 1 }));
        let result = find(&events, "tool.result");
        assert_eq!(result.data, json!({
            "tool_call_id": id, "tool_name": "calculator", "content": "42",
            "duration_ms": result.data["duration_ms"], "truncated": false,
        }));

        assert_eq!(fields(last), ["output", "totals"]);
        assert_eq!(last.data["output"], "It is 42.");
        check_totals(&last.data["totals"]);
    }

    async fn waiting_and_answers(store: Store) {
        let turns = script([
            call("current_time", json!({})),
            call("ask_user", json!({ "question": "Red or blue?", "options": ["red", "blue"] })),
            text("Fine."),
        ]);
        let node = Setup::new(store).scripted("m", turns).toml(CAREFUL).start().await;
        let client = node.client();
        let me = client.get("/v1/me").await.expect(200);
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        let mut events = stream.until("run.waiting_for_input").await;
        let waiting = events.last().expect("events").clone();
        assert_eq!(fields(&waiting), ["expires_at", "requests"]);
        let asked = &waiting.data["requests"][0];
        assert_eq!(asked["kind"], "tool_approval");
        assert_eq!(asked["tool_name"], "current_time");
        assert_eq!(asked["arguments"], json!({}));
        assert_eq!(asked["tool_call_id"], find(&events, "tool.call").data["tool_call_id"]);
        assert_eq!(find(&events, "tool.call").data["approval"], "ask");
        assert!(asked["prompt"].as_str().is_some_and(|prompt| !prompt.is_empty()));
        client.input(&run, &json!({ "content": "approve" })).await.expect(200);

        events.extend(stream.until("run.waiting_for_input").await);
        let received = find(&events, "run.input_received");
        assert_eq!(received.data, json!({
            "request_id": asked["request_id"], "user_id": me["user_id"], "decision": "approve",
            "arguments_digest": asked["arguments_digest"],
        }));
        assert_eq!(asked["arguments_digest"].as_str().map(str::len), Some(64));
        let question = &events.last().expect("events").data["requests"][0];
        assert_eq!(question["kind"], "question");
        assert_eq!(question["prompt"], "Red or blue?");
        assert_eq!(question["options"], json!(["red", "blue"]));
        client.input(&run, &json!({ "content": "red" })).await.expect(200);
        events.extend(stream.rest().await);
        check_ended(&events, "run.completed");
        let answer = events.iter().rfind(|e| e.kind == "tool.result").expect("a result");
        assert!(answer.data["content"].as_str().is_some_and(|text| text.contains("red")));
    }

    async fn a_denied_tool_still_has_its_result(store: Store) {
        let persona = CAREFUL.replace("current_time = \"ask\"", "calculator = \"deny\"");
        let turns = script([call("calculator", json!({ "expression": "1" })), text("Pity.")]);
        let node = Setup::new(store).scripted("m", turns).toml(&persona).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({})).await).await;
        check_ended(&events, "run.completed");
        assert_eq!(find(&events, "tool.call").data["approval"], "denied");
        let result = find(&events, "tool.result");
        assert_eq!(fields(result),
            ["duration_ms", "error", "tool_call_id", "tool_name", "truncated"]);
        assert!(!kinds(&events).contains(&"tool.started"));
    }

    async fn failing_and_cancelling(store: Store) {
        let node = Setup::new(store)
            .scripted("bad", script([json!([{ "error": { "kind": "unauthorized" } }])]))
            .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
            .start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({})).await).await;
        let failed = check_ended(&events, "run.failed");
        assert_eq!(fields(failed), ["error_class", "message", "totals"]);
        assert_eq!(failed.data["error_class"], "provider.unauthorized");
        check_totals(&failed.data["totals"]);

        let me = client.get("/v1/me").await.expect(200);
        let run = client.run(&json!({ "route_id": "held" })).await;
        let mut stream = client.events(&run, "").await;
        stream.until("message.delta").await;
        client.cancel(&run).await.expect(200);
        stream.rest().await;
        let events = client.log(&run).await;
        let cancelled = check_ended(&events, "run.cancelled");
        assert_eq!(fields(cancelled), ["reason", "totals"]);
        check_totals(&cancelled.data["totals"]);
        assert_eq!(find(&events, "run.cancel_requested").data,
            json!({ "requested_by_user_id": me["user_id"] }));
    }

    async fn queueing_and_resuming(store: Store) {
        let turns = script([json!([{ "text": "a" }, { "delay_ms": 1500 }])]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({})).await;
        let path = format!("/v1/threads/{thread}/runs");
        let second = client.post(&path, &json!({ "on_busy": "enqueue" })).await.expect(201);
        let second_id = second["run_id"].as_str().expect("an id").to_owned();
        let queued = client.log(&second_id).await;
        assert_eq!(queued[0].kind, "run.queued");
        assert_eq!(queued[0].data, json!({
            "run_id": second_id, "thread_id": thread, "behind_run_id": first,
            "trace_id": second["trace_id"],
        }));
        client.events(&first, "").await.until("message.delta").await;

        let node = node.kill().await.restart().await;
        let client = node.client();
        let events = client.follow(&first).await;
        check_ended(&events, "run.completed");
        let resumed = find(&events, "run.resumed");
        assert_eq!(fields(resumed), ["from_seq", "reason"]);
        assert_eq!(resumed.data["reason"], "lease_expired");
        assert_eq!(resumed.data["from_seq"], json!(resumed.seq - 1));
        check_ended(&client.follow(&second_id).await, "run.completed");
    }

    async fn a_clean_stop_is_a_hand_over(store: Store) {
        let turns = script([json!([{ "text": "a" }, { "delay_ms": 4000 }])]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("message.delta").await;
        let stopped = node.terminate().await;
        assert!(stopped.ended.status.success(), "{:?}", stopped.ended);
        let node = stopped.restart().await;
        let events = node.client().follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(find(&events, "run.resumed").data["reason"], "handover");
    }

    async fn a_large_tool_result_is_cut_and_kept_whole(store: Store) {
        let persona = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"repeat\"]\n";
        // The limit falls into the middle of a character.
        let arguments = json!({ "text": "x€", "times": 20_000 });
        let turns = script([call("repeat", arguments), text("ok")]);
        let node = Setup::new(store).scripted("m", turns).toml(persona).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let result = find(&events, "tool.result");
        assert_eq!(result.data["truncated"], true);
        let shown = result.data["content"].as_str().expect("a text");
        let whole = "x€".repeat(20_000);
        assert!(shown.len() <= 64 * 1024 && shown.len() > 63 * 1024, "{} bytes", shown.len());
        assert!(whole.starts_with(shown.trim_end_matches(|c| !"x€".contains(c))));
        let id = result.data["tool_call_id"].as_str().expect("an id");
        let path = format!("/v1/runs/{run}/tool-results");
        let fetched = client.get(&format!("{path}/{id}")).await.expect(200);
        assert!(fetched["content"] == whole.as_str(), "all of it can be fetched");
        client.get(&format!("{path}/0190c9d6-1b6f-7d4e-8f00-000000000000")).await
            .expect_error(404, "tool_results.not_found");
    }
}
