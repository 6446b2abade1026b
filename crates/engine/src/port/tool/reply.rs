use std::time::Duration;

use serde_json::Value;

/// What a tool says when it is called.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolReply {
    /// The call's result.
    Output(String),
    /// The call can't go on without a person's answer. The run waits for it; then the tool is
    /// called again with the answer. That second call is part of the same effect, so it is made
    /// for tools of every class.
    NeedsInput(Box<Question>),
    /// Nothing to say yet: the run lets go of the call, and makes it again after this time or
    /// when it is woken. Only of tools that say so by [`Tool::waits`](super::Tool::waits).
    NotYet(Duration),
}

impl From<String> for ToolReply {
    fn from(output: String) -> Self {
        Self::Output(output)
    }
}

impl From<&str> for ToolReply {
    fn from(output: &str) -> Self {
        Self::Output(output.to_owned())
    }
}

/// What a tool asks a person in the middle of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What to show.
    pub prompt: String,
    /// JSON schema of the answer; any text when absent.
    pub schema: Option<Value>,
    /// Handed back with the answer. Nobody but the tool sees it.
    pub state: Value,
}
