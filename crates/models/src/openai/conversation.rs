//! A model call in genai's words.

use genai::adapter::AdapterKind;
use genai::chat::{
    ChatMessage, ChatOptions, ChatRequest, ContentPart, MessageContent, ReasoningEffort, Tool,
    ToolCall, ToolResponse,
};
use reqwest::Url;
use runloom_domain::{Message, MessageBody, ToolCallRequest, ToolDefinition};
use runloom_engine::port::model::ModelRequest;
use serde_json::{Value, json};

use super::opaque;
use crate::draft::Order;

/// The request to be drafted for `call`, to the provider at `base`.
pub(super) fn order<'a>(call: &'a ModelRequest, base: &'a Url) -> Order<'a> {
    let mut chat = ChatRequest::new(messages(call));
    if !call.prompt.is_empty() {
        chat = chat.with_system(call.prompt.clone());
    }
    if !call.tools.is_empty() {
        chat = chat.with_tools(call.tools.iter().map(tool));
    }
    Order {
        format: AdapterKind::OpenAI,
        model: &call.route.model,
        base,
        chat,
        options: options(call),
    }
}

fn options(call: &ModelRequest) -> ChatOptions {
    let most = [call.max_output_tokens, call.route.max_output_tokens];
    let most = most.into_iter().flatten().min();
    ChatOptions {
        temperature: call.generation.temperature,
        top_p: call.generation.top_p,
        max_tokens: most.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX)),
        // For OpenAI formats this asks for usage in the stream.
        capture_usage: Some(true),
        // genai cuts endings like `-high` and beginnings like `x::` off a model's name and makes
        // something of them. A budget, which this format has no field for, prevents the first,
        // the explicit name undoes the second.
        reasoning_effort: Some(ReasoningEffort::Budget(0)),
        extra_body: Some(json!({"model": call.route.model})),
        ..ChatOptions::default()
    }
}

fn tool(definition: &ToolDefinition) -> Tool {
    Tool::new(definition.name.clone())
        .with_description(definition.description.clone())
        .with_schema(definition.schema.clone())
}

fn messages(call: &ModelRequest) -> Vec<ChatMessage> {
    let message = |message: &Message| match &message.body {
        MessageBody::User { content } => Some(ChatMessage::user(content.clone())),
        MessageBody::Assistant {
            content,
            tool_calls,
            provider,
        } => {
            // Reasoning is wanted within the loop it belongs to, and nowhere else.
            let current = message.run_id == Some(call.run_id);
            let opaque = provider.as_ref().filter(|_| current);
            let reasoning = opaque.and_then(|o| opaque::reasoning(o, &call.route.route_id));
            assistant(content, tool_calls, reasoning)
        }
        MessageBody::Tool {
            tool_call_id,
            content,
            ..
        } => Some(ChatMessage::tool(ToolResponse::new(
            tool_call_id.to_string(),
            content.clone(),
        ))),
    };
    call.messages.iter().filter_map(message).collect()
}

/// An assistant message, or none when it would be empty, which providers refuse.
fn assistant(
    content: &str,
    calls: &[ToolCallRequest],
    reasoning: Option<String>,
) -> Option<ChatMessage> {
    if content.is_empty() && calls.is_empty() {
        return None;
    }
    let text = (!content.is_empty()).then(|| ContentPart::Text(content.to_owned()));
    let calls = calls
        .iter()
        .map(|call| ContentPart::ToolCall(tool_call(call)));
    let parts = reasoning.map(ContentPart::ReasoningContent).into_iter();
    let content: MessageContent = parts.chain(text).chain(calls).collect();
    Some(ChatMessage::assistant(content))
}

fn tool_call(call: &ToolCallRequest) -> ToolCall {
    ToolCall {
        call_id: call.tool_call_id.to_string(),
        fn_name: call.tool_name.clone(),
        fn_arguments: match &call.arguments {
            Value::Object(_) => call.arguments.clone(),
            // What the model wrote wasn't an object. Providers insist on one, and the result
            // beside it tells the model what was wrong.
            _ => json!({}),
        },
        thought_signatures: None,
    }
}
