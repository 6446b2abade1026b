//! A model call in genai's words.

use genai::chat::{
    ChatMessage, ChatOptions, ChatRequest, ContentPart, MessageContent, Tool, ToolCall,
    ToolResponse,
};
use runloom_domain::{Message, MessageBody, ToolCallRequest, ToolDefinition};
use runloom_engine::port::model::ModelRequest;
use serde_json::{Value, json};

use crate::draft::Order;
use crate::family::Prepared;
use crate::kind::Kind;
use crate::opaque;

/// The request to be drafted for `call`.
pub(crate) fn order<'a>(call: &'a ModelRequest, kind: &'a Kind) -> Order<'a> {
    let mut chat = ChatRequest::new(messages(call, kind));
    if !call.prompt.is_empty() {
        chat = chat.with_system(call.prompt.clone());
    }
    if !call.tools.is_empty() {
        chat = chat.with_tools(call.tools.iter().map(tool));
    }
    let mut prepared = Prepared {
        call,
        kind,
        format: kind.adapter,
        chat,
        options: options(call),
    };
    kind.family.prepare(&mut prepared);
    Order {
        format: prepared.format,
        model: &call.route.model,
        chat: prepared.chat,
        options: prepared.options,
    }
}

fn options(call: &ModelRequest) -> ChatOptions {
    let most = [call.max_output_tokens, call.route.max_output_tokens];
    let most = most.into_iter().flatten().min();
    ChatOptions {
        temperature: call.generation.temperature,
        top_p: call.generation.top_p,
        stop_sequences: call.generation.stop.clone(),
        max_tokens: most.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX)),
        ..ChatOptions::default()
    }
}

fn tool(definition: &ToolDefinition) -> Tool {
    Tool::new(definition.name.clone())
        .with_description(definition.description.clone())
        .with_schema(definition.schema.clone())
}

fn messages(call: &ModelRequest, kind: &Kind) -> Vec<ChatMessage> {
    let message = |message: &Message| match &message.body {
        MessageBody::User { content } => Some(ChatMessage::user(content.clone())),
        MessageBody::Assistant {
            content,
            tool_calls,
            provider,
        } => {
            // What the provider wants back is wanted in the loop it belongs to, nowhere else.
            let current = message.run_id == Some(call.run_id);
            let own = |opaque: &&Value| current && opaque::is_of(opaque, &call.route.route_id);
            assistant(content, tool_calls, provider.as_ref().filter(own), kind)
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
    opaque: Option<&Value>,
    kind: &Kind,
) -> Option<ChatMessage> {
    if content.is_empty() && calls.is_empty() {
        return None;
    }
    let text = (!content.is_empty()).then(|| ContentPart::Text(content.to_owned()));
    let calls = calls
        .iter()
        .map(|call| ContentPart::ToolCall(tool_call(call)));
    let parts = text.into_iter().chain(calls).collect();
    let parts = match opaque {
        Some(opaque) => kind.family.with_opaque(parts, opaque),
        None => parts,
    };
    Some(ChatMessage::assistant(MessageContent::from_parts(parts)))
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
