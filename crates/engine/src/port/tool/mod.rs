//! The tool port.

mod progress;
mod reply;
mod source;
mod toolbox;
mod typed;

use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, RunId, ToolCallId, ToolClass, ToolDefinition};
use serde_json::Value;

pub use progress::{Progress, ProgressReport};
pub use reply::{Question, ToolReply};
pub use runloom_domain::{InputAction, ToolInput};
pub use source::{OfferedTool, SourceError, ToolSource};
pub use toolbox::ToolBox;
pub use typed::TypedTool;

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

    /// Whether a call may say [`ToolReply::NotYet`].
    fn waits(&self) -> bool {
        false
    }

    /// How long a call may take. One that reports progress may take as long again from there.
    fn timeout(&self) -> Duration {
        Duration::from_mins(1)
    }

    /// How long a call may take at most, whatever progress it reports.
    fn longest(&self) -> Duration {
        self.timeout()
    }

    /// How many bytes of output the model gets to see; at most 64 KiB. The rest is stored.
    fn output_cap(&self) -> usize {
        64 * 1024
    }

    /// Runs the tool. Dropping the future cancels the call: the tool must stop then, and
    /// leave nothing running behind.
    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError>;
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
    /// How often the call has been started, this time included.
    pub attempt: u32,
    /// What a person said to the question that the call itself has asked before.
    pub input: Option<ToolInput>,
    /// Where the call says how far it is.
    pub progress: Progress,
    /// Which URLs the run's persona lets its tools reach that go where the model wants, as
    /// patterns ([`UrlPattern`](runloom_domain::UrlPattern)). Without any they reach none.
    pub http_allow: Vec<String>,
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
    /// An error of any class.
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            message: message.into(),
        }
    }

    /// The arguments don't fit.
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self::new("tool.invalid_arguments", message)
    }

    /// The call was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new("tool.failed", message)
    }

    /// The tool isn't there, or can't be reached.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Self::UNAVAILABLE, message)
    }

    /// The call was broken off and may have taken effect. Of a tool that must not happen twice a
    /// person is asked what to make of it, as after a crash; of others it is the call's result.
    pub fn outcome_unknown(message: impl Into<String>) -> Self {
        Self::new(Self::OUTCOME_UNKNOWN, message)
    }

    /// The class of [`Self::unavailable`].
    pub const UNAVAILABLE: &str = "tool.unavailable";

    /// The class of [`Self::outcome_unknown`].
    pub const OUTCOME_UNKNOWN: &str = "tool.outcome_unknown";
}
