use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{ToolClass, ToolDefinition};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError, ToolReply};
use serde_json::Value;

use super::call::Call;
use super::catalog::McpToolInfo;
use super::pool::McpServer;
use super::state::Retry;

/// What the engine waits beyond our own deadlines, which say better what happened.
const GRACE: Duration = Duration::from_secs(5);

/// A tool of a server, as a run knows it.
pub struct McpTool {
    server: McpServer,
    info: McpToolInfo,
}

impl McpTool {
    pub(super) fn new(server: McpServer, info: McpToolInfo) -> Self {
        Self { server, info }
    }
}

#[async_trait]
impl Tool for McpTool {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition::clone(&self.info.definition)
    }

    fn class(&self) -> ToolClass {
        self.info.class
    }

    fn timeout(&self) -> Duration {
        let limits = &self.server.spec().limits;
        limits.start + limits.call + GRACE
    }

    fn longest(&self) -> Duration {
        let limits = &self.server.spec().limits;
        limits.start + limits.longest.max(limits.call) + GRACE
    }

    fn output_cap(&self) -> usize {
        self.server.spec().limits.output
    }

    async fn call(&self, context: ToolContext, arguments: Value) -> Result<ToolReply, ToolError> {
        let arguments = match arguments {
            Value::Object(arguments) => arguments,
            Value::Null => serde_json::Map::new(),
            _ => return Err(ToolError::invalid_arguments("the arguments are no object")),
        };
        let mut call = Call {
            server: &self.server,
            info: &self.info,
            arguments,
            key: context.effect_key(),
            progress: context.progress,
            answered: Vec::new(),
            retry: Retry::default(),
        };
        let called = call.run(context.input).await;
        called.map_err(|error| error.for_model(self.info.class))
    }
}
