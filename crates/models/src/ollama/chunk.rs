//! The lines of a stream, as far as they are understood.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One line. The counts stand beside the message in the last one.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) message: Option<Message>,
    #[serde(default)]
    pub(super) done: bool,
    pub(super) done_reason: Option<String>,
    pub(super) error: Option<Value>,
    /// Read apart, so that bad figures don't spoil the text.
    pub(super) prompt_eval_count: Option<Value>,
    pub(super) prompt_eval_cached_count: Option<Value>,
    pub(super) eval_count: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) content: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolCall {
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
}

/// A call, always whole.
#[derive(Debug, Deserialize)]
pub(super) struct Function {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<Map<String, Value>>,
}
