//! What the tests of this crate share.

use runloom_domain::{OrgId, RunId, Timestamp, ToolCallId};
use runloom_engine::port::tool::{Progress, Tool, ToolContext, ToolError, ToolReply};
use serde_json::Value;

/// Some call.
pub(crate) fn context() -> ToolContext {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    ToolContext {
        org_id: OrgId::generate(now),
        run_id: RunId::generate(now),
        tool_call_id: ToolCallId::generate(now),
        attempt: 1,
        input: None,
        progress: Progress::default(),
        http_allow: vec!["*".to_owned()],
    }
}

/// Calls a tool that has something to say.
pub(crate) async fn call(tool: &impl Tool, arguments: Value) -> Result<String, ToolError> {
    match tool.call(context(), arguments).await? {
        ToolReply::Output(output) => Ok(output),
        other => panic!("it said {other:?}"),
    }
}

/// The error of a call that must fail.
pub(crate) fn error_of<T: std::fmt::Debug>(result: Result<T, ToolError>) -> ToolError {
    match result {
        Err(error) => error,
        Ok(told) => panic!("it answered {told:?}"),
    }
}
