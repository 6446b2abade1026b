//! Ollama's own format, at home or in its cloud.

mod chunk;
mod reader;
mod usage;

use genai::chat::ContentPart;
use reqwest::Url;
use runloom_domain::{Message, MessageBody};
use runloom_engine::port::model::ModelRequest;
use serde_json::{Map, Value, json};

use crate::answer::Reader;
use crate::family::{Family, Prepared, effort, extended};
use crate::frames::Framing;
use crate::opaque;

/// Ollama's format.
#[derive(Debug)]
pub(crate) struct Ollama;

impl Family for Ollama {
    fn url(&self, base: &Url, _model: &str) -> Url {
        extended(base, &["api", "chat"])
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    /// genai sends no thinking back; `adjust` does.
    fn with_opaque(&self, parts: Vec<ContentPart>, _opaque: &Value) -> Vec<ContentPart> {
        parts
    }

    fn prepare(&self, request: &mut Prepared<'_>) {
        request.options.reasoning_effort = effort(request.call);
    }

    fn adjust(&self, call: &ModelRequest, body: &mut Map<String, Value>) {
        // genai cuts beginnings like `x::` off a model's name.
        body.insert("model".into(), json!(call.route.model));
        // genai knows of JSON, but not of its form. A form leaves no room for tool calls.
        if let (Some(format), true) = (&call.generation.response_format, call.tools.is_empty()) {
            body.insert("format".into(), format.schema.clone());
        }
        let drafted = body.get_mut("messages").and_then(Value::as_array_mut);
        let drafted = drafted.into_iter().flatten();
        // The system prompt is drafted as a message too, and empty answers aren't drafted.
        let drafted = drafted.skip_while(|message| message["role"] == "system");
        let said = call.messages.iter().filter(|message| !is_empty(message));
        for (drafted, message) in drafted.zip(said) {
            complete(drafted, message, call);
        }
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::<reader::OllamaReader>::default()
    }
}

fn is_empty(message: &Message) -> bool {
    matches!(&message.body, MessageBody::Assistant { content, tool_calls, .. }
        if content.is_empty() && tool_calls.is_empty())
}

/// Adds what genai leaves out: which tool a result is of, for Ollama pairs them by name, and
/// what the model thought earlier in this loop.
fn complete(drafted: &mut Value, message: &Message, call: &ModelRequest) {
    match &message.body {
        MessageBody::Tool { tool_name, .. } => drafted["tool_name"] = json!(tool_name),
        MessageBody::Assistant {
            provider: Some(own),
            ..
        } if message.run_id == Some(call.run_id) && opaque::is_of(own, &call.route.route_id) => {
            if let Some(thinking) = own.get(reader::THINKING) {
                drafted["thinking"] = thinking.clone();
            }
        }
        MessageBody::Assistant { .. } | MessageBody::User { .. } => {}
    }
}
