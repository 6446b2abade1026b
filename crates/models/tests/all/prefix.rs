//! The next step of a run begins with the bytes of the last one, so that providers find it in
//! their caches.

use runloom_domain::{MessageBody, ToolCallId, ToolCallRequest, ToolDefinition};
use runloom_engine::port::model::ModelRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bodies::{sent, tool};
use crate::request::{message, request_of};
use crate::wire::{WIRES, Wire};

fn first(kind: &str) -> ModelRequest {
    let mut request = request_of(kind, "what is 1+1?");
    let other = ToolDefinition {
        name: "u".into(),
        // Keys out of order have to stay so.
        schema: json!({"type": "object", "required": ["z", "a"],
            "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}),
        ..tool()
    };
    request.tools = vec![tool(), other];
    request
}

fn second(kind: &str) -> ModelRequest {
    let mut request = first(kind);
    let tool_call_id = ToolCallId::from_uuid(Uuid::from_u128(1));
    let assistant = MessageBody::Assistant {
        content: String::new(),
        tool_calls: vec![ToolCallRequest {
            tool_call_id,
            tool_name: "u".into(),
            arguments: json!({"z": "1", "a": "2"}),
        }],
        provider: None,
    };
    let result = MessageBody::Tool {
        tool_call_id,
        tool_name: "u".into(),
        content: "2".into(),
    };
    request.step = 2;
    request
        .messages
        .extend([message(2, assistant), message(3, result)]);
    request
}

/// The body up to the end of its last message, as bytes, without the marks that move on with
/// each step: what they are on counts for the cache, not they themselves.
async fn prefix(wire: &dyn Wire, request: ModelRequest) -> String {
    let mut body = sent(wire, request).await.body;
    let messages = match wire.kind() {
        "openai_responses" => "input",
        "gemini" => "contents",
        _ => "messages",
    };
    for message in body[messages].as_array_mut().unwrap() {
        without_mark(message);
    }
    let all = body.to_string();
    let list = body[messages].to_string();
    let end = all.find(&list).unwrap() + list.len();
    // The bracket goes: more may follow.
    all[..end - 1].to_owned()
}

/// A text with a mark is a list of one block, and else just a text.
fn without_mark(message: &mut Value) {
    let Some(blocks) = message["content"].as_array_mut() else {
        return;
    };
    for block in blocks.iter_mut() {
        block.as_object_mut().unwrap().remove("cache_control");
    }
    if let [block] = blocks.as_slice()
        && block["type"] == "text"
    {
        message["content"] = block["text"].clone();
    }
}

#[tokio::test]
async fn the_second_step_begins_with_the_bytes_of_the_first() {
    for wire in WIRES {
        let kind = wire.kind();
        let (one, two) = (
            prefix(wire, first(kind)).await,
            prefix(wire, second(kind)).await,
        );
        assert!(two.starts_with(&one), "{kind}:\n{one}\n{two}");
        assert!(two.len() > one.len(), "{kind}");
        let tools = one.find("adds").unwrap();
        assert!(tools < one.find("what is 1+1?").unwrap(), "{kind}: {one}");
        // The order of the keys is as it was given.
        assert!(
            one.find("\"z\"").unwrap() < one.find("\"a\"").unwrap(),
            "{kind}: {one}"
        );
        assert_eq!(prefix(wire, first(kind)).await, one, "{kind}");
    }
}
