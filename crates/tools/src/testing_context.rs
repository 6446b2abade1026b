//! What the tests of this crate share.

use runloom_domain::{OrgId, RunId, Timestamp, ToolCallId};
use runloom_engine::port::tool::{Tool, ToolContext, ToolError};
use serde_json::Value;

/// Some call.
pub(crate) fn context() -> ToolContext {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    ToolContext {
        org_id: OrgId::generate(now),
        run_id: RunId::generate(now),
        tool_call_id: ToolCallId::generate(now),
    }
}

/// Calls a tool.
pub(crate) async fn call(tool: &impl Tool, arguments: Value) -> Result<String, ToolError> {
    tool.call(context(), arguments).await
}

/// The error of a call that must fail.
pub(crate) fn error_of(result: Result<String, ToolError>) -> ToolError {
    match result {
        Err(error) => error,
        Ok(told) => panic!("it answered {told:?}"),
    }
}
