use std::time::Duration;

use runloom_domain::event::{PauseReason, ToolFailure, ToolPaused, ToolResulted};
use runloom_domain::{EventBody, EventPrivate, ToolCallId, ToolClass, text};
use runloom_store::ToolOutput;

use super::draft::Draft;
use super::{Call, CallState, go_on};
use crate::answer_schema::AnswerSchema;
use crate::port::tool::{Question, ToolError, ToolReply};

/// The longest message of an error that the model is shown, in bytes.
const MAX_MESSAGE: usize = 4_096;

/// How soon and how late a call may be made again that has nothing to say yet.
const REST: (Duration, Duration) = (Duration::from_millis(100), Duration::from_hours(24));

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
    /// What the log keeps of the result besides, for the engine alone.
    pub(crate) private: Option<EventPrivate>,
}

/// A tool call has ended, or stopped half-way.
pub(super) fn tool_finished(draft: &mut Draft<'_>, outcome: ToolOutcome) {
    let Some(call) = draft.state.call(outcome.tool_call_id).cloned() else {
        return;
    };
    if call.state != CallState::Started {
        return;
    }
    let (duration_ms, cap) = (outcome.duration_ms, outcome.output_cap);
    match outcome.result {
        Ok(ToolReply::Output(output)) => {
            let private = outcome.private;
            output_of(draft, &call, &output, duration_ms, cap, private);
        }
        Ok(ToolReply::NeedsInput(question)) => asks(draft, &call, *question, duration_ms),
        Ok(ToolReply::NotYet(time)) => {
            let until = draft.cx.now + time.clamp(REST.0, REST.1);
            draft.push(EventBody::ToolPaused(ToolPaused {
                tool_call_id: call.id,
                reason: PauseReason::Time,
                until: Some(until),
            }));
        }
        // The log says that it was started and has no result: a person is asked, as after a crash.
        Err(error) if error.class == ToolError::OUTCOME_UNKNOWN && is_once(draft, &call) => {}
        Err(error) => failed(draft, &call, error, duration_ms),
    }
    go_on::go_on(draft);
}

fn is_once(draft: &Draft<'_>, call: &Call) -> bool {
    let pin = draft.state.spec.tool(&call.name);
    pin.is_some_and(|pin| pin.class == ToolClass::Once)
}

/// The result of a call: the model is shown the beginning, and all of it is kept.
pub(super) fn output_of(
    draft: &mut Draft<'_>,
    call: &Call,
    output: &str,
    duration_ms: u64,
    cap: usize,
    private: Option<EventPrivate>,
) {
    let output = text::without_nul(output).into_owned();
    let shown = text::prefix(&output, cap).to_owned();
    let truncated = shown.len() < output.len();
    if truncated {
        draft.output(ToolOutput {
            tool_call_id: call.id,
            content: output,
        });
    }
    let result = ToolResulted {
        tool_call_id: call.id,
        tool_name: call.name.clone(),
        content: Some(shown),
        error: None,
        duration_ms,
        truncated,
    };
    draft.tool_result_with(result, private);
}

fn failed(draft: &mut Draft<'_>, call: &Call, error: ToolError, duration_ms: u64) {
    let message = text::without_nul(text::prefix(&error.message, MAX_MESSAGE)).into_owned();
    draft.tool_result(ToolResulted {
        tool_call_id: call.id,
        tool_name: call.name.clone(),
        content: None,
        error: Some(ToolFailure {
            error_class: error.class,
            message,
        }),
        duration_ms,
        truncated: false,
    });
}

/// The call asks a person. A question that nobody could answer is the call's failure.
fn asks(draft: &mut Draft<'_>, call: &Call, question: Question, duration_ms: u64) {
    if let Some(Err(why)) = question.schema.as_ref().map(AnswerSchema::compile) {
        let message = format!("the tool asks for an answer whose schema can't be used: {why}");
        return failed(draft, call, ToolError::failed(message), duration_ms);
    }
    let prompt = text::without_nul(text::prefix(&question.prompt, MAX_MESSAGE)).into_owned();
    draft.push_with(
        EventBody::ToolPaused(ToolPaused {
            tool_call_id: call.id,
            reason: PauseReason::Input,
            until: None,
        }),
        Some(EventPrivate::Question {
            prompt,
            schema: question.schema,
            state: question.state,
        }),
    );
}
