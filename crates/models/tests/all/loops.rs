//! Tool loops: how calls and results are paired in each format, and what goes back to the
//! provider that wants it back.

use runloom_domain::{MessageBody, RunId, ToolCallId, ToolCallRequest};
use runloom_engine::port::model::{ModelEvent, ModelRequest};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bodies::{sent, tool, wire};
use crate::mock::Provider;
use crate::outcome::outcome;
use crate::request::{message, models, request_of};
use crate::wire::{Ending, WIRES, Wire};

/// Our id of the n-th call.
fn id(n: u128) -> ToolCallId {
    ToolCallId::from_uuid(Uuid::from_u128(n))
}

fn called(n: u128, arguments: Value) -> ToolCallRequest {
    ToolCallRequest {
        tool_call_id: id(n),
        tool_name: "t".into(),
        arguments,
    }
}

fn result(n: u128, content: &str) -> MessageBody {
    MessageBody::Tool {
        tool_call_id: id(n),
        tool_name: "t".into(),
        content: content.into(),
    }
}

/// A conversation with a step of two calls, of which the second one's arguments were no object.
fn two_calls(kind: &str, provider: Option<Value>) -> ModelRequest {
    let mut request = request_of(kind, "what is 1+1?");
    request.tools = vec![tool()];
    request.generation.prompt_caching = false;
    let assistant = MessageBody::Assistant {
        content: "let me see".into(),
        tool_calls: vec![called(1, json!({"x": 1})), called(2, json!("{oops"))],
        provider,
    };
    request.messages.extend([
        message(2, assistant),
        message(3, result(1, "2")),
        message(4, result(2, "no object")),
    ]);
    request
}

#[tokio::test]
async fn results_are_paired_with_their_calls_in_each_format() {
    let body = async |kind| sent(wire(kind), two_calls(kind, None)).await.body;
    let ours = |n| id(n).to_string();
    let call = |n, arguments: &str| json!({"type": "function_call", "call_id": ours(n), "name": "t", "arguments": arguments});
    let output =
        |n, text: &str| json!({"type": "function_call_output", "call_id": ours(n), "output": text});
    assert_eq!(
        body("openai_responses").await["input"].as_array().unwrap()[1..],
        [
            json!({"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "let me see"}]}),
            call(1, "{\"x\":1}"),
            call(2, "{}"),
            output(1, "2"),
            output(2, "no object"),
        ]
    );
    let call =
        |n, input: Value| json!({"type": "tool_use", "id": ours(n), "name": "t", "input": input});
    let output =
        |n, text: &str| json!({"type": "tool_result", "content": text, "tool_use_id": ours(n)});
    assert_eq!(
        body("anthropic").await["messages"].as_array().unwrap()[1..],
        [
            json!({"role": "assistant", "content": [{"type": "text", "text": "let me see"},
                call(1, json!({"x": 1})), call(2, json!({}))]}),
            json!({"role": "user", "content": [output(1, "2"), output(2, "no object")]}),
        ]
    );
    let call = |n, args: Value| json!({"functionCall": {"id": ours(n), "name": "t", "args": args}});
    let output = |n, text: &str| {
        json!({"functionResponse": {"name": "t", "id": ours(n),
            "response": {"name": "t", "content": text}}})
    };
    assert_eq!(
        body("gemini").await["contents"].as_array().unwrap()[1..],
        [
            json!({"role": "model", "parts": [{"text": "let me see"},
                call(1, json!({"x": 1})), call(2, json!({}))]}),
            json!({"role": "user", "parts": [output(1, "2"), output(2, "no object")]}),
        ]
    );
    let call = |args: Value| json!({"function": {"name": "t", "arguments": args}});
    let output = |text: &str| json!({"role": "tool", "content": text, "tool_name": "t"});
    assert_eq!(
        body("ollama").await["messages"].as_array().unwrap()[2..],
        [
            json!({"role": "assistant", "content": "let me see",
                "tool_calls": [call(json!({"x": 1})), call(json!({}))]}),
            output("2"),
            output("no object"),
        ]
    );
}

#[tokio::test]
async fn tools_are_told_in_each_format() {
    let schema = tool().schema;
    let tools = async |kind| sent(wire(kind), two_calls(kind, None)).await.body["tools"].take();
    assert_eq!(
        tools("openai_responses").await,
        json!([{"type": "function", "name": "t", "parameters": schema, "description": "adds",
            "strict": false}])
    );
    assert_eq!(
        tools("anthropic").await,
        json!([{"name": "t", "input_schema": schema, "description": "adds"}])
    );
    assert_eq!(
        tools("gemini").await,
        json!([{"functionDeclarations": [{"name": "t", "description": "adds",
            "parametersJsonSchema": schema}]}])
    );
    assert_eq!(
        tools("ollama").await,
        json!([{"type": "function", "function": {"name": "t", "description": "adds",
            "parameters": schema}}])
    );
}

/// What the provider wants back with an answer of these events and a call.
async fn opaque(wire: &dyn Wire, events: &[String]) -> Option<Value> {
    let end = [wire.good_end(Ending::ToolCalls)];
    let stream = wire.stream(&[&[wire.begin()], events, &end].concat());
    let provider = Provider::answering(stream).await;
    let result = outcome(&models(&provider.url), request_of(wire.kind(), "hello")).await;
    match result.events.last() {
        Some(ModelEvent::Finished { provider, .. }) => provider.clone(),
        other => panic!("{other:?}"),
    }
}

/// The events of an answer with two calls, and with something that is wanted back.
fn signed(wire: &dyn Wire) -> Vec<String> {
    let calls = [
        wire.call(0, "call_0", "t", &json!({"x": 1})),
        wire.call(1, "call_1", "t", &json!({})),
    ];
    match wire.kind() {
        "openai_responses" => {
            let item = json!({"type": "reasoning", "id": "rs_1", "summary": [],
                "encrypted_content": "ZW5j"});
            let event = json!({"type": "response.output_item.done", "item": item});
            [vec![format!("data: {event}\n\n")], calls.to_vec()].concat()
        }
        "anthropic" => {
            let block = json!({"type": "redacted_thinking", "data": "cmVk"});
            let event = json!({"type": "content_block_start", "index": 1, "content_block": block});
            [
                vec![wire.thought("hm"), format!("data: {event}\n\n")],
                calls.to_vec(),
            ]
            .concat()
        }
        "gemini" => {
            let call = json!({"functionCall": {"name": "t", "args": {"x": 1}},
                "thoughtSignature": "c2ln"});
            let content = json!({"role": "model", "parts": [call]});
            let event = json!({"candidates": [{"content": content}]});
            vec![format!("data: {event}\n\n"), calls[1].clone()]
        }
        _ => [vec![wire.thought("hm")], calls.to_vec()].concat(),
    }
}

/// What is kept of it.
fn kept(kind: &str) -> Value {
    match kind {
        "openai_chat" => json!({"route_id": "r", "reasoning_content": "hm"}),
        "openai_responses" => json!({"route_id": "r", "encrypted_reasoning": ["ZW5j"]}),
        "anthropic" => json!({"route_id": "r", "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "cmVk"}]}),
        "gemini" => json!({"route_id": "r", "thought_signatures": ["c2ln", null]}),
        _ => json!({"route_id": "r", "thinking": "hm"}),
    }
}

#[tokio::test]
async fn what_a_provider_wants_back_is_kept_with_its_calls() {
    for wire in WIRES {
        let own = opaque(wire, &signed(wire)).await;
        assert_eq!(own, Some(kept(wire.kind())), "{}", wire.kind());
        // Without calls there is no loop.
        let alone = opaque(wire, &[wire.thought("hm")]).await;
        assert_eq!(alone, None, "{}", wire.kind());
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_kept() {
    for wire in WIRES {
        let long = "x".repeat(300 * 1024);
        let events = match wire.kind() {
            "openai_responses" => signed(wire)
                .iter()
                .map(|own| own.replace("ZW5j", &long))
                .collect(),
            "gemini" => signed(wire)
                .iter()
                .map(|own| own.replace("c2ln", &long))
                .collect(),
            _ => [vec![wire.thought(&long)], signed(wire)].concat(),
        };
        let twice = [events.clone(), events].concat();
        assert_eq!(opaque(wire, &twice).await, None, "{}", wire.kind());
    }
}

/// The assistant's turn as it is sent, when `provider` came with it.
async fn turn(kind: &str, provider: Value, change: impl FnOnce(&mut ModelRequest)) -> Value {
    let mut request = two_calls(kind, Some(provider));
    change(&mut request);
    let mut body = sent(wire(kind), request).await.body;
    match kind {
        "openai_responses" => body["input"][1].take(),
        "gemini" => body["contents"][1].take(),
        "anthropic" => body["messages"][1].take(),
        _ => body["messages"][2].take(),
    }
}

#[tokio::test]
async fn what_a_provider_wants_back_goes_back_within_the_loop() {
    let own = async |kind| turn(kind, kept(kind), |_| {}).await;
    assert_eq!(own("openai_chat").await["reasoning_content"], "hm");
    assert_eq!(
        own("openai_responses").await,
        json!({"type": "reasoning", "encrypted_content": "ZW5j", "summary": []})
    );
    let blocks = own("anthropic").await["content"].take();
    let types: Vec<&Value> = blocks
        .as_array()
        .unwrap()
        .iter()
        .map(|own| &own["type"])
        .collect();
    assert_eq!(
        types,
        [
            "thinking",
            "redacted_thinking",
            "text",
            "tool_use",
            "tool_use"
        ]
    );
    assert_eq!(
        blocks.as_array().unwrap()[..2],
        kept("anthropic")["thinking_blocks"].as_array().unwrap()[..]
    );
    let parts = own("gemini").await["parts"].take();
    assert_eq!(parts[0].get("thoughtSignature"), None);
    assert_eq!(parts[1]["thoughtSignature"], "c2ln");
    assert_eq!(parts[2].get("thoughtSignature"), None);
    assert_eq!(own("ollama").await["thinking"], "hm");
}

#[tokio::test]
async fn what_belongs_elsewhere_does_not_go_back() {
    for wire in WIRES {
        let kind = wire.kind();
        let mut another_route = kept(kind);
        another_route["route_id"] = json!("another");
        let plain = turn(kind, json!({"route_id": "r"}), |_| {}).await;
        assert_eq!(turn(kind, another_route, |_| {}).await, plain, "{kind}");
        let another_run = turn(kind, kept(kind), |request| {
            request.messages[1].run_id = Some(RunId::from_uuid(Uuid::from_u128(99)));
        });
        assert_eq!(another_run.await, plain, "{kind}");
    }
}

#[tokio::test]
async fn gemini_3_gets_a_stand_in_for_signatures_of_others() {
    let model = |request: &mut ModelRequest| request.route.model = "gemini-3-pro".into();
    let parts = turn("gemini", json!({}), model).await["parts"].take();
    assert_eq!(
        parts[1]["thoughtSignature"],
        "skip_thought_signature_validator"
    );
    assert_eq!(parts[2].get("thoughtSignature"), None);
}

#[tokio::test]
async fn openrouter_s_reasoning_goes_back_as_it_came() {
    let chat = wire("openai_chat");
    let block = json!({"type": "reasoning.encrypted", "index": 0, "data": "ZW5j", "id": "r"});
    let delta = json!({"reasoning": "hm", "reasoning_details": [block]});
    let events = [
        crate::wire::chat::delta(&delta),
        chat.call(0, "call_0", "t", &json!({})),
    ];
    let own = opaque(chat, &events).await.unwrap();
    assert_eq!(own, json!({"route_id": "r", "reasoning_details": [block]}));
    let turn = turn("openai_chat", own, |_| {}).await;
    assert_eq!(turn["reasoning_details"], json!([block]));
    assert_eq!(turn.get("reasoning_content"), None);
}
