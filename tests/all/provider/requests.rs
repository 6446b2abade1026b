//! What providers are sent, and tool calls as they come.

use std::collections::BTreeMap;

use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Setup, both_stores, check_ended};
use serde_json::json;
use serde_json::value::RawValue;

/// The members of a body as they were sent, byte for byte.
fn parts(body: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(body).expect("an object")
}

both_stores! {
    async fn a_request_is_what_the_chat_api_asks_for(store: Store) {
        let provider = Provider::start([Reply::text("hi")]).await;
        let persona = r#"
            [[personas]]
            key = "clerk"
            prompt = "Be brief."
            tools = ["calculator"]
            temperature = 0.25
        "#;
        let node = Setup::new(store).provider(&provider).toml(persona).start().await;
        let client = node.client();
        client.follow(&client.run(&json!({ "input": "hello" })).await).await;
        let sent = provider.request(1).await;
        assert_eq!(sent.body["model"], "mock-1");
        assert_eq!(sent.body["stream"], true);
        assert_eq!(sent.body["stream_options"]["include_usage"], true);
        assert_eq!(sent.body["temperature"], 0.25);
        assert_eq!(sent.body["messages"], json!([
            { "role": "system", "content": "Be brief." }, { "role": "user", "content": "hello" },
        ]));
        let tools = sent.body["tools"].as_array().expect("tools");
        assert_eq!(tools.len(), 1);
        assert_eq!(tools[0]["type"], "function");
        assert_eq!(tools[0]["function"]["name"], "calculator");
        assert_eq!(tools[0]["function"]["parameters"]["type"], "object");
        assert!(!sent.headers.get("accept-encoding").is_some_and(|value| value.contains("gzip")));
        assert!(!sent.headers.contains_key("authorization"), "{:?}", sent.headers);
    }

    async fn a_run_is_not_told_what_is_asked_behind_it(store: Store) {
        let held = Reply::Stream(vec![Piece::Text("so".into()), Piece::Hang]);
        let provider = Provider::start([held, Reply::text("2nd"), Reply::text("3rd")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let mut runs = Vec::new();
        for input in ["one", "two", "three"] {
            let body = json!({ "on_busy": "enqueue", "input": input });
            runs.push(client.run_in(&thread, &body).await);
        }
        client.events(&runs[0], "").await.until("message.delta").await;
        client.cancel(&runs[0]).await.expect(200);
        for run in &runs[1..] {
            check_ended(&client.follow(run).await, "run.completed");
        }
        let asked = async |request: usize| {
            let body = provider.request(request).await.body;
            let messages = body["messages"].as_array().expect("messages").clone();
            let texts = messages.iter().filter(|m| m["role"] == "user" || m["content"] == "2nd");
            texts.map(|m| m["content"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(asked(1).await, ["one"]);
        assert_eq!(asked(2).await, ["one", "two"]);
        assert_eq!(asked(3).await, ["one", "two", "2nd", "three"]);
    }

    async fn a_tool_loop_is_well_formed_though_ids_repeat(store: Store) {
        let calculate = |expression: &str| Reply::call("calculator", &json!({ "expression": expression }));
        let provider = Provider::start([calculate("1+1"), calculate("2+2"), Reply::text("done")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.completed");
        let sent = provider.request(3).await;
        let messages = sent.body["messages"].as_array().expect("messages").clone();
        let roles: Vec<_> = messages.iter().map(|m| m["role"].as_str().unwrap_or("")).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant", "tool"]);
        for (call, result, content) in [(2, 3, "2"), (4, 5, "4")] {
            let call = &messages[call]["tool_calls"][0];
            assert_eq!(call["id"], messages[result]["tool_call_id"]);
            assert_eq!(call["function"]["name"], "calculator");
            assert_eq!(messages[result]["content"], content);
        }
        let ids: Vec<_> = events.iter().filter(|e| e.kind == "tool.call")
            .map(|e| e.data["tool_call_id"].clone()).collect();
        assert!(ids[0] != ids[1] && !ids.contains(&json!("call_0")), "{ids:?}");
    }

    async fn each_step_begins_with_the_bytes_of_the_last(store: Store) {
        let calculate = |expression: &str| Reply::call("calculator", &json!({ "expression": expression }));
        let provider = Provider::start([calculate("1+1"), calculate("2+2"), Reply::text("done")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.completed");
        let mut last = parts(&provider.request(1).await.text);
        for step in 2..=3 {
            let next = parts(&provider.request(step).await.text);
            assert_eq!(next["tools"].get(), last["tools"].get(), "step {step}");
            let (said, before) = (next["messages"].get(), last["messages"].get());
            let open = before.strip_suffix(']').expect("an array");
            assert!(said.starts_with(open) && said.len() > before.len(), "{before}\n{said}");
            last = next;
        }
    }

    async fn a_tool_call_runs_only_when_it_is_whole_and_valid(store: Store) {
        let answer = |piece: Piece| Reply::Stream(vec![
            piece, Piece::Finish("tool_calls"), Piece::usage(3), Piece::Done,
        ]);
        let odd = [
            (Piece::call("calculator", "{\"expression\": \"1+"), "tool.invalid_arguments"),
            (Piece::call("calculator", "[]"), "tool.invalid_arguments"),
            (Piece::call("no_such_tool", "{}"), "tool.unknown"),
        ];
        let provider = Provider::start([Reply::Silence]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        for (piece, class) in odd {
            provider.now_replies([answer(piece), Reply::text("sorry")]);
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            check_ended(&events, "run.completed");
            let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
            assert_eq!(result.data["error"]["error_class"], class, "{:#}", result.data);
        }
        let cut = Reply::Stream(vec![
            Piece::call("calculator", "{\"expression\": \"1+1\"}"), Piece::Cut,
        ]);
        provider.now_replies([cut, Reply::text("ok")]);
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.completed");
        assert!(!events.iter().any(|e| e.kind == "tool.call"), "half an answer calls nothing");
    }

    async fn several_calls_of_one_answer_all_run(store: Store) {
        let call = |index: u32, expression: &str| Piece::Call {
            index, id: format!("c{index}"), name: "calculator".into(),
            arguments: json!({ "expression": expression }).to_string(),
        };
        let both = Reply::Stream(vec![
            call(0, "1+1"), call(1, "2+2"), Piece::Finish("tool_calls"), Piece::usage(3), Piece::Done,
        ]);
        let provider = Provider::start([both, Reply::text("2 and 4")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.completed");
        let mut contents: Vec<_> = events.iter().filter(|e| e.kind == "tool.result")
            .map(|e| e.data["content"].as_str().unwrap_or("").to_owned()).collect();
        contents.sort();
        assert_eq!(contents, ["2", "4"]);
    }

    async fn reasoning_is_streamed_apart_from_the_answer(store: Store) {
        let thinking = Reply::Stream(vec![
            Piece::Reasoning("let me ".into()), Piece::Reasoning("think".into()),
            Piece::Text("forty two".into()), Piece::Finish("stop"), Piece::usage(5), Piece::Done,
        ]);
        let provider = Provider::start([thinking]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], "forty two");
        let thoughts: String = events.iter().filter(|e| e.kind == "reasoning.delta")
            .filter_map(|e| e.data["content"].as_str()).collect();
        assert_eq!(thoughts, "let me think");
    }
}
