use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{OrgId, ToolClass, ToolDefinition, ToolOrigin, ToolPin};

use super::{Tool, ToolError};

/// Tools that are not this process's own, such as those of MCP servers.
#[async_trait]
pub trait ToolSource: Send + Sync + 'static {
    /// What an organisation may use now, with the names that models see. Read from what is known
    /// already: creating a run never waits for a server, and each one asks.
    async fn offered(&self, org: OrgId) -> Result<Arc<[OfferedTool]>, SourceError>;

    /// The tool that a run has pinned. An error is a clear message for the model. One of the
    /// class `tool.unavailable` means that the next source is asked; others, such as
    /// `tool.definition_changed`, are the call's result.
    async fn open(&self, org: OrgId, pin: &ToolPin) -> Result<Arc<dyn Tool>, ToolError>;
}

/// A tool of a source, as a run would pin it.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedTool {
    /// As the model sees it.
    pub definition: Arc<ToolDefinition>,
    /// What a crash in mid-call means.
    pub class: ToolClass,
    /// Where it comes from.
    pub origin: ToolOrigin,
}

/// A source can't say what it offers.
#[derive(Debug, thiserror::Error)]
#[error("the tools can't be read")]
pub struct SourceError(#[source] pub Box<dyn Error + Send + Sync>);
