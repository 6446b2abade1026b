//! What the provider is sent.

use runloom_domain::{MessageBody, RunId, ToolCallId, ToolCallRequest, ToolDefinition};
use runloom_engine::port::model::ModelRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mock::{Provider, Seen};
use crate::outcome::outcome;
use crate::request::{CANARY, message, models, request, route};
use crate::wire::chat::{DONE, finish, stream, text};

async fn sent(request: ModelRequest) -> Seen {
    let whole = stream(&[text("a"), finish("stop"), DONE.into()]);
    let mut provider = Provider::answering(whole).await;
    let result = outcome(&models(&provider.url), request).await;
    assert_eq!(result.line(), "\"a\" Stop");
    provider.request().await
}

fn call_id(n: u128) -> ToolCallId {
    ToolCallId::from_uuid(Uuid::from_u128(n))
}

fn called(n: u128, arguments: Value) -> ToolCallRequest {
    ToolCallRequest {
        tool_call_id: call_id(n),
        tool_name: "t".into(),
        arguments,
    }
}

fn assistant(content: &str, tool_calls: Vec<ToolCallRequest>) -> MessageBody {
    MessageBody::Assistant {
        content: content.into(),
        tool_calls,
        provider: Some(json!({"route_id": "r", "reasoning_content": "hm"})),
    }
}

fn result(n: u128, content: &str) -> MessageBody {
    MessageBody::Tool {
        tool_call_id: call_id(n),
        tool_name: "t".into(),
        content: content.into(),
    }
}

#[tokio::test]
async fn the_request_is_plain_and_asks_for_a_stream_with_usage() {
    let seen = sent(request("hello")).await;
    assert!(
        seen.head
            .starts_with("POST /v1/chat/completions HTTP/1.1\r\n")
    );
    let has = |line: &str| seen.head.contains(&format!("\r\n{line}\r\n"));
    assert!(has(&format!("authorization: Bearer {CANARY}")));
    assert!(has("accept-encoding: identity"));
    assert!(has("accept: text/event-stream"));
    assert!(has("content-type: application/json"));
    assert_eq!(
        seen.body,
        json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "system", "content": "Be brief."},
                {"role": "user", "content": "hello"}]})
    );
}

#[tokio::test]
async fn a_tool_loop_is_sent_with_our_ids() {
    let mut request = request("what is 1+1?");
    // Two steps whose provider called both its calls `call_0`.
    request.messages.extend([
        message(
            2,
            assistant(
                "",
                vec![called(1, json!({"x": 1})), called(2, json!("{oops"))],
            ),
        ),
        message(3, result(1, "2")),
        message(4, result(2, "not JSON")),
        message(5, assistant("again", vec![called(3, json!({}))])),
        message(6, result(3, "3")),
    ]);
    request.tools = vec![ToolDefinition {
        name: "t".into(),
        description: "adds".into(),
        schema: json!({"type": "object", "properties": {"x": {"type": "integer"}}}),
    }];
    request.generation.temperature = Some(0.5);
    request.max_output_tokens = Some(9);
    request.route.max_output_tokens = Some(7);
    let body = sent(request).await.body;
    let call = |n, arguments: &str| {
        json!({"type": "function", "id": call_id(n).to_string(),
            "function": {"name": "t", "arguments": arguments}})
    };
    let tool = |n, content: &str| json!({"role": "tool", "tool_call_id": call_id(n).to_string(), "content": content});
    assert_eq!(
        body["messages"].as_array().unwrap()[2..],
        [
            json!({"role": "assistant", "content": "", "reasoning_content": "hm",
                "tool_calls": [call(1, "{\"x\":1}"), call(2, "{}")]}),
            tool(1, "2"),
            tool(2, "not JSON"),
            json!({"role": "assistant", "content": "again", "reasoning_content": "hm",
                "tool_calls": [call(3, "{}")]}),
            tool(3, "3"),
        ]
    );
    assert_eq!(
        body["tools"],
        json!([{"type": "function", "function": {"name": "t", "description": "adds",
            "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}},
            "strict": false}}])
    );
    assert_eq!(
        (&body["temperature"], &body["max_tokens"]),
        (&json!(0.5), &json!(7))
    );
}

#[tokio::test]
async fn what_belongs_elsewhere_is_not_sent_back() {
    let mut request = request("hello");
    let mut older = message(2, assistant("old", vec![]));
    older.run_id = Some(RunId::from_uuid(Uuid::from_u128(99)));
    let other_route = MessageBody::Assistant {
        content: "new".into(),
        tool_calls: vec![],
        provider: Some(json!({"route_id": "another", "reasoning_content": "hm"})),
    };
    // An answer that was cancelled before its first word.
    let empty = message(4, assistant("", vec![]));
    request
        .messages
        .extend([older, message(3, other_route), empty]);
    let body = sent(request).await.body;
    assert_eq!(
        body["messages"].as_array().unwrap()[2..],
        [
            json!({"role": "assistant", "content": "old"}),
            json!({"role": "assistant", "content": "new"}),
        ]
    );
}

#[tokio::test]
async fn model_names_are_sent_as_they_are() {
    for name in ["m", "mine-high", "a::b", "o3-zero", "vendor/model:free"] {
        let mut request = request("hello");
        request.route = route("openai_chat", name);
        let body = sent(request).await.body;
        assert_eq!(body["model"], name);
        assert_eq!(body.get("reasoning_effort"), None, "{name}");
    }
}

#[tokio::test]
async fn many_calls_at_once_keep_their_own_requests() {
    let whole = stream(&[text("a"), finish("stop"), DONE.into()]);
    let mut provider = Provider::answering(whole).await;
    let models = models(&provider.url);
    let calls = (0..100).map(|n| outcome(&models, request(&format!("message {n}"))));
    for result in futures_util::future::join_all(calls).await {
        assert_eq!(result.line(), "\"a\" Stop");
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let body = provider.request().await.body;
        seen.insert(body["messages"][1]["content"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 100);
}
