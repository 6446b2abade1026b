use runloom_domain::event::{
    AssistantMessage, FinishReason, StepCompleted, ToolApproval, ToolCalled,
};
use runloom_domain::{
    ApprovalMode, EventBody, EventPrivate, MessageBody, NanoUsd, ToolCallId, ToolCallRequest, Usage,
};
use serde_json::Value;

use super::draft::Draft;
use super::state::Phase;
use super::{FailedCall, go_on, model_failed, summary};
use crate::answer_schema::AnswerSchema;
use crate::port::model::{ModelError, ModelErrorKind};

/// A whole answer of a model.
#[derive(Clone, Debug)]
pub(crate) struct ModelAnswer {
    /// The text.
    pub(crate) text: String,
    /// The tools it wants.
    pub(crate) calls: Vec<AnsweredCall>,
    /// Why it stopped.
    pub(crate) reason: FinishReason,
    /// What it used.
    pub(crate) usage: Usage,
    /// What the provider says that it cost.
    pub(crate) reported_cost: Option<NanoUsd>,
    /// What the provider wants back.
    pub(crate) provider: Option<Value>,
}

/// A tool call as the model made it.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredCall {
    /// Minted by the driver.
    pub(crate) tool_call_id: ToolCallId,
    /// The provider's id.
    pub(crate) provider_id: String,
    /// The tool.
    pub(crate) name: String,
    /// The arguments: an object, or whatever the model wrote as a string.
    pub(crate) arguments: Value,
}

/// The model has answered.
pub(super) fn model_finished(draft: &mut Draft<'_>, answer: ModelAnswer) {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return;
    };
    if draft.state.summarises() {
        return summary::summarised(draft, answer);
    }
    if let Some(misfit) = misfit(draft, &answer) {
        let failed = FailedCall {
            error: ModelError::new(ModelErrorKind::InvalidOutput, misfit),
            usage: answer.usage,
            reported_cost: answer.reported_cost,
            shorter: None,
            text: None,
        };
        return model_failed::model_failed(draft, failed);
    }
    let call = model_failed::ledger_row(draft, tried, answer.usage, answer.reported_cost);
    let tool_calls: Vec<_> = answer
        .calls
        .iter()
        .map(|call| ToolCallRequest {
            tool_call_id: call.tool_call_id,
            tool_name: call.name.clone(),
            arguments: call.arguments.clone(),
        })
        .collect();
    draft.message(MessageBody::Assistant {
        content: answer.text.clone(),
        tool_calls: tool_calls.clone(),
        provider: answer.provider.clone(),
    });
    draft.charge(call.clone());
    draft.push_with(
        EventBody::StepCompleted(StepCompleted {
            step: tried.step,
            message: AssistantMessage {
                role: "assistant".to_owned(),
                content: answer.text,
                tool_calls,
            },
            finish_reason: answer.reason,
            usage: answer.usage,
            cost_usd: call.cost.as_dollars(),
        }),
        Some(EventPrivate::Call {
            call,
            provider: answer.provider,
            provider_call_ids: answer
                .calls
                .iter()
                .map(|call| (call.tool_call_id, call.provider_id.clone()))
                .collect(),
        }),
    );
    let looping = call_tools(draft, tried.step, answer.calls);
    if let Some(message) = looping {
        return draft.fail("limits.tool_loop", &message, None);
    }
    go_on::go_on(draft);
}

/// Says what the model calls; returns why the run must end if it turns in a circle.
fn call_tools(draft: &mut Draft<'_>, step: u32, calls: Vec<AnsweredCall>) -> Option<String> {
    let max = draft.state.spec.limits.max_identical_calls;
    let mut looping = None;
    for call in calls {
        let times = draft.state.repeats.of(&call.name, &call.arguments);
        if max != 0 && times >= max {
            looping = Some(format!(
                "the run called {} with the same arguments more than {max} times",
                call.name
            ));
        }
        let approval = approval(draft, &call.name, &call.arguments);
        draft.push(EventBody::ToolCall(ToolCalled {
            tool_call_id: call.tool_call_id,
            tool_name: call.name,
            arguments: call.arguments,
            step,
            approval,
        }));
    }
    looping
}

/// What is wrong with the form of a final answer, when the run's persona asks for one.
fn misfit(draft: &Draft<'_>, answer: &ModelAnswer) -> Option<String> {
    let format = draft.state.spec.generation.response_format.as_ref()?;
    if !answer.calls.is_empty() {
        return None;
    }
    let checked =
        AnswerSchema::compile(&format.schema).and_then(|schema| schema.check_json(&answer.text));
    let why = checked.err()?;
    Some(match answer.reason {
        FinishReason::Length => format!("the answer was cut at an output limit: {why}"),
        _ => format!("the answer does not have the form {}: {why}", format.name),
    })
}

fn approval(draft: &Draft<'_>, name: &str, arguments: &Value) -> ToolApproval {
    let pin = draft.state.spec.tool(name);
    match pin.map(|pin| draft.state.approvals.mode(pin, arguments)) {
        Some(ApprovalMode::Auto) => ToolApproval::Auto,
        Some(ApprovalMode::Ask) => ToolApproval::Ask,
        // A tool that the run doesn't have can't run either.
        Some(ApprovalMode::Deny) | None => ToolApproval::Denied,
    }
}
