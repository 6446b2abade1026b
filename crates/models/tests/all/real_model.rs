//! A real language model on this machine, behind llama.cpp's server.

use std::time::Duration;

use futures_util::StreamExt;
use runloom_domain::{
    Message, MessageBody, ResponseFormat, ToolCallId, ToolCallRequest, ToolDefinition, UsageSource,
};
use runloom_engine::port::model::{ModelErrorKind, ModelEvent, ModelPort, ModelRequest};
use runloom_models::{Endpoint, Models, UrlOwner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outcome::{Outcome, outcome};
use crate::program::variable;
use crate::request::{message, models, request, route};

fn model() -> Models {
    models(variable("RUNLOOM_TEST_MODEL_URL").to_str().unwrap())
}

/// The formats that it speaks.
const KINDS: [&str; 3] = ["openai_chat", "openai_responses", "anthropic"];

fn asked(kind: &str, user: &str) -> ModelRequest {
    let mut request = request(user);
    let name = variable("RUNLOOM_TEST_MODEL");
    request.route = route(kind, name.to_str().unwrap());
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
    for kind in KINDS {
        let result = outcome(&model(), asked(kind, "What is the capital of France?")).await;
        assert!(text(&result).contains("Paris"), "{kind}: {result:?}");
        let deltas = result.events.iter();
        let deltas = deltas
            .filter(|event| matches!(event, ModelEvent::Text(_)))
            .count();
        assert!(deltas > 1, "{kind}: {result:?}");
        let usage = result.events.iter().find_map(|event| match event {
            ModelEvent::Usage(usage) => Some(usage),
            _ => None,
        });
        let usage = usage.expect("the server reports usage");
        assert_eq!(usage.source, UsageSource::Reported);
        assert!(
            usage.tokens.input_tokens() > 5 && usage.tokens.output_tokens > 1,
            "{kind}: {usage:?}"
        );
    }
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
    for kind in KINDS {
        let model = model();
        let mut request = asked(kind, "Call calculator with the expression 6*7.");
        request.tools = vec![calculator()];
        let result = outcome(&model, request.clone()).await;
        let Some(ModelEvent::ToolCall {
            name, arguments, ..
        }) = result
            .events
            .iter()
            .find(|event| matches!(event, ModelEvent::ToolCall { .. }))
        else {
            panic!("{kind}, no call: {result:?}");
        };
        assert_eq!(name, "calculator");
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        request.messages.extend(answered(&text(&result), arguments));
        let result = outcome(&model, request).await;
        assert!(text(&result).contains("42"), "{kind}: {result:?}");
    }
}

/// The call in a conversation, with its result.
fn answered(text: &str, arguments: Value) -> [Message; 2] {
    let tool_call_id = ToolCallId::from_uuid(Uuid::from_u128(1));
    let called = MessageBody::Assistant {
        content: text.to_owned(),
        tool_calls: vec![ToolCallRequest {
            tool_call_id,
            tool_name: "calculator".into(),
            arguments,
        }],
        provider: None,
    };
    let answered = MessageBody::Tool {
        tool_call_id,
        tool_name: "calculator".into(),
        content: "42".into(),
    };
    [message(2, called), message(3, answered)]
}

#[tokio::test]
async fn real_model_answers_in_the_form_that_is_asked_for() {
    // In the other formats this server passes a form over.
    let mut request = asked("openai_chat", "Which city is the capital of France?");
    request.generation.response_format = Some(ResponseFormat {
        name: "answer".into(),
        schema: json!({"type": "object", "properties": {"city": {"type": "string"}},
            "required": ["city"], "additionalProperties": false}),
    });
    let result = outcome(&model(), request).await;
    let answer: Value = serde_json::from_str(&text(&result)).unwrap_or_default();
    assert!(answer["city"].is_string(), "{result:?}");
}

#[tokio::test]
async fn real_model_refuses_a_prompt_that_does_not_fit() {
    for kind in KINDS {
        let result = outcome(&model(), asked(kind, &"word ".repeat(20_000))).await;
        let refused = result.error.map(|error| error.kind);
        assert_eq!(refused, Some(ModelErrorKind::ContextOverflow), "{kind}");
    }
}

#[tokio::test]
async fn real_model_stops_when_the_stream_is_dropped() {
    let model = model();
    for kind in KINDS {
        for _ in 0..3 {
            // More of these than the server has slots would make the last wait, if any went on.
            let mut request = asked(kind, "Count from one to a thousand, in words.");
            request.max_output_tokens = Some(2_000);
            let mut stream = model.call(request).await.unwrap();
            stream.next().await.unwrap().unwrap();
        }
    }
    let after = outcome(&model, asked("openai_chat", "Say hello."));
    // Nine answers of two thousand tokens take this model more than two minutes.
    let after = tokio::time::timeout(Duration::from_mins(1), after).await;
    assert_eq!(after.unwrap().error, None);
}

#[tokio::test]
async fn real_model_is_probed() {
    let endpoint = Endpoint {
        base_url: Some(variable("RUNLOOM_TEST_MODEL_URL").into_string().unwrap()),
        url_owner: UrlOwner::Operator,
        api_key: None,
    };
    let name = variable("RUNLOOM_TEST_MODEL").into_string().unwrap();
    for kind in KINDS {
        let latency = model().probe(kind, &endpoint, &name).await;
        assert!(
            latency.as_ref().is_ok_and(|own| !own.is_zero()),
            "{kind}: {latency:?}"
        );
    }
}
