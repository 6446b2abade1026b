//! A real language model on this machine, behind llama.cpp's server.

use std::time::Duration;

use futures_util::StreamExt;
use runloom_domain::{MessageBody, ToolCallId, ToolCallRequest, ToolDefinition, UsageSource};
use runloom_engine::port::model::{ModelErrorKind, ModelEvent, ModelPort, ModelRequest};
use runloom_models::Models;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outcome::{Outcome, outcome};
use crate::program::variable;
use crate::request::{message, models, request, route};

fn model() -> Models {
    models(variable("RUNLOOM_TEST_MODEL_URL").to_str().unwrap())
}

fn asked(user: &str) -> ModelRequest {
    let mut request = request(user);
    let name = variable("RUNLOOM_TEST_MODEL");
    request.route = route(Models::OPENAI_CHAT, name.to_str().unwrap());
    request.generation.temperature = Some(0.0);
    request.max_output_tokens = Some(64);
    request
}

fn text(result: &Outcome) -> String {
    let piece = |event: &ModelEvent| match event {
        ModelEvent::Text(text) => Some(text.clone()),
        _ => None,
    };
    result.events.iter().filter_map(piece).collect()
}

#[tokio::test]
async fn real_model_streams_an_answer_with_usage() {
    let result = outcome(&model(), asked("What is the capital of France?")).await;
    assert!(text(&result).contains("Paris"), "{result:?}");
    let deltas = result.events.iter();
    let deltas = deltas
        .filter(|event| matches!(event, ModelEvent::Text(_)))
        .count();
    assert!(deltas > 1, "{result:?}");
    let usage = result.events.iter().find_map(|event| match event {
        ModelEvent::Usage(usage) => Some(usage),
        _ => None,
    });
    let usage = usage.expect("the server reports usage");
    assert_eq!(usage.source, UsageSource::Reported);
    assert!(usage.tokens.input_tokens() > 5 && usage.tokens.output_tokens > 1);
}

fn calculator() -> ToolDefinition {
    ToolDefinition {
        name: "calculator".into(),
        description: "Evaluates an arithmetic expression.".into(),
        schema: json!({"type": "object", "required": ["expression"],
            "properties": {"expression": {"type": "string"}}}),
    }
}

#[tokio::test]
async fn real_model_calls_a_tool_and_answers_from_its_result() {
    let model = model();
    let mut request = asked("Call calculator with the expression 6*7.");
    request.tools = vec![calculator()];
    let result = outcome(&model, request.clone()).await;
    let Some(ModelEvent::ToolCall {
        name, arguments, ..
    }) = result
        .events
        .iter()
        .find(|event| matches!(event, ModelEvent::ToolCall { .. }))
    else {
        panic!("no call: {result:?}");
    };
    assert_eq!(name, "calculator");
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    let tool_call_id = ToolCallId::from_uuid(Uuid::from_u128(1));
    let called = MessageBody::Assistant {
        content: text(&result),
        tool_calls: vec![ToolCallRequest {
            tool_call_id,
            tool_name: name.clone(),
            arguments,
        }],
        provider: None,
    };
    let answered = MessageBody::Tool {
        tool_call_id,
        tool_name: name.clone(),
        content: "42".into(),
    };
    request
        .messages
        .extend([message(2, called), message(3, answered)]);
    let result = outcome(&model, request).await;
    assert!(text(&result).contains("42"), "{result:?}");
}

#[tokio::test]
async fn real_model_refuses_a_prompt_that_does_not_fit() {
    let result = outcome(&model(), asked(&"word ".repeat(20_000))).await;
    let kind = result.error.map(|error| error.kind);
    assert_eq!(kind, Some(ModelErrorKind::ContextOverflow));
}

#[tokio::test]
async fn real_model_stops_when_the_stream_is_dropped() {
    let model = model();
    for _ in 0..4 {
        // More of these than the server has slots would make the last wait, if any went on.
        let mut request = asked("Count from one to a thousand, in words.");
        request.max_output_tokens = Some(2_000);
        let mut stream = model.call(request).await.unwrap();
        stream.next().await.unwrap().unwrap();
    }
    let after = outcome(&model, asked("Say hello."));
    // Four answers of two thousand tokens take this model a minute.
    let after = tokio::time::timeout(Duration::from_secs(30), after).await;
    assert_eq!(after.unwrap().error, None);
}
