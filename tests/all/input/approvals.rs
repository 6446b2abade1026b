use runloom_tests::{Client, Event, Node, Setup, Store, both_stores, check_ended, script, text};
use serde_json::{Value, json};

use super::asked;

async fn node(store: Store) -> Node {
    let persona = r#"
        [[personas]]
        key = "careful"
        prompt = "Ask first."
        tools = ["calculator"]
        approvals = { default = "ask" }
    "#;
    let turn = json!([
        { "tool_call": { "name": "calculator", "arguments": { "expression": "6*7" } } },
    ]);
    Setup::new(store)
        .scripted("m", script([turn, text("I got {last_tool}.")]))
        .toml(persona)
        .start()
        .await
}

/// Answers a fresh run's only question and follows it to its end.
async fn decided(client: &Client, content: &str) -> Vec<Event> {
    let run = client.run(&json!({})).await;
    asked(client, &run).await;
    let answer = json!({ "content": content });
    client.input(&run, &answer).await.expect(200);
    let events = client.follow(&run).await;
    check_ended(&events, "run.completed");
    events
}

fn result(events: &[Event]) -> &Value {
    let result = events.iter().find(|event| event.kind == "tool.result");
    &result.expect("a result").data
}

both_stores! {
    async fn an_approved_call_runs(store: Store) {
        let node = node(store).await;
        for content in ["approve", " approve\n", r#"{"decision":"approve"}"#] {
            let events = decided(&node.client(), content).await;
            assert_eq!(result(&events)["content"], "42", "{content}");
        }
    }

    async fn a_rejected_call_does_not_run(store: Store) {
        let node = node(store).await;
        for content in ["reject", r#"{"decision":"reject","reason":"too costly"}"#] {
            let events = decided(&node.client(), content).await;
            assert_eq!(result(&events)["error"]["error_class"], "tool.rejected", "{content}");
            assert!(!events.iter().any(|event| event.kind == "tool.started"));
            let received = events.iter().find(|e| e.kind == "run.input_received");
            assert_eq!(received.expect("an answer").data["decision"], "reject");
        }
        let events = decided(&node.client(), r#"{"decision":"reject","reason":"too costly"}"#).await;
        let message = result(&events)["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("too costly"), "{message}");
    }

    async fn edited_arguments_are_what_runs(store: Store) {
        let node = node(store).await;
        let edit = r#"{"decision":"edit","arguments":{"expression":"2+3"}}"#;
        let events = decided(&node.client(), edit).await;
        assert_eq!(result(&events)["content"], "5");
        let last = events.last().expect("events");
        assert_eq!(last.data["output"], "I got 5.");
    }

    async fn anything_else_is_refused_and_says_what_is_accepted(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        for content in ["yes", "APPROVE", "{", r#"{"decision":"edit"}"#, r#"{"decision":"answer"}"#,
            r#"{"decision":"approve","extra":1}"#, r#"{"decision":"edit","arguments":[]}"#] {
            let answer = client.input(&run, &json!({ "content": content })).await;
            let error = answer.expect_error(422, "validation.error");
            let detail = error["details"]["content"].as_str().unwrap_or_default();
            assert!(detail.contains("approve") && detail.contains("reject"), "{error}");
        }
        assert_eq!(client.status(&run).await, "waiting_for_input");
        assert!(!client.log(&run).await.iter().any(|e| e.kind == "run.input_received"));
    }
}
