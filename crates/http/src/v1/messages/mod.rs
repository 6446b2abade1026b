//! Messages of a thread.

pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod post;

use runloom_domain::{
    Message, MessageBody, MessageId, OrgId, Role, RunId, ThreadId, Timestamp, ToolCallId,
    ToolCallRequest, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Fields, Size};

/// The longest content of a user message, in bytes of UTF-8.
const MAX_CONTENT: usize = 256 * 1024;
/// What a user message may hold.
pub(crate) const CONTENT: Size = Size::Bytes(1, MAX_CONTENT);

/// A message.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownMessage {
    #[schema(value_type = Uuid)]
    pub(crate) id: MessageId,
    #[schema(value_type = Uuid)]
    pub(crate) org_id: OrgId,
    #[schema(value_type = Uuid)]
    pub(crate) thread_id: ThreadId,
    /// The run that wrote it, or that it was sent with.
    #[schema(required, value_type = Option<Uuid>)]
    pub(crate) run_id: Option<RunId>,
    /// `user`, `assistant` or `tool`
    #[schema(value_type = String)]
    pub(crate) role: Role,
    pub(crate) content: String,
    #[schema(required, value_type = Option<Uuid>)]
    pub(crate) created_by_user_id: Option<UserId>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// Only with `include=tools`: what an assistant message asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub(crate) tool_calls: Vec<ToolCallRequest>,
    /// Only of tool messages: the call that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) tool_call_id: Option<ToolCallId>,
    /// Only of tool messages: the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_name: Option<String>,
}

impl ShownMessage {
    fn new(message: Message, with_tools: bool) -> Self {
        let mut shown = Self {
            id: message.id,
            org_id: message.org_id,
            thread_id: message.thread_id,
            run_id: message.run_id,
            role: message.body.role(),
            content: String::new(),
            created_by_user_id: message.created_by_user_id,
            created_at: message.created_at,
            tool_calls: Vec::new(),
            tool_call_id: None,
            tool_name: None,
        };
        match message.body {
            MessageBody::User { content } => shown.content = content,
            MessageBody::Assistant {
                content,
                tool_calls,
                ..
            } => {
                shown.content = content;
                if with_tools {
                    shown.tool_calls = tool_calls;
                }
            }
            MessageBody::Tool {
                tool_call_id,
                tool_name,
                content,
            } => {
                shown.content = content;
                shown.tool_call_id = Some(tool_call_id);
                shown.tool_name = Some(tool_name);
            }
        }
        shown
    }
}

/// The text of a user message: a string, or text parts, which are joined by line breaks.
/// A text, or parts of one: at most 256 KB of UTF-8 in all.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) enum MessageContent {
    Text(MessageText),
    Parts(MessageParts),
}

#[derive(Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 262_144)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct MessageText(String);

#[derive(Deserialize, ToSchema)]
#[schema(min_items = 1)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct MessageParts(Vec<TextPart>);

/// A part of a message.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct TextPart {
    #[schema(pattern = "^text$")]
    r#type: String,
    #[schema(min_length = 1)]
    text: String,
}

fn content(fields: &mut Fields) -> String {
    fields.required("content");
    let text = fields.read("content", |value| {
        let text = match value {
            Value::String(text) => text,
            Value::Array(parts) => joined(&parts)?,
            _ => return Err("must be a string or an array of parts".to_owned()),
        };
        CONTENT.check(&text).map(|()| text)
    });
    text.unwrap_or_default()
}

fn joined(parts: &[Value]) -> Result<String, String> {
    let texts = parts.iter().map(|part| {
        let part = part.as_object().filter(|part| part.len() == 2)?;
        let kind = part.get("type").and_then(Value::as_str)?;
        (kind == "text").then(|| part.get("text").and_then(Value::as_str))?
    });
    let texts: Option<Vec<&str>> = texts.collect();
    let texts = texts.ok_or("each part must be {\"type\":\"text\",\"text\":\"…\"}")?;
    Ok(texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(content_value: &Value) -> Result<String, String> {
        let Value::Object(object) = json!({ "content": content_value }) else {
            unreachable!("an object")
        };
        let mut fields = Fields::new(object);
        let text = content(&mut fields);
        match fields.finish().remove("content") {
            None => Ok(text),
            Some(problem) => Err(problem),
        }
    }

    #[test]
    fn content_is_text_or_text_parts() {
        assert_eq!(read(&json!("hi")), Ok("hi".to_owned()));
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        assert_eq!(read(&parts), Ok("a\nb".to_owned()));
        for bad in [
            json!(null),
            json!(""),
            json!(7),
            json!([]),
            json!([{"type": "image", "url": "x"}]),
            json!([{"type": "text", "text": 1}]),
            json!([{"type": "text", "text": "a", "more": 1}]),
            json!("x".repeat(MAX_CONTENT + 1)),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
