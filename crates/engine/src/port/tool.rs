//! The tool port.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, RunId, ToolCallId, ToolClass, ToolDefinition};
use serde_json::Value;

/// Something that a model can call.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    /// The tool as the model sees it.
    fn definition(&self) -> ToolDefinition;

    /// What a crash in mid-call means.
    fn class(&self) -> ToolClass;

    /// Whether a call is a question to a person: then it is never run, and the answer is its
    /// result. Its arguments hold `question`, and may hold `options` and `schema`. An answer must
    /// fit the schema; one that can't be used gives the call an error, and nobody is asked.
    fn asks(&self) -> bool {
        false
    }

    /// How long a call may take.
    fn timeout(&self) -> Duration {
        Duration::from_mins(1)
    }

    /// How many bytes of output the model gets to see; at most 64 KiB. The rest is stored.
    fn output_cap(&self) -> usize {
        64 * 1024
    }

    /// Runs the tool. Dropping the future cancels the call: the tool must stop then, and
    /// leave nothing running behind.
    async fn call(&self, context: ToolContext, arguments: Value) -> Result<String, ToolError>;
}

/// For whom a tool runs. Identity comes from here, never from the arguments.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The organisation.
    pub org_id: OrgId,
    /// The run.
    pub run_id: RunId,
    /// The call.
    pub tool_call_id: ToolCallId,
}

impl ToolContext {
    /// The key that names the effect outside: the same however often the call is tried.
    pub fn effect_key(&self) -> String {
        format!("{}/{}", self.run_id, self.tool_call_id)
    }
}

/// Why a tool has no result; the model is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// Such as `tool.invalid_arguments`.
    pub class: String,
    /// In words for the model.
    pub message: String,
}

impl ToolError {
    /// The arguments don't fit.
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self {
            class: "tool.invalid_arguments".into(),
            message: message.into(),
        }
    }

    /// The call was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            class: "tool.failed".into(),
            message: message.into(),
        }
    }
}

/// The tools of this process, by name.
#[derive(Clone, Default)]
pub struct ToolBox(BTreeMap<String, Arc<dyn Tool>>);

impl ToolBox {
    /// Adds a tool under the name of its definition; a later one replaces an earlier.
    #[must_use]
    pub fn with(mut self, tool: impl Tool) -> Self {
        self.0.insert(tool.definition().name, Arc::new(tool));
        self
    }

    /// The tool called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(name)
    }
}

impl std::fmt::Debug for ToolBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
