use runloom_domain::ToolCallId;
use runloom_domain::event::{ToolFailure, ToolResulted};
use runloom_domain::text;
use runloom_store::ToolOutput;

use super::draft::Draft;
use super::{CallState, go_on};
use crate::port::tool::ToolError;

/// What a tool returned.
#[derive(Clone, Debug)]
pub(crate) struct ToolOutcome {
    /// The call.
    pub(crate) tool_call_id: ToolCallId,
    /// Its output, or why there is none.
    pub(crate) result: Result<String, ToolError>,
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
    let (content, error, truncated) = match outcome.result {
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
