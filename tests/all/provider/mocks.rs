//! Providers that others wrote: aimock plays answers, llmock faults, and judges its client.

use runloom_tests::{Client, Part, Setup, both_stores, check_ended};
use serde_json::{Value, json};
use tokio::process::Command;

use super::retries;

async fn aimock(fixtures: &Value, folder: &std::path::Path) -> Part {
    let path = folder.join("fixtures.json");
    std::fs::write(&path, fixtures.to_string()).expect("the folder takes files");
    Part::start("RUNLOOM_TEST_AIMOCK", |script, port| {
        let mut command = Command::new("node");
        command.args([script, "-p", &port.to_string(), "--strict", "-f"]);
        command.arg(path);
        command
    })
    .await
}

/// llmock, and a client for its own interface.
async fn llmock() -> (Part, Client) {
    let part = Part::start("RUNLOOM_TEST_LLMOCK", |program, port| {
        let mut command = Command::new(program);
        command.args(["serve", "-h", "127.0.0.1", "-p", &port.to_string()]);
        command
    })
    .await;
    let client = Client::anonymous(part.url());
    (part, client)
}

both_stores! {
    async fn a_tool_loop_with_aimock(store: Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 });
        let call = json!({ "id": "call_1", "name": "calculator",
            "arguments": { "expression": "6*7" } });
        let fixtures = json!({ "fixtures": [
            { "match": { "userMessage": "product", "hasToolResult": false },
                "response": { "toolCalls": [call], "usage": usage } },
            { "match": { "userMessage": "product", "hasToolResult": true },
                "response": { "content": "The product is 42." } },
            { "match": { "userMessage": "limit" }, "response": {
                "error": { "message": "no", "type": "rate_limit_error" }, "status": 429 } },
            { "match": { "userMessage": "think" },
                "response": { "reasoning": "let me think", "content": "forty two" } },
        ]});
        let aimock = aimock(&fixtures, folder.path()).await;
        let node = Setup::new(store).endpoint(&format!("{}/v1", aimock.url())).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "the product" })).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], "The product is 42.");
        let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
        assert_eq!(result.data["content"], "42");
        let events = client.follow(&client.run(&json!({ "input": "think" })).await).await;
        check_ended(&events, "run.completed");
        assert!(events.iter().any(|e| e.kind == "reasoning.delta"));
        let events = client.follow(&client.run(&json!({ "input": "limit" })).await).await;
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "provider.rate_limited");
        assert_eq!(retries(&events).len(), 2);
    }

    async fn faults_in_sequence_and_llmocks_verdict(store: Store) {
        let (llmock, judge) = llmock().await;
        // It calls whatever tool it is offered.
        let persona = "[[personas]]\nkey = \"talker\"\nprompt = \"x\"\n";
        let node = Setup::new(store).endpoint(&format!("{}/v1", llmock.url())).toml(persona)
            .start().await;
        let client = node.client();
        let fault = |kind: &str| json!({ "type": "stream_fault", "kind": kind, "after_chunks": 2 });
        for (behaviors, classes) in [
            ([json!({ "type": "fail", "status": 429, "retry_after": 1 }), fault("disconnect")],
                ["provider.rate_limited", "provider.stream_cut"]),
            ([json!({ "type": "fail", "status": 500 }), fault("truncate")],
                ["provider.unavailable", "provider.stream_cut"]),
            ([fault("malformed"), fault("stall")],
                ["provider.malformed", "provider.stalled"]),
        ] {
            judge.post_nothing("/_llmock/reset").await;
            let scenario = json!({ "behaviors": behaviors });
            assert_eq!(judge.post("/_llmock/scenario", &scenario).await.status / 100, 2);
            let events = client.follow(&client.run(&json!({ "input": "hello" })).await).await;
            check_ended(&events, "run.completed");
            assert_eq!(retries(&events), classes);
            let verdict = judge.get("/_llmock/verdict").await.expect(200);
            assert_eq!(verdict["passed"], true, "{verdict}");
        }
    }
}
