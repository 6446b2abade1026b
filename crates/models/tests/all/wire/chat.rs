//! Bytes that OpenAI-style providers send.

use serde_json::{Value, json};

use super::{Ending, Wire};
use crate::mock::Step;

/// The end of a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// The head of a streamed answer.
pub(crate) fn head() -> Step {
    Chat.head()
}

/// A stream of these events that ends in good order.
pub(crate) fn stream(events: &[String]) -> Vec<Step> {
    Chat.stream(events)
}

/// One event.
pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// A chunk with that delta.
pub(crate) fn delta(delta: &Value) -> String {
    event(
        &json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}),
    )
}

/// A chunk of text.
pub(crate) fn text(text: &str) -> String {
    delta(&json!({"content": text}))
}

/// A chunk with the reason to stop.
pub(crate) fn finish(reason: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

/// The chunk with the usage.
pub(crate) fn usage(usage: &Value) -> String {
    event(&json!({"choices": [], "usage": usage}))
}

/// Usage of five tokens in and two out.
pub(crate) fn five_and_two() -> String {
    usage(&json!({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}))
}

/// The first piece of a tool call.
pub(crate) fn call(index: u32, id: &str, name: &str, arguments: &str) -> String {
    delta(
        &json!({"tool_calls": [{"index": index, "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}]}),
    )
}

/// A later piece of a tool call.
pub(crate) fn more(index: u32, arguments: &str) -> String {
    delta(&json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
}

/// The chat completions format.
pub(crate) struct Chat;

impl Wire for Chat {
    fn kind(&self) -> &'static str {
        "openai_chat"
    }

    fn path(&self) -> &'static str {
        "/v1/chat/completions"
    }

    fn begin(&self) -> String {
        delta(&json!({"role": "assistant", "content": null, "tool_calls": null}))
    }

    fn text(&self, text: &str) -> String {
        self::text(text)
    }

    fn thought(&self, text: &str) -> String {
        delta(&json!({"reasoning_content": text}))
    }

    fn call(&self, at: u32, id: &str, name: &str, arguments: &Value) -> String {
        let arguments = arguments.to_string();
        let (first, rest) = arguments.split_at(1);
        call(at, id, name, first) + &more(at, rest)
    }

    fn half_call(&self) -> Option<String> {
        Some(call(0, "call_0", "t", "{\"x\":"))
    }

    fn reason(&self, ending: Ending) -> Option<String> {
        Some(finish(match ending {
            Ending::Stop => "stop",
            Ending::Length => "length",
            Ending::ToolCalls => "tool_calls",
        }))
    }

    fn end(&self, ending: Ending, input: &Value, output: &Value) -> String {
        let figures = usage(&json!({"prompt_tokens": input, "completion_tokens": output}));
        [self.reason(ending).unwrap(), figures, DONE.into()].concat()
    }

    fn error(&self, name: &str) -> String {
        event(&json!({"error": {"message": "SECRET", "type": name}}))
    }
}
