//! Shorthand for the scripts of scripted models.

use serde_json::{Value, json};

/// A script: turns, each a list of actions.
pub fn script<const N: usize>(turns: [Value; N]) -> Value {
    Value::Array(turns.into())
}

/// A turn that says a text in one delta.
pub fn text(text: &str) -> Value {
    json!([{ "text": text }])
}

/// A turn of `to` deltas, one each `every_ms`.
pub fn count(to: u32, every_ms: u64) -> Value {
    json!([{ "count": { "to": to, "every_ms": every_ms } }])
}

/// A turn that calls a tool.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the arguments in place"
)]
pub fn call(tool: &str, arguments: Value) -> Value {
    json!([{ "tool_call": { "name": tool, "arguments": arguments } }])
}
