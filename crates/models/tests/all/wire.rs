//! Bytes that OpenAI-style providers send.

use serde_json::{Value, json};

use crate::mock::Step;

/// The end of a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// The head of a streamed answer.
pub(crate) fn head() -> Step {
    send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
          transfer-encoding: chunked\r\n\r\n",
    )
}

/// A whole answer other than a stream.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    vec![send(head + body)]
}

/// Bytes as they are.
pub(crate) fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}

/// One piece of a chunked body.
pub(crate) fn piece(bytes: impl AsRef<[u8]>) -> Step {
    let bytes = bytes.as_ref();
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    Step::Send(framed)
}

/// The end of a chunked body.
pub(crate) fn last_piece() -> Step {
    send("0\r\n\r\n")
}

/// A stream of these events that ends in good order.
pub(crate) fn stream(events: &[String]) -> Vec<Step> {
    let mut steps = vec![head()];
    steps.extend(events.iter().map(piece));
    steps.push(last_piece());
    steps
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
