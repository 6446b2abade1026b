use runloom_domain::ToolCallId;
use runloom_domain::event::{ToolFailure, ToolResulted};
use runloom_domain::text;
use runloom_store::ToolOutput;

use super::draft::Draft;
use super::{CallState, go_on};
use crate::port::tool::{ToolError, ToolReply};

/// What a tool returned.
#[derive(Clone, Debug)]
pub(crate) struct ToolOutcome {
    /// The call.
    pub(crate) tool_call_id: ToolCallId,
    /// What it said, or why it has no result.
    pub(crate) result: Result<ToolReply, ToolError>,
    /// How long it ran, in milliseconds.
    pub(crate) duration_ms: u64,
    /// How many bytes of it the model gets to see.
    pub(crate) output_cap: usize,
}

/// A tool call has ended.
pub(super) fn tool_finished(draft: &mut Draft<'_>, outcome: ToolOutcome) {
    let Some(call) = draft.state.call(outcome.tool_call_id).cloned() else {
        return;
    };
    if call.state != CallState::Started {
        return;
    }
    let result = outcome.result.and_then(|reply| match reply {
        ToolReply::Output(output) => Ok(output),
        ToolReply::NeedsInput(_) | ToolReply::NotYet(_) => {
            Err(ToolError::failed("the tool can't wait here"))
        }
    });
    let (content, error, truncated) = match result {
        Ok(output) => {
            let output = text::without_nul(&output).into_owned();
            let shown = text::prefix(&output, outcome.output_cap).to_owned();
            let truncated = shown.len() < output.len();
            if truncated {
                draft.output(ToolOutput {
                    tool_call_id: call.id,
                    content: output,
                });
            }
            (Some(shown), None, truncated)
        }
        Err(error) => {
            let message = text::without_nul(text::prefix(&error.message, 4_096)).into_owned();
            (
                None,
                Some(ToolFailure {
                    error_class: error.class,
                    message,
                }),
                false,
            )
        }
    };
    draft.tool_result(ToolResulted {
        tool_call_id: call.id,
        tool_name: call.name,
        content,
        error,
        duration_ms: outcome.duration_ms,
        truncated,
    });
    go_on::go_on(draft);
}
